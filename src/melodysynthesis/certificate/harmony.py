"""Rules on harmony: chords under the melody, and how it ends.

Each is a function of a `Score` and of what is asked for, and yields its breaches.
"""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.certificate.asked import Chart
from melodysynthesis.certificate.chords import Chord
from melodysynthesis.certificate.finding import Breach, Breaches, Place
from melodysynthesis.certificate.pitch import STEP
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.certificate.score import Score, beat_ticks

PENULTIMATE = (2, 5, 7)
"""Degrees that may stand before the last note, beside the leading note."""


def chord_at(score: Score, chart: Chart, tick: int) -> Chord | None:
    """The chord at a tick; None in the pickup. The chart begins again where the melody has more bars.

    The chords of a bar share its beats: of n chords over b beats, chord k enters on beat k * b / n, rounded up, both
    counted from 0.
    """
    bar = score.bar_at(tick)
    if bar.number == 0:
        return None
    chords = chart[(bar.number - 1) % len(chart)]
    beat = beat_ticks(bar.meter)
    entries = [-(-k * (bar.meter.bar_ticks // beat) // len(chords)) * beat for k in range(len(chords))]
    return [chord for chord, entry in zip(chords, entries, strict=True) if entry <= score.position(tick)][-1]


def on_chords(score: Score, asked: Chart) -> Breaches:
    """A note that begins on a strong beat, the first and the last are of their chord; others may pass or be neighbours.

    A note's chord is the one at its beginning. Notes that begin in a pickup have none, and are free.
    """
    pitches = score.melody.pitches
    for number, note in enumerate(score.notes):
        chord = chord_at(score, asked, note.onset)
        if chord is None or note.pitch % 12 in chord.notes:
            continue
        found = f"{score.name(number)} over {chord.symbol}"
        if score.is_strong(note.onset):
            yield Breach(score.place_of(number), f"{found} on a strong beat", "a note of the chord")
        elif number in (0, len(pitches) - 1):
            yield Breach(
                score.place_of(number), f"{found}, the {'last' if number else 'first'} note", "a note of the chord"
            )
        elif not is_ornament(pitches, number):
            yield Breach(score.place_of(number), found, "a note of the chord, a passing or a neighbour note")


def is_ornament(pitches: Sequence[int], number: int) -> bool:
    """Whether a note passes, by step in one direction, or is a neighbour, a step from a note and back to it."""
    before, after = pitches[number] - pitches[number - 1], pitches[number + 1] - pitches[number]
    passing = before * after > 0 and max(abs(before), abs(after)) <= STEP
    neighbour = before + after == 0 and 0 < abs(before) <= STEP
    return passing or neighbour


def cadence(score: Score, asked: str | None) -> Breaches:
    """The last note is the tonic, begins on a strong beat and lasts a beat; before it comes degree 2, 5 or 7.

    The degrees are those of the scale that is asked for, or else of the key's mode. A leading note, a semitone below
    the tonic, will do for the seventh.
    """
    if not score.notes:
        yield Breach(Place(), "no notes", "a cadence")
        return
    last = len(score.notes) - 1
    note, where = score.notes[last], score.place_of(last)
    beat = beat_ticks(score.bar_at(note.onset).meter)
    if note.pitch % 12 != score.tonic:
        yield Breach(where, f"{score.name(last)} as the last note", f"the tonic of {score.key}")
    if not score.is_strong(note.onset):
        yield Breach(where, "the last note begins on no strong beat", "one")
    if note.duration < beat:
        yield Breach(where, f"a last note of {quarters(note.duration)} quarters", f"a beat, {quarters(beat)}, or more")
    before = {SCALES[asked or score.own_scale][degree - 1] for degree in PENULTIMATE} | {11}
    if last == 0:
        yield Breach(where, "nothing before the last note", "degree 2, 5 or 7")
    elif (score.notes[last - 1].pitch - score.tonic) % 12 not in before:
        yield Breach(score.place_of(last - 1), f"{score.name(last - 1)} before the last note", "degree 2, 5 or 7")
