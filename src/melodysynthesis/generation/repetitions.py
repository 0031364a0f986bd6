"""What has been sung and will be sung again: whether it can be, and whether anything leads to where it is to begin.

What a repetition does to the rules depends on the state in which it begins, which is not known before. So it is
followed from every state in which it may begin, note by note as it is sung for the first time.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.generation.form import Form

LARGEST = 2**28
"""Ticks times states up to which the ways to a repetition are looked for: a quarter of a gigabyte, for a moment."""
KEPT_BYTES = 128 * 2**20
"""What is kept of them, a bit for each tick and state."""

Again = dict[int, Ints]
"""For each repetition to come of what has been sung, by the number of its first tick: (U,) the state to which its notes
so far lead, from each state in which it may begin; U where they can't be sung."""


class Repetitions:
    """The sections of a form that are sung again.

    Args:
        look: of the automaton.
        form: where sections are; None for none.
    """

    def __init__(self, look: Lookahead, form: Form | None) -> None:
        self.look, self.form, self.broken = look, form, look.automaton.states
        self._ways: LRUCache[tuple[int, bytes], NDArray[np.uint8]] = LRUCache(
            KEPT_BYTES, getsizeof=lambda ways: ways.nbytes
        )
        self._shared: dict[int, Flags] = {}

    def after(self, again: Again, tick: int, event: int, length: int, then: tuple[int, int]) -> Again | None:
        """What becomes of repetitions with an event; None if one can't be, or its start is not reached any more.

        Args:
            again: before the event.
            tick: of the event, by number.
            event: by number.
            length: by number.
            then: number of the tick after it, and state of the automaton there.
        """
        again = {start: states for start, states in again.items() if start > tick}
        for start, there in self._to_come(tick):
            states = again[start] if start in again else np.where(self._may_begin[start], self._all, self.broken)
            again[start] = self._sung(states, there, event, length)
        return again if all(self._leads_to(start, states, *then) for start, states in again.items()) else None

    def _sung(self, states: Ints, tick: int, event: int, length: int) -> Ints:
        """(states,) those after an event, of those before it."""
        automaton = self.look.automaton
        kind, end = int(automaton.classes[tick, length]), int(self.look.ends[tick, length])
        if kind == NO:
            return np.full(len(states), self.broken)
        after = automaton.next[kind, states, event]
        return np.where(self.look.values[end, after] > 0, after, self.broken)

    def _to_come(self, tick: int) -> list[tuple[int, int]]:
        """First tick of each later section with the same notes as this one, and the tick in it that is as this one."""
        if self.form is None or self.form.same[tick] != NO:
            return []
        there = np.flatnonzero(self.form.same == tick)
        return [(int(self.form.begins[one]), int(one)) for one in there]

    def _leads_to(self, start: int, states: Ints, tick: int, state: int) -> bool:
        """Whether anything leads from a tick and state to a repetition's first tick, in a state that it can begin in.

        Args:
            start: number of the first tick.
            states: see `Again`.
            tick: number, at most `start`.
            state: of the automaton.
        """
        alive = states < self.broken
        if not alive.any() or (start + 1) * self.broken > LARGEST:
            return bool(alive.any())
        key = (start, np.packbits(alive).tobytes())
        if key not in self._ways:
            self._ways[key] = np.packbits(self._ways_to(start, alive), axis=1)
        return bool(self._ways[key][tick, state // 8] >> (7 - state % 8) & 1)

    def _ways_to(self, start: int, alive: Flags) -> Flags:
        """(start + 1, U + 1) from which ticks and states anything leads there."""
        automaton = self.look.automaton
        leads = np.zeros((start + 1, automaton.states + 1), np.bool_)
        leads[start, :-1] = alive
        for tick in reversed(range(start)):
            states, fine = np.flatnonzero(self._may_begin[tick]), self._can_be_sung_again(tick)
            for length in np.flatnonzero((automaton.classes[tick] != NO) & (self.look.ends[tick] <= start)).tolist():
                after = leads[self.look.ends[tick, length]][automaton.next[automaton.classes[tick, length], states]]
                leads[tick, states] |= (after & fine[length]).any(axis=1)
        return leads

    def _can_be_sung_again(self, tick: int) -> Flags:
        """(m, P + 1) which events at a tick are possible, from some state, wherever they are sung again."""
        if tick not in self._shared:
            automaton = self.look.automaton
            shared = np.ones((len(automaton.space.lengths), automaton.setting.rest + 1), np.bool_)
            for _, there in self._to_come(tick):
                states = np.flatnonzero(self._may_begin[there])
                for length, kind in enumerate(automaton.classes[there].tolist()):
                    after = automaton.next[kind, states] if kind != NO else np.full((1, 1), self.broken)
                    shared[length] &= (self.look.values[self.look.ends[there, length]][after] > 0).any(axis=0)
            self._shared[tick] = shared
        return self._shared[tick]

    @cached_property
    def _all(self) -> Ints:
        return np.arange(self.broken)

    @cached_property
    def _may_begin(self) -> Flags:
        """(n, U) states that some events lead to, and from which some lead to the end, by the automaton alone."""
        automaton = self.look.automaton
        reached = np.zeros((len(automaton.space.ticks), automaton.states + 1), np.bool_)
        reached[0, 0] = True
        for tick in range(len(reached) - 1):
            states = np.flatnonzero(reached[tick, :-1] & (self.look.values[tick, :-1] > 0))
            mine = automaton.classes[tick]
            for kind in np.unique(mine[mine != NO]).tolist() if len(states) else ():
                then = np.zeros(automaton.states + 1, np.bool_)
                then[automaton.next[kind, states]] = True
                reached[self.look.ends[tick, mine == kind]] |= then
        return np.asarray((reached & (self.look.values > 0))[:, :-1])
