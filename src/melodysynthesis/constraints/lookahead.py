"""How likely the rules are still to be kept, from every state at every time: a backward pass over the automaton.

Events are taken to be as in folk songs: lengths by how frequent they are, pitches by how frequent their interval from
the note before is. That is a rough model of melodies, and does not need to be more: a melody model's own distribution
is *twisted* by it, and sequential Monte Carlo corrects what is wrong with it. Where it says 0 no melody keeps the
rules, whatever the model; everywhere else some melody does. So a sampler that never takes what has 0 finds no dead end.

The twisted proposal and its correction: Whiteley and Lee, "Twisted particle filters" (Annals of Statistics 42, 2014).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.automaton import Automaton
from melodysynthesis.constraints.rule import NO, Event, Flags, Ints
from melodysynthesis.theory import SCALES

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

# Counted over the 230,687 notes of the training split of the German Essen songs.
LENGTHS = {
    3: 0.0002, 6: 0.0759, 9: 0.0001, 12: 0.4402, 18: 0.0261, 24: 0.2897, 30: 0.0001, 36: 0.0341, 48: 0.0915,
    60: 0.0007, 72: 0.0062, 96: 0.0297, 120: 0.0002, 144: 0.0019, 192: 0.0031, 288: 0.0002, 384: 0.0001,
}  # fmt: skip
"""Share of notes by their ticks."""
INTERVALS = (
    0.2142, 0.0753, 0.1729, 0.0555, 0.0306, 0.0336, 0.0012, 0.0120, 0.0033, 0.0047, 0.0014, 0.0001, 0.0020,
)  # fmt: skip
"""Share of intervals by their semitones; upward and downward the same, so that there is no pull to either."""
RESTS = 0.0367
"""Rests by the note."""
FOREIGN = 0.02
"""How frequent a note outside of the key's scale is, compared with a note of the scale."""
OVER_BAR, SYNCOPATED = 0.012, 0.061
"""How frequent a note over a bar line is, or one that sounds through a stronger place within the bar, compared with
others of the same lengths from the same places: counted over 115,812 of those notes."""
RARE = 2e-5
"""The frequency of what does not occur in the songs."""
NEVER = 1_000_000
"""More than any budget."""
FEW_STATES = 128
"""Up to so many states a whole matrix is multiplied."""
LEAST = 1e-200
"""Far below any likelihood that matters, and above 0: possible."""


@dataclass(frozen=True, eq=False)
class Lookahead:
    """Tables of the backward pass.

    Attributes:
        automaton: that it is of.
        values: (n, U + 1) likelihood that the rules are kept from each tick and state, over ``exp(scale)``.
        scale: (n,) natural logarithm.
        length_share: (n, m) how frequent each length is from each tick on.
        sums: (rows, U + 1) see `groups`.
        groups: (n, G) row of `sums` of each class of events at a tick: values after its lengths, by state after the
            event, weighted by how frequent they are; the first row is 0, for none.
        kinds: (n, G) the class.
        needs: (n, U + 1) the least cost from each tick and state to the end.
        least: (rows, U + 1) of each group, as `sums`.
        ends: (n, m) number of the tick at which each event ends.

    A *place* of a particle is its state and what is left of its budget, in one number: ``left * (U + 1) + state``.
    """

    automaton: Automaton
    values: Floats
    scale: Floats
    length_share: Floats
    sums: Floats
    groups: Ints
    kinds: Ints
    needs: Counts
    least: Counts
    ends: Ints

    @property
    def possible(self) -> bool:
        """Whether any melody keeps the rules."""
        return bool(self.values[0, 0] > 0 and (not self.automaton.budget or self.needs[0, 0] <= self.automaton.budget))

    @property
    def bytes(self) -> int:
        """What its tables and those of its automaton take."""
        arrays = [*vars(self).values(), *vars(self.automaton).values()]
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    @property
    def first_place(self) -> int:
        """The place before the first event."""
        return self.automaton.budget * (self.automaton.states + 1)

    def log_likelihood(self, tick: Ints, place: Ints) -> Floats:
        """(rows,) natural logarithm of the likelihood that the rules are kept, by the rough model."""
        with np.errstate(divide="ignore"):
            value = np.log(self.values[tick, place % (self.automaton.states + 1)])
        return np.asarray(value + self.scale[tick])

    def follow(self, tick: Ints, length: Ints, place: Ints, event: Ints) -> Ints:
        """(rows,) the place after events of these lengths, given by number; they must be possible."""
        automaton = self.automaton
        kind = automaton.event_classes[tick, length]
        left, state = np.divmod(place, automaton.states + 1)
        then = automaton.next[kind, state, event]
        return np.asarray((left - automaton.costs[kind, event]) * (automaton.states + 1) + then)

    def run(self, events: Iterable[Event]) -> int:
        """The place after events from the first tick on, which must be possible."""
        place, number = np.array([self.first_place]), self.automaton.space.number
        for onset, ticks, pitch in events:
            length = np.searchsorted(self.automaton.space.lengths, [ticks])
            place = self.follow(number[[onset]], length, place, np.array([self.automaton.event(pitch)]))
        return int(place[0])

    def after_heads(self, tick: Ints, place: Ints) -> Floats:
        """(rows, P + 1) likelihood once an event's pitch is known, or that it is a rest; in the tick's scale.

        Args:
            tick: (rows,) numbers of the onsets.
            place: (rows,) before the event.
        """
        left, state = np.divmod(place, self.automaton.states + 1)
        groups, kinds = self.groups[tick], self.kinds[tick]
        total = np.zeros((len(tick), self.automaton.next.shape[2]))
        for column in range(groups.shape[1]):
            rows = np.flatnonzero(groups[:, column])
            if len(rows):
                then = self.automaton.next[kinds[rows, column], state[rows]]
                ahead = self.sums[groups[rows, column, None], then]
                if self.automaton.budget:
                    spent = self.least[groups[rows, column, None], then] + self.automaton.costs[kinds[rows, column]]
                    ahead = np.where(spent <= left[rows, None], ahead, 0.0)
                total[rows] += ahead
        return total

    def after_lengths(self, tick: Ints, place: Ints, event: Ints) -> Floats:
        """(rows, m) likelihood once an event's length is known too; in the scale of its onset."""
        automaton = self.automaton
        left, state = np.divmod(place, automaton.states + 1)
        kinds = automaton.event_classes[tick]
        then = np.where(kinds == NO, automaton.states, automaton.next[kinds, state[:, None], event[:, None]])
        ends = self.ends[tick]
        after = self.values[ends, then] * np.exp(np.minimum(self.scale[ends] - self.scale[tick, None], 600))
        if automaton.budget:
            spent = self.needs[ends, then] + automaton.costs[kinds, event[:, None]]
            after = np.where(spent <= left[:, None], after, 0.0)
        return np.asarray(after)


