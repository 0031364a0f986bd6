"""The report's plots, as SVG text that takes its colours from the page: light, dark and on paper.

Each function returns one ``<svg>``. Colours are CSS variables: ``--ink``, ``--quiet``, ``--faint``, ``--people``, and
of the models ``--c1`` to ``--c8``; `alone` makes a file of its own of one. An entrant in the plan's first encoding is
drawn full, in another one hollow or dashed.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation.statistics import Interval

Floats = NDArray[np.float64]
WIDTH = 760
SHADES = 8
"""Steps of fullness of a matrix: each is one path, so that thousands of cells stay small."""

_LIGHT = """--ink: #1c2733; --quiet: #66727f; --faint: #dfe4ea; --paper: #ffffff; --people: #8fa3b8;
  --c1: #c8551b; --c2: #2f6f9f; --c3: #2a7f62; --c4: #8a5aa8; --c5: #a87f0a; --c6: #b0476b; --c7: #55707c;
  --c8: #6b5b4b;"""
_DARK = """--ink: #e6ebf0; --quiet: #96a3b0; --faint: #2c3743; --paper: #11171e; --people: #5f7488;
  --c1: #f08a52; --c2: #74b3e2; --c3: #5cc29b; --c4: #c19be4; --c5: #e0bc50; --c6: #e9829f; --c7: #9bb4c0;
  --c8: #c0aa92;"""
COLOURS = f""":root {{ {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
"""
"""The colours of a page or file; paper is always light."""

DRAWING = """svg.chart { overflow: visible;
  font: 11px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
svg.chart text { fill: var(--ink); } svg.chart text.quiet { fill: var(--quiet); }
svg.chart text.head { font-weight: 600; }
svg.chart .rule { stroke: var(--faint); fill: none; } svg.chart .axis { stroke: var(--quiet); fill: none; }
svg.chart .line { stroke: var(--c); fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
svg.chart .thin { stroke-width: 1.1; opacity: .75; } svg.chart .dashed { stroke-dasharray: 4 3; }
svg.chart .dot { fill: var(--c); stroke: var(--c); } svg.chart .hollow { fill: var(--paper); stroke-width: 1.6; }
svg.chart .area { fill: var(--c); fill-opacity: .28; stroke: var(--c); stroke-width: 1.2; }
svg.chart .ghost { fill: var(--people); fill-opacity: .22; stroke: none; }
svg.chart .band { fill: var(--people); fill-opacity: .25; stroke: none; } svg.chart .cell { fill: var(--c); }
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """How an entrant is drawn: its label, its colour's number from 1, 0 for people, and whether hollow."""

    label: str
    colour: int
    hollow: bool = False

    @property
    def style(self) -> str:
        """The attribute that sets the colour."""
        return f'style="--c: var(--{f"c{(self.colour - 1) % 8 + 1}" if self.colour else "people"})"'


class Axis(NamedTuple):
    """A scale from values to places, with round ticks."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values within the scale, about so many."""
        raw = (self.high - self.low or 1.0) / max(about, 1)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw - 1e-12)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, int(self.high / step + 1e-9) + 1)]


def axis(values: Iterable[float], start: float, end: float, margin: float = 0.06) -> Axis:
    """An axis that holds the finite values, with a margin."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    apart = (high - low) * margin or abs(high) * margin or 1.0
    return Axis(low - apart, high + apart, start, end)


def forest(
    rows: Sequence[tuple[Mark, Interval, Sequence[float]]],
    unit: str,
    band: tuple[float, float] | None = None,
    goal: float | None = None,
) -> str:
    """A line for each entrant: its value and interval, its seeds as ticks; people's band behind, a goal as a line."""
    left, right, line = 158, 74, 24
    height = line * len(rows) + 52
    numbers = [n for _, i, seeds in rows for n in (i.value, i.low, i.high, *seeds)] + list(band or ())
    x = axis([*numbers, *([goal] if goal is not None else [])], left, WIDTH - right)
    body = [_vertical(x, 4, height - 44)]
    if band is not None:
        body.append(_rect(x(band[0]), 4, x(band[1]) - x(band[0]), height - 48, "band"))
    if goal is not None:
        body.append(f'<path class="axis dashed" d="M{x(goal):.1f} 4V{height - 44}"/>')
    for number, (mark, interval, seeds) in enumerate(rows):
        y = 16 + line * number
        body.append(_text(left - 12, y + 4, mark.label, "end"))
        if math.isfinite(interval.low) and math.isfinite(interval.high):
            body.append(f'<path class="line" {mark.style} d="M{x(interval.low):.1f} {y}H{x(interval.high):.1f}"/>')
        body += [f'<path class="line thin" {mark.style} d="M{x(s):.1f} {y - 5}v10"/>' for s in seeds if len(seeds) > 1]
        if math.isfinite(interval.value):
            body.append(_dot(x(interval.value), y, 4.2, mark))
            body.append(_text(WIDTH - right + 12, y + 4, _short(interval.value), "start"))
    body.append(_text((left + WIDTH - right) / 2, height - 4, unit, "middle", "quiet"))
    return _svg(WIDTH, height, body, unit)


