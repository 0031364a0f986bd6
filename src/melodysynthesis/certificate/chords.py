"""Chord symbols as they are written in a request: `Am7` to the pitch classes of its notes."""

from __future__ import annotations

import re
from typing import NamedTuple

from melodysynthesis.certificate.scales import semitones
from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.music import Key

QUALITIES: dict[str, str] = {
    "": "1 3 5",
    "m": "1 b3 5",
    "dim": "1 b3 b5",
    "aug": "1 3 #5",
    "5": "1 5",
    "sus2": "1 2 5",
    "sus4": "1 4 5",
    "6": "1 3 5 6",
    "m6": "1 b3 5 6",
    "7": "1 3 5 b7",
    "maj7": "1 3 5 7",
    "m7": "1 b3 5 b7",
    "mmaj7": "1 b3 5 7",
    "m7b5": "1 b3 b5 b7",
    "dim7": "1 b3 b5 bb7",
    "7sus4": "1 4 5 b7",
    "add9": "1 3 5 9",
    "9": "1 3 5 b7 9",
    "maj9": "1 3 5 7 9",
    "m9": "1 b3 5 b7 9",
}
"""The notes of each kind of chord, as degrees above its root."""

_SYMBOL = re.compile(r"([A-G](?:##?|bb?)?)(.*)")


class Chord(NamedTuple):
    """A symbol, and the pitch classes of its notes."""

    symbol: str
    notes: frozenset[int]


def chord_of(symbol: str) -> Chord:
    """The chord of a symbol.

    Raises:
        RequestError: for one that is not in the table.
    """
    match = _SYMBOL.fullmatch(symbol)
    if match is None or match[2] not in QUALITIES:
        raise RequestError(unknown("chord", symbol[:20], (f"{symbol[:1]}{quality}" for quality in QUALITIES)))
    root = Key(match[1]).pitch_class
    return Chord(symbol, frozenset((root + semitones(degree)) % 12 for degree in QUALITIES[match[2]].split()))
