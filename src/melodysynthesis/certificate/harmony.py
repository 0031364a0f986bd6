"""Rules on harmony: chords under the melody, and how it ends.

Each is a function of a `Score` and of what the rule demands, and yields its breaches.
"""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.certificate.chords import ChordTones
from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.pitch import STEP
from melodysynthesis.certificate.reading import Chart
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.certificate.score import Score, beat_ticks

PENULTIMATE = (2, 5, 7)
"""Degrees that may come before the last note; the leading note may, too."""


def chord_at(score: Score, chart: Chart, tick: int) -> ChordTones | None:
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


def on_chords(score: Score, demanded: Chart) -> Breaches:
    """Notes are of the chord where they begin and on each strong beat that they sound through; ornaments only begin.

    The first and the last note are no ornaments, nor is one of two beats or more, nor both of two notes in a row that
    begin on beats. In a pickup there is no chord, nor under N.C.
    """
    pitches = score.melody.pitches
    ornament_on_beat = False  # whether the note before was one that begins on a beat
    for number, note in enumerate(score.notes):
        where, name = score.place_of(number), score.name(number)
        clash = next(
            (
                chord
                for tick in score.strong_ticks(note.onset, note.end)
                if (chord := chord_at(score, demanded, tick)) and note.pitch % 12 not in chord.notes
            ),
            None,
        )
        if clash is not None:
            yield Breach(where, f"{name} over {clash.symbol} on a strong beat", "a note of the chord")
        chord, on_beat = chord_at(score, demanded, note.onset), score.is_beat(note.onset)
        outside = chord is not None and note.pitch % 12 not in chord.notes
        if chord is not None and outside and clash is None:
            found = f"{name} over {chord.symbol}"
            if number in (0, len(pitches) - 1):
                yield Breach(where, f"{found}, the {'last' if number else 'first'} note", "a note of the chord")
            elif not is_ornament(pitches, number):
                yield Breach(where, found, "a note of the chord, a passing or a neighbour note")
            elif note.duration >= 2 * beat_ticks(score.bar_at(note.onset).meter):
                yield Breach(where, f"{found} for {quarters(note.duration)} quarters", "a note of the chord")
            elif on_beat and ornament_on_beat:
                yield Breach(where, f"{found}, the second on a beat", "a note of the chord")
        ornament_on_beat = outside and on_beat


def is_ornament(pitches: Sequence[int], number: int) -> bool:
    """Whether a note passes, by step in one direction, or is a neighbour, a step from a note and back to it."""
    before, after = pitches[number] - pitches[number - 1], pitches[number + 1] - pitches[number]
    passing = before * after > 0 and max(abs(before), abs(after)) <= STEP
    neighbour = before + after == 0 and 0 < abs(before) <= STEP
    return passing or neighbour


def cadence(score: Score, demanded: str | None) -> Breaches:
    """The last note is the tonic, begins on a strong beat, lasts a beat and sounds in the last bar.

    Of a bar of two beats only the first will do. Before it comes degree 2, 5 or 7.

    The degrees are those of the scale that is requested, or else of the key's mode. A leading note, a semitone below
    the tonic, will do for the seventh.
    """
    if not score.notes:
        yield Breach(Location(), "no notes", "a cadence")
        return
    last = len(score.notes) - 1
    note, where = score.notes[last], score.place_of(last)
    beat = beat_ticks(score.bar_at(note.onset).meter)
    if note.pitch % 12 != score.tonic:
        yield Breach(where, f"{score.name(last)} as the last note", f"the tonic of {score.key}")
    if not score.is_strong(note.onset):
        yield Breach(where, "the last note begins on no strong beat", "one")
    elif score.position(note.onset) and score.bar_at(note.onset).meter.beats == 2:
        yield Breach(where, "the last note begins on the second beat of two", "the first")
    if note.end <= score.bars[-1].start:
        yield Breach(where, "the last note ends before the last bar", "one that sounds in it")
    if note.duration < beat:
        yield Breach(where, f"a last note of {quarters(note.duration)} quarters", f"a beat, {quarters(beat)}, or more")
    before = {SCALES[demanded or score.own_scale][degree - 1] for degree in PENULTIMATE} | {11}
    if last == 0:
        yield Breach(where, "nothing before the last note", "degree 2, 5 or 7")
    elif (score.notes[last - 1].pitch - score.tonic) % 12 not in before:
        yield Breach(score.place_of(last - 1), f"{score.name(last - 1)} before the last note", "degree 2, 5 or 7")
