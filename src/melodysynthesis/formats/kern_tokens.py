"""The tokens of `**kern`, durations in ticks and pitches as MIDI numbers; and the spines that they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from melodysynthesis.music import STEP_PITCH_CLASS, TICKS_PER_WHOLE, Key

Ticks = int | Fraction
RECIPROCAL = re.compile(r"(\d+(?:\.\d+)?)(?:%(\d+))?(\.*)")
LONG = {"0": 2, "00": 4, "000": 8}
"""Breve, longa and maxima in whole notes."""
MAX_RECIPROCAL = 2048
_PITCH = re.compile(r"([a-gA-G])\1*(#{1,3}|-{1,3}|n)?")
_MAX_DIGITS, _MAX_DOTS, _MAX_LETTERS = 9, 4, 8


@lru_cache(maxsize=1024)
def ticks_of(digits: str, of: str | None, dots: str) -> Ticks | None:
    """Ticks of a reciprocal duration such as ``8.`` or ``3%2``; None if it is out of range."""
    if max(len(digits), len(of or "")) > _MAX_DIGITS or len(dots) > _MAX_DOTS:
        return None
    reciprocal, count = Fraction(digits), int(of or 1)
    whole = Fraction(LONG[digits]) if digits in LONG else count / reciprocal if reciprocal else Fraction(0)
    if not whole or reciprocal > MAX_RECIPROCAL:
        return None
    ticks = whole * TICKS_PER_WHOLE * (2 - Fraction(1, 2 ** len(dots)))
    return ticks.numerator if ticks.denominator == 1 else ticks


def pitch_of(token: str) -> int | None:
    """MIDI number of a note such as ``4cc#``, perhaps beyond 0 to 127; None if there is no pitch in it."""
    match = _PITCH.search(token)
    letters = match[0].rstrip("#-n") if match else ""
    if not match or len(letters) > _MAX_LETTERS:
        return None
    octave = 4 + len(letters) - 1 if letters[0].islower() else 4 - len(letters)
    sign = match[2] or ""
    return 12 * (octave + 1) + STEP_PITCH_CLASS[letters[0].upper()] + sign.count("#") - sign.count("-")


@dataclass(slots=True)
class Spine:
    """One part while it is being read; times in ticks."""

    name: str = ""
    is_drum: bool = False
    is_added: bool = False  # begins within the music, as an ossia does
    notes: list[tuple[Ticks, Ticks, int]] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)  # pitch of an open tie -> number of its note
    end: Ticks = 0
    phrase_ends: set[Ticks] = field(default_factory=set)
    bar_lines: list[Ticks] = field(default_factory=list)
    meters: dict[Ticks, tuple[int, int]] = field(default_factory=dict)
    key: Key | None = None
    fifths: int | None = None
    tempo: float | None = None
    onset: Ticks = 0
    lyrics: dict[Ticks, str] = field(default_factory=dict)


@dataclass(slots=True)
class Column:
    """A column of the file: the part it belongs to, if that is `**kern`, and how far it has come.

    `words_of` is the part that a column of `**text` belongs to, the one before it; `chords_of` that of `**mxhm`.
    """

    spine: Spine | None
    now: Ticks = 0
    words_of: Spine | None = None
    chords_of: Spine | None = None
