"""Scales, modes, key signatures and spelling, key finding, and the metric weight of a moment in the bar.

Spelling works on the line of fifths: ... Eb Bb F C G D A E B F# C# ..., numbered from C = 0. A key signature is one
number on it (G major and E minor are 1, F major is -1), and so is a spelled note name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from melodysynthesis.music import STEP_PITCH_CLASS, TICKS_PER_WHOLE, Key, Melody, Meter

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
"""Semitones above the tonic of each mode's seven degrees (`minor` is natural minor)."""

STEPS_BY_FIFTHS = "FCGDAEB"
_MODE_FIFTHS = {
    "lydian": 1, "major": 0, "mixolydian": -1, "dorian": -2, "minor": -3, "phrygian": -4, "locrian": -5,
}  # fmt: skip


class Spelling(NamedTuple):
    """A written note: letter `step` A to G, `alteration` in semitones (-1 is flat), and the `octave` of middle C = 4."""

    step: str
    alteration: int
    octave: int


def signature(key: Key | None) -> int:
    """Sharps (positive) or flats (negative) in the signature of a key; 0 for None. Beyond ±7 it is theoretical."""
    if key is None:
        return 0
    alteration = key.tonic.count("#") - key.tonic.count("b")
    tonic = STEPS_BY_FIFTHS.index(key.tonic[0]) - 1 + 7 * alteration
    return tonic + _MODE_FIFTHS[key.mode]


def signature_alterations(fifths: int) -> dict[str, int]:
    """Alteration in semitones that a signature gives each letter: ``signature_alterations(1)["F"] == 1``."""
    return {step: (fifths + 6 - index) // 7 for index, step in enumerate(STEPS_BY_FIFTHS)}


def tonic_name(pitch_class: int, mode: str = "major") -> str:
    """The usual name of a tonic: the one with fewest accidentals in its signature (6 sharps over 6 flats never arise)."""
    names = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
    fitting = [name for name in names if Key(name, mode).pitch_class == pitch_class % 12]
    return min(fitting, key=lambda name: (abs(signature(Key(name, mode))), "b" in name))


@lru_cache(maxsize=256)
def _spellings(fifths: int, minor: bool) -> tuple[tuple[str, int], ...]:
    """Letter and alteration of each pitch class in a signature.

    Twelve neighbours on the line of fifths: major reaches from the flat third to the sharp fifth; minor one fifth
    further to the sharp side, since its raised fourth leads to the fifth more often than its flat fifth sounds.
    """
    lowest = max(-15, min(8, fifths - (2 if minor else 3)))  # no triple accidentals in absurd keys
    found: dict[int, tuple[str, int]] = {}
    for position in range(lowest, lowest + 12):
        step, alteration = STEPS_BY_FIFTHS[(position + 1) % 7], (position + 1) // 7
        found[(STEP_PITCH_CLASS[step] + alteration) % 12] = (step, alteration)
    return tuple(found[pitch_class] for pitch_class in range(12))


def spell(pitch: int, key: Key | None) -> Spelling:
    """How a pitch is written in a key: MIDI number 66 in D major is F#4, in Db major Gb4."""
    minor = key is not None and SCALES[key.mode][2] == 3
    step, alteration = _spellings(signature(key), minor)[pitch % 12]
    return Spelling(step, alteration, (pitch - alteration) // 12 - 1)
