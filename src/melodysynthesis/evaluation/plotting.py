"""The look of every plot, in one place, and how a plot becomes a PNG or SVG file.

Figures are made as objects, never through pyplot, so plotting leaves no state behind and needs no display.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from melodysynthesis.formats import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, FAINT = "#1c2733", "#66727f", "#dfe4ea"
TRUE, PREDICTED = "#8fa3b8", "#c8551b"
TRAIN, VALIDATION = "#5b7fa6", "#c8551b"
HIGHLIGHT = "#2a7f62"
HEAT = "bone_r"
"""White through grey-blue to black: evenly stepped in lightness, and readable on a grey printer."""

DPI = 150
STYLE: dict[Any, object] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a plot is the same on every machine
    "font.size": 10.0,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.labelsize": 10.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "figure.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: it can be searched, and is a tenth of the size of outlines
}


def figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure of a size in inches, with a title; use it within ``with styled():``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    new = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(new)
    if title:
        new.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    return new


def styled() -> Any:
    """A context in which new figures and axes have this look."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def png(drawn: Figure) -> bytes:
    """A figure as PNG. The same figure gives the same bytes: they hold no date and no version."""
    buffer = io.BytesIO()
    with styled():
        drawn.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def svg(drawn: Figure, name: str) -> str:
    """A figure as an ``<svg>`` element without a fixed size, for a page or a file of its own.

    The same figure and name give the same text. Names within it are derived from `name`, so several figures can stand
    in one page.
    """
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with styled(), matplotlib.rc_context({"svg.hashsalt": name}):
        drawn.savefig(buffer, format="svg", dpi=DPI, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1))
    text = re.sub(r"<!--.*?-->\s*", "", re.sub(r'<g id="[^"]*">', "<g>", text), flags=re.DOTALL)
    text = text.replace("*{", "svg.chart *{").replace("<svg ", '<svg class="chart" ', 1)
    return re.sub(r"<[^>]+>", _shorter, text)


def _shorter(tag: re.Match[str]) -> str:
    """An SVG tag whose coordinates have one decimal, or two below 10 points."""
    return re.sub(r"(\d\.\d\d)\d+", r"\1", re.sub(r"(\d\d\.\d)\d+", r"\1", tag[0]))


def save(drawn: Figure, path: files.PathLike) -> None:
    """Write a figure as PNG, whole or not at all.

    Raises:
        FormatError: if the file can't be written.
    """
    files.save(path, png(drawn))


def bare(axes: Axes) -> None:
    """Take the grid and the ticks' strokes away, for pictures such as a matrix."""
    axes.grid(False)
    axes.tick_params(length=0)


def heat_map(axes: Axes, values: Any, power: float, limits: tuple[float, float] = (0, 1), **style: Any) -> Any:
    """Draw a matrix as an image whose shade is a power of its value, so that rare or common values stand out."""
    from matplotlib.colors import PowerNorm

    bare(axes)
    return axes.imshow(values, norm=PowerNorm(power, *limits), interpolation="nearest", **{"cmap": HEAT, **style})


def token_ticks(axes: Axes, labels: Sequence[str], more: Sequence[str] = ()) -> None:
    """Names of tokens along both axes of a confusion matrix, and of `more` columns after them."""
    axes.set_xticks(range(len(labels) + len(more)), [*labels, *more], rotation=90, fontsize=7.5)
    axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
