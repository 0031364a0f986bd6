"""A melody in a notebook: its score and its sound, in place of a line of numbers.

    from melodysynthesis import formats

    formats.read("tune.abc").melodies[0]

Importing the package in a notebook of IPython tells it of `html`; in others, `html` can be called. Nothing of this is
loaded before a melody is shown.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import render
from melodysynthesis.music import DEFAULT_TEMPO, TICKS_PER_QUARTER, Melody

LONGEST = 90.0
"""Seconds of sound that are put into a notebook: 64 kB each, which is kept in its file."""


def html(melody: Melody) -> str:
    """The score as a picture, a player, and where the melody is from; every text in it is escaped."""
    about = escape(_about(melody))
    return (
        '<figure style="margin: 0; max-width: 990px">'
        f"{_score(melody, about)}{_sound(melody)}"
        f"<figcaption>{escape(melody.source) or about}</figcaption></figure>"
    )


def show(melody: Melody) -> None:
    """Display a melody in a notebook; outside of one, open a page with it in the web browser."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(ipython.display.HTML(html(melody)))
        return
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8", delete=False) as page:
        page.write(f'<!doctype html><meta charset="utf-8"><title>{escape(_about(melody))}</title>{html(melody)}')
    webbrowser.open(Path(page.name).as_uri())


def _score(melody: Melody, about: str) -> str:
    if not melody.notes:
        return ""
    try:
        picture = base64.b64encode(render.svg(melody)).decode()
    except FormatError as error:
        return f"<p>{escape(str(error))}</p>"
    return f'<img alt="Score: {about}" style="width: 100%" src="data:image/svg+xml;base64,{picture}">'


def _sound(melody: Melody) -> str:
    seconds = melody.duration / TICKS_PER_QUARTER * 60 / (melody.tempo or DEFAULT_TEMPO)
    if not melody.notes:
        return ""
    if seconds > LONGEST:
        return f"<p>{seconds:.0f} s of sound are not put into a notebook: formats.write(melody, 'melody.wav')</p>"
    try:
        sound = base64.b64encode(render.mono(render.wav(melody), 2)).decode()
    except FormatError as error:
        return f"<p>{escape(str(error))}</p>"
    return f'<audio controls preload="metadata" style="width: 100%" src="data:audio/wav;base64,{sound}"></audio>'


def _about(melody: Melody) -> str:
    words = [str(melody.key)] if melody.key else []
    words += [str(melody.meters[0])] if melody.meters else []
    bars = sum(bar.number > 0 for bar in melody.bars())
    words += [f"{bars} bar{'s' * (bars != 1)}"] if bars else []
    return ", ".join([*words, f"{len(melody)} note{'s' * (len(melody) != 1)}"])
