"""All rules of a melody as one automaton over its events, and the times at which they may happen.

A state of the product is the pitch of the latest note and the state of each rule. What an event does depends on its
*class*: its input symbols for all rules together. There are few classes, because bars resemble each other. So the
automaton is one transition table for each class, and the class of each onset and length. States that no event leads to
are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.last_section import last_sections
from melodysynthesis.constraints.rule import NO, Counting, Flags, Ints, Rule, RuleContext, SectionGroup
from melodysynthesis.constraints.space import Space
from melodysynthesis.errors import RequestError

MAX_CELLS, MAX_CODES, MAX_AHEAD = 40_000_000, 30_000_000, 40_000_000
"""Largest size of the transition tables, largest number of state codes, and largest size of the tables that the
look-ahead will need: some hundred megabytes each. They are known before any of them is made."""
MAX_STEPS = 1_000_000_000
"""Transitions that the look-ahead goes through: some five seconds."""
FEW = 3
"""A count up to this is kept in the states. The largest of the greater ones is a budget in addition to the state."""
LARGEST_CODE = 2**62
"""Of the symbols of all rules as one number."""
TOO_MANY = "these rules together are too many to keep track of"


class AutomatonTooLargeError(RequestError):
    """The tables of rules would take more memory or time than is reasonable."""


Build = Callable[[RuleContext], Rule]


@dataclass(frozen=True, eq=False)
class Automaton:
    """The product of rules. It has U states; state U means that a rule is broken.

    Attributes:
        context: of the melody, with only those pitches that all rules allow.
        space: onsets, n of them, and lengths, m.
        event_classes: (n, m) class of an event by onset and length, or `NO`.
        next: (classes, U + 1, P + 1) the state after an event.
        before: (U,) number of the latest note's pitch, P for none.
        ends: (U,) whether the melody may end.
        costs: (classes, P + 1) what an event adds to the count that is the budget.
        budget: the limit of that count; 0 without one.
        uncounted: further rules that count, for the caller to keep: with their counts the product would be too large.
    """

    context: RuleContext
    space: Space
    event_classes: Ints
    next: NDArray[np.int32]
    before: Ints
    ends: Flags
    costs: Ints
    budget: int
    uncounted: tuple[Counting, ...]

    @property
    def states(self) -> int:
        """U."""
        return len(self.before)

    def event(self, pitch: int | None) -> int:
        """The number of an event by its pitch; `NO` for one that the rules never allow."""
        if pitch is None:
            return self.context.rest
        found = np.flatnonzero(self.context.pitches == pitch)
        return int(found[0]) if len(found) else NO


def compile_rules(context: RuleContext, builds: Sequence[Build], space: Space) -> Automaton | None:
    """The automaton of rules; None if they leave no pitch, or no way from the start to the end.

    Raises:
        AutomatonTooLargeError: if it would be too large.
    """
    try:
        return _compile(context, builds, space, judge_sections=True)
    except AutomatonTooLargeError:
        if not context.section_groups:
            raise
        return _compile(context, builds, space, judge_sections=False)


def _compile(context: RuleContext, builds: Sequence[Build], space: Space, judge_sections: bool) -> Automaton | None:
    """See `compile_rules`; whether sections are judged that come again as the last one, which takes larger tables."""
    allowed = np.logical_and.reduce([build(context).pitches() for build in builds])
    if not allowed.any():
        return None
    context = replace(context, pitches=context.pitches[allowed])
    rules = [build(context) for build in builds]
    spender = max(range(len(rules)), key=lambda number: rules[number].limit())
    budget = rules[spender].limit()
    if budget > FEW:
        rules[spender].count_externally()
    rules += last_sections(context, rules, space) if judge_sections else []
    transitions = [_Transitions(rule) for rule in rules]
    symbols, classes = _classes(transitions, space)
    if not len(symbols):
        return None
    known = (symbols, np.ones((len(symbols), context.rest + 1), np.bool_))
    for group in context.section_groups:
        known, classes = _split_by_sections(transitions, known, classes, space, group)
    symbols, masks = known
    classes = _connected(classes, space)
    used = np.unique(classes[classes != NO])
    if not len(used):
        return None
    classes = np.where(classes == NO, NO, np.searchsorted(used, classes))
    chosen, spent = [(symbols[i], masks[i]) for i in used.tolist()], [rules[spender]] if budget > FEW else []
    most = _most_states(classes, context.rest + 1)
    tables, uncounted = _smaller_product(transitions, context, chosen, spent, most)
    ends = np.ones(len(tables.before), np.bool_)
    for rule, states in zip(rules, tables.own, strict=True):
        ends &= np.broadcast_to(rule.ends(), (rule.states, context.rest + 1))[states, tables.before]
    costs = np.zeros((len(used), context.rest + 1), np.int64)
    if budget > FEW:
        costs = np.stack([rules[spender].costs(int(symbols[one, spender])) for one in used.tolist()])
    first, same = _equal_rows(tables.next, costs)
    classes = np.where(classes == NO, NO, same[classes])
    return Automaton(
        context, space, classes, tables.next[first], tables.before, ends, costs[first],
        budget if costs.any() else 0, uncounted,
    )  # fmt: skip


def _equal_rows(*arrays: NDArray[Any]) -> tuple[Ints, Ints]:
    """(different,) the first of the rows that are equal in all arrays, and (rows,) which of these each row equals."""
    numbers: dict[bytes, int] = {}
    same = [
        numbers.setdefault(b"".join(row.tobytes() for row in rows), len(numbers)) for rows in zip(*arrays, strict=True)
    ]
    return np.unique(same, return_index=True)[1], np.array(same)


class _Transitions:
    """The transitions of a rule by symbol, each made once. Symbols that do the same are told as one.

    Args:
        rule: of the melody.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._tables: dict[int, Ints] = {}

    def of(self, symbol: int) -> Ints:
        """See `Rule.transitions`."""
        if symbol not in self._tables:
            self._tables[symbol] = self.rule.transitions(symbol)
        return self._tables[symbol]

    def merged(self, symbols: Ints) -> Ints:
        """The symbols, where those that have the same transitions and costs are one."""
        known, which = np.unique(symbols, return_inverse=True)
        first: dict[tuple[object, ...], int] = {}
        new = [one if one == NO else first.setdefault(self._key(one), one) for one in known.tolist()]
        return np.array(new)[which].reshape(symbols.shape)

    def _key(self, symbol: int) -> tuple[object, ...]:
        table = self.of(symbol)
        return table.shape, table.tobytes(), self.rule.costs(symbol).tobytes()

    def count_externally(self) -> None:
        """See `Rule.count_externally`."""
        self.rule.count_externally()
        self._tables.clear()


