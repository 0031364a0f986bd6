"""Rules on pitches: scale, range, leaps, contour, and notes at given places.

Each is a function of a `Score` and of what the rule demands, and yields its breaches. Intervals are from one note to
the next, whether or not there is a rest between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.reading import DegreeInScale, Directions, NoteAt, ScaleLimit
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.certificate.score import Score

LEAP = 7
"""Semitones of a fifth: a wider leap has to be recovered."""
STEP = 2
"""Semitones of the widest step."""


def in_scale(score: Score, demanded: ScaleLimit) -> Breaches:
    """Every note is in the scale on the key's tonic, but for as many as may be outside; each counts every time."""
    notes = {(score.tonic + above) % 12 for above in SCALES[demanded.name]}
    outside = [number for number, pitch in enumerate(score.melody.pitches) if pitch % 12 not in notes]
    limit = f", at most {demanded.outside} outside it" if demanded.outside else ""
    if len(outside) > demanded.outside:
        for number in outside:
            yield Breach(score.place_of(number), score.name(number), f"{demanded.name} on {score.key}'s tonic{limit}")


def in_range(score: Score, demanded: tuple[int, int]) -> Breaches:
    """No note is lower or higher than requested."""
    lowest, highest = demanded
    span = f"{score.spelled(lowest)} to {score.spelled(highest)}"
    for number, pitch in enumerate(score.melody.pitches):
        if not lowest <= pitch <= highest:
            yield Breach(score.place_of(number), score.name(number), span)


def largest_leap(score: Score, demanded: int) -> Breaches:
    """From a note to the next are at most so many semitones."""
    for number, (one, other) in enumerate(pairwise(score.melody.pitches), 1):
        if abs(other - one) > demanded:
            found = f"{abs(other - one)} semitones to {score.name(number)}"
            yield Breach(score.place_of(number), found, f"at most {demanded}")


def leap_recovery(score: Score, demanded: bool) -> Breaches:
    """After a leap of more than a fifth comes a step back, so that none leads to the last note."""
    pitches = score.melody.pitches
    for number, (one, other) in enumerate(pairwise(pitches), 1):
        leap = other - one
        if not demanded or abs(leap) <= LEAP:
            continue
        found = f"{abs(leap)} semitones {'up' if leap > 0 else 'down'} to {score.name(number)}"
        if number + 1 == len(pitches):
            yield Breach(score.place_of(number), f"{found}, the last note", "a step back after it")
        elif not 0 < _back(leap, pitches[number + 1] - other) <= STEP:
            yield Breach(score.place_of(number + 1), f"{found}, then {score.name(number + 1)}", "a step back")


def _back(leap: int, interval: int) -> int:
    """Semitones of an interval, positive where it turns back from the leap."""
    return -interval if leap > 0 else interval


def contour(score: Score, demanded: Directions) -> Breaches:
    """The first notes go up, down or stay as requested; where it was demanded to, the melody ends with them."""
    pitches = score.melody.pitches
    for number, ((one, other), way) in enumerate(zip(pairwise(pitches), demanded.directions, strict=False), 1):
        found = (other > one) - (other < one)
        if found != way:
            yield Breach(score.place_of(number), f"{_WAYS[found]} to {score.name(number)}", _WAYS[way])
    wanted = len(demanded.directions) + 1
    if len(pitches) < wanted or (demanded.whole and len(pitches) > wanted):
        yield Breach(Location(), f"{len(pitches)} notes", f"{wanted}{'' if demanded.whole else ' or more'}")


_WAYS = {1: "up", 0: "the same", -1: "down"}


def fixed_notes(score: Score, demanded: Sequence[NoteAt]) -> Breaches:
    """At each given beat of a bar a note of the given pitch begins."""
    at = {score.bar_and_beat(note.onset): number for number, note in enumerate(score.notes)}
    for bar, beat, pitch in demanded:
        number = at.get((bar, Fraction(beat)))
        if number is None:
            yield Breach(Location(bar, round(float(beat), 4)), "no note begins", score.spelled(pitch))
        elif score.notes[number].pitch != pitch:
            yield Breach(score.place_of(number), score.name(number), score.spelled(pitch))


def tessitura(score: Score, demanded: tuple[int, int]) -> Breaches:
    """Of any four notes in a row at most one is outside."""
    lowest, highest = demanded
    outside = [number for number, pitch in enumerate(score.melody.pitches) if not lowest <= pitch <= highest]
    for one, other in pairwise(outside):
        if other - one < 4:
            span = f"{score.spelled(lowest)} to {score.spelled(highest)}"
            yield Breach(score.place_of(other), f"{score.name(other)}, the second of four notes outside {span}", "one")


def climax(score: Score, demanded: NoteAt) -> Breaches:
    """The highest note is the pitch, in the bar and nowhere else."""
    there = False
    for number, note in enumerate(score.notes):
        inside = score.bar_at(note.onset).number == demanded.bar
        there |= inside and note.pitch == demanded.pitch
        if note.pitch > demanded.pitch:
            yield Breach(score.place_of(number), score.name(number), f"nothing above {score.spelled(demanded.pitch)}")
        elif note.pitch == demanded.pitch and not inside:
            yield Breach(score.place_of(number), score.name(number), f"it in bar {demanded.bar} alone")
    if not there:
        yield Breach(Location(demanded.bar), "no such note begins", score.spelled(demanded.pitch))


def first_degree(score: Score, demanded: DegreeInScale) -> Breaches:
    """The first note is the degree of the scale."""
    above = SCALES[demanded.scale or score.own_scale][demanded.number - 1]
    if not score.notes:
        yield Breach(Location(), "no notes", f"degree {demanded.number}")
    elif (score.notes[0].pitch - score.tonic) % 12 != above:
        yield Breach(score.place_of(0), f"{score.name(0)} as the first note", f"degree {demanded.number}")
