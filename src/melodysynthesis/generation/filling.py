"""Rewriting some bars of a melody: the request, and the metadata that the new melody keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from melodysynthesis.constraints.rules.chords import chart_under
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.notation import parse_bars

PARTICLES_OF_A_FILL = 32
"""More than for a whole melody: the notes after the gap count only when the gap's end is near."""


def fill_request(melody: Melody, bars: str, *, follow_chords: bool = False, **fields: Any) -> Request:
    """The request that rewrites some bars of a melody; see `api.fill`."""
    if follow_chords:
        if not melody.chords or "chords" in fields:
            what = "others are given" if melody.chords else "the melody has none; 'melody harmonise' finds some"
            raise RequestError(f"the melody's own chords can't be followed: {what}")
        fields["chords"] = chart_under(melody, *parse_bars(bars))
    return Request(**{"particles": PARTICLES_OF_A_FILL, **fields, "within": melody, "rewrite": bars})


def with_metadata(melody: Melody, other: Melody, request: Request) -> Melody:
    """A melody with title, composer, tempo, lyrics and chords of the one that it rewrites or varies.

    Chords of the request take precedence.
    """
    follows = request.rewrite is not None and request.chords == chart_under(other, *request.rewrite)
    return melody.with_metadata(replace(other, chords=()) if request.chords and not follows else other)
