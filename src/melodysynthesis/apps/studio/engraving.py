"""The score of a melody for the page: as wide as the page has room for, its elements named by the notes they show."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.render import engravable, with_text_signs
from melodysynthesis.music import TICKS_PER_QUARTER, Melody

SCALE = 42
"""Size of the staff in percent of verovio's own."""
_OPTIONS = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "none",
    "pageHeight": 60000,
    "pageMarginBottom": 40,
    "pageMarginLeft": 30,
    "pageMarginRight": 30,
    "pageMarginTop": 40,
    "scale": SCALE,
    "svgViewBox": True,
    "xmlIdChecksum": True,
}
# what a page with a strict policy does not take: styles inside of the picture are in its style sheet instead
_STYLE = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)


def engrave(melody: Melody, width: int) -> dict[str, Any]:
    """The score as SVG and which of its elements show which note.

    Args:
        melody: of any length that fits on one long page.
        width: of the picture in pixels.

    Returns:
        ``svg``, and ``notes``: for each note of the melody the names of its elements, several where it is tied.

    Raises:
        FormatError: if it can't be engraved.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(_OPTIONS | {"pageWidth": round(width * 100 / SCALE)})
    if not toolkit.loadData(engravable(melody)):
        raise FormatError("verovio can't engrave this melody")
    if toolkit.getPageCount() > 1:
        raise FormatError("the melody is too long to be engraved", kind="too large")
    picture = with_text_signs(_STYLE.sub("", toolkit.renderToSVG(1)))
    return {"svg": picture, "notes": _named(melody, toolkit.renderToTimemap())}


def _named(melody: Melody, timemap: list[dict[str, Any]]) -> list[list[str]]:
    onsets = [note.onset for note in melody.notes]
    names: list[list[str]] = [[] for _ in onsets]
    for moment in timemap:
        at = bisect_right(onsets, round(moment["qstamp"] * TICKS_PER_QUARTER)) - 1
        if at >= 0:
            names[at] += moment.get("on", [])
    return names
