"""Rules on pitches: scale, range, leaps, contour, and notes at given places.

Each is a function of a `Score` and of what is asked for, and yields its breaches. Intervals are from one note to the
next, whether or not a rest stands between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from melodysynthesis.certificate.asked import Anchor, Contour, Scale
from melodysynthesis.certificate.finding import Breach, Breaches, Place
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.certificate.score import Score

LEAP = 7
"""Semitones of a fifth: a wider leap has to be recovered."""
STEP = 2
"""Semitones of the widest step."""


def in_scale(score: Score, asked: Scale) -> Breaches:
    """Every note is in the scale on the key's tonic, but for as many as may be outside; each counts every time."""
    notes = {(score.tonic + above) % 12 for above in SCALES[asked.name]}
    outside = [number for number, pitch in enumerate(score.melody.pitches) if pitch % 12 not in notes]
    limit = f", at most {asked.outside} outside it" if asked.outside else ""
    if len(outside) > asked.outside:
        for number in outside:
            yield Breach(score.place_of(number), score.name(number), f"{asked.name} on {score.key}'s tonic{limit}")


def in_range(score: Score, asked: tuple[int, int]) -> Breaches:
    """No note is lower or higher than asked for."""
    lowest, highest = asked
    span = f"{score.spelled(lowest)} to {score.spelled(highest)}"
    for number, pitch in enumerate(score.melody.pitches):
        if not lowest <= pitch <= highest:
            yield Breach(score.place_of(number), score.name(number), span)


def largest_leap(score: Score, asked: int) -> Breaches:
    """From a note to the next are at most so many semitones."""
    for number, (one, other) in enumerate(pairwise(score.melody.pitches), 1):
        if abs(other - one) > asked:
            found = f"{abs(other - one)} semitones to {score.name(number)}"
            yield Breach(score.place_of(number), found, f"at most {asked}")


def leap_recovery(score: Score, asked: bool) -> Breaches:
    """After a leap of more than a fifth comes a step back, so that none leads to the last note."""
    pitches = score.melody.pitches
    for number, (one, other) in enumerate(pairwise(pitches), 1):
        leap = other - one
        if not asked or abs(leap) <= LEAP:
            continue
        found = f"{abs(leap)} semitones {'up' if leap > 0 else 'down'} to {score.name(number)}"
        if number + 1 == len(pitches):
            yield Breach(score.place_of(number), f"{found}, the last note", "a step back after it")
        elif not 0 < _back(leap, pitches[number + 1] - other) <= STEP:
            yield Breach(score.place_of(number + 1), f"{found}, then {score.name(number + 1)}", "a step back")


def _back(leap: int, interval: int) -> int:
    """Semitones of an interval, positive where it turns back from the leap."""
    return -interval if leap > 0 else interval


def contour(score: Score, asked: Contour) -> Breaches:
    """The first notes go up, down or stay as asked for; where it was asked to, the melody ends with them."""
    pitches = score.melody.pitches
    for number, ((one, other), way) in enumerate(zip(pairwise(pitches), asked.ways, strict=False), 1):
        found = (other > one) - (other < one)
        if found != way:
            yield Breach(score.place_of(number), f"{_WAYS[found]} to {score.name(number)}", _WAYS[way])
    wanted = len(asked.ways) + 1
    if len(pitches) < wanted or (asked.whole and len(pitches) > wanted):
        yield Breach(Place(), f"{len(pitches)} notes", f"{wanted}{'' if asked.whole else ' or more'}")


_WAYS = {1: "up", 0: "the same", -1: "down"}


def fixed_notes(score: Score, asked: Sequence[Anchor]) -> Breaches:
    """At each given beat of a bar a note of the given pitch begins."""
    at = {score.bar_and_beat(note.onset): number for number, note in enumerate(score.notes)}
    for bar, beat, pitch in asked:
        number = at.get((bar, Fraction(beat)))
        if number is None:
            yield Breach(Place(bar, round(float(beat), 4)), "no note begins", score.spelled(pitch))
        elif score.notes[number].pitch != pitch:
            yield Breach(score.place_of(number), score.name(number), score.spelled(pitch))
