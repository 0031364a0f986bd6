"""Whether any melody goes on from a prefix, where rules look further back than an automaton can: a complete search.

It goes depth first over events, and never twice over prefixes from which the same can follow: what counts is the
state in the automaton and, of the history, what the rules will still look at. A prefix that can't be repeated where
the form requires it is left at once; see `repeats`. What takes long in one order is often found soon in another: so the
search restarts in other orders, and keeps what it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from time import thread_time
from typing import NamedTuple, Self

import numpy as np

from melodysynthesis.constraints.lookahead import Floats, Lookahead
from melodysynthesis.constraints.rules import NEED_TUNES
from melodysynthesis.generation.compile import (
    ConstraintProblem,
    cut,
    history_rules_of,
    looks_back,
    tables,
)
from melodysynthesis.generation.contour_parts import parts_of, stretches_of
from melodysynthesis.generation.distinct_sections import DistinctSections
from melodysynthesis.generation.form import Form, PendingRepeats, RepeatChecker
from melodysynthesis.generation.known_sections import KnownSections
from melodysynthesis.generation.stepper import EventHistory

MOST = 20_000
"""Prefixes that are looked at from one: some ten seconds."""
SOON = 1_000
"""Prefixes that are looked at from each note of a melody that is being drawn."""
SLICE = 200
"""Prefixes that are looked at in the first order; twice as many in each of the next."""
TILTS = (0.5, 0.0, -0.5)
"""Weight of the logarithm of the likelihood in random orders."""
BYTES_OF_ONE = 100_000
"""So many bytes of tables are made in the time in which a prefix is looked at."""


SECONDS = 6.0
"""Processor time in which a melody must be found, and then drawn. It ends in a refusal, never in another melody."""


class UndecidedError(Exception):
    """More prefixes would have to be looked at than is reasonable."""


class OutOfTimeError(UndecidedError):
    """It takes longer than is reasonable."""


class Stopwatch:
    """Processor time of the searches for one melody, in the threads that look for it.

    Args:
        seconds: how much there is.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @contextmanager
    def running(self) -> Iterator[Callable[[], None]]:
        """While a search runs: what it calls now and then, which raises `OutOfTimeError` when there is no time left."""
        start = thread_time()

        def check() -> None:
            if thread_time() - start > self.left:
                raise OutOfTimeError

        try:
            yield check
        finally:
            self.left -= thread_time() - start


class Prefix(NamedTuple):
    """A melody up to some tick.

    Attributes:
        tick: its number.
        state: see `Lookahead`.
        history: of one particle.
        pending: see there.
    """

    tick: int
    state: int
    history: EventHistory
    pending: PendingRepeats


class Visit(NamedTuple):
    """A prefix that is being gone on from.

    Attributes:
        key: of all rules.
        shared_key: without that of the rule that sections differ, which has much to remember.
        following: the prefixes that are one event longer.
        contrast: `True` in it once that rule has left something out here or further on.
    """

    key: bytes
    shared_key: bytes
    following: Iterator[Prefix]
    contrast: list[bool]


