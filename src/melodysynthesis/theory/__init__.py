"""Scales, modes, key signatures and spelling, key finding, and meter: where strong beats and bars are.

Spelling works on the line of fifths, ... Eb Bb F C G D A E B F# C# ..., numbered from C = 0. A key signature
is one number on it (G major and E minor are 1, F major is -1), and so is a spelled note name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    STEP_PITCH_CLASS,
    TICKS_PER_WHOLE,
    Key,
    Melody,
    Meter,
)

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

NAMED_SCALES: dict[str, tuple[int, ...]] = {
    "major": SCALES["major"],
    "natural-minor": SCALES["minor"],
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic-minor": (0, 2, 3, 5, 7, 9, 11),  # as it rises
    **{mode: SCALES[mode] for mode in ("dorian", "phrygian", "lydian", "mixolydian", "locrian")},
    "major-pentatonic": (0, 2, 4, 7, 9),
    "minor-pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "chromatic": tuple(range(12)),
}
"""Semitones above the tonic of the scales that can be requested, by name."""

STEPS_BY_FIFTHS = "FCGDAEB"
_MODE_FIFTHS = {
    "lydian": 1, "major": 0, "mixolydian": -1, "dorian": -2, "minor": -3, "phrygian": -4, "locrian": -5,
}  # fmt: skip


class Spelling(NamedTuple):
    """A written note: letter `step`, `alteration` in semitones (-1 is flat), `octave` (middle C's is 4)."""

    step: str
    alteration: int
    octave: int


def signature(key: Key | None) -> int:
    """Sharps (positive) or flats (negative) in the signature of a key; 0 for None. Real up to 7 of either."""
    if key is None:
        return 0
    alteration = key.tonic.count("#") - key.tonic.count("b")
    tonic = STEPS_BY_FIFTHS.index(key.tonic[0]) - 1 + 7 * alteration
    return tonic + _MODE_FIFTHS[key.mode]


def signature_alterations(fifths: int) -> dict[str, int]:
    """Alteration in semitones that a signature gives each letter: ``signature_alterations(1)["F"] == 1``."""
    return {step: (fifths + 6 - index) // 7 for index, step in enumerate(STEPS_BY_FIFTHS)}


def tonic_name(pitch_class: int, mode: str = "major") -> str:
    """The usual name of a tonic: that with fewest accidentals in its signature, of equals the sharp one."""
    names = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
    fitting = [name for name in names if Key(name, mode).pitch_class == pitch_class % 12]
    return min(fitting, key=lambda name: (abs(signature(Key(name, mode))), "b" in name))


@lru_cache(maxsize=256)
def _spellings(fifths: int, minor: bool) -> tuple[tuple[str, int], ...]:
    """Letter and alteration of each pitch class in a signature: twelve neighbours on the line of fifths.

    Major reaches from the flat third to the sharp fifth. Minor lies one fifth to the sharp side, since its
    raised fourth, which leads to the fifth, sounds more often than its flat fifth.
    """
    lowest = max(-15, min(8, fifths - (2 if minor else 3)))  # no triple accidentals in absurd keys
    found: dict[int, tuple[str, int]] = {}
    for position in range(lowest, lowest + 12):
        step, alteration = STEPS_BY_FIFTHS[(position + 1) % 7], (position + 1) // 7
        found[(STEP_PITCH_CLASS[step] + alteration) % 12] = (step, alteration)
    return tuple(found[pitch_class] for pitch_class in range(12))


def spell(pitch: int, key: Key | None) -> Spelling:
    """How a pitch is written in a key: MIDI number 66 in D major is F#4, in Db major Gb4."""
    minor = key is not None and key.mode in ("minor", "phrygian")
    step, alteration = _spellings(signature(key), minor)[pitch % 12]
    return Spelling(step, alteration, (pitch - alteration) // 12 - 1)


def degree(pitch: int, key: Key) -> int | None:
    """Scale degree 1 to 7 of a pitch in a key; None for a note outside the scale."""
    above = (pitch - key.pitch_class) % 12
    scale = SCALES[key.mode]
    return scale.index(above) + 1 if above in scale else None


def infer_mode(melody: Melody, tonic: int) -> str:
    """``"minor"`` if the minor third above a tonic (pitch class) sounds longer than the major, else major."""
    third = {3: 0, 4: 0}
    for _, duration, pitch in melody.notes:
        above = (pitch - tonic) % 12
        if above in third:
            third[above] += duration
    return "minor" if third[3] > third[4] else "major"


# Probe-tone ratings of the semitones above the tonic: Krumhansl & Kessler, Psychological Review 89 (1982).
_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def find_key(melody: Melody) -> Key | None:
    """The major or minor key whose profile fits best to how long each pitch class sounds; None without notes.

    Krumhansl and Schmuckler's correlation. The last note decides nothing; of equal keys the first is taken,
    from C up and major before minor.
    """
    if not melody.notes:
        return None
    sounding = np.zeros(12)
    for _, duration, pitch in melody.notes:
        sounding[pitch % 12] += duration
    sounding -= sounding.mean()
    keys = [(tonic, mode) for tonic in range(12) for mode in _PROFILES]
    profiles = np.array([np.roll(_PROFILES[mode], tonic) for tonic, mode in keys])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    fit = profiles @ sounding / np.linalg.norm(profiles, axis=1)
    tonic, mode = keys[int(np.argmax(fit))]
    return Key(tonic_name(tonic, mode), mode)


def metric_weight(meter: Meter, position: int, grouping: Sequence[int] = ()) -> int:
    """How strong a moment of the bar is, `position` ticks after the bar line.

    4 at the bar line, 3 at another of `strong_ticks`, 2 on any other beat, 1 half-way between beats (in compound
    meters on an eighth), else 0. The beat of compound meters is three units.
    """
    compound, beat, unit = _is_compound(meter), beat_ticks(meter), TICKS_PER_WHOLE // meter.beat_unit
    if position in strong_ticks(meter, grouping):
        return 3 if position else 4
    if position % beat == 0:
        return 2
    return int(position % (unit if compound else max(1, beat // 2)) == 0)


def beat_ticks(meter: Meter) -> int:
    """Length of a beat in ticks: the beat unit, or three of them in compound meters (6, 9 or 12 of 1/8 or shorter)."""
    return TICKS_PER_WHOLE // meter.beat_unit * (3 if _is_compound(meter) else 1)


def strong_ticks(meter: Meter, grouping: Sequence[int] = ()) -> tuple[int, ...]:
    """Ticks after the bar line of the strong beats: there, and the middle of a bar of even beats.

    Args:
        meter: 2/4 and 4/4, 6/8 and 12/8 have two strong beats; 3/4, 9/8 and 5/4 have one.
        grouping: of how many beat units each group is, in meters of so many: 3+2 of 5/4. Each begins with a strong one.
    """
    beat, unit = beat_ticks(meter), TICKS_PER_WHOLE // meter.beat_unit
    if sum(grouping) == meter.beats:
        return tuple(unit * first for first in accumulate(grouping[:-1], initial=0))
    return (0,) if meter.bar_ticks // beat % 2 else (0, meter.bar_ticks // 2)


def is_strong(meter: Meter, position: int) -> bool:
    """Whether there is one of `strong_ticks` so many ticks after the bar line."""
    return position in strong_ticks(meter)


def _is_compound(meter: Meter) -> bool:
    return meter.beats in (6, 9, 12) and meter.beat_unit >= 8


def meters_from_bar_lines(stated: Meter, bar_lines: Sequence[int], duration: int) -> tuple[Meter, ...]:
    """The changes of meter that the bar lines of a score show where it states only one meter.

    A bar of another length is a change to the meter of that length, and back. Bars of several times the
    stated length lack a bar line; the odd bar among them is taken to be the last. Two bars that only together
    make a whole one are one bar. What follows the last bar line may be incomplete.

    Args:
        stated: the meter at tick 0.
        bar_lines: ascending ticks after 0.
        duration: of the melody, in ticks.
    """
    bar, meters = stated.bar_ticks, [stated]

    def change(tick: int, beats: int, beat_unit: int) -> None:
        if meters[-1].tick == tick:
            meters.pop()
        if not meters or meters[-1][1:] != (beats, beat_unit):
            meters.append(Meter(tick, beats, beat_unit))

    inner = [tick for tick in bar_lines if tick < duration]
    # a first bar that is short is a pickup; one that is long is looked at like the others
    whole_bars = _joined([0, *inner] if inner and inner[0] > bar else inner, bar)
    for start, end in pairwise(whole_bars):
        count, rest = divmod(end - start, bar)
        if rest and (count < 2 or 2 * rest < bar):
            count = max(0, count - 1)
        if count:
            change(start, *stated[1:])
        odd = start + count * bar
        if odd < end and (meter := _meter_of_length(end - odd, stated)):
            change(odd, *meter)
    if whole_bars:
        change(whole_bars[-1], *stated[1:])
    return tuple(meters)


def _joined(bar_lines: list[int], bar_ticks: int) -> list[int]:
    """Bar lines without those inside a bar, as at a repeat: with neighbours just one bar apart."""
    joined: list[int] = []
    for index, tick in enumerate(bar_lines):
        inside = 0 < index < len(bar_lines) - 1 and bar_lines[index + 1] - joined[-1] == bar_ticks
        if not inside:
            joined.append(tick)
    return joined


def _meter_of_length(ticks: int, like: Meter) -> tuple[int, int] | None:
    """Beats and unit of a bar: in the unit of `like`, else a finer one that divides it; 2/4, not 4/8."""
    for unit in BEAT_UNITS:
        beats, rest = divmod(ticks * unit, TICKS_PER_WHOLE)
        if unit >= like.beat_unit and not rest:
            if unit == 8 and beats % 3 and beats % 2 == 0:
                return beats // 2, 4
            return (beats, unit) if beats <= MAX_BEATS else None
    return None
