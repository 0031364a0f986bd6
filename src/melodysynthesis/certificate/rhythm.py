"""Rules on rhythm: durations, rests, ties, syncopation, and a rhythm that is given.

Each is a function of a `Score` and of what the rule demands, and yields its breaches. A tied note is one note, from
its first onset to its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from fractions import Fraction

from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.reading import GivenRhythm
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import TICKS_PER_QUARTER


def quarters(ticks: int) -> str:
    """A length for people: ``"3/2"`` quarters."""
    return str(Fraction(ticks, TICKS_PER_QUARTER))


def durations(score: Score, demanded: Collection[int]) -> Breaches:
    """Every note is as long as one of the durations that are allowed."""
    allowed = ", ".join(map(quarters, sorted(demanded)))
    for number, note in enumerate(score.notes):
        if note.duration not in demanded:
            yield Breach(score.place_of(number), f"a note of {quarters(note.duration)} quarters", allowed)


def longest_note(score: Score, demanded: int) -> Breaches:
    """No note is longer."""
    for number, note in enumerate(score.notes):
        if note.duration > demanded:
            yield Breach(
                score.place_of(number), f"a note of {quarters(note.duration)} quarters", f"at most {quarters(demanded)}"
            )


def longest_rest(score: Score, demanded: int) -> Breaches:
    """No rest is longer, before, between or after the notes."""
    for onset, length in score.rests():
        if length > demanded:
            yield Breach(score.place(onset), f"a rest of {quarters(length)} quarters", f"at most {quarters(demanded)}")


def rests(score: Score, demanded: bool) -> Breaches:
    """Notes fill the melody from its start to its end, where no rests are requested."""
    for onset, length in score.rests() if not demanded else ():
        yield Breach(score.place(onset), f"a rest of {quarters(length)} quarters", "a note")


def ties_over_bars(score: Score, demanded: bool) -> Breaches:
    """No note begins before a bar line and ends after it, where that is not requested."""
    lines = [bar.start for bar in score.bars[1:]]
    for number, note in enumerate(score.notes if not demanded else ()):
        following = bisect_right(lines, note.onset)
        if following < len(lines) and lines[following] < note.end:
            yield Breach(score.place_of(number), "a note held over the bar line", "an end by the bar line")


def syncopation(score: Score, demanded: int) -> Breaches:
    """At most so many notes begin where the meter is weaker than at a later place that they sound through."""
    syncopated = [number for number in range(len(score.notes)) if is_syncopated(score, number)]
    if len(syncopated) > demanded:
        for number in syncopated:
            yield Breach(score.place_of(number), f"one of {len(syncopated)} syncopated notes", f"at most {demanded}")


def is_syncopated(score: Score, number: int) -> bool:
    """Whether a note begins at a weaker place than one that it sounds through."""
    onset, end = score.notes[number].onset, score.notes[number].end
    start = score.weight(onset)
    return any(score.weight(tick) > start for tick in range(onset + 1, end))


def given_rhythm(score: Score, demanded: GivenRhythm) -> Breaches:
    """From bar 1 to the end the notes and rests are those of the rhythm, over and over; a pickup has the rhythm's end.

    Where the melody begins and ends, so does a note or a rest of the rhythm. Rests in a row are one. Where the last of
    several bars is free, the rhythm ends at its line, and so does what would sound across.
    """
    start, end, period = score.melody.pickup, score.melody.duration, sum(part.ticks for part in demanded.parts)
    free = demanded.free_end and score.last_number > 1
    if free:
        end = score.bars[-1].start
    edges, expected = {start}, []
    now = start - period * -(-start // period)  # whole rhythms before bar 1 that cover the pickup
    while now < end:
        for ticks, sounds in demanded.parts:
            if sounds and 0 <= now < end:
                expected.append((now, min(ticks, end - now) if free else ticks))
            edges.add(now)
            now += ticks
    edges.add(now)
    for tick, what in ((0, "begins"), (end, "ends")):
        if tick not in edges and not (free and tick == end):
            yield Breach(score.place(tick), f"the melody {what} within a part of the rhythm", "the edge of one")
    found = [(note.onset, note.duration) for note in score.notes if note.onset < end]
    for slip, _ in sorted(set(found) ^ set(expected))[:1]:  # one moves all that follow
        yield Breach(score.place(slip), _begins(dict(found).get(slip)), _begins(dict(expected).get(slip)))


def _begins(ticks: int | None) -> str:
    return "no note begins" if ticks is None else f"a note of {quarters(ticks)} quarters"


def density(score: Score, demanded: tuple[int, int]) -> Breaches:
    """In each bar so many notes begin; in the last there may be fewer."""
    fewest, most = demanded
    for bar in score.bars:
        count = sum(bar.start <= note.onset < bar.end for note in score.notes)
        if bar.number and (count > most or (count < fewest and bar.number < score.last_number)):
            yield Breach(Location(bar.number), f"{count} notes", f"{fewest} to {most}")
