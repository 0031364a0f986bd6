"""Forms: sections that repeat, note for note or with other pitches.

`Form` is the rule. `RepeatChecker` checks that the notes so far can be repeated where the form requires, and that the
repeat can still be reached. Whether a repeat keeps the other rules depends on the state of their automaton in which it
begins. That state is not known yet, so the repeat is followed note by note from every state in which it may begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.constraints.rules.form import Section
from melodysynthesis.constraints.space import Space
from melodysynthesis.generation.stepper import EventHistory


class Form:
    """Guaranteed: equal sections have the same notes; a varied one has the rhythm, and at least one other pitch.

    The automaton already allows only events that fit in all equal sections; this rule adds which notes were drawn.

    Args:
        space: of the melody.
        form: its sections.
        places: start and end of each.
        edge: number of notes at the start and the end of a section that other history rules compare with the
            neighbours of a repeat.
    """

    name = "form"

    def __init__(self, space: Space, form: Sequence[Section], places: Sequence[tuple[int, int]], edge: int = 0) -> None:
        self.space, self.edge, count = space, edge, len(space.ticks)
        # Where the same notes, or the same rhythm, were drawn before each tick; `NO` where they are new.
        self.same, self.rhythm = np.full(count, NO), np.full(count, NO)
        self.begins = np.full(count, NO)  # the first tick of the section of each
        self.varied: list[tuple[Ints, Ints]] = []  # ticks of each varied section, and those of what it varies
        self.varied_ends: list[int] = []  # where what it varies ends
        number = space.number
        for index, (section, (start, end)) in enumerate(zip(form, places, strict=True)):
            ticks = np.flatnonzero((space.ticks >= start) & (space.ticks < end))
            self.begins[ticks] = number[start]
            earlier = [other for other in range(index) if form[other].letter == section.letter]
            twins = [other for other in earlier if form[other] == section]
            if not earlier:
                continue
            source = (twins or earlier)[0]
            there = space.ticks[ticks] - start + places[source][0]
            there = np.where(there < places[source][1], number[np.minimum(there, space.ticks[-1])], NO)
            (self.same if twins else self.rhythm)[ticks] = there
            if not twins:
                self.varied.append((ticks[there != NO], there[there != NO]))
                self.varied_ends.append(places[source][1])
        # Ticks of each varied section, and of what it varies.
        self.within = np.zeros((2, count, len(self.varied)), np.bool_)
        for index, ticks_of in enumerate(self.varied):
            for place, ticks in enumerate(ticks_of):
                self.within[place, ticks, index] = True

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`."""
        rows, same, rhythm = np.arange(len(tick)), self.same[tick], self.rhythm[tick]
        events = np.arange(history.rest + 1)
        source = history.event[rows, np.maximum(np.maximum(same, rhythm), 0)][:, None]
        fine = np.where((same != NO)[:, None], events == source, True)
        same_kind = (events == history.rest) == (source == history.rest)
        fine &= np.where((rhythm != NO)[:, None], same_kind & (source != NO), True)
        for number, (mine, theirs) in enumerate(self.varied):
            here = np.flatnonzero(self.within[0, tick, number])
            if len(here):
                fine[here] &= ~self._would_be_equal(history.select(here), tick[here], mine, theirs)
        return np.asarray(fine)

    def _would_be_equal(self, history: EventHistory, tick: Ints, mine: Ints, theirs: Ints) -> Flags:
        """(rows, P + 1) events that would be the last note of a varied section, and leave it equal to the other."""
        new, old = history.event[:, mine], history.event[:, theirs]
        before, notes = mine < tick[:, None], (old != NO) & (old != history.rest)
        differs = (before & notes & (new != old)).any(axis=1)
        last = ~(notes & (mine > tick[:, None])).any(axis=1)
        now = old[np.arange(len(tick)), np.searchsorted(mine, tick)]
        equal = np.arange(history.rest + 1) == now[:, None]
        return np.asarray(equal & (last & ~differs & (now != history.rest))[:, None])

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`: a section that is varied can't be all silent, as nothing in it could differ."""
        source = np.maximum(self.same[tick], self.rhythm[tick])
        repeated = history.length[np.arange(len(tick)), np.maximum(source, 0)]
        lengths = np.arange(len(self.space.lengths))
        fine = np.where((source == NO)[:, None], True, lengths == repeated[:, None])
        resting = event == history.rest
        for number, ((_, theirs), end) in enumerate(zip(self.varied, self.varied_ends, strict=True)):
            here = np.flatnonzero(resting & self.within[1, tick, number])
            if not len(here):
                continue
            old = history.event[here[:, None], theirs]
            silent = here[~((old != NO) & (old != history.rest)).any(axis=1)]
            fine[silent] &= self.space.ticks[tick[silent], None] + self.space.lengths < end
        return np.asarray(fine)

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """All of the history before a tick that counts from there on, for one particle.

        Within a repeat it is the rest of the section that is repeated; before a repeat, `RepeatChecker` knows the
        effect of the section except for its edges. For a varied section it is the rhythm and the pitches of its
        model, and whether a pitch differs yet.
        """
        later = np.arange(len(self.same)) >= tick
        sources = self.rhythm[later & (self.rhythm != NO)]
        if self.same[tick] != NO and self.begins[tick] != tick:
            here = later & (self.begins == self.begins[tick]) & (self.same != NO)
            sources = np.concatenate([sources, self.same[here]])
        sources = sources[(sources != NO) & (sources < tick)]
        differs = [
            bool((history.event[0, mine] != history.event[0, theirs])[mine < tick].any())
            for mine, theirs in self.varied
            if len(mine) and mine[0] < tick <= mine[-1]
        ]
        edges = self._edges(history, tick)
        parts = (
            history.event[0, sources],
            history.length[0, sources],
            edges,
            history.event[0, edges],
            history.length[0, edges],
        )
        return b"".join(part.tobytes() for part in parts) + bytes(differs)

    def _edges(self, history: EventHistory, tick: int) -> Ints:
        """Ticks of the first and the last events, up to `edge` notes, of sections that will be repeated."""
        again = self.same[tick:]
        begins = np.unique(self.begins[again[(again != NO) & (again < tick)]])
        found = [np.zeros(0, np.int64)]
        for begin in begins.tolist() if self.edge else ():
            ticks = np.flatnonzero((self.begins[:tick] == begin) & (history.event[0, :tick] != NO))
            notes = ticks[history.event[0, ticks] != history.rest]
            if len(notes) > 2 * self.edge:
                ticks = ticks[(ticks <= notes[self.edge - 1]) | (ticks >= notes[-self.edge])]
            found.append(ticks)
        return np.concatenate(found)


LARGEST = 2**28
"""Ticks times states up to which ways to a repeat are computed: a quarter of a gigabyte, for a moment."""
WAYS_CACHE_BYTES = 128 * 2**20
"""Size of the cache of these ways, a bit for each tick and state."""

PendingRepeats = dict[int, Ints]
"""For each repeat to come, by the number of its first tick: (U,) the state to which the notes so far lead from each
state in which the repeat may begin; U where they can't be repeated."""


class RepeatChecker:
    """Follows the sections of a form that will be repeated.

    Args:
        look: of the automaton.
        form: where sections are; None for none.
    """

    def __init__(self, look: Lookahead, form: Form | None) -> None:
        self.look, self.form, self.broken = look, form, look.automaton.states
        self._ways: LRUCache[tuple[int, bytes], NDArray[np.uint8]] = LRUCache(
            WAYS_CACHE_BYTES, getsizeof=lambda ways: ways.nbytes
        )
        self._shared: dict[int, Flags] = {}

    def after(
        self, again: PendingRepeats, tick: int, event: int, length: int, then: tuple[int, int]
    ) -> PendingRepeats | None:
        """The pending repeats after an event; None if one becomes impossible, or its start can't be reached any more.

        Args:
            again: the pending repeats before the event.
            tick: number of the event's tick.
            event: number of the event.
            length: number of its length.
            then: number of the tick after it, and the state of the automaton there.
        """
        again = {start: states for start, states in again.items() if start > tick}
        for start, there in self._to_come(tick):
            states = again[start] if start in again else np.where(self._may_begin[start], self._all, self.broken)
            again[start] = self._repeated(states, there, event, length)
        return again if all(self._leads_to(start, states, *then) for start, states in again.items()) else None

    def _repeated(self, states: Ints, tick: int, event: int, length: int) -> Ints:
        """(states,) the states after an event, from the states before it."""
        automaton = self.look.automaton
        kind, end = int(automaton.event_classes[tick, length]), int(self.look.ends[tick, length])
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
        """Whether any events lead from a tick and state to the first tick of a repeat, in a state in which it can
        begin.

        Args:
            start: number of the first tick.
            states: see `PendingRepeats`.
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
        automaton, classes = self.look.automaton, self.look.automaton.event_classes
        leads = np.zeros((start + 1, automaton.states + 1), np.bool_)
        leads[start, :-1] = alive
        for tick in reversed(range(start)):
            states, fine, kinds = np.flatnonzero(self._may_begin[tick]), self._can_be_repeated(tick), classes[tick]
            ends, groups = self.look.ends[tick], dict[tuple[int, bytes], list[int]]()
            for length in np.flatnonzero((kinds != NO) & (ends <= start) & leads[np.minimum(ends, start)].any(axis=1)):
                groups.setdefault((int(kinds[length]), fine[length].tobytes()), []).append(int(length))
            for (kind, _), lengths in groups.items():
                after = leads[ends[lengths]].any(axis=0)[automaton.next[kind, states]]
                leads[tick, states] |= (after & fine[lengths[0]]).any(axis=1)
        return leads

    def _can_be_repeated(self, tick: int) -> Flags:
        """(m, P + 1) which events at a tick are possible, from some state, in all places where they are repeated."""
        if tick not in self._shared:
            automaton = self.look.automaton
            shared = np.ones((len(automaton.space.lengths), automaton.context.rest + 1), np.bool_)
            for _, there in self._to_come(tick):
                states, kinds = np.flatnonzero(self._may_begin[there]), automaton.event_classes[there]
                shared[kinds == NO] = False
                for kind in np.unique(kinds[kinds != NO]).tolist():
                    lengths = np.flatnonzero(kinds == kind)
                    after = self._alive[self.look.ends[there, lengths]]  # (lengths, U + 1)
                    shared[lengths] &= after[:, automaton.next[kind, states]].any(axis=1)
            self._shared[tick] = shared
        return self._shared[tick]

    @cached_property
    def _alive(self) -> Flags:
        """(n, U + 1) ticks and states from which anything leads to the end, by the automaton alone."""
        return self.look.values > 0

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
            mine = automaton.event_classes[tick]
            for kind in np.unique(mine[mine != NO]).tolist() if len(states) else ():
                then = np.zeros(automaton.states + 1, np.bool_)
                then[automaton.next[kind, states]] = True
                reached[self.look.ends[tick, mine == kind]] |= then
        return np.asarray((reached & (self.look.values > 0))[:, :-1])
