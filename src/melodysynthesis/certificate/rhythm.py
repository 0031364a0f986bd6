"""Rules on rhythm: durations, rests, ties, syncopation, and a rhythm that is given.

Each is a function of a `Score` and of what is asked for, and yields its breaches. A note that is tied is one note, from
its onset to its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from fractions import Fraction

from melodysynthesis.certificate.asked import Duration
from melodysynthesis.certificate.finding import Breach, Breaches
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import TICKS_PER_QUARTER


def quarters(ticks: int) -> str:
    """A length for people: ``"3/2"`` quarters."""
    return str(Fraction(ticks, TICKS_PER_QUARTER))


def durations(score: Score, asked: Collection[int]) -> Breaches:
    """Every note is as long as one of the durations that are allowed."""
    allowed = ", ".join(map(quarters, sorted(asked)))
    for number, note in enumerate(score.notes):
        if note.duration not in asked:
            yield Breach(score.place_of(number), f"a note of {quarters(note.duration)} quarters", allowed)


def rests(score: Score, asked: bool) -> Breaches:
    """Notes fill the melody from its start to its end, where no rests are asked for."""
    for onset, length in score.rests() if not asked else ():
        yield Breach(score.place(onset), f"a rest of {quarters(length)} quarters", "a note")


def ties_over_bars(score: Score, asked: bool) -> Breaches:
    """No note begins before a bar line and ends after it, where that is not asked for."""
    lines = [bar.start for bar in score.bars[1:]]
    for number, note in enumerate(score.notes if not asked else ()):
        following = bisect_right(lines, note.onset)
        if following < len(lines) and lines[following] < note.end:
            yield Breach(score.place_of(number), "a note held over the bar line", "an end by the bar line")


def syncopation(score: Score, asked: int) -> Breaches:
    """At most so many notes begin where the meter is weaker than at a later place that they sound through."""
    syncopated = [number for number in range(len(score.notes)) if is_syncopated(score, number)]
    if len(syncopated) > asked:
        for number in syncopated:
            yield Breach(score.place_of(number), f"one of {len(syncopated)} syncopated notes", f"at most {asked}")


def is_syncopated(score: Score, number: int) -> bool:
    """Whether a note begins at a weaker place than one that it sounds through."""
    onset, end = score.notes[number].onset, score.notes[number].end
    start = score.weight(onset)
    return any(score.weight(tick) > start for tick in range(onset + 1, end))


def given_rhythm(score: Score, asked: Sequence[Duration]) -> Breaches:
    """From bar 1 to the end the notes and rests are those of the rhythm, over and over; a pickup has the rhythm's end.

    Where the melody begins and ends, so does a note or a rest of the rhythm. Rests in a row are one.
    """
    start, end, period = score.melody.pickup, score.melody.duration, sum(part.ticks for part in asked)
    edges, expected = {start}, []
    now = start - period * -(-start // period)  # whole rhythms before bar 1 that cover the pickup
    while now < end:
        for ticks, sounds in asked:
            if sounds and 0 <= now < end:
                expected.append((now, ticks))
            edges.add(now)
            now += ticks
    edges.add(now)
    for tick, what in ((0, "begins"), (end, "ends")):
        if tick not in edges:
            yield Breach(score.place(tick), f"the melody {what} within a part of the rhythm", "the edge of one")
    found = [(note.onset, note.duration) for note in score.notes]
    for slip, _ in sorted(set(found) ^ set(expected))[:1]:  # one moves all that follow
        yield Breach(score.place(slip), _begins(dict(found).get(slip)), _begins(dict(expected).get(slip)))


def _begins(ticks: int | None) -> str:
    return "no note begins" if ticks is None else f"a note of {quarters(ticks)} quarters"
