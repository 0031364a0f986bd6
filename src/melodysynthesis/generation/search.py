"""Whether any melody goes on from a beginning, where rules look further back than an automaton can: a complete search.

It goes depth first over events, the likeliest first, or the rarest where tunes must not be copied, and never twice
over beginnings from which the same can follow: what counts is the place in the automaton and, of the past, what the
rules will still look at. A section that is sung again later is followed from every state in which it may begin then: a
beginning that no repetition of it could have, or from which none can be reached, is left at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.lookahead import Floats, Lookahead
from melodysynthesis.generation.contour_in_form import parts_of, stretches_of
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.generation.plan import Asked, cut, looks_back, memories_of, tables
from melodysynthesis.generation.repetitions import Again, Repetitions

MOST = 20_000
"""Beginnings that are looked at from one: some ten seconds."""
SOON = 1_000
"""Beginnings that are looked at from each note of a melody that is being drawn."""
BYTES_OF_ONE = 100_000
"""So many bytes of tables are made in the time in which a beginning is looked at."""


class UndecidedError(Exception):
    """More beginnings would have to be looked at than is reasonable."""


class Beginning(NamedTuple):
    """A melody up to some tick.

    Attributes:
        tick: its number.
        place: see `Lookahead`.
        past: of one particle.
        again: see there.
    """

    tick: int
    place: int
    past: Past
    again: Again


class Search:
    """Looks for melodies that keep all rules. What it has found out once it does not look at again.

    It counts the beginnings that it has looked at.

    Args:
        look: of the automaton.
        memories: the rules beside it.
    """

    def __init__(self, look: Lookahead, memories: Sequence[Memory]) -> None:
        self.look, self.memories = look, memories
        form = next((memory for memory in memories if isinstance(memory, Form)), None)
        self.repetitions = Repetitions(look, form)
        self.rarest_first = any(memory.name == "max_copy" for memory in memories)
        self.end = len(look.automaton.space.ticks) - 1
        self.looked = 0
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
        way, until = [(self._key(first), self._following(first))], self.looked + most
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
                self.looked += 1
                if self.looked > until:
                    raise UndecidedError
                way.append((then, self._following(new)))
        return False

    def possible_at_all(self, most: int) -> bool:
        """Whether any melody keeps all rules; see `possible`."""
        nothing = Past.empty(self.end + 1, self.look.automaton.setting.rest)
        return not self.memories or self.possible(nothing, 0, self.look.first_place, most)

    def found(self, past: Past, tick: int, place: int) -> bool:
        """Whether some melody is found soon that begins so; see `possible`."""
        try:
            return self.possible(past, tick, place, SOON)
        except UndecidedError:
            return False

    def found_with(self, past: Past, tick: int, place: int, event: int) -> bool:
        """Whether some is found soon that begins so and goes on with this event, of whatever length."""
        beginning = Beginning(tick, place, past, self._again(past, tick))
        news = (self._after(beginning, event, length) for length in self.lengths(past, tick, place, event))
        return any(new is not None and self.found(new.past, new.tick, new.place) for new in news)

    def lengths(self, past: Past, tick: int, place: int, event: int) -> list[int]:
        """How long an event may be by each rule alone, in the order of the search."""
        at, head = np.array([tick]), np.array([event])
        likely = self.look.after_lengths(at, np.array([place]), head) * self.look.length_share[at]
        for memory in self.memories:
            likely = likely * memory.lengths(past, at, head)
        return self._in_order(likely[0])

    def _in_order(self, likely: Floats) -> list[int]:
        """Numbers of those that are possible at all."""
        order = np.argsort(likely if self.rarest_first else -likely, kind="stable")
        return [int(number) for number in order if likely[number] > 0]

    def _following(self, beginning: Beginning) -> Iterator[Beginning]:
        """The beginnings that are one event longer."""
        tick, place, past, again = beginning
        if tick in again and again[tick][self._state(place)] == self.look.automaton.states:
            return
        at = np.array([tick])
        likely = self.look.after_heads(at, np.array([place]))
        for memory in self.memories:
            likely = likely * memory.heads(past, at)
        for event in self._in_order(likely[0]):
            for length in self.lengths(past, tick, place, event):
                new = self._after(beginning, event, length)
                if new is not None:
                    yield new

    def _after(self, beginning: Beginning, event: int, length: int) -> Beginning | None:
        """The beginning with one event more; None if what is sung can't be sung again where it has to be."""
        tick, place, past, again = beginning
        at, head, lasts = np.array([tick]), np.array([event]), np.array([length])
        then, place = int(self.look.ends[tick, length]), int(self.look.follow(at, lasts, np.array([place]), head)[0])
        to_come = self.repetitions.after(again, tick, event, length, (then, self._state(place)))
        if to_come is None:
            return None
        longer = past.select(np.zeros(1, np.int64))
        longer.add(np.zeros(1, np.int64), at, head, lasts)
        return Beginning(then, place, longer, to_come)

    def _state(self, place: int) -> int:
        return place % (self.look.automaton.states + 1)

    def _again(self, past: Past, tick: int) -> Again:
        """See `Beginning`; for a past that comes from elsewhere."""
        beginning = Beginning(0, self.look.first_place, Past.empty(past.event.shape[1], past.rest), {})
        while beginning.tick < tick and self.repetitions.form is not None:
            event, length = int(past.event[0, beginning.tick]), int(past.length[0, beginning.tick])
            new = self._after(beginning, event, length)
            if new is None:  # dead, as will be found out
                return {}
            beginning = new
        return {start: states for start, states in beginning.again.items() if start >= tick}

    def _key(self, beginning: Beginning) -> bytes:
        """What the rest of a melody depends on."""
        tick, place, past, again = beginning
        digest = blake2b(np.array([tick, place]).tobytes(), digest_size=16)
        for start in sorted(again):
            digest.update(again[start].tobytes())
        for memory in self.memories:
            digest.update(memory.looked_at(past, tick))
        return digest.digest()


