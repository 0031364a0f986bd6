"""The look of every plot, in one place; and how a plot becomes a file.

Figures are made as objects, never through pyplot, so plotting leaves no state behind and works without a
display.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from melodysynthesis.formats import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, FAINT = "#1c2733", "#6b7785", "#dfe4ea"
TRUE, PREDICTED = "#8fa3b8", "#c8551b"
TRAIN, VALIDATION = "#5b7fa6", "#c8551b"
HIGHLIGHT = "#2a7f62"
HEAT = "bone_r"
"""White through grey-blue to black: evenly stepped in lightness, and it survives a grey printer."""

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
}


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches; use it within ``with styled():``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    new = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(new)
    return new


def styled() -> Any:
    """A context in which new figures and axes have this look."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def png(drawn: Figure) -> bytes:
    """A figure as PNG. The same figure gives the same bytes: there is no date and no version in it."""
    buffer = io.BytesIO()
    with styled():
        drawn.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


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