class Search:
    """Looks for melodies that keep all rules. What it has found out once it does not look at again.

    It counts the prefixes that it has looked at.

    Args:
        problem: the rules.
        look: ahead of those that an automaton keeps.
        stopwatch: of all searches for the melody.
    """

    def __init__(self, problem: ConstraintProblem, look: Lookahead, stopwatch: Stopwatch | None = None) -> None:
        self.stopwatch = stopwatch or Stopwatch(SECONDS)
        self.problem, self.look, self.history_rules = problem, look, history_rules_of(problem, look)
        form = next((one for one in self.history_rules if isinstance(one, Form)), None)
        self.repeats, self.known = RepeatChecker(look, form), None if form is None else KnownSections(look, form)
        self.end = len(look.automaton.space.ticks) - 1
        self.looked = 0
        self.dead: set[bytes] = set()
        self.fine: set[bytes] = set()
        self._order(0)

    def copy(self) -> Self:
        """One that knows the same, and learns for itself."""
        new = copy(self)
        new.stopwatch = Stopwatch(SECONDS)
        new.dead, new.fine = set(self.dead), set(self.fine)
        new._order(0)
        return new

    def possible(self, history: EventHistory, tick: int, state: int, most: int = MOST) -> bool:
        """Whether some melody that keeps all rules begins so.

        Args:
            history: of one particle, with all events before the tick.
            tick: its number.
            state: see `Lookahead`.
            most: prefixes to look at.

        Raises:
            UndecidedError: if that is too few to find out.
            OutOfTimeError: if there is no time left.
        """
        first = self._prefix(history, tick, state)
        if first is None:
            return False
        until = self.looked + most
        with self.stopwatch.running() as check:
            for number in count():
                self._order(number)
                try:
                    return self._found_in_order(first, min(self.looked + (SLICE << number), until), check)
                except OutOfTimeError:
                    raise
                except UndecidedError:
                    if self.looked >= until:
                        raise
        raise AssertionError  # never reached

    def _found_in_order(self, first: Prefix, until: int, check: Callable[[], None]) -> bool:
        """See `possible`; up to so many prefixes that were looked at in all."""
        way = [self._visit(first)]
        if first.tick == self.end or way[0].key in self.fine:
            return True
        while way:
            check()
            last = way[-1]
            new = next(last.following, None)
            if new is None:
                self.dead.add(last.key if last.contrast else last.shared_key)
                way.pop()
                if way:
                    way[-1].contrast.extend(last.contrast[:1])
                continue
            then = self._visit(new)
            if new.tick == self.end or then.key in self.fine:
                self.fine.update(one.key for one in way)
                return True
            if then.key in self.dead:
                last.contrast.append(True)
            elif then.shared_key not in self.dead:
                if self.looked >= until:
                    raise UndecidedError
                self.looked += 1
                way.append(then)
        return False

    def _visit(self, prefix: Prefix) -> Visit:
        contrast: list[bool] = []
        return Visit(*self._keys(prefix), self._following(prefix, contrast), contrast)

    def possible_at_all(self, most: int) -> bool:
        """Whether any melody keeps all rules; see `possible`."""
        nothing = EventHistory.empty(self.end + 1, self.look.automaton.context.rest)
        return not self.history_rules or self.possible(nothing, 0, self.look.first_place, most)

    def found(self, history: EventHistory, tick: int, state: int) -> bool:
        """Whether some melody is found soon that begins so; see `possible`."""
        try:
            return self.possible(history, tick, state, SOON)
        except OutOfTimeError:
            raise
        except UndecidedError:
            return False

    def found_with(self, history: EventHistory, tick: int, state: int, event: int) -> bool:
        """Whether some is found soon that begins so and goes on with this event, of whatever length."""
        prefix = self._prefix(history, tick, state)
        if prefix is None:
            return False
        self._order(0)
        news = (self._after(prefix, event, length) for length in self.lengths(history, tick, state, event))
        return any(new is not None and self.found(new.history, new.tick, new.state) for new in news)

    def lengths(
        self, history: EventHistory, tick: int, state: int, event: int, contrast: list[bool] | None = None
    ) -> list[int]:
        """How long an event may be by each rule alone, in the order of the search; see `_following`."""
        at, head = np.array([tick]), np.array([event])
        likely = self.look.after_lengths(at, np.array([state]), head)
        if self.known is not None:
            likely = self.known.after_lengths(history, at, np.array([state]), head, likely)
        likely = likely * self.look.length_share[at]
        for rule in self.history_rules:
            fine = rule.may_last(history, at, head)
            if contrast is not None and isinstance(rule, DistinctSections) and (likely * ~fine > 0).any():
                contrast.append(True)
            likely = likely * fine
        return self._in_order(likely[0])

    def _order(self, number: int) -> None:
        """Look at the likeliest first, then at the rarest, then by chance, more or less by how likely they are.

        Where tunes must not be copied the rarest are tried first of all.
        """
        tilts = (-1.0, 1.0) if set(NEED_TUNES) & set(self.problem.rules) else (1.0, -1.0)
        self._tilt = tilts[number] if number < len(tilts) else TILTS[number % len(TILTS)]
        self._random = np.random.default_rng(number) if number >= len(tilts) else None

    def _in_order(self, likely: Floats) -> list[int]:
        """Numbers of those that are possible at all."""
        those = np.flatnonzero(likely > 0)
        score = self._tilt * np.log(likely[those])
        if self._random is not None:
            score += self._random.gumbel(size=len(those))
        return [int(number) for number in those[np.argsort(-score, kind="stable")]]

    def _following(self, prefix: Prefix, contrast: list[bool]) -> Iterator[Prefix]:
        """The prefixes that are one event longer; `contrast` is set if sections that must differ leave some out."""
        tick, state, history, pending = prefix
        if tick in pending and pending[tick][self._automaton_state(state)] == self.look.automaton.states:
            return
        at = np.array([tick])
        likely = self.look.after_heads(at, np.array([state]))
        if self.known is not None:
            likely = self.known.after_heads(history, at, np.array([state]), likely)
        for rule in self.history_rules:
            fine = rule.may_begin(history, at)
            if isinstance(rule, DistinctSections) and (likely * ~fine > 0).any():
                contrast.append(True)
            likely = likely * fine
        for event in self._in_order(likely[0]):
            for length in self.lengths(history, tick, state, event, contrast):
                new = self._after(prefix, event, length)
                if new is not None:
                    yield new

    def _after(self, prefix: Prefix, event: int, length: int) -> Prefix | None:
        """The prefix with one event more; None if the notes can't be repeated where the form requires."""
        tick, state, history, pending = prefix
        at, head, lasts = np.array([tick]), np.array([event]), np.array([length])
        then, state = int(self.look.ends[tick, length]), int(self.look.follow(at, lasts, np.array([state]), head)[0])
        to_come = self.repeats.after(pending, tick, event, length, (then, self._automaton_state(state)))
        if to_come is None:
            return None
        longer = history.select(np.zeros(1, np.int64))
        longer.add(np.zeros(1, np.int64), at, head, lasts)
        return Prefix(then, state, longer, to_come)

    def _automaton_state(self, state: int) -> int:
        return state % (self.look.automaton.states + 1)

    def _prefix(self, history: EventHistory, tick: int, state: int) -> Prefix | None:
        """The prefix of a history; None if what it has can't be repeated where the form requires."""
        prefix = Prefix(0, self.look.first_place, EventHistory.empty(history.event.shape[1], history.rest), {})
        while prefix.tick < tick and self.repeats.form is not None:
            event, length = int(history.event[0, prefix.tick]), int(history.length[0, prefix.tick])
            new = self._after(prefix, event, length)
            if new is None:
                return None
            prefix = new
        return Prefix(
            tick, state, history, {start: states for start, states in prefix.pending.items() if start >= tick}
        )

    def _keys(self, prefix: Prefix) -> tuple[bytes, bytes]:
        """What the rest of a melody depends on, and that without the rule that sections differ."""
        tick, state, history, pending = prefix
        digest = blake2b(np.array([tick, state]).tobytes(), digest_size=16)
        for start in sorted(pending):
            digest.update(pending[start].tobytes())
        whole, without = digest, digest.copy()
        for rule in self.history_rules:
            key = rule.state_key(history, tick)
            whole.update(key)
            if not isinstance(rule, DistinctSections):
                without.update(key)
        whole.update(b"all")
        return whole.digest(), without.digest()


