"""Plots of a study's report. Each function returns a matplotlib figure; `inline` makes it part of a page.

A model keeps its colour in all plots. In the plan's first encoding it is drawn with full dots and solid lines, in the
other ones with hollow dots and dashed lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation import plotting
from melodysynthesis.evaluation.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
WIDTH = 8.4
"""Inches of every figure, which is shown as wide as the page."""

COLOURS = {
    "ink": (plotting.INK, "#e6ebf0"), "quiet": (plotting.QUIET, "#96a3b0"), "faint": (plotting.FAINT, "#2c3743"),
    "paper": ("#ffffff", "#11171e"), "people": ("#8fa3b8", "#5f7488"),
    "c1": ("#c8551b", "#f08a52"), "c2": ("#2f6f9f", "#74b3e2"), "c3": ("#2a7f62", "#5cc29b"),
    "c4": ("#8a5aa8", "#c19be4"), "c5": ("#a87f0a", "#e0bc50"), "c6": ("#b0476b", "#e9829f"),
    "c7": ("#55707c", "#9bb4c0"), "c8": ("#6b5b4b", "#c0aa92"),
}  # fmt: skip
"""Name -> colour on a light and on a dark page; ``c1`` to ``c8`` are the models'."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a model is drawn: its label, the number of its colour from 1 (0 for human melodies), and whether hollow."""

    label: str
    colour: int
    hollow: bool = False

    @property
    def name(self) -> str:
        """The colour's name in `COLOURS`."""
        return f"c{(self.colour - 1) % 8 + 1}" if self.colour else "people"

    @property
    def hex(self) -> str:
        """The colour on a light page."""
        return COLOURS[self.name][0]

    @property
    def dots(self) -> dict[str, Any]:
        """Matplotlib's style of the dots."""
        return {"color": self.hex, "marker": "o", "markerfacecolor": COLOURS["paper"][0] if self.hollow else self.hex}

    @property
    def dashes(self) -> Literal["--", "-"]:
        """Matplotlib's style of the line."""
        return "--" if self.hollow else "-"


def page_colours() -> str:
    """CSS variables of all colours, for light and dark pages; paper is always light."""
    light, dark = ("; ".join(f"--{name}: {both[way]}" for name, both in COLOURS.items()) for way in (0, 1))
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"


def inline(svg: str) -> str:
    """A plot for a page: its colours become the page's variables, so that it is dark on a dark page."""
    for name, (light, _) in COLOURS.items():
        svg = svg.replace(light, f"var(--{name})")
    return svg