def _classes(rules: Sequence[_Transitions], space: Space) -> tuple[Ints, Ints]:
    """(classes, rules) symbols of each class, and (n, m) the class of each event."""
    onsets, lengths = space.ticks[:-1, None], space.lengths[None, :]
    shape = (len(space.ticks) - 1, len(space.lengths))
    end = onsets + lengths
    fits = end <= space.ticks[-1]
    fits &= space.number[np.minimum(end, space.ticks[-1])] >= 0
    columns = []
    for rule in rules:
        symbol = np.broadcast_to(rule.merged(rule.rule.symbols(onsets, lengths)), shape)
        fits = fits & (symbol != NO)
        columns.append(symbol)
    which, sizes = np.zeros(int(fits.sum()), np.int64), 1
    for column in columns:
        mine = column[fits]
        size = int(mine.max(initial=0)) + 1
        if sizes * size > LARGEST_CODE:
            known, which = np.unique(which, return_inverse=True)
            sizes = len(known)
        which, sizes = which * size + mine, sizes * size
    _, first, which = np.unique(which, return_index=True, return_inverse=True)
    symbols = np.stack([column[fits][first] for column in columns], axis=-1)
    classes = np.full((len(space.ticks), len(space.lengths)), NO)
    classes[:-1][fits] = which.reshape(-1)
    return symbols, classes