def _ends_of(automaton: Automaton) -> Ints:
    space = automaton.space
    ends = np.minimum(space.ticks[:, None] + space.lengths, space.ticks[-1])
    return np.asarray(np.maximum(space.number[ends], 0))


def look_ahead(automaton: Automaton) -> Lookahead:
    """The backward pass."""
    space, states = automaton.space, automaton.states
    count = len(space.ticks)
    shares, averages = _length_shares(automaton), _Averages(automaton)
    ends = _ends_of(automaton)
    needs = np.full((count if automaton.budget else 1, states + 1), NEVER, np.int32)
    needs[-1, :-1] = np.where(automaton.ends, 0, NEVER)
    least = [needs[:1]]
    values, scale, alive = np.zeros((count, states + 1)), np.zeros(count), np.zeros(count, np.bool_)
    values[-1, :-1] = automaton.ends
    alive[-1] = automaton.ends.any()
    sums, groups, kinds, rows = [np.zeros((1, states + 1))], [], [], 1
    for tick in reversed(range(count - 1)):
        lengths, mine, members = averages.lengths(tick, alive[ends[tick]])
        after = ends[tick, lengths]
        if len(lengths):
            scale[tick] = scale[after].max()
            weight = shares[tick, lengths] * np.exp(np.maximum(scale[after] - scale[tick], -600))
            ahead = (members * weight) @ values[after]  # (classes, U + 1)
            total = averages.before(mine, ahead)
            if automaton.budget:
                cheapest = np.stack([needs[after[one]].min(axis=0) for one in members])
                least.append(cheapest)
                for one, row in zip(mine, cheapest, strict=True):
                    spent = (row[automaton.next[one, :-1]] + automaton.costs[one]).min(axis=1)
                    needs[tick, :-1] = np.minimum(needs[tick, :-1], spent)
                needs[tick, :-1][total == 0] = NEVER
            largest = total.max()
            alive[tick] = largest > 0
            if largest > 0:
                values[tick, :-1] = np.where(total > 0, np.maximum(total / largest, LEAST), 0)
                scale[tick] += np.log(largest)
                ahead = np.where(ahead > 0, np.maximum(ahead / largest, LEAST), 0)  # in the tick's own scale
            sums.append(ahead)
        groups.append(list(range(rows, rows + len(mine))))
        kinds.append(list(mine))
        rows += len(mine)
    width = max(map(len, groups), default=0)
    pad = [[0] * width]
    return Lookahead(
        automaton, values, scale, shares, np.concatenate(sums),
        np.array([row + [0] * (width - len(row)) for row in reversed(groups)] + pad, np.int64).reshape(count, width),
        np.array([row + [0] * (width - len(row)) for row in reversed(kinds)] + pad, np.int64).reshape(count, width),
        needs, np.concatenate(least), ends,
    )  # fmt: skip


