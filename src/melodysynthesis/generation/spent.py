"""A rule that allows so many notes of some sort, where the automaton would be too large with their number in it."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.automaton import Automaton
from melodysynthesis.constraints.rule import NO, Counting, Flags, Ints
from melodysynthesis.generation.past import Past


class Spent:
    """Guaranteed: no more such notes than the rule allows, counted over what was sung.

    Args:
        automaton: of the other rules.
        rule: it.
    """

    def __init__(self, automaton: Automaton, rule: Counting) -> None:
        space = automaton.space
        onsets, lengths = space.ticks[:-1, None], space.lengths[None, :]
        situation = np.broadcast_to(rule.situations(onsets, lengths), (len(onsets), len(space.lengths)))
        known = np.unique(situation[situation != NO])
        costs = np.stack([rule.costs(number) for number in known.tolist()])
        self.name, self.limit = rule.name, rule.limit()
        self.costs = np.zeros((len(space.ticks), len(space.lengths), costs.shape[1]), np.int64)
        self.costs[:-1] = costs[np.searchsorted(known, np.where(situation == NO, known[0], situation))]
        self.possible = automaton.classes != NO

    def heads(self, past: Past, tick: Ints) -> Flags:
        """See `Memory.heads`: what some length leaves enough for."""
        least = np.where(self.possible[tick][..., None], self.costs[tick], self.limit + 1).min(axis=1)
        return np.asarray(least <= self._left(past)[:, None])

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """See `Memory.lengths`."""
        return np.asarray(self.costs[tick, :, event] <= self._left(past)[:, None])

    def looked_at(self, past: Past, tick: int) -> bytes:
        """See `Memory.looked_at`: how many there may still be."""
        del tick
        return bytes(self._left(past).tobytes())

    def _left(self, past: Past) -> Ints:
        """(rows,) how many there may still be."""
        rows, ticks = np.nonzero(past.event != NO)
        spent = np.zeros(len(past.event), np.int64)
        np.add.at(spent, rows, self.costs[ticks, past.length[rows, ticks], past.event[rows, ticks]])
        return np.asarray(self.limit - spent)