def forest(rows: Sequence[tuple[Mark, Interval, Sequence[float]]], unit: str, goal: float | None = None) -> Figure:
    """A line for each model: its value, its interval and a stroke for each seed; a goal is a dashed line."""
    with plotting.styled():
        drawn = plotting.figure(WIDTH, 0.7 + 0.29 * max(len(rows), 1))
        axes = drawn.subplots()
        for place, (mark, interval, seeds) in enumerate(rows):
            if isfinite(interval.low) and isfinite(interval.high):
                axes.plot([interval.low, interval.high], [place, place], color=mark.hex, solid_capstyle="round")
            if len(seeds) > 1:
                axes.plot(seeds, [place] * len(seeds), "|", color=mark.hex, markersize=9, markeredgewidth=1)
            if isfinite(interval.value):
                axes.plot([interval.value], [place], markersize=6.5, **mark.dots)
                value = f"{interval.value:.3f}"
                axes.text(1.01, place, value, transform=axes.get_yaxis_transform(), va="center", fontsize=9.5)
        if goal is not None:
            axes.axvline(goal, color=plotting.QUIET, linewidth=1.2, linestyle="--")
        axes.set_yticks(range(len(rows)), [mark.label for mark, _, _ in rows])
        axes.set(xlabel=unit, ylim=(len(rows) - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(False, axis="y")
    return drawn


def lines(panels: Sequence[tuple[str, Sequence[tuple[Mark, Floats, Floats, str]]]], x_name: str, y_name: str) -> Figure:
    """Panels side by side of curves (mark, places, values, style of the line), on one scale."""
    with plotting.styled():
        drawn = plotting.figure(WIDTH, 3.6)
        row = drawn.subplots(1, max(len(panels), 1), sharey=True, squeeze=False)[0]
        for axes, (title, curves) in zip(row, panels, strict=False):
            for mark, places, values, style in curves:
                axes.plot(places, values, style, color=mark.hex, linewidth=1.2)
            axes.set_title(title, fontsize=10.5)
            axes.set_xlabel(x_name)
            axes.xaxis.get_major_locator().set_params(integer=True)
        row[0].set_ylabel(y_name)
        # colours denote models here, and line styles other things
        _legend(drawn, (Mark(mark.label.partition(",")[0], mark.colour) for _, curves in panels for mark, *_ in curves))
    return drawn


def profiles(
    panels: Sequence[tuple[str, Sequence[str], Sequence[tuple[Mark, Sequence[float]]]]], y_name: str
) -> Figure:
    """Panels, two in a row: for each model a value for each of some categories by name, joined by a line."""
    rows = max((len(panels) + 1) // 2, 1)
    with plotting.styled():
        drawn = plotting.figure(WIDTH, 0.9 + 2.7 * rows)
        grid = drawn.subplots(rows, 2, squeeze=False).ravel()
        for axes, (title, names, several) in zip(grid, panels, strict=False):
            for mark, values in several:
                style: dict[str, Any] = {"markersize": 4, "linewidth": 1.2, "linestyle": mark.dashes, **mark.dots}
                axes.plot(range(len(names)), values, **style)
            crowded = sum(map(len, names)) > 36
            turned: dict[str, Any] = {"rotation": 24, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
            axes.set_xticks(range(len(names)), names, fontsize=8.5, **turned)
            axes.set_title(title, fontsize=10.5)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[: len(panels) : 2]:
            axes.set_ylabel(y_name)
        _legend(drawn, (mark for _, _, several in panels for mark, _ in several))
    return drawn


def curves(series: Sequence[tuple[Mark, Sequence[tuple[float, float, str]]]], x_name: str, y_name: str) -> Figure:
    """Points (x, y, label) joined in order, such as a model's quality and diversity by temperature."""
    with plotting.styled():
        drawn = plotting.figure(WIDTH, 4.6)
        axes = drawn.subplots()
        for mark, points in series:
            x, y = [point[0] for point in points], [point[1] for point in points]
            axes.plot(x, y, markersize=5, linestyle=mark.dashes, **mark.dots)
            for a, b, label in points:
                axes.annotate(
                    label, (a, b), xytext=(4, 4), textcoords="offset points", fontsize=8, color=plotting.QUIET
                )
        axes.set(xlabel=x_name, ylabel=y_name)
        _legend(drawn, (mark for mark, _ in series))
    return drawn


def densities(
    panels: Sequence[tuple[str, tuple[float, float], Sequence[tuple[Mark, Floats, float]]]], columns: int = 3
) -> Figure:
    """A panel for each figure: the density of each model's melodies over that of human ones, and the human band.

    Args:
        panels: name, ends of the human band of means, and (mark, values of the melodies, their mean) of each model,
            with human melodies first.
        columns: of panels.
    """
    lines_in_panel = max((len(several) for _, _, several in panels), default=1)
    rows = max(-(-len(panels) // columns), 1)
    with plotting.styled():
        drawn = plotting.figure(WIDTH, rows * (0.6 + 0.235 * lines_in_panel))
        grid = drawn.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, (name, band, several) in zip(grid.ravel(), panels, strict=False):
            _density_rows(axes, band, several)
            axes.set_title(name, fontsize=9.5, pad=5)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_visible(False)
        labels = [mark.label for mark, _, _ in panels[0][2]] if panels else []
        grid[0, 0].set_yticks(range(len(labels)), labels)
        grid[0, 0].set_ylim(len(labels) - 0.7, -1.1)
    return drawn


def _density_rows(
    axes: Axes, band: tuple[float, float], several: Sequence[tuple[Mark, Floats, float]], places: int = 48
) -> None:
    known = np.concatenate([values[np.isfinite(values)] for _, values, _ in several])
    low, high = np.quantile(known, [0.01, 0.99]).tolist() if len(known) else (0.0, 1.0)
    at = np.linspace(low, high if high > low else low + 1, places)
    if not any(map(isnan, band)):
        axes.axvspan(*np.clip(band, at[0], at[-1]), color=COLOURS["people"][0], alpha=0.25, linewidth=0)
    outline = np.concatenate([at[:1], at, at[-1:]])
    human = _closed(density(several[0][1], at))
    for place, (mark, values, mean) in enumerate(several):
        if place and human is not None:
            axes.fill(outline, place - 0.82 * human, facecolor=(COLOURS["people"][0], 0.25), linewidth=0)
        if (shape := _closed(density(values, at))) is not None:
            style: dict[str, Any] = {"facecolor": (mark.hex, 0.25), "edgecolor": mark.hex, "linestyle": mark.dashes}
            axes.fill(outline, place - 0.82 * shape, linewidth=0.9, **style)
        if at[0] <= mean <= at[-1]:
            axes.plot([mean, mean], [place, place - 0.4], color=mark.hex, linewidth=1.8)
    axes.set_xlim(at[0], at[-1])
    axes.tick_params(axis="both", length=0, labelsize=8)
    axes.locator_params(axis="x", nbins=3)
    axes.spines["left"].set_visible(False)


def _closed(shape: Floats | None) -> Floats | None:
    """A density that begins and ends at 0, to be filled."""
    return None if shape is None else np.pad(shape, 1)


def density(values: Floats, at: Floats) -> Floats | None:
    """The density of values by Gaussian kernels of Scott's width, as shares of its highest point; None for too few."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    width = max(float(known.std()) * len(known) ** -0.2, float(at[-1] - at[0]) / 80)
    found = np.exp(-0.5 * ((at[:, None] - known) / width) ** 2).sum(axis=1)
    return np.asarray(found / (found.max() or 1.0))


def matrices(
    panels: Sequence[tuple[Mark, Floats]], columns: int, power: float, edges: Sequence[Sequence[int]] = ()
) -> Figure:
    """Square matrices, one for each model, in shades of its colour; NaN is left blank.

    Args:
        panels: mark and matrix; all are drawn on one scale, from the lowest value to the highest.
        columns: of panels.
        power: of the value, which is the shade: below 1 rare values stand out, above 1 common ones.
        edges: for each panel the rows before which a line is drawn.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    known = np.concatenate([table[np.isfinite(table)] for _, table in panels] or [np.zeros(0)])
    limits = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    rows = max(-(-len(panels) // columns), 1)
    side = WIDTH / columns
    with plotting.styled():
        drawn = plotting.figure(WIDTH, rows * (side + 0.15))
        grid = drawn.subplots(rows, columns, squeeze=False).ravel()
        for number, (axes, (mark, table)) in enumerate(zip(grid, panels, strict=False)):
            red, green, blue = to_rgb(mark.hex)
            # from nothing to the full colour, so that the page shows through
            shades = LinearSegmentedColormap.from_list("", [(red, green, blue, 0.0), (red, green, blue, 1.0)])
            if table.size:
                plotting.heat_map(axes, table, power, limits, cmap=shades)
            for edge in edges[number] if edges else ():
                axes.axhline(edge - 0.5, color=plotting.FAINT, linewidth=0.7)
                axes.axvline(edge - 0.5, color=plotting.FAINT, linewidth=0.7)
            axes.set(xticks=[], yticks=[], facecolor="none")
            for spine in axes.spines.values():
                spine.set(visible=True, color=plotting.FAINT)
            axes.set_title(mark.label, fontsize=9.5, pad=5)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
    return drawn


def _legend(drawn: Figure, marks: Iterable[Mark]) -> None:
    """Names of the marks above the panels."""
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(marks))
    handles = [Line2D([], [], label=m.label, markersize=6, linestyle=m.dashes, linewidth=1.2, **m.dots) for m in names]
    if handles:
        drawn.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=9)