def lines(panels: Sequence[tuple[str, Sequence[tuple[Mark, Floats, Floats, bool]]]], x_name: str, y_name: str) -> str:
    """Panels side by side of curves (mark, places, values, whether dashed), on one scale."""
    count = max(len(panels), 1)
    left, gap, top, bottom = 44, 26, 26, 34
    width = (WIDTH - left - gap * (count - 1)) / count
    height = 260
    curves = [curve for _, several in panels for curve in several]
    y = axis([v for _, _, values, _ in curves for v in values.tolist()], height - bottom, top)
    body = []
    for number, (title, several) in enumerate(panels):
        start = left + number * (width + gap)
        x = axis([p for _, places, _, _ in several for p in places.tolist()], start, start + width, 0.03)
        body.append(_horizontal(y, start, start + width, labels=number == 0))
        body += [_text(x(t), height - bottom + 16, f"{t:g}", "middle", "quiet") for t in x.ticks(5)]
        body.append(_text(start, 12, title, "start", "head"))
        for mark, places, values, dashed in several:
            points = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in zip(places.tolist(), values.tolist(), strict=True))
            classes = "line thin" + (" dashed" if dashed else "")
            body.append(f'<polyline class="{classes}" {mark.style} points="{points}"/>')
    body.append(_text(WIDTH / 2, height - 2, x_name, "middle", "quiet"))
    return _svg(WIDTH, height, body, f"{y_name} by {x_name}", [mark for mark, _, _, _ in curves])


def profiles(panels: Sequence[tuple[str, Sequence[str], Sequence[tuple[Mark, Sequence[float]]]]], y_name: str) -> str:
    """Panels, two in a row: of each entrant a value for each of some things by name, joined by a line."""
    columns, left, gap, top, height = 2, 40, 44, 26, 220
    width = (WIDTH - left - gap * (columns - 1)) / columns
    body = []
    for number, (title, names, several) in enumerate(panels):
        row, column = divmod(number, columns)
        start, up = left + column * (width + gap), row * height
        y = axis([value for _, values in several for value in values], up + height - 48, up + top)
        x = Axis(-0.5, len(names) - 0.5, start, start + width)
        body += [_text(start, up + 12, title, "start", "head"), _horizontal(y, start, start + width)]
        crowded = sum(map(len, names)) > 36
        for place, name in enumerate(names):
            turn = f' transform="rotate(-24 {x(place):.1f} {up + height - 32})"' if crowded else ""
            label = _text(x(place), up + height - 32, name, "end" if crowded else "middle", "quiet")
            body.append(label.replace("<text", f"<text{turn}", 1))
        for mark, values in several:
            known = [(x(n), y(value)) for n, value in enumerate(values) if math.isfinite(value)]
            dashed = " dashed" if mark.hollow else ""
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in known)
            body.append(f'<polyline class="line thin{dashed}" {mark.style} points="{points}"/>')
            body += [_dot(a, b, 2.6, mark) for a, b in known]
    marks = [mark for _, _, several in panels for mark, _ in several]
    return _svg(WIDTH, height * math.ceil(len(panels) / columns), body, y_name, marks)


def curves(series: Sequence[tuple[Mark, Sequence[tuple[float, float, str]]]], x_name: str, y_name: str) -> str:
    """Points joined in order, each with a label: a quality-diversity curve."""
    left, top, bottom, height = 56, 12, 40, 340
    points = [point for _, several in series for point in several]
    x = axis([p[0] for p in points], left, WIDTH - 12)
    y = axis([p[1] for p in points], height - bottom, top)
    body = [_horizontal(y, left, WIDTH - 12), _vertical(x, top, height - bottom)]
    for mark, several in series:
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b, _ in several)
        dashed = " dashed" if mark.hollow else ""
        body.append(f'<polyline class="line{dashed}" {mark.style} points="{path}"/>')
        for a, b, label in several:
            body.append(_dot(x(a), y(b), 5.5 if not mark.colour else 3.8, mark))
            body.append(_text(x(a) + 6, y(b) - 6, label, "start", "quiet"))
    body.append(_text((left + WIDTH) / 2, height - 3, x_name, "middle", "quiet"))
    body.append(f'<text class="quiet" transform="translate(12 {height / 2 - 14}) rotate(-90)" '
                f'text-anchor="middle">{html.escape(y_name)}</text>')  # fmt: skip
    return _svg(WIDTH, height, body, f"{y_name} against {x_name}", [mark for mark, _ in series])


