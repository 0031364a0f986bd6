"""A rhythm that the melody repeats from bar 1 on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import EventPlaces, RuleSpec
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.notation import format_quarters, parse_quarters, split_items

NOTE, REST, UNBOUND = 0, 1, 2


class RhythmPart(NamedTuple):
    """One note or rest of a rhythm, in ticks."""

    ticks: int
    sounds: bool

    def __str__(self) -> str:
        return ("" if self.sounds else "r:") + format_quarters(self.ticks)


def parse_rhythm(text: str) -> tuple[RhythmPart, ...]:
    """The notes and rests of a rhythm.

    Raises:
        RequestError: naming the one that can't be read, or if all are rests.
    """
    words = split_items(text, "rhythm", "1 1/2 1/2 r:1")
    rhythm = tuple(
        RhythmPart(parse_quarters(word.lower().removeprefix("r:")), word[:2].lower() != "r:") for word in words
    )
    if not any(part.sounds for part in rhythm):
        raise RequestError("the rhythm is all rests")
    return rhythm


def format_rhythm(rhythm: Sequence[RhythmPart]) -> str:
    """The inverse of `parse_rhythm`."""
    return " ".join(map(str, rhythm))


def bound_until(timeline: Timeline, cadence: bool | None) -> int:
    """The tick up to which a rhythm is kept: the end, or the last bar line where a cadence needs the last bar."""
    return timeline.last_line if cadence and len(timeline.meters) > 1 else timeline.ticks


def rhythm_in(
    timeline: Timeline, rhythm: Sequence[RhythmPart], cuts: Sequence[int], until: int
) -> Iterator[tuple[int, int, bool]]:
    """Onset, duration in ticks and whether it sounds, of each event up to a tick; rests are split at cuts in order."""
    *starts, period = accumulate((part.ticks for part in rhythm), initial=0)
    places = dict(zip(starts, rhythm, strict=True))
    for onset in range(until):
        part = places.get((onset - timeline.pickup) % period)
        if part is not None:
            end = onset + part.ticks if until == timeline.ticks else min(onset + part.ticks, until)
            inside = [] if part.sounds else [cut for cut in cuts if onset < cut < end]
            yield from ((start, until - start, part.sounds) for start, until in pairwise([onset, *inside, end]))


class Rhythm(StatelessRule):
    """Guaranteed: from bar 1 to a tick the melody has exactly these notes and rests; a pickup has the rhythm's end."""

    def __init__(self, context: RuleContext, rhythm: tuple[RhythmPart, ...], until: int) -> None:
        super().__init__(context)
        ticks, self.until = context.timeline.ticks, until
        self.length, self.kind = np.zeros(ticks, np.int64), np.zeros(ticks, np.int64)
        for onset, length, sounds in rhythm_in(context.timeline, rhythm, context.cuts, until):
            if onset < ticks:
                self.length[onset], self.kind[onset] = length, NOTE if sounds else REST

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """The note or rest that begins there, if it has this duration; anything behind the end of the rhythm."""
        bound = np.where(self.length[onsets] == lengths, self.kind[onsets], NO)
        return np.where(onsets < self.until, bound, UNBOUND)

    def transitions(self, symbol: int) -> Ints:
        """A note, or a rest."""
        return self.allowing(symbol != REST, symbol != NOTE)


def _places(rhythm: Sequence[RhythmPart], timeline: Timeline, cuts: Sequence[int]) -> EventPlaces:
    untils = {bound_until(timeline, cadence) for cadence in (False, True)}
    parts = [part for until in untils for part in rhythm_in(timeline, rhythm, cuts, until)]
    return EventPlaces(frozenset(ticks for _, ticks, _ in parts), anywhere=True)


SPEC = RuleSpec(
    name="rhythm", label="rhythm", type=tuple[RhythmPart, ...], example="1 1/2 1/2 r:1",
    parse=parse_rhythm, write=format_rhythm,
    help='A rhythm that repeats, in quarters: "1 1/2 1/2 r:1".',
    guarantee="From bar 1 to its end the melody has exactly these notes and rests (r:), in quarters, over and over; a "
    "pickup has the end of the rhythm. Where the melody begins or ends within the rhythm, a note or rest of it begins. "
    "With a cadence the last bar of several is free, and what would sound across its bar line ends there.",
    build=lambda context, values: Rhythm(
        context, values["rhythm"], bound_until(context.timeline, values["cadence"])
    ),
    places=_places,
    silent_start=True,
)  # fmt: skip
