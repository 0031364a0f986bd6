"""What rules are about, as values: a span of pitches, a rhythm, a contour, a note at a place, a form."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from melodysynthesis.music import TICKS_PER_QUARTER, Meter
from melodysynthesis.theory import Chord


def quarters(ticks: int) -> str:
    """A duration in quarters, as it is typed: ``quarters(36)`` is 3/2."""
    return str(Fraction(ticks, TICKS_PER_QUARTER))


class Bars(NamedTuple):
    """So many bars of a meter."""

    meter: Meter
    number: int

    def __str__(self) -> str:
        return f"{self.meter} x{self.number}"


class Span(NamedTuple):
    """The pitches from `lowest` to `highest`, both included, as MIDI numbers."""

    lowest: int
    highest: int


class Beat(NamedTuple):
    """One note or rest of a rhythm, in ticks."""

    ticks: int
    sounds: bool

    def __str__(self) -> str:
        return ("" if self.sounds else "r:") + quarters(self.ticks)


class Contour(NamedTuple):
    """Directions from note to note: 1 up, -1 down, 0 the same pitch; `whole` if the melody ends with them."""

    directions: tuple[int, ...]
    whole: bool

    def __str__(self) -> str:
        return " ".join("-0+"[direction + 1] for direction in self.directions) + (" ." if self.whole else "")


class FixedNote(NamedTuple):
    """A note that begins in a bar on a beat, counted from 1; bar 0 is the pickup, its beats those of a full bar."""

    bar: int
    beat: Fraction
    pitch: int


class Section(NamedTuple):
    """A section of a form: its letter, and the number of its primes, 0 for the section itself."""

    letter: str
    primes: int

    def __str__(self) -> str:
        return self.letter + "'" * self.primes


Chart = tuple[tuple[Chord, ...], ...]
"""The chords of each bar."""