def _split_by_sections(
    rules: Sequence[_Transitions], known: tuple[Ints, Flags], classes: Ints, space: Space, group: SectionGroup
) -> tuple[tuple[Ints, Flags], Ints]:
    """Classes split further, by the events that all sections of the group allow at the same place."""
    symbols, masks = known
    possible = masks & _possible(rules, symbols)
    possible = np.vstack([possible, np.zeros((1, possible.shape[1]), np.bool_)])  # the last is `NO`
    number = space.number
    offsets = np.arange(group.ticks)
    rows = np.stack([number[start + offsets] for start in group.starts])  # (sections, offsets)
    here = (rows >= 0).all(axis=0)
    rows, offsets = rows[:, here], offsets[here]
    within = offsets[:, None] + space.lengths <= group.ticks
    kinds = np.where(within, classes[rows], NO)  # (sections, offsets, lengths)
    events = possible[kinds]
    sounding: Flags = np.logical_and.reduce(events[..., :-1].any(axis=-1))
    silent: Flags = np.logical_and.reduce(events[..., -1])
    new = classes.copy()
    for start in group.starts:
        inside = (space.ticks >= start) & (space.ticks < start + group.ticks)
        new[inside] = NO
    keys: dict[tuple[int, bytes], int] = {}
    made: list[tuple[int, Flags]] = []
    for section, same in enumerate(group.same):
        equal_sections = [number for number, other in enumerate(group.same) if other == same]
        both: Flags = np.logical_and.reduce(events[equal_sections])
        both[..., :-1] &= sounding[..., None]
        both[..., -1] &= silent
        for at, length in zip(*np.nonzero(both.any(axis=-1) & (kinds[section] != NO)), strict=True):
            old, mask = int(kinds[section, at, length]), both[at, length]
            key = (old, mask.tobytes())
            if key not in keys:
                keys[key] = len(symbols) + len(made)
                made.append((old, mask))
            new[rows[section, at], length] = keys[key]
    if made:
        symbols = np.vstack([symbols, symbols[[old for old, _ in made]]])
        masks = np.vstack([masks, np.stack([masks[old] & mask for old, mask in made])])
    return (symbols, masks), new


def _possible(rules: Sequence[_Transitions], symbols: Ints) -> Flags:
    """(classes, P + 1) events that some state allows, by each rule alone."""
    possible = []
    tables: dict[tuple[int, int], Flags] = {}
    for row in symbols.tolist():
        for number, symbol in enumerate(row):
            if (number, symbol) not in tables:
                tables[number, symbol] = (rules[number].of(symbol) != NO).any(axis=(0, 1))
        possible.append(np.logical_and.reduce(np.broadcast_arrays(*(tables[key] for key in enumerate(row)))))
    return np.stack(possible)


def _connected(classes: Ints, space: Space) -> Ints:
    """Classes of the events that lie on some way from the start to the end."""
    number, count = space.number, len(space.ticks)
    ends = number[np.minimum(space.ticks[:, None] + space.lengths, space.ticks[-1])]
    ways = classes != NO
    forward, backward = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    forward[0] = backward[-1] = True
    for at in range(count):
        if forward[at]:
            forward[ends[at, ways[at]]] = True
    for at in reversed(range(count - 1)):
        backward[at] = backward[ends[at, ways[at]]].any()
    return np.where(ways & forward[:, None] & backward[ends], classes, NO)


