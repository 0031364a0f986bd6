"""Plots of sets of melodies beside people's. Each function returns a figure; `theme.save` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation import theme
from melodysynthesis.evaluation.descriptors import NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from melodysynthesis.evaluation.suite import Judged


def beside_people(judged: Sequence[Judged], title: str = "The 17 descriptors beside people's") -> Figure:
    """Means of the 17 descriptors of one or several sets, in half-widths of people's 95 % band, which is shaded.

    A dot within the band is a mean that as many of people's melodies could have had. An arrow at the edge is beyond it.
    """
    edge = 6.0
    colors = (theme.PREDICTED, theme.HIGHLIGHT, theme.TRAIN, theme.INK, theme.TRUE)
    with theme.styled():
        drawn = theme.figure(7.6, 1.6 + 0.36 * len(NAMES))
        axes = drawn.subplots()
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        axes.axvspan(-1, 1, color=theme.FAINT, linewidth=0)
        axes.axvline(0, color=theme.QUIET, linewidth=1)
        for number, one in enumerate(judged):
            shift = 0.5 * (number + 1) / (len(judged) + 1) - 0.25
            color = colors[number % len(colors)]
            for place, name in enumerate(NAMES):
                row = one.find("figures", name, "mean")
                half = max((row.people_high - row.people_low) / 2, 1e-12)
                spots = [np.clip((x - row.people) / half, -edge, edge) for x in (row.low, row.value, row.high)]
                axes.plot([spots[0], spots[2]], [place + shift] * 2, color=color, linewidth=2, alpha=0.45)
                label = f"{one.name}: {len(NAMES) - len(one.outside())} of 17 within" if place == 0 else None
                marker = "o" if abs(spots[1]) < edge else ">" if spots[1] > 0 else "<"
                axes.plot([spots[1]], [place + shift], marker, color=color, markersize=5, label=label)
        axes.set_yticks(range(len(NAMES)), NAMES)
        axes.set_ylim(len(NAMES) - 0.4, -0.6)
        axes.set_xlim(-edge - 0.2, edge + 0.2)
        axes.set_xlabel("less than people's  ←  half-widths of people's 95 % band  →  more than people's")
        axes.grid(False, axis="y")
        drawn.legend(loc="outside lower left", ncols=2)
    return drawn


def likenesses(matrices: Mapping[str, NDArray[np.float64]], unit: str, title: str = "") -> Figure:
    """Mean likeness of bars or phrases (`structure.mean_likeness`) of several sets side by side, one scale for all."""
    from matplotlib.colors import PowerNorm

    shown = {name: matrix for name, matrix in matrices.items() if not np.isnan(matrix).all()} or dict(matrices)
    apart = [matrix[~np.eye(len(matrix), dtype=np.bool_)] for matrix in shown.values()]
    known = np.concatenate([values[~np.isnan(values)] for values in apart])
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    with theme.styled():
        drawn = theme.figure(1.2 + 3.1 * len(shown), 4.1)
        drawn.suptitle(title or f"How like is {unit} to {unit}?", x=0.01, ha="left", fontsize=13, fontweight="bold")
        images = []
        for axes, (name, matrix) in zip(drawn.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
            theme.bare(axes)
            off = np.where(np.eye(len(matrix), dtype=np.bool_), np.nan, matrix)  # each is like itself: not worth ink
            extent = (0.5, len(matrix) + 0.5, len(matrix) + 0.5, 0.5)
            style = {"cmap": theme.HEAT, "norm": PowerNorm(1.5, lowest, highest), "interpolation": "nearest"}
            images.append(axes.imshow(off, extent=extent, **style))
            axes.set_title(name, fontsize=10.5)
            axes.set(xlabel=unit)
            for axis in (axes.xaxis, axes.yaxis):
                axis.get_major_locator().set_params(integer=True)
        bar = drawn.colorbar(images[0], ax=drawn.axes, shrink=0.75, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label("mean likeness")
    return drawn
