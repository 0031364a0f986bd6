"""The onsets and durations that notes and rests may have.

Notes begin on the grid of the thirty-second note or on that of its triplet, counted from the bar line. All 231,000
notes of the German songs do. Where something else is given, such as a primer or a rhythm, its ticks are added, with the
durations that lead to and from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from melodysynthesis.constraints.rule import Ints
from melodysynthesis.constraints.timeline import Timeline

STRAIGHT, TRIPLET = 3, 4
"""Ticks of a thirty-second, and of a triplet of sixteenths."""
NEAR = 4
"""From a place off the grid, so many places of the grid before and after it can be reached."""


@dataclass(frozen=True, eq=False)
class Space:
    """Where events may be.

    Attributes:
        ticks: (n,) onsets and the end, ascending.
        lengths: (m,) ascending.
    """

    ticks: Ints
    lengths: Ints

    @cached_property
    def number(self) -> Ints:
        """(last tick + 1,) number of each tick among `ticks`, or -1."""
        number = np.full(int(self.ticks[-1]) + 1, -1)
        number[self.ticks] = np.arange(len(self.ticks))
        return number


def space_of(timeline: Timeline, step: int, lengths: Iterable[int], places: Iterable[int], free: bool = False) -> Space:
    """The space of a melody.

    Args:
        timeline: its bars.
        step: what every onset and length is a multiple of.
        lengths: that an encoding or a request names.
        places: ticks that must be among the onsets, on the grid or not.
        free: whether an event may begin anywhere.
    """
    every = np.arange(timeline.ticks + 1)
    lines = np.array(timeline.bar_lines)
    bar = np.maximum(np.searchsorted(lines, every, "right") - 1, 0)
    position = every - lines[bar]
    on_grid = (position % STRAIGHT == 0) | (position % TRIPLET == 0) | free
    special = np.array(sorted({0, timeline.ticks, *places}))
    special = special[(special >= 0) & (special <= timeline.ticks)]
    on_grid[special] = True
    off = [tick for tick in special.tolist() if position[tick] % STRAIGHT and position[tick] % TRIPLET]
    grid = every[on_grid & (every % step == 0)]
    more = [abs(int(other) - tick) for tick in off for other in _neighbours(grid, tick)]
    kept = {length for length in (*lengths, *more) if 0 < length <= timeline.ticks and length % step == 0}
    return Space(grid, np.array(sorted(kept), np.int64))


def _neighbours(grid: Ints, tick: int) -> Ints:
    at = int(np.searchsorted(grid, tick))
    return grid[max(at - NEAR, 0) : at + NEAR + 1]
