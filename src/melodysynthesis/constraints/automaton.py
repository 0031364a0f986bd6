"""All rules of a melody as one automaton over its events, and the times at which they may happen.

A state is the pitch of the latest note and each rule's own state. What an event does depends on its *class*: the
situations that it is in, of all rules together. There are few of them, as bars are alike; so the automaton is a table
for each class, and which class an event of some onset and length has. States that no event leads to are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.rule import NO, Counting, Flags, Ints, Likeness, Rule, Setting
from melodysynthesis.constraints.space import Space
from melodysynthesis.errors import RequestError

MAX_CELLS, MAX_CODES = 150_000_000, 100_000_000
"""Of all tables together: what more would need gigabytes."""
FEW = 3
"""A count up to this is kept in the states. Of larger ones the largest is not: what is left of it is a budget."""
TOO_MANY = "these rules together are too many to keep track of: leave some out, or narrow the range"

Build = Callable[[Setting], Rule]


@dataclass(frozen=True, eq=False)
class Automaton:
    """The product of rules. U is the number of states, and the number of the state in which a rule is broken.

    Attributes:
        setting: what the rules know; only pitches that they allow.
        space: onsets, n of them, and lengths, m.
        classes: (n, m) class of an event by onset and length, or `NO`.
        next: (classes, U + 1, P + 1) the state after an event.
        before: (U,) number of the latest note's pitch, P for none.
        ends: (U,) whether the melody may end.
        close: (n,) whether what is sung up to a tick is sung again at the end.
        closes: (U,) whether such notes may be the last, by the rules that look back only.
        costs: (classes, P + 1) what an event adds to the count of the rule that counts furthest.
        budget: what that count may come to.
        uncounted: rules that count, too, and that somebody else has to see to: with them it would be too large.
    """

    setting: Setting
    space: Space
    classes: Ints
    next: NDArray[np.int32]
    before: Ints
    ends: Flags
    close: Flags
    closes: Flags
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
            return self.setting.rest
        found = np.flatnonzero(self.setting.pitches == pitch)
        return int(found[0]) if len(found) else NO


def compile_rules(setting: Setting, builds: Sequence[Build], space: Space) -> Automaton | None:
    """The automaton of rules; None if they leave no pitch, or no way from the start to the end.

    Raises:
        RequestError: if it would be too large.
    """
    allowed = np.logical_and.reduce([build(setting).pitches() for build in builds])
    if not allowed.any():
        return None
    setting = replace(setting, pitches=setting.pitches[allowed])
    rules = [build(setting) for build in builds]
    spender = max(range(len(rules)), key=lambda number: rules[number].limit())
    budget = rules[spender].limit()
    if budget > FEW:
        rules[spender].spend()
    situations, classes = _classes(rules, space)
    known = (situations, np.ones((len(situations), setting.rest + 1), np.bool_))
    for likeness in setting.likenesses:
        known, classes = _alike(rules, known, classes, space, likeness)
    situations, masks = known
    classes = _connected(classes, space)
    used = np.unique(classes[classes != NO])
    if not len(used):
        return None
    classes = np.where(classes == NO, NO, np.searchsorted(used, classes))
    tables, uncounted = _smaller_product(
        rules, setting, [(situations[i], masks[i]) for i in used.tolist()], [rules[spender]] if budget > FEW else []
    )
    ends, closes = np.ones((2, len(tables.before)), np.bool_)
    for rule, states in zip(rules, tables.own, strict=True):
        may_end = np.broadcast_to(rule.ends(), (rule.states, setting.rest + 1))[states, tables.before]
        ends &= may_end
        closes &= may_end | (not rule.looks_back)
    close = np.isin(
        space.ticks, [tick for likeness in setting.likenesses for tick in likeness.sung_at_the_end(setting.timeline)]
    )
    costs = np.zeros((len(used), setting.rest + 1), np.int64)
    if budget > FEW:
        costs = np.stack([rules[spender].costs(int(situations[one, spender])) for one in used.tolist()])
    return Automaton(
        setting, space, classes, tables.next, tables.before, ends, close, closes, costs, budget if costs.any() else 0,
        uncounted,
    )  # fmt: skip


def _classes(rules: Sequence[Rule], space: Space) -> tuple[Ints, Ints]:
    """(classes, rules) situations of each class, and (n, m) the class of each event."""
    onsets, lengths = space.ticks[:-1, None], space.lengths[None, :]
    shape = (len(space.ticks) - 1, len(space.lengths))
    end = onsets + lengths
    fits = end <= space.ticks[-1]
    fits &= space.number[np.minimum(end, space.ticks[-1])] >= 0
    columns = []
    for rule in rules:
        situation = np.broadcast_to(rule.situations(onsets, lengths), shape)
        fits = fits & (situation != NO)
        columns.append(situation)
    rows = np.stack(columns, axis=-1)[fits]
    situations, which = np.unique(rows, axis=0, return_inverse=True)
    classes = np.full((len(space.ticks), len(space.lengths)), NO)
    classes[:-1][fits] = which.reshape(-1)
    return situations, classes


def _alike(
    rules: Sequence[Rule], known: tuple[Ints, Flags], classes: Ints, space: Space, likeness: Likeness
) -> tuple[tuple[Ints, Flags], Ints]:
    """Classes parted further, by the events that all like sections allow at the same place."""
    situations, masks = known
    possible = masks & _possible(rules, situations)
    possible = np.vstack([possible, np.zeros((1, possible.shape[1]), np.bool_)])  # the last stands for `NO`
    number = space.number
    offsets = np.arange(likeness.ticks)
    rows = np.stack([number[start + offsets] for start in likeness.starts])  # (sections, offsets)
    here = (rows >= 0).all(axis=0)
    rows, offsets = rows[:, here], offsets[here]
    within = offsets[:, None] + space.lengths <= likeness.ticks
    kinds = np.where(within, classes[rows], NO)  # (sections, offsets, lengths)
    events = possible[kinds]
    sounding: Flags = np.logical_and.reduce(events[..., :-1].any(axis=-1))
    silent: Flags = np.logical_and.reduce(events[..., -1])
    new = classes.copy()
    for start in likeness.starts:
        inside = (space.ticks >= start) & (space.ticks < start + likeness.ticks)
        new[inside] = NO
    keys: dict[tuple[int, bytes], int] = {}
    made: list[tuple[int, Flags]] = []
    for section, same in enumerate(likeness.same):
        twins = [number for number, other in enumerate(likeness.same) if other == same]
        both: Flags = np.logical_and.reduce(events[twins])
        both[..., :-1] &= sounding[..., None]
        both[..., -1] &= silent
        for at, length in zip(*np.nonzero(both.any(axis=-1) & (kinds[section] != NO)), strict=True):
            old, mask = int(kinds[section, at, length]), both[at, length]
            key = (old, mask.tobytes())
            if key not in keys:
                keys[key] = len(situations) + len(made)
                made.append((old, mask))
            new[rows[section, at], length] = keys[key]
    if made:
        situations = np.vstack([situations, situations[[old for old, _ in made]]])
        masks = np.vstack([masks, np.stack([masks[old] & mask for old, mask in made])])
    return (situations, masks), new


def _possible(rules: Sequence[Rule], situations: Ints) -> Flags:
    """(classes, P + 1) events that some state allows, by each rule alone."""
    possible = []
    tables: dict[tuple[int, int], Flags] = {}
    for row in situations.tolist():
        for number, situation in enumerate(row):
            if (number, situation) not in tables:
                tables[number, situation] = (rules[number].moves(situation) != NO).any(axis=(0, 1))
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


@dataclass(frozen=True, eq=False)
class _Tables:
    next: NDArray[np.int32]
    before: Ints
    own: list[Ints]


def _smaller_product(
    rules: Sequence[Rule], setting: Setting, classes: Sequence[tuple[Ints, Flags]], spent: Sequence[Rule]
) -> tuple[_Tables, tuple[Counting, ...]]:
    """The product; if it is too large, without the numbers that some rules count, from the largest on."""
    counting = [rule for rule in rules if isinstance(rule, Counting) and rule.limit() > FEW and rule not in spent]
    waiting = sorted(counting, key=Counting.limit)
    while True:
        try:
            return _product(rules, setting, classes), tuple(rule for rule in counting if rule not in waiting)
        except RequestError:
            if not waiting:
                raise
            waiting.pop().spend()


def _product(rules: Sequence[Rule], setting: Setting, classes: Sequence[tuple[Ints, Flags]]) -> _Tables:
    """Tables over the states that some events lead to, whenever they happen.

    A state's code has the latest note in its lowest place and each rule's state in the following ones. Which codes were
    seen is a table of all that could be.
    """
    events = setting.rest + 1
    sizes = np.cumprod([events, *(rule.states for rule in rules)]).tolist()
    if sizes[-1] > MAX_CODES:
        raise RequestError(TOO_MANY)
    steps = [_Step(rules, row, mask, sizes) for row, mask in classes]
    index = np.full(sizes[-1] + 1, NO, np.int32)  # the last for `NO`
    frontier = np.array([setting.rest], np.int64)  # no note yet, and every rule in its first state
    index[frontier] = 0
    order, chunks = frontier, []
    while len(frontier):
        chunk = np.stack([step.codes(frontier) for step in steps])
        chunks.append(chunk)
        frontier = np.unique(chunk[index[chunk] == NO])
        frontier = frontier[frontier != NO].astype(np.int64)
        index[frontier] = len(order) + np.arange(len(frontier))
        order = np.concatenate([order, frontier])
        if len(order) * events * len(classes) > MAX_CELLS:
            raise RequestError(TOO_MANY)
    index[-1] = len(order)
    broken = np.full((len(classes), 1, events), len(order), np.int32)
    tables = np.concatenate([index[np.concatenate(chunks, axis=1)], broken], axis=1)
    own = [order // sizes[number] % rule.states for number, rule in enumerate(rules)]
    return _Tables(tables, order % events, own)


class _Step:
    """What events of one class do to codes."""

    def __init__(self, rules: Sequence[Rule], row: Ints, mask: Flags, sizes: Sequence[int]) -> None:
        events = len(mask)
        self.sizes = sizes
        self.legal = np.tile(mask, (events, 1))  # (note before, event), by the rules that have no states
        self.moves: list[tuple[int, int, NDArray[np.int32]]] = []  # place, number and table of the others' states
        for number, rule in enumerate(rules):
            table = rule.moves(int(row[number]))
            if rule.states == 1:
                self.legal &= np.broadcast_to(table, (1, events, events))[0] != NO
            else:
                whole = np.broadcast_to(table, (rule.states, events, events))
                moved = np.where(whole == NO, NO, whole * sizes[number]).astype(np.int32)
                self.moves.append((sizes[number], rule.states, moved))
        each = np.arange(events)
        # A rest leaves the latest note.
        self.note = np.where(each < events - 1, each, each[:, None]).astype(np.int32)

    def codes(self, states: Ints) -> NDArray[np.int32]:
        """(states, P + 1) codes of the states after each event, or `NO`."""
        before = states % self.sizes[0]
        legal, code = self.legal[before], self.note[before]
        for size, count, moves in self.moves:
            then = moves[states // size % count, before]
            legal &= then != NO
            code += then
        return np.where(legal, code, np.int32(NO))
