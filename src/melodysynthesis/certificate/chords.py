"""Chord symbols as they are written in a request: `Am7/G` to the pitch classes of its notes.

A symbol is a root, a kind of chord with perhaps alterations, and a bass after a slash. Requests are written with the
spellings of the table here, and no others.
"""

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
    "6/9": "1 3 5 6 9",
    "m6/9": "1 b3 5 6 9",
    "add9": "1 3 5 9",
    "madd9": "1 b3 5 9",
    "7": "1 3 5 b7",
    "maj7": "1 3 5 7",
    "m7": "1 b3 5 b7",
    "mmaj7": "1 b3 5 7",
    "m7b5": "1 b3 b5 b7",
    "dim7": "1 b3 b5 bb7",
    "7sus4": "1 4 5 b7",
    "9": "1 3 5 b7 9",
    "maj9": "1 3 5 7 9",
    "m9": "1 b3 5 b7 9",
    "mmaj9": "1 b3 5 7 9",
    "9sus4": "1 4 5 b7 9",
    "11": "1 3 5 b7 9 11",
    "m11": "1 b3 5 b7 9 11",
    "13": "1 3 5 b7 9 13",
    "maj13": "1 3 5 7 9 13",
    "m13": "1 b3 5 b7 9 11 13",
    "13sus4": "1 4 5 b7 9 13",
    "7alt": "1 3 b7 b9 #9 b5 #5",
    "7b5": "1 3 b5 b7",
    "7#5": "1 3 #5 b7",
    "maj7#5": "1 3 #5 7",
    "7b9": "1 3 5 b7 b9",
    "7#9": "1 3 5 b7 #9",
    "7#11": "1 3 5 b7 #11",
    "maj7#11": "1 3 5 7 #11",
    "7b13": "1 3 5 b7 b13",
}
"""The notes of each kind of chord, as degrees above its root."""

_ALTERED = re.compile(r"[b#](?:5|9|11|13)|add\d+|no\d+")
_KIND = re.compile(rf"({'|'.join(sorted(map(re.escape, QUALITIES), key=len, reverse=True))})((?:{_ALTERED.pattern})*)")
_SYMBOL = re.compile(r"([A-G](?:##?|bb?)?)(.*?)(?:/([A-G](?:##?|bb?)?))?")


class ChordTones(NamedTuple):
    """A symbol, and the pitch classes of its notes."""

    symbol: str
    notes: frozenset[int]


def chord_of(symbol: str) -> ChordTones:
    """The chord of a symbol. No note is foreign to N.C., no chord.

    Raises:
        RequestError: for one that is not in the table.
    """
    if symbol == "N.C.":
        return ChordTones(symbol, frozenset(range(12)))
    match = _SYMBOL.fullmatch(symbol)
    kind = match and _KIND.fullmatch(re.sub("[()]", "", match[2]))
    if match is None or not kind:
        raise RequestError(unknown("chord", symbol[:20], (f"{symbol[:1]}{quality}" for quality in QUALITIES)))
    root = Key(match[1]).pitch_class
    notes = {(root + semitones(degree)) % 12 for degree in _altered(QUALITIES[kind[1]].split(), kind[2])}
    return ChordTones(symbol, frozenset(notes | ({Key(match[3]).pitch_class} if match[3] else set())))


def _altered(degrees: list[str], changes: str) -> list[str]:
    """The degrees with alterations: a raised or lowered one takes the place of the plain one, but of no fourth."""
    found = _ALTERED.findall(changes)
    for change in found:
        number = change.lstrip("b#adno")
        if change.startswith("no"):
            degrees = [degree for degree in degrees if degree.lstrip("b#") != number]
        elif not change.startswith("add"):
            degrees = [degree for degree in degrees if degree != number]
    return degrees + [change.removeprefix("add") for change in found if not change.startswith("no")]
