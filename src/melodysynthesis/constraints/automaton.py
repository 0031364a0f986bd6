"""All rules of a melody as one automaton over its events, and the times at which they may happen.

A state is the pitch of the latest note and each rule's own state. What an event does depends on its *class*: the
situations that it is in, of all rules together. There are few of them, as bars are alike; so the automaton is a table
for each class, and which class an event of some onset and length has. States that no event leads to are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.given import Event
from melodysynthesis.constraints.rule import NO, Flags, Ints, Rule, Setting
from melodysynthesis.constraints.space import Space
from melodysynthesis.errors import RequestError

MAX_CELLS = 60_000_000
"""Of all tables together: what more would need gigabytes."""

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
    """

    setting: Setting
    space: Space
    classes: Ints
    next: NDArray[np.int32]
    before: Ints
    ends: Flags
    close: Flags
    closes: Flags

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

    def run(self, events: Iterable[Event], state: int = 0) -> int:
        """The state after events; U where they break a rule."""
        number = self.space.number
        for onset, ticks, pitch in events:
            length = int(np.searchsorted(self.space.lengths, ticks))
            known = length < len(self.space.lengths) and self.space.lengths[length] == ticks
            kind = self.classes[number[onset], length] if known and number[onset] >= 0 else NO
            event = self.event(pitch)
            if NO in (kind, event):
                return self.states
            state = int(self.next[kind, state, event])
        return state


@dataclass(frozen=True, slots=True)
class Likeness:
    """Sections that are alike: what is not possible in one is not possible in the others.

    Attributes:
        starts: their ticks.
        ticks: their length.
        same: for each, a number that those with the same notes share; the others have the same rhythm.
    """

    starts: tuple[int, ...]
    ticks: int
    same: tuple[int, ...]

    def sung_at_the_end(self, space: Space) -> list[int]:
        """Ends of the sections that have the same notes as the last of the melody, which is not among them."""
        if self.starts[-1] + self.ticks != space.ticks[-1]:
            return []
        pairs = zip(self.starts[:-1], self.same[:-1], strict=True)
        return [start + self.ticks for start, same in pairs if same == self.same[-1]]


def compile_rules(
    setting: Setting, builds: Sequence[Build], space: Space, likenesses: Sequence[Likeness] = ()
) -> Automaton | None:
    """The automaton of rules; None if they leave no pitch, or no way from the start to the end.

    Raises:
        RequestError: if it would be too large.
    """
    allowed = np.logical_and.reduce([build(setting).pitches() for build in builds])
    if not allowed.any():
        return None
    setting = replace(setting, pitches=setting.pitches[allowed])
    rules = [build(setting) for build in builds]
    situations, classes = _classes(rules, space)
    known = (situations, np.ones((len(situations), setting.rest + 1), np.bool_))
    for likeness in likenesses:
        known, classes = _alike(rules, known, classes, space, likeness)
    situations, masks = known
    classes = _connected(classes, space)
    used = np.unique(classes[classes != NO])
    if not len(used):
        return None
    classes = np.where(classes == NO, NO, np.searchsorted(used, classes))
    tables = _product(rules, setting, [(situations[i], masks[i]) for i in used.tolist()])
    ends, closes = np.ones((2, len(tables.before)), np.bool_)
    for rule, states in zip(rules, tables.own, strict=True):
        may_end = np.broadcast_to(rule.ends(), (rule.states, setting.rest + 1))[states, tables.before]
        ends &= may_end
        closes &= may_end | (not rule.looks_back)
    close = np.isin(space.ticks, [tick for likeness in likenesses for tick in likeness.sung_at_the_end(space)])
    return Automaton(setting, space, classes, tables.next, tables.before, ends, close, closes)


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


def _product(rules: Sequence[Rule], setting: Setting, classes: Sequence[tuple[Ints, Flags]]) -> _Tables:
    """Tables over the states that some events lead to, whenever they happen."""
    events = setting.rest + 1
    shapes = [(rule.states, events, events) for rule in rules]
    moves = {
        (number, int(row[number])): np.broadcast_to(rule.moves(int(row[number])), shapes[number])
        for number, rule in enumerate(rules)
        for row, _ in classes
    }
    sizes = np.cumprod([events, *(rule.states for rule in rules)])
    known = np.array([setting.rest], np.int64)  # no note yet, and every rule in its first state
    order, chunks = known, []
    frontier = known
    while len(frontier):
        before = frontier % events
        own = [frontier // sizes[number] % rule.states for number, rule in enumerate(rules)]
        chunk = np.stack([_codes(moves, one, before, own, sizes) for one in classes])
        chunks.append(chunk)
        reached = np.unique(chunk)
        frontier = np.setdiff1d(reached[reached != NO], known, assume_unique=True)
        known = np.union1d(known, frontier)
        order = np.concatenate([order, frontier])
        if len(order) * events * len(classes) > MAX_CELLS:
            raise RequestError(
                "these rules together are too many to keep track of: leave some out, or narrow the range"
            )
    codes = np.concatenate(chunks, axis=1)
    sort = np.argsort(order)
    place = np.searchsorted(order, codes, sorter=sort)
    state = np.where(codes == NO, len(order), sort[np.minimum(place, len(order) - 1)]).astype(np.int32)
    broken = np.full((len(classes), 1, events), len(order), np.int32)
    own = [order // sizes[number] % rule.states for number, rule in enumerate(rules)]
    return _Tables(np.concatenate([state, broken], axis=1), order % events, own)


def _codes(
    moves: dict[tuple[int, int], Ints], one: tuple[Ints, Flags], before: Ints, own: Sequence[Ints], sizes: Ints
) -> Ints:
    """(states, P + 1) codes of the states after each event, or `NO`."""
    row, mask = one
    events = len(mask)
    each = np.arange(events)
    code = np.where(each < events - 1, each, before[:, None])  # a rest leaves the latest note
    legal = np.broadcast_to(mask, code.shape)
    for number, states in enumerate(own):
        then = moves[number, int(row[number])][states[:, None], before[:, None], each]
        legal = legal & (then != NO)
        code = code + sizes[number] * then
    return np.where(legal, code, NO)
