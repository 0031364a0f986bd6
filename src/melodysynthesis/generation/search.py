"""Whether any melody goes on from a beginning, where rules look further back than an automaton can: a complete search.

It goes depth first over events, and never twice over beginnings from which the same can follow: what counts is the
place in the automaton and, of the past, what the rules will still look at. A beginning that can't be sung again where
it has to be is left at once; see `repetitions`. What takes long in one order is often found soon in another: so it
begins anew in others, and keeps what it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import NamedTuple, Self

import numpy as np

from melodysynthesis.constraints.lookahead import Floats, Lookahead
from melodysynthesis.generation.contour_in_form import parts_of, stretches_of
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.past import Past
from melodysynthesis.generation.plan import Asked, cut, looks_back, memories_of, tables
from melodysynthesis.generation.repetitions import Again, Repetitions

MOST = 20_000
"""Beginnings that are looked at from one: some ten seconds."""
SOON = 1_000
"""Beginnings that are looked at from each note of a melody that is being drawn."""
SLICE = 200
"""Beginnings that are looked at in the first order; twice as many in each of the next."""
TILTS = (0.5, 0.0, -0.5)
"""Orders by chance: what the logarithm of how likely something is counts beside it."""
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
        asked: the rules.
        look: ahead of those that an automaton keeps.
    """

    def __init__(self, asked: Asked, look: Lookahead) -> None:
        self.asked, self.look, self.memories = asked, look, memories_of(asked, look)
        self.repetitions = Repetitions(look, next((one for one in self.memories if isinstance(one, Form)), None))
        self.end = len(look.automaton.space.ticks) - 1
        self.looked = 0
        self.dead: set[bytes] = set()
        self.fine: set[bytes] = set()
        self._order(0)

    def copy(self) -> Self:
        """One that knows the same, and learns for itself."""
        new = copy(self)
        new.dead, new.fine = set(self.dead), set(self.fine)
        new._order(0)
        return new

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
        first = self._beginning(past, tick, place)
        if first is None:
            return False
        until = self.looked + most
        for number in count():
            self._order(number)
            try:
                return self._found_in_order(first, min(self.looked + (SLICE << number), until))
            except UndecidedError:
                if self.looked >= until:
                    raise
        raise AssertionError  # never reached

    def _found_in_order(self, first: Beginning, until: int) -> bool:
        """See `possible`; up to so many beginnings that were looked at in all."""
        way = [(self._key(first), self._following(first))]
        if first.tick == self.end or way[0][0] in self.fine:
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
                if self.looked >= until:
                    raise UndecidedError
                self.looked += 1
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
        beginning = self._beginning(past, tick, place)
        if beginning is None:
            return False
        self._order(0)
        news = (self._after(beginning, event, length) for length in self.lengths(past, tick, place, event))
        return any(new is not None and self.found(new.past, new.tick, new.place) for new in news)

    def lengths(self, past: Past, tick: int, place: int, event: int) -> list[int]:
        """How long an event may be by each rule alone, in the order of the search."""
        at, head = np.array([tick]), np.array([event])
        likely = self.look.after_lengths(at, np.array([place]), head) * self.look.length_share[at]
        for memory in self.memories:
            likely = likely * memory.lengths(past, at, head)
        return self._in_order(likely[0])

    def _order(self, number: int) -> None:
        """Look at the likeliest first, then at the rarest, then by chance, more or less by how likely they are.

        Where tunes must not be copied the rarest are tried first of all.
        """
        tilts = (-1.0, 1.0) if "max_copy" in self.asked.rules else (1.0, -1.0)
        self._tilt = tilts[number] if number < len(tilts) else TILTS[number % len(TILTS)]
        self._random = np.random.default_rng(number) if number >= len(tilts) else None

    def _in_order(self, likely: Floats) -> list[int]:
        """Numbers of those that are possible at all."""
        those = np.flatnonzero(likely > 0)
        score = self._tilt * np.log(likely[those])
        if self._random is not None:
            score += self._random.gumbel(size=len(those))
        return [int(number) for number in those[np.argsort(-score, kind="stable")]]

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

    def _beginning(self, past: Past, tick: int, place: int) -> Beginning | None:
        """One with a past that comes from elsewhere; None if what was sung can't be sung again where it has to be."""
        beginning = Beginning(0, self.look.first_place, Past.empty(past.event.shape[1], past.rest), {})
        while beginning.tick < tick and self.repetitions.form is not None:
            event, length = int(past.event[0, beginning.tick]), int(past.length[0, beginning.tick])
            new = self._after(beginning, event, length)
            if new is None:
                return None
            beginning = new
        return Beginning(
            tick, place, past, {start: states for start, states in beginning.again.items() if start >= tick}
        )

    def _key(self, beginning: Beginning) -> bytes:
        """What the rest of a melody depends on."""
        tick, place, past, again = beginning
        digest = blake2b(np.array([tick, place]).tobytes(), digest_size=16)
        for start in sorted(again):
            digest.update(again[start].tobytes())
        for memory in self.memories:
            digest.update(memory.looked_at(past, tick))
        return digest.digest()


def possible(asked: Asked, most: int = MOST) -> bool:
    """Whether any melody keeps what is asked for.

    Raises:
        UndecidedError: if that is not found out by so many beginnings.
    """
    return search_for(asked, most) is not None


@lru_cache(maxsize=2)
def known(asked: Asked) -> Search | None:
    """`search_for` what is asked for, kept for the next melody."""
    return search_for(asked, MOST)


def search_for(asked: Asked, most: int) -> Search | None:
    """A search that has found a melody which keeps what is asked for; None if there is none.

    Raises:
        UndecidedError: if that is not found out by so many beginnings.
    """
    left, undecided = most, False
    for way, cost in _ways(asked):
        if left <= 0:
            raise UndecidedError
        left -= cost
        look = tables(way)
        if look is None:
            continue
        search = Search(way, look)
        try:
            if search.possible_at_all(max(left // 2 if way.parts or way.early else left, 0)):
                return search
        except UndecidedError:
            undecided = True
        left -= search.looked
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