def _most_states(classes: Ints, events: int) -> int:
    """So many states that the tables of the automaton and of its look-ahead are not too large."""
    by_tick = np.sort(classes, axis=1)
    groups = int(((by_tick[:, 1:] != by_tick[:, :-1]) & (by_tick[:, 1:] != NO)).sum() + (by_tick[:, 0] != NO).sum())
    kinds = int(classes.max()) + 1
    return min(MAX_CELLS // (kinds * events), MAX_AHEAD // (groups + len(classes)), MAX_STEPS // (groups * events))


@dataclass(frozen=True, eq=False)
class _Tables:
    next: NDArray[np.int32]
    before: Ints
    own: list[Ints]


def _smaller_product(
    rules: Sequence[_Transitions],
    context: RuleContext,
    classes: Sequence[tuple[Ints, Flags]],
    spent: Sequence[Rule],
    most: int,
) -> tuple[_Tables, tuple[Counting, ...]]:
    """The product; if it is too large, without the numbers that some rules count, from the largest on."""
    waiting = [one for one in rules if isinstance(one.rule, Counting) and one.rule.limit() > FEW]
    waiting = sorted((one for one in waiting if one.rule not in spent), key=lambda one: one.rule.limit())
    uncounted: list[Counting] = []
    while True:
        try:
            return _product(rules, context, classes, most), tuple(uncounted)
        except AutomatonTooLargeError:
            if not waiting:
                raise
            largest = waiting.pop()
            largest.count_externally()
            assert isinstance(largest.rule, Counting)
            uncounted.append(largest.rule)


def _product(
    rules: Sequence[_Transitions], context: RuleContext, classes: Sequence[tuple[Ints, Flags]], most: int
) -> _Tables:
    """Tables over the states that some events lead to, whenever they happen: `most` of them.

    A state's code has the latest note in its lowest place and each rule's state in the following ones. Which codes were
    seen is a table of all that could be.
    """
    events = context.rest + 1
    sizes = np.cumprod([events, *(one.rule.states for one in rules)]).tolist()
    if sizes[-1] > MAX_CODES:
        raise AutomatonTooLargeError(TOO_MANY)
    moves = _Moves(rules, sizes)
    steps = [_Step(moves, row, mask) for row, mask in classes]
    index = np.full(sizes[-1] + 1, NO, np.int32)  # the last for `NO`
    frontier = np.array([context.rest], np.int64)  # no note yet, and every rule in its first state
    index[frontier] = 0
    order, chunks = frontier, []
    while len(frontier):
        chunk = np.stack([step.codes(frontier) for step in steps])
        chunks.append(chunk)
        frontier = np.unique(chunk[index[chunk] == NO])
        frontier = frontier[frontier != NO].astype(np.int64)
        index[frontier] = len(order) + np.arange(len(frontier))
        order = np.concatenate([order, frontier])
        if len(order) > most:
            raise AutomatonTooLargeError(TOO_MANY)
    index[-1] = len(order)
    broken = np.full((len(classes), 1, events), len(order), np.int32)
    tables = np.concatenate([index[np.concatenate(chunks, axis=1)], broken], axis=1)
    own = [order // sizes[number] % one.rule.states for number, one in enumerate(rules)]
    return _Tables(tables, order % events, own)


class _Moves:
    """What the symbols of rules do to codes; each table is made once.

    Args:
        rules: of the melody.
        sizes: what the state of each rule is multiplied by in a code, after the number of events.
    """

    def __init__(self, rules: Sequence[_Transitions], sizes: Sequence[int]) -> None:
        self.rules, self.sizes = rules, sizes
        self._made: dict[tuple[int, int], NDArray[np.int32]] = {}

    def of(self, number: int, symbol: int) -> NDArray[np.int32]:
        """(states, note before, event) what a rule's next state adds to a code, or `NO`."""
        if (number, symbol) not in self._made:
            events = self.sizes[0]
            whole = np.broadcast_to(self.rules[number].of(symbol), (self.rules[number].rule.states, events, events))
            self._made[number, symbol] = np.where(whole == NO, NO, whole * self.sizes[number]).astype(np.int32)
        return self._made[number, symbol]


class _Step:
    """What events of one class do to codes."""

    def __init__(self, moves: _Moves, row: Ints, mask: Flags) -> None:
        events = len(mask)
        self.sizes = moves.sizes
        self.legal = np.tile(mask, (events, 1))  # (note before, event), by the rules that have no states
        self.transitions: list[tuple[int, int, NDArray[np.int32]]] = []  # place, number and table of the others' states
        for number, symbol in enumerate(row.tolist()):
            states, table = moves.rules[number].rule.states, moves.of(number, symbol)
            if states == 1:
                self.legal &= table[0] != NO
            else:
                self.transitions.append((self.sizes[number], states, table))
        each = np.arange(events)
        # A rest leaves the latest note.
        self.note = np.where(each < events - 1, each, each[:, None]).astype(np.int32)

    def codes(self, states: Ints) -> NDArray[np.int32]:
        """(states, P + 1) codes of the states after each event, or `NO`."""
        before = states % self.sizes[0]
        legal, code = self.legal[before], self.note[before]
        for size, count, transitions in self.transitions:
            then = transitions[states // size % count, before]
            legal &= then != NO
            code += then
        return np.where(legal, code, np.int32(NO))
