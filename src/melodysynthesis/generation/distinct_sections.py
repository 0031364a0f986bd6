"""Sections of different letters differ: few notes of the earlier one return in the later one at the same place.

The notes of the earlier section are known when the later one begins. So the later one has a budget of notes that it may
share, and what would exceed it is not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.constraints.rules.form import Section, most_shared
from melodysynthesis.constraints.space import Space
from melodysynthesis.generation.stepper import EventHistory


class SectionPair(NamedTuple):
    """Two sections of different letters.

    Attributes:
        later: (k,) numbers of the ticks of the later one.
        earlier: (k,) those of the same places in the earlier one, or `NO`.
        all_earlier: numbers of all ticks of the earlier one.
        end: the tick at which the later one ends.
    """

    later: Ints
    earlier: Ints
    all_earlier: Ints
    end: int


class DistinctSections:
    """Guaranteed: of the notes of a section, at most three quarters come again in a later one of another letter.

    Args:
        space: of the melody.
        form: its sections.
        places: start and end of each.
    """

    name = "form"

    def __init__(self, space: Space, form: Sequence[Section], places: Sequence[tuple[int, int]]) -> None:
        self.space = space
        first = [number for number, section in enumerate(form) if section not in form[:number]]
        self.pairs = [
            self._pair(places[one], places[other])
            for one in first
            for other in first
            if other < one and form[other].letter != form[one].letter
        ]
        self.within = np.zeros((len(space.ticks), len(self.pairs)), np.bool_)  # of the later section of each pair
        for number, pair in enumerate(self.pairs):
            self.within[pair.later, number] = True

    def _pair(self, later: tuple[int, int], earlier: tuple[int, int]) -> SectionPair:
        ticks = self.space.ticks
        mine = np.flatnonzero((ticks >= later[0]) & (ticks < later[1]))
        whole = np.flatnonzero((ticks >= earlier[0]) & (ticks < earlier[1]))
        there = ticks[mine] - later[0] + earlier[0]
        inside = there < earlier[1]
        number = np.where(inside, self.space.number[np.where(inside, there, 0)], NO)
        return SectionPair(mine, number, whole, later[1])

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`: no note of an earlier section once enough of them have come again."""
        fine = np.ones((len(tick), history.rest + 1), np.bool_)
        for pair, here in self._under_way(np.arange(len(tick)), tick):
            place = pair.earlier[tick[here] - pair.later[0]]
            old = history.event[here, np.maximum(place, 0)]
            notes, shared = self._counted(history, here, tick[here], pair)
            spent = (place != NO) & _is_note(old, history.rest) & (shared >= most_shared(notes))
            fine[here[spent], old[spent]] = False
        return fine

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`: not both of two sections are silent."""
        fine = np.ones((len(tick), len(self.space.lengths)), np.bool_)
        for pair, here in self._under_way(np.flatnonzero(event == history.rest), tick):
            either = np.concatenate([pair.later, pair.all_earlier])
            silent = here[~_is_note(history.event[here[:, None], either], history.rest).any(axis=1)]
            fine[silent] &= self.space.ticks[tick[silent], None] + self.space.lengths < pair.end
        return fine

    def _under_way(self, rows: Ints, tick: Ints) -> Iterator[tuple[SectionPair, Ints]]:
        """The pairs in whose later section some of the rows are, with those rows."""
        within = self.within[tick[rows]]
        for number in np.flatnonzero(within.any(axis=0)).tolist():
            yield self.pairs[number], rows[within[:, number]]

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """See `HistoryRule.state_key`: notes of earlier sections, and how many have come again in one under way."""
        found = []
        for pair in self.pairs:
            if pair.all_earlier[0] < tick <= pair.later[-1]:
                notes = history.event[0, pair.all_earlier]
                found.append(np.where(_is_note(notes, history.rest), notes, NO).tobytes())
                _, shared = self._counted(history, np.zeros(1, np.int64), np.array([tick]), pair)
                noted = _is_note(history.event[0, pair.later], history.rest) & (pair.later < tick)
                found.append(bytes([bool(noted.any())]) + shared.tobytes())
        return b"".join(found)

    def _counted(self, history: EventHistory, rows: Ints, tick: Ints, pair: SectionPair) -> tuple[Ints, Ints]:
        """(rows,) how many notes the earlier section has, and how many have come again before a tick."""
        notes = _is_note(history.event[rows[:, None], pair.all_earlier], history.rest).sum(axis=1)
        old = history.event[rows[:, None], np.maximum(pair.earlier, 0)]
        new = history.event[rows[:, None], pair.later]
        same = (old == new) & _is_note(old, history.rest) & (pair.earlier != NO) & (pair.later < tick[:, None])
        return np.asarray(notes), np.asarray(same.sum(axis=1))


def _is_note(events: NDArray[np.int16], rest: int) -> Flags:
    return np.asarray((events != NO) & (events != rest))
