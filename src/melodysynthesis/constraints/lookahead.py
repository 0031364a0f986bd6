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
from melodysynthesis.constraints.rule import NO, Event, Ints
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
    shares, events = _length_shares(automaton), _event_shares(automaton)
    ends = _ends_of(automaton)
    needs = np.full((count if automaton.budget else 1, states + 1), NEVER, np.int32)
    needs[-1, :-1] = np.where(automaton.ends, 0, NEVER)
    least = [needs[0]]
    values, scale = np.zeros((count, states + 1)), np.zeros(count)
    values[-1, :-1] = automaton.ends
    sums, groups, kinds = [np.zeros(states + 1)], [], []
    then = np.empty(events.shape)
    for tick in reversed(range(count - 1)):
        mine, group, kind = automaton.event_classes[tick], [], []
        lengths = np.flatnonzero(mine != NO)
        lengths = lengths[values[ends[tick, lengths]].any(axis=1)]
        if len(lengths):
            after = ends[tick, lengths]
            scale[tick] = scale[after].max()
            weight = shares[tick, lengths] * np.exp(np.maximum(scale[after] - scale[tick], -600))
            total = np.zeros(states)
            for one in np.unique(mine[lengths]):
                chosen = mine[lengths] == one
                ahead = weight[chosen] @ values[after[chosen]]
                np.take(ahead, automaton.next[one, :-1], mode="clip", out=then)  # twice as fast as by an index
                total += np.einsum("ue,ue->u", events, then)
                group.append(len(sums))
                kind.append(int(one))
                sums.append(ahead)
                if automaton.budget:
                    cheapest = needs[after[chosen]].min(axis=0)
                    least.append(cheapest)
                    spent = (cheapest[automaton.next[one, :-1]] + automaton.costs[one]).min(axis=1)
                    needs[tick, :-1] = np.minimum(needs[tick, :-1], spent)
            largest = total.max()
            if largest > 0:
                values[tick, :-1] = np.where(total > 0, np.maximum(total / largest, LEAST), 0)
                if automaton.budget:
                    needs[tick, :-1][total == 0] = NEVER
                scale[tick] += np.log(largest)
                for row in group:  # in the tick's own scale
                    sums[row] = np.where(sums[row] > 0, np.maximum(sums[row] / largest, LEAST), 0)
        groups.append(group)
        kinds.append(kind)
    width = max(map(len, groups), default=0)
    pad = [[0] * width]
    return Lookahead(
        automaton, values, scale, shares, np.stack(sums),
        np.array([row + [0] * (width - len(row)) for row in reversed(groups)] + pad, np.int64).reshape(count, width),
        np.array([row + [0] * (width - len(row)) for row in reversed(kinds)] + pad, np.int64).reshape(count, width),
        needs, np.stack(least), ends,
    )  # fmt: skip


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


def _event_shares(automaton: Automaton) -> Floats:
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