@lru_cache(maxsize=2)
def search_of(asked: Asked) -> Search | None:
    """The search for melodies that keep what is asked for; None if not even those rules can be kept that look ahead."""
    look = tables(asked)
    return None if look is None else Search(look, memories_of(asked, look))


def possible(asked: Asked, most: int = MOST) -> bool:
    """Whether any melody keeps what is asked for.

    Raises:
        UndecidedError: if that is not found out by so many beginnings.
    """
    return way_to(asked, most) is not None


def way_to(asked: Asked, most: int = MOST) -> Asked | None:
    """What is asked for in such a way that some melody keeps it; None if none does.

    Raises:
        UndecidedError: if that is not found out by so many beginnings.
    """
    left, undecided = most, False
    for way, cost in _ways(asked):
        if left <= 0:
            raise UndecidedError
        left -= cost
        search = search_of(way)
        if search is None:
            continue
        before = search.looked
        try:
            if search.possible_at_all(max(left // 2 if way.parts or way.early else left, 0)):
                return way
        except UndecidedError:
            undecided = True
        left -= search.looked - before
    if undecided:
        raise UndecidedError
    return None


def _ways(asked: Asked) -> Iterator[tuple[Asked, int]]:
    """What is asked for, told in ways of which every melody that keeps it keeps one, and what it costs to try each."""
    late = asked._replace(early=False)
    early = [asked] if "max_copy" in asked.rules else []
    for way in (*early, late, *([] if asked.loose else [late._replace(loose=True)])):
        look = tables(way)
        if look is not None and {"form", "contour"} <= set(asked.rules):
            values = dict(asked.values)
            stretches = stretches_of(values["form"], cut(asked.timeline, values["form"]))
            cost = look.bytes // BYTES_OF_ONE
            yield from ((way._replace(parts=parts), cost) for parts in parts_of(values["contour"], stretches, look))
        elif look is not None:
            yield way, 0
        if not looks_back(way, look):
            return