def ridges(
    panels: Sequence[tuple[str, tuple[float, float], Sequence[tuple[Mark, Floats, float]]]], columns: int = 3
) -> str:
    """A panel a figure: of each entrant the density of its melodies, people's as a ghost behind it, the band of means.

    Args:
        panels: name, people's band, and (mark, values, mean) of each entrant, people first.
        columns: of panels.
    """
    line, gap, top = 22, 22, 30
    rows = max((len(several) for _, _, several in panels), default=0)
    width = (WIDTH - 92 - gap * (columns - 1)) / columns
    height = top + line * rows + 34
    body = []
    for number, (name, band, several) in enumerate(panels):
        row, column = divmod(number, columns)
        left, up = 92 + column * (width + gap), row * height
        everything = np.concatenate([values[np.isfinite(values)] for _, values, _ in several] or [np.zeros(1)])
        low, high = np.quantile(everything, [0.01, 0.99]) if len(everything) else (0.0, 1.0)
        x = Axis(float(low), float(high) if high > low else float(low) + 1, left, left + width)
        body.append(_text(left, up + 14, name, "start", "head"))
        if all(map(math.isfinite, band)):
            start, end = (min(max(x(edge), left), left + width) for edge in band)
            body.append(_rect(start, up + top - 6, max(end - start, 1.0), line * rows + 4, "band"))
        ghost = _density(several[0][1], x) if several else ""
        for place, (mark, values, mean) in enumerate(several):
            base = up + top + line * (place + 1) - 4
            if column == 0:
                body.append(_text(left - 8, base - 3, mark.label, "end"))
            body.append(f'<path class="rule" d="M{left:.1f} {base}H{left + width:.1f}"/>')
            if place and ghost:
                body.append(f'<path class="ghost" transform="translate(0 {base})" d="{ghost}"/>')
            if shape := _density(values, x):
                dashed = " dashed" if mark.hollow else ""
                body.append(f'<path class="area{dashed}" {mark.style} transform="translate(0 {base})" d="{shape}"/>')
            if math.isfinite(mean) and x.low <= mean <= x.high:
                body.append(f'<path class="line" {mark.style} d="M{x(mean):.1f} {base}v-7"/>')
        body += [_text(x(t), up + height - 20, _short(t), "middle", "quiet") for t in x.ticks(3)]
    return _svg(WIDTH, height * math.ceil(len(panels) / columns), body, "densities of descriptors")


def matrices(panels: Sequence[tuple[Mark, Floats]], columns: int = 4, caption: str = "") -> str:
    """Squares of values from 0 to 1, one an entrant, such as the likeness of bars; NaN is left blank."""
    gap, top = 18, 24
    side = (WIDTH - gap * (columns - 1)) / columns
    body = []
    known = np.concatenate([table[~np.eye(len(table), dtype=np.bool_)].ravel() for _, table in panels])
    low, high = (np.nanmin(known), np.nanmax(known)) if np.isfinite(known).any() else (0.0, 1.0)
    for number, (mark, table) in enumerate(panels):
        row, column = divmod(number, columns)
        left, up = column * (side + gap), row * (side + top + gap) + top
        scaled = np.clip((table - low) / (high - low or 1.0), 0, 1)
        body.append(_text(left, up - 8, mark.label, "start", "head"))
        body.append(_rect(left, up, side, side, "rule"))
        body.append(_shaded(scaled, left, up, side, 'style="--c: var(--ink)"'))
    rows = math.ceil(len(panels) / columns)
    return _svg(WIDTH, rows * (side + top + gap) - gap, body, caption)


