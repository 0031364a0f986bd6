"""The report of a listening test as a page: forest plots of strengths and ratings, agreement, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite

from melodysynthesis.apps.listen.results import Results
from melodysynthesis.evaluation.statistics import Interval

WIDTH, LEFT, RIGHT, ROW = 720, 190, 130, 30
STYLE = """
body { font: 15px/1.5 Georgia, serif; max-width: 760px; margin: 2rem auto; padding: 0 1rem; color: #211d18; }
svg { width: 100%; height: auto; font: 13px sans-serif; } table { border-collapse: collapse; }
td, th { text-align: left; padding: 2px 12px 2px 0; border-bottom: 1px solid #ddd5c5; } .note { color: #655d51; }
"""
HEADINGS = {"pleasing": "How much it pleases, from 1 to 7", "human": "Written by a person, from 1 to 7"}


def page(title: str, results: Results) -> str:
    """A page of HTML that is complete in itself."""
    found = results.preference
    strengths = dict(zip(found.sets, found.strengths, strict=True))
    done = sum(one.answered == one.of for one in results.people)
    out = sum(one.left_out for one in results.people)
    parts = [f"<p>{len(results.people)} took part, {done} to the end; {out} left out for failed checks.</p>"]
    if strengths:
        parts += ["<h2>Strength by choices</h2>", forest(strengths, 0.0)]
        parts += ["<p class='note'>Log odds of being chosen; 0 is the mean set.</p>"]
    for question, words in HEADINGS.items():
        means = results.means[question]
        if means:
            parts += [f"<h2>{words}</h2>", forest(means, None)]
    rows = [
        f"<tr><td>{escape(name)}</td><td>{_text(alpha)}</td><td>{units}</td></tr>"
        for name, (alpha, units) in results.agreement.items()
        if units
    ]
    if rows:
        head = "<tr><th>question</th><th>Krippendorff’s alpha</th><th>melodies or pairs</th></tr>"
        parts += ["<h2>Agreement</h2>", f"<table>{head}{''.join(rows)}</table>"]
    parts.append("<p class='note'>Points are estimates, lines 95 % intervals over participants.</p>")
    body = "\n".join(parts)
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title><style>{STYLE}</style>"
        f"<h1>{escape(title)}</h1>\n{body}</html>\n"
    )


def forest(intervals: Mapping[str, Interval], middle: float | None) -> str:
    """A forest plot as SVG: a row for each set, the best first.

    Args:
        intervals: of the sets, by name. One without known ends has a point only.
        middle: value at which a line is drawn.
    """
    names = sorted((name for name, one in intervals.items() if isfinite(one.value)), key=lambda n: -intervals[n].value)
    low, high = _span([intervals[name] for name in names], middle)
    scale = (WIDTH - LEFT - RIGHT) / (high - low)
    bottom = ROW * len(names) + 8

    def x(value: float) -> float:
        return LEFT + (value - low) * scale

    parts = []
    if middle is not None:
        parts.append(f"<line x1='{x(middle):.1f}' x2='{x(middle):.1f}' y1='0' y2='{bottom}' stroke='#ddd5c5'/>")
    for row, name in enumerate(names):
        one, y = intervals[name], ROW * row + ROW / 2
        parts.append(f"<text x='{LEFT - 12}' y='{y + 4}' text-anchor='end'>{escape(name[:26])}</text>")
        if isfinite(one.low):
            ends = f"x1='{x(one.low):.1f}' x2='{x(one.high):.1f}' y1='{y}' y2='{y}'"
            parts.append(f"<line {ends} stroke='#1d6a66' stroke-width='2'/>")
        parts.append(f"<rect x='{x(one.value) - 4:.1f}' y='{y - 4}' width='8' height='8' fill='#a63d2f'/>")
        parts.append(f"<text x='{WIDTH - RIGHT + 12}' y='{y + 4}'>{_text(one)}</text>")
    parts += [
        f"<text x='{x(value):.1f}' y='{bottom + 14}' text-anchor='middle' fill='#655d51'>{value:.1f}</text>"
        for value in (low, (low + high) / 2, high)
    ]
    label = escape("; ".join(f"{name} {_text(intervals[name])}" for name in names), quote=True)
    return f"<svg viewBox='0 0 {WIDTH} {bottom + 20}' role='img' aria-label='{label}'>{''.join(parts)}</svg>"


def _span(intervals: Sequence[Interval], middle: float | None) -> tuple[float, float]:
    """The values that are shown: those of all intervals, and the middle."""
    ends = [value for one in intervals for value in (one.low, one.value, one.high) if isfinite(value)]
    ends += [middle] if middle is not None else []
    low, high = min(ends), max(ends)
    return (low - 0.5, high + 0.5) if high - low < 0.1 else (low, high)


def _text(interval: Interval) -> str:
    if not isfinite(interval.value):
        return "unknown"
    shown = f"{interval.value:.2f}"
    return shown if not isfinite(interval.low) else f"{shown} [{interval.low:.2f}, {interval.high:.2f}]"
