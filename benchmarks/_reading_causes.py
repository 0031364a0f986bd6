"""Why a tune of `read_corpora.py` differs from music21: the rule by which our reader would read as music21 does.

A cause is a change of the text, or of our reader's dialect. It is the cause of a difference if our reader, after that
change, gives what music21 gives without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple
from unittest.mock import patch

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import abc, abc_music
from melodysynthesis.formats.parts import top_line
from melodysynthesis.music import Note

Rows = list[tuple[int, int, int]]
OURS, THEIRS, CHOICE = "ours", "music21", "a choice"


class Cause(NamedTuple):
    """A rule that the two readers have otherwise: what it is, who keeps to the standard, and the change."""

    name: str
    right: str
    why: str
    change: Callable[[str], str]


def _same(text: str) -> str:
    return text


def music(change: Callable[[str], str]) -> Callable[[str], str]:
    """The change, on lines of music only."""
    return lambda text: "\n".join(
        line if re.match(r"[A-Za-z+]:(?![|:])|%", line) else change(line) for line in text.split("\n")
    )


def without_first_bar_of_endings(text: str) -> str:
    """The text as music21 reads endings of several bars once the bar that its bracket holds is taken away."""
    text = re.sub(r"(\|:?|::|\n)\s*\[?1(?!\d)[^|]*\|", r"\1", text)
    return music(lambda line: _ENDING.sub(r"\1 ", line))(text)


_ENDING = re.compile(r"((?:\||::|:\||:)\s*)\[?\d[\d,.\-]*|\[\d[\d,.\-]*")
CAUSES = [
    Cause("accidentals in other octaves", CHOICE, "own octave in tune books, all octaves by ABC 2.1", _same),
    Cause("accidental of a tied note after the bar line", OURS, "a tied note keeps its pitch", _same),
    Cause("endings", OURS, "music21 misses a number behind white space",
          music(lambda line: _ENDING.sub(r"\1 ", line))),
    Cause("endings of several bars", OURS, "music21 loses bars of them", without_first_bar_of_endings),
    Cause("chords between plus signs", OURS, "ABC 1.6; music21 reads their notes one after the other",
          music(lambda line: re.sub(r"\+((?:[\^_=]?[A-Ga-g][',]*\d*/?\d*)+)\+", r"\1", line))),
    Cause("the note before ::", OURS, "music21 loses it at the end of a line",
          music(lambda line: re.sub(r"[\^_=]?[A-Ga-g][',]*\d*/?\d*\s*::(?=\s*$)", "::", line))),
    Cause("remains of mail", OURS, "=20 at a line's end is a space, not the sign of a natural",
          lambda text: re.sub(r"=(20)?\n\s*", "=", text)),
    Cause("Z rests", OURS, "Z is a whole bar of rest; music21 reads z", music(lambda line: line.replace("Z", "z"))),
    Cause("Z rests lost", OURS, "Z is a whole bar of rest", music(lambda line: re.sub(r"Z\d*", "", line))),
    Cause("accidentals of grace notes", OURS, "they hold", music(lambda line: re.sub(r"\{[^}]*\}", "", line))),
    Cause("broken rhythm after a decoration or slur", OURS, "signs between a note and < or > are no matter",
          music(lambda line: re.sub(r"(?<=[).!])\s*[<>]+|[<>]+(?=\s*[\"(.{!|])", "", line))),
    Cause("tuplet beside a decoration, slur or grace note", OURS, "signs between the notes are no matter",
          music(lambda line: re.sub(r"\([2-9](?=[^A-Ga-g^_=])", "", line))),
    Cause("playback and octave signs", OURS, "%%MIDI transpose says how it sounds",
          lambda text: re.sub(r"%%MIDI transpose.*", "", text)),
    Cause("bass clef", OURS, "a clef alone moves nothing",
          lambda text: re.sub(r"(?m)^(K:.*)bass", r"\1 octave=-2", text)),
]  # fmt: skip
_REACH, _TIE = CAUSES[0], CAUSES[1]


def line_of(text: str, causes: tuple[Cause, ...]) -> list[tuple[int, int, int]]:
    """What our reader gives after the changes."""
    dialect = abc.ABC._replace(accidentals_reach="letter") if _REACH in causes else abc.ABC
    for cause in causes:
        text = cause.change(text)
    keeps = abc_music.sound_note

    def forgets(tune: Any, pitch: int, ticks: Any) -> None:
        keeps(tune, pitch, ticks)
        tune.held = -1

    with patch.object(abc_music, "sound_note", forgets if _TIE in causes else keeps):
        melodies = abc.read(text.encode(), "x", dialect=dialect).melodies
    return [tuple(note) for note in melodies[0].notes]


def explained(data: bytes, theirs: list[Rows]) -> Iterator[tuple[Cause, ...]]:
    """The smallest sets of causes after which our reader gives a line of music21's."""
    text = data.decode("latin-1")
    lines = [[tuple(note) for note in top_line(map(Note._make, sorted(rows)))[0]] for rows in theirs]
    for size in (1, 2):
        for causes in combinations(CAUSES, size):
            try:
                if line_of(text, causes) in lines:
                    yield causes
            except FormatError:
                continue