def sparse_matrices(
    panels: Sequence[tuple[Mark, int, Sequence[tuple[int, int, float]], Sequence[int]]], columns: int = 3
) -> str:
    """Confusion matrices: (mark, size, cells (true, predicted, share), where a new group begins)."""
    gap, top = 22, 24
    side = (WIDTH - gap * (columns - 1)) / columns
    body = []
    for number, (mark, size, cells, edges) in enumerate(panels):
        row, column = divmod(number, columns)
        left, up = column * (side + gap), row * (side + top + gap) + top
        table = np.zeros((max(size, 1), max(size, 1)))
        for true, predicted, share in cells:
            table[true, predicted] = math.sqrt(share)
        body.append(_text(left, up - 8, mark.label, "start", "head"))
        body.append(_rect(left, up, side, side, "rule"))
        body.append(_shaded(table, left, up, side, mark.style))
        for edge in edges:
            at = edge / max(size, 1) * side
            body.append(
                f'<path class="rule" d="M{left:.1f} {up + at:.1f}h{side:.1f}M{left + at:.1f} {up:.1f}v{side:.1f}"/>'
            )
    rows = math.ceil(len(panels) / columns)
    return _svg(WIDTH, rows * (side + top + gap) - gap, body, "what was predicted for what")


def alone(svg: str) -> str:
    """A chart as a file of its own, with its colours inside."""
    return svg.replace(
        ">", f"><style>{COLOURS}{DRAWING}</style><rect width='100%' height='100%' fill='var(--paper)'/>", 1
    )


def _density(values: Floats, x: Axis, height: float = 18.0, places: int = 60) -> str:
    """The outline of a density by Gaussian kernels of Scott's width, above a base line at 0; "" of nothing known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return ""
    width = max(float(known.std()) * len(known) ** -0.2, (x.high - x.low) / 80)
    at = np.linspace(x.low, x.high, places)
    density = np.exp(-0.5 * ((at[:, None] - known) / width) ** 2).sum(axis=1)
    scaled = density / (density.max() or 1.0) * height
    points = " ".join(f"{x(a):.1f} {-d:.1f}" for a, d in zip(at.tolist(), scaled.tolist(), strict=True))
    return f"M{x.start:.1f} 0L{points}L{x.end:.1f} 0Z"


def _shaded(table: Floats, left: float, up: float, side: float, style: str) -> str:
    """The cells of a square table of shares, fuller for more, as one path for each shade."""
    size = len(table)
    steps = np.where(np.isfinite(table), np.ceil(np.nan_to_num(table) * SHADES), 0).astype(int)
    paths = []
    for step in range(1, SHADES + 1):
        cells = "".join(f"M{c} {r}h1v1h-1z" for r, c in np.argwhere(steps == step).tolist())
        if cells:
            paths.append(f'<path class="cell" fill-opacity="{step / SHADES:.2f}" d="{cells}"/>')
    scale = side / max(size, 1)
    return f'<g {style} transform="translate({left:.1f} {up:.1f}) scale({scale:.4f})">{"".join(paths)}</g>'


def _vertical(x: Axis, top: float, bottom: float) -> str:
    parts = [f'<path class="rule" d="M{x(t):.1f} {top}V{bottom}"/>' for t in x.ticks(6)]
    return "".join([*parts, *(_text(x(t), bottom + 15, _short(t), "middle", "quiet") for t in x.ticks(6))])


def _horizontal(y: Axis, left: float, right: float, labels: bool = True) -> str:
    parts = [f'<path class="rule" d="M{left:.1f} {y(t):.1f}H{right:.1f}"/>' for t in y.ticks(5)]
    if labels:
        parts += [_text(left - 8, y(t) + 4, _short(t), "end", "quiet") for t in y.ticks(5)]
    return "".join(parts)


def _dot(x: float, y: float, radius: float, mark: Mark) -> str:
    hollow = " hollow" if mark.hollow else ""
    return f'<circle class="dot{hollow}" {mark.style} cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    classes = f' class="{kind}"' if kind else ""
    return f'<text{classes} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _short(value: float) -> str:
    """A number of about three digits."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.4g}" if size >= 1 or not size else f"{value:.3f}".rstrip("0")


def _legend(marks: Sequence[Mark]) -> tuple[str, float]:
    """Names beside their marks, in as many lines as they need; and the height of these."""
    body, left, line = [], 0.0, 0
    for mark in dict.fromkeys(marks):
        room = 34 + 6.2 * len(mark.label)
        if left and left + room > WIDTH:
            left, line = 0.0, line + 1
        body += [_dot(left + 5, 9 + 18 * line, 4, mark), _text(left + 15, 13 + 18 * line, mark.label, "start")]
        left += room
    return "".join(body), 18 * line + 30 if body else 0


def _svg(width: float, height: float, body: Sequence[str], name: str, marks: Sequence[Mark] = ()) -> str:
    """The picture; with a legend above where its marks are not named beside what they draw."""
    legend, room = _legend(marks)
    drawn = f'{legend}<g transform="translate(0 {room})">{"".join(body)}</g>' if marks else "".join(body)
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + room:.0f}" '
        f'role="img" aria-label="{html.escape(name, quote=True)}">{drawn}</svg>'
    )