class _Averages:
    """Mean of what comes after an event over all events, by state before it: a product with a matrix for each class.

    Few events lead anywhere where there are many states; so their products are made one by one. Few states are faster
    by a whole matrix.
    """

    def __init__(self, automaton: Automaton) -> None:
        self.automaton, self.shares = automaton, event_shares(automaton)
        self._lengths: dict[bytes, tuple[Ints, tuple[int, ...], Flags]] = {}
        self._matrices: dict[tuple[int, ...], Floats] = {}
        self._products: dict[int, tuple[Ints, Ints, Ints, Floats]] = {}

    def lengths(self, tick: int, alive: Flags) -> tuple[Ints, tuple[int, ...], Flags]:
        """(L,) lengths from a tick that lead on, their classes, and (classes, L) which length has which.

        Args:
            tick: number of the onset.
            alive: (m,) whether anything goes on after each length.
        """
        row = np.where(alive, self.automaton.event_classes[tick], NO)
        key = row.tobytes()
        if key not in self._lengths:
            lengths = np.flatnonzero(row != NO)
            mine = np.unique(row[lengths])
            self._lengths[key] = lengths, tuple(mine.tolist()), row[lengths] == mine[:, None]
        return self._lengths[key]

    def before(self, kinds: tuple[int, ...], ahead: Floats) -> Floats:
        """(U,) the sum over some classes of the mean of what comes after, by the state before.

        Args:
            kinds: the classes.
            ahead: (classes, U + 1) by the state after.
        """
        states = self.automaton.states
        if states <= FEW_STATES:
            if kinds not in self._matrices:
                self._matrices[kinds] = np.hstack([self._matrix(kind) for kind in kinds])
            return np.asarray(self._matrices[kinds] @ ahead.reshape(-1))
        total = np.zeros(states)
        for kind, row in zip(kinds, ahead, strict=True):
            if kind not in self._products:
                self._products[kind] = self._sparse(kind)
            before, starts, after, share = self._products[kind]
            if len(before):
                total[before] += np.add.reduceat(row[after] * share, starts)
        return total

    def _matrix(self, kind: int) -> Floats:
        """(U, U + 1) how frequent each state is after an event, by the state before."""
        matrix = np.zeros((self.automaton.states, self.automaton.states + 1))
        np.add.at(matrix, (np.arange(len(matrix))[:, None], self.automaton.next[kind, :-1]), self.shares)
        matrix[:, -1] = 0  # where a rule is broken nothing comes
        return matrix

    def _sparse(self, kind: int) -> tuple[Ints, Ints, Ints, Floats]:
        """States from which events lead on, where those of each begin; of these events the state after, and share."""
        states, events = np.nonzero(self.automaton.next[kind, :-1] < self.automaton.states)
        before, starts = np.unique(states, return_index=True)
        after = self.automaton.next[kind, states, events].astype(np.int64)
        return before, starts, after, self.shares[states, events]


def _length_shares(automaton: Automaton) -> Floats:
    """(n, m) how frequent each length is from each tick on, of those that do not reach beyond the end."""
    space, timeline = automaton.space, automaton.context.timeline
    share = np.array([LENGTHS.get(int(length), RARE) for length in space.lengths])
    ends = space.ticks[:, None] + space.lengths
    lines = np.array([*timeline.bar_lines, timeline.ticks])
    following = lines[np.minimum(np.searchsorted(lines, space.ticks, "right"), len(lines) - 1)]
    free = np.array([*timeline.unsyncopated, timeline.ticks])[space.ticks]
    shares = np.where(ends <= timeline.ticks, share, 0.0) * np.where(
        ends > following[:, None], OVER_BAR, np.where(space.lengths > free[:, None], SYNCOPATED, 1.0)
    )
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), RARE))


def event_shares(automaton: Automaton) -> Floats:
    """(U, P + 1) how frequent each event is after the note before, among all pitches, not only those allowed."""
    context = automaton.context
    pitches = np.arange(128)
    befores = np.append(context.pitches, 0)[:, None]
    share = np.full((len(befores), len(pitches)), RARE)
    for size, frequency in enumerate(INTERVALS):
        share[np.abs(pitches - befores) == size] = frequency
    share[-1] = 1.0  # the first note may be any
    if context.key is not None:
        share = share * np.where(
            np.isin((pitches - context.key.pitch_class) % 12, SCALES[context.key.mode]), 1, FOREIGN
        )
    share = share / share.sum(axis=1, keepdims=True)
    share[-1] = share[-1] * 5  # but sings within two octaves
    notes = share[:, context.pitches] * (1 - RESTS)
    return np.asarray(np.hstack([notes, np.full((len(notes), 1), RESTS)])[automaton.before])