def possible(problem: ConstraintProblem, most: int = MOST, seconds: float | None = None) -> bool:
    """Whether any melody keeps the rules of a problem.

    Raises:
        UndecidedError: if that is not found out by so many prefixes.
    """
    return search_for(problem, most, seconds) is not None


@lru_cache(maxsize=2)
def known(problem: ConstraintProblem) -> Search | None:
    """`search_for` a problem, kept for the next melody."""
    return search_for(problem, MOST)


def search_for(problem: ConstraintProblem, most: int, seconds: float | None = None) -> Search | None:
    """A search that has found a melody which keeps the rules of a problem; None if there is none.

    Raises:
        UndecidedError: if that is not found out by so many prefixes.
    """
    left, undecided, stopwatch = most, False, Stopwatch(SECONDS if seconds is None else seconds)
    for way, cost in _subproblems(problem, stopwatch):
        if left <= 0:
            raise UndecidedError
        left -= cost
        look = tables(way)
        if look is None:
            continue
        search = Search(way, look, stopwatch)
        try:
            if search.possible_at_all(max(left // 2 if way.parts or way.early else left, 0)):
                return search
        except OutOfTimeError:
            raise
        except UndecidedError:
            undecided = True
        left -= search.looked
    if undecided:
        raise UndecidedError
    return None


def _subproblems(problem: ConstraintProblem, stopwatch: Stopwatch) -> Iterator[tuple[ConstraintProblem, int]]:
    """Sub-problems that together cover every valid melody, each with the cost of building its tables."""
    late = problem._replace(early=False)
    early = [problem] if "max_copy" in problem.rules else []
    for way in (*early, late, *([] if problem.loose else [late._replace(loose=True)])):
        look = tables(way)
        if look is not None and {"form", "contour"} <= set(problem.rules):
            values = dict(problem.values)
            stretches = stretches_of(values["form"], cut(problem.timeline, values["form"]))
            cost = look.bytes // BYTES_OF_ONE
            ways = parts_of(values["contour"], stretches, look)
            while True:
                with stopwatch.running() as check:
                    parts = next(ways, None)
                    check()
                if parts is None:
                    break
                yield way._replace(parts=parts), cost
        elif look is not None:
            yield way, 0
        if not looks_back(way, look):
            return


FEW = 1_000
"""Prefixes that a short search looks at."""
SHORT = 1.5
"""Processor time of a short search, in seconds. What is not decided by then passes for possible, so that a conflict may
name a rule too many, but never lacks one."""


def perhaps(problem: ConstraintProblem) -> bool:
    """Whether some melody keeps the rules, as far as a short search can tell."""
    try:
        return possible(problem, FEW, SHORT)
    except UndecidedError:
        return True
