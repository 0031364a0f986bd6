"""What text notations share: a melody cut into pieces between bar lines, and the pickup that bar lines tell."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from melodysynthesis.music import Melody, Meter


class Piece(NamedTuple):
    """A note or, where `pitch` is None, a rest, or what lies of it between two cuts.

    `tie_from` and `tie_to`: the note comes from the piece before, goes on into the piece after.
    """

    start: int
    end: int
    pitch: int | None
    tie_from: bool
    tie_to: bool


def bar_lines(melody: Melody) -> list[int]:
    """Ticks of the bar lines to write within a melody.

    A change of meter within a first bar without pickup gets none: the first bar line is what tells a pickup.
    """
    ticks = [bar.start for bar in melody.bars() if bar.start]
    short = bool(ticks) and not melody.pickup and ticks[0] < melody.meters[0].bar_ticks
    return ticks[1:] if short else ticks


def pickup_by(bars: Sequence[int], meters: Sequence[Meter], duration: int) -> int:
    """The pickup that bar lines tell: the first bar, if it is shorter than the meter, and something follows it.

    A change of meter within it says that it is no pickup.
    """
    first = bars[0] if bars else 0
    changed = len(meters) > 1 and meters[1].tick < first
    return first if meters and first < min(duration, meters[0].bar_ticks) and not changed else 0


def cut(melody: Melody, bars: Sequence[int], longest: int) -> Iterator[Piece]:
    """The whole melody in pieces, cut at `bars`, meter changes and phrase ends; none lasts over `longest` ticks."""
    cuts = sorted({*bars, *melody.phrase_ends, *(meter.tick for meter in melody.meters)})
    now = 0
    for onset, duration, pitch in melody.notes:
        yield from _cut_one(now, onset, None, cuts, longest)
        now = onset + duration
        yield from _cut_one(onset, now, pitch, cuts, longest)
    yield from _cut_one(now, melody.duration, None, cuts, longest)


def _cut_one(start: int, end: int, pitch: int | None, cuts: list[int], longest: int) -> Iterator[Piece]:
    inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
    for first, last in pairwise([start, *inner, end]):
        for here in range(first, last, longest):
            stop = min(here + longest, last)
            yield Piece(here, stop, pitch, pitch is not None and here > start, pitch is not None and stop < end)
