"""Whether any melody goes on from a beginning, where rules look further back than an automaton can: a complete search.

It goes depth first over events, the likeliest first, and never twice over beginnings from which the same can follow:
what counts is the place in the automaton and, of the past, what the rules will still look at. A section that is sung
again later is followed from every state in which it may begin then: a beginning that no repetition of it could have is
left at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.lookahead import Floats, Lookahead
from melodysynthesis.constraints.rule import NO, Flags, Ints
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.generation.plan import Asked, memories_of, tables

MOST = 20_000
"""Beginnings that are looked at from one: some ten seconds."""


class UndecidedError(Exception):
    """More beginnings would have to be looked at than is reasonable."""


class Beginning(NamedTuple):
    """A melody up to some tick.

    Attributes:
        tick: its number.
        place: see `Lookahead`.
        past: of one particle.
        again: for each repetition to come of what has been sung, by the number of its first tick: (U,) the state to
            which its notes so far lead, from each state in which it may begin.
    """

    tick: int
    place: int
    past: Past
    again: dict[int, Ints]


class Search:
    """Looks for melodies that keep all rules. What it has found out once it does not look at again.

    Args:
        look: of the automaton.
        memories: the rules beside it.
    """

    def __init__(self, look: Lookahead, memories: Sequence[Memory]) -> None:
        self.look, self.memories = look, memories
        self.form = next((memory for memory in memories if isinstance(memory, Form)), None)
        self.end = len(look.automaton.space.ticks) - 1
        self.dead: set[bytes] = set()
        self.fine: set[bytes] = set()

    def possible(self, past: Past, tick: int, place: int, most: int = MOST) -> bool:
        """Whether some melody that keeps all rules begins so.

        Args:
            past: of one particle, with all events before the tick.
            tick: its number.
            place: see `Lookahead`.
            most: beginnings to look at.

        Raises:
            UndecidedError: if that is too few to find out.
        """
        first = Beginning(tick, place, past, self._again(past, tick))
        way, looked = [(self._key(first), self._following(first))], 0
        if tick == self.end or way[0][0] in self.fine:
            return True
        while way:
            key, following = way[-1]
            new = next(following, None)
            if new is None:
                self.dead.add(key)
                way.pop()
                continue
            then = self._key(new)
            if new.tick == self.end or then in self.fine:
                self.fine.update(key for key, _ in way)
                return True
            if then not in self.dead:
                looked += 1
                if looked > most:
                    raise UndecidedError
                way.append((then, self._following(new)))
        return False

    def possible_with(self, past: Past, tick: int, place: int, event: int) -> bool:
        """Whether some melody begins so and goes on with this event, of whatever length."""
        beginning = Beginning(tick, place, past, self._again(past, tick))
        news = (self._after(beginning, event, length) for length in self.lengths(past, tick, place, event))
        return any(new is not None and self.possible(new.past, new.tick, new.place) for new in news)

    def lengths(self, past: Past, tick: int, place: int, event: int) -> list[int]:
        """How long an event may be by each rule alone, the likeliest first."""
        at, head = np.array([tick]), np.array([event])
        likely = self.look.after_lengths(at, np.array([place]), head) * self.look.length_share[at]
        for memory in self.memories:
            likely = likely * memory.lengths(past, at, head)
        return _likeliest_first(likely[0])

    def _following(self, beginning: Beginning) -> Iterator[Beginning]:
        """The beginnings that are one event longer."""
        tick, place, past, again = beginning
        if tick in again and again[tick][place % (self.look.automaton.states + 1)] == self.look.automaton.states:
            return
        at = np.array([tick])
        likely = self.look.after_heads(at, np.array([place]))
        for memory in self.memories:
            likely = likely * memory.heads(past, at)
        for event in _likeliest_first(likely[0]):
            for length in self.lengths(past, tick, place, event):
                new = self._after(beginning, event, length)
                if new is not None:
                    yield new

    def _after(self, beginning: Beginning, event: int, length: int) -> Beginning | None:
        """The beginning with one event more; None if what is sung can't be sung again where it has to be."""
        tick, place, past, again = beginning
        automaton = self.look.automaton
        at, head, lasts = np.array([tick]), np.array([event]), np.array([length])
        then = int(automaton.space.number[automaton.space.ticks[tick] + automaton.space.lengths[length]])
        again = {start: states for start, states in again.items() if start > tick}
        for start, there in self._repetitions(tick):
            kind, end = int(automaton.classes[there, length]), int(self.look.ends[there, length])
            states = again[start] if start in again else np.where(self._may_begin[start], self._all, len(self._all))
            states = automaton.next[kind, states, event] if kind != NO else np.full(len(states), len(self._all))
            again[start] = np.where(self.look.values[end, states] > 0, states, len(self._all))
            if (again[start] == len(self._all)).all():
                return None
        longer = past.select(np.zeros(1, np.int64))
        longer.add(np.zeros(1, np.int64), at, head, lasts)
        return Beginning(then, int(self.look.follow(at, lasts, np.array([place]), head)[0]), longer, again)

    def _again(self, past: Past, tick: int) -> dict[int, Ints]:
        """See `Beginning`; for a past that comes from elsewhere."""
        beginning = Beginning(0, self.look.first_place, Past.empty(past.event.shape[1], past.rest), {})
        while beginning.tick < tick and self.form is not None:
            event, length = int(past.event[0, beginning.tick]), int(past.length[0, beginning.tick])
            new = self._after(beginning, event, length)
            if new is None:  # dead, as will be found out
                return {}
            beginning = new
        return {start: states for start, states in beginning.again.items() if start >= tick}

    def _repetitions(self, tick: int) -> list[tuple[int, int]]:
        """First tick of each later section with the same notes as this one, and the tick in it that is as this one."""
        if self.form is None or self.form.same[tick] != NO:
            return []
        there = np.flatnonzero(self.form.same == tick)
        return [(int(self.form.begins[one]), int(one)) for one in there]

    @cached_property
    def _all(self) -> Ints:
        return np.arange(self.look.automaton.states)

    @cached_property
    def _may_begin(self) -> Flags:
        """(n, U) states that some events lead to, and from which some lead to the end, by the automaton alone."""
        automaton = self.look.automaton
        reached = np.zeros((self.end + 1, automaton.states + 1), np.bool_)
        reached[0, 0] = True
        for tick in range(self.end):
            states = np.flatnonzero(reached[tick, :-1] & (self.look.values[tick, :-1] > 0))
            mine = automaton.classes[tick]
            for kind in np.unique(mine[mine != NO]).tolist() if len(states) else ():
                then = np.zeros(automaton.states + 1, np.bool_)
                then[automaton.next[kind, states]] = True
                reached[self.look.ends[tick, mine == kind]] |= then
        return np.asarray((reached & (self.look.values > 0))[:, :-1])

    def _key(self, beginning: Beginning) -> bytes:
        """What the rest of a melody depends on."""
        tick, place, past, again = beginning
        digest = blake2b(np.array([tick, place]).tobytes(), digest_size=16)
        for start in sorted(again):
            digest.update(again[start].tobytes())
        for memory in self.memories:
            digest.update(memory.looked_at(past, tick))
        return digest.digest()


def _likeliest_first(likely: Floats) -> list[int]:
    """Numbers of those that are possible at all."""
    order = np.argsort(-likely, kind="stable")
    return [int(number) for number in order[: int((likely > 0).sum())]]


@lru_cache(maxsize=2)
def search_of(asked: Asked) -> Search | None:
    """The search for melodies that keep what is asked for; None if not even those rules can be kept that look ahead."""
    look = tables(asked)
    return None if look is None else Search(look, memories_of(asked, look, early=False))


def possible(asked: Asked, most: int = MOST) -> bool:
    """Whether any melody keeps what is asked for.

    Raises:
        UndecidedError: if that is not found out by so many beginnings.
    """
    ways = (asked, asked._replace(loose=True)) if asked.looks_back else (asked,)
    return any(_possible(way, most) for way in ways)


def _possible(asked: Asked, most: int) -> bool:
    search = search_of(asked)
    if search is None or not asked.looks_back:
        return search is not None
    automaton = search.look.automaton
    nothing = Past.empty(len(automaton.space.ticks), automaton.setting.rest)
    return search.possible(nothing, 0, search.look.first_place, most)
