"""Options of `grid`: at each step a note or a rest begins, or the one that sounds goes on."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO
from melodysynthesis.constraints.space import Space
from melodysynthesis.encodings.grid import GridEncoding, shift_to_c
from melodysynthesis.formats.grid import DELIMITER, HOLD, REST
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.generation.walk import Ints, Options, Start, log_of


class GridWalk:
    """`grid`: at each step a note or a rest begins, or the one that sounds goes on."""

    def __init__(
        self, encoding: GridEncoding, look: Lookahead, start: Start, rows: int, memories: Sequence[Memory]
    ) -> None:
        automaton = look.automaton
        self.look, self.memories, self.until, self.after = look, memories, start.until, start.after
        shift = shift_to_c(automaton.setting.key) + start.moved
        pitches = [encoding.ids[str(int(pitch) + shift)] for pitch in automaton.setting.pitches]
        ids = encoding.ids
        self.heads = np.array([*pitches, ids[REST], ids[HOLD], ids[DELIMITER]])
        self.space: Space = automaton.space
        self.step = int(np.gcd.reduce(self.space.lengths))
        self.past, self.done = start.past.select(np.zeros(rows, np.int64)), np.zeros(rows, np.bool_)
        # The event under way begins at `tick` with the state before it; `elapsed` ticks have passed of it.
        self.tick, self.place = np.full(rows, start.tick), np.full(rows, start.place)
        self.head, self.elapsed = np.full(rows, NO), np.zeros(rows, np.int64)
        self.count, self.due = np.zeros(rows, np.int64), np.full(rows, NO)

    def notes(self) -> Ints:
        """See `Walk.notes`."""
        return self.count

    def options(self) -> Options:
        """See `Walk.options`."""
        rows, events = np.arange(len(self.tick)), len(self.heads) - 2
        likelihood = np.full((len(rows), events + 2), -np.inf)
        look, space = self.look, self.space
        under_way = np.flatnonzero((self.head != NO) & (self.due == NO) & ~self.done)
        here, state = self.tick.copy(), self.place.copy()
        closes = np.ones(len(rows), np.bool_)
        if len(under_way):
            tick, head = self.tick[under_way], self.head[under_way]
            after = look.after_lengths(tick, self.place[under_way], head)
            for memory in self.memories:
                after = after * memory.lengths(self.past.select(under_way), tick, head)
            longer = space.lengths > self.elapsed[under_way, None]
            shares = look.length_share[tick] * longer
            ahead = (after * shares).sum(axis=1) / np.maximum(shares.sum(axis=1), 1e-300)
            likelihood[under_way, events] = log_of(ahead) + look.scale[tick]
            length = np.minimum(np.searchsorted(space.lengths, self.elapsed[under_way]), len(space.lengths) - 1)
            exact = space.lengths[length] == self.elapsed[under_way]
            closes[under_way] = exact & (after[np.arange(len(under_way)), length] > 0)
            closing = under_way[closes[under_way]]
            length = length[closes[under_way]]
            tick = self.tick[closing]
            state[closing] = look.follow(tick, length, self.place[closing], self.head[closing])
            here[closing] = space.number[space.ticks[tick] + space.lengths[length]]
        begins = closes & (self.due == NO) & ~self.done
        ends = np.flatnonzero(begins & (here == self.until))
        likelihood[ends, events + 1] = look.log_likelihood(here[ends], state[ends])
        free = np.flatnonzero(begins & (here != self.until))
        if len(free):
            heads = look.after_heads(here[free], state[free])
            for memory in self.memories:
                heads = heads * memory.heads(self._closed(free), here[free])
            likelihood[free, :events] = log_of(heads) + look.scale[here[free], None]
        tokens = np.tile(self.heads, (len(rows), 1))
        due = (self.due != NO) | self.done
        likelihood[due, events + 1] = 0.0
        tokens[ends, events + 1] = self.after[0]
        for row in np.flatnonzero(self.due != NO).tolist():
            tokens[row, events + 1] = self.after[self.due[row]]
        return Options(tokens, likelihood)

    def _closed(self, rows: Ints) -> Past:
        """The past of particles, with the event under way as if it ended here."""
        past = self.past.select(rows)
        own = np.flatnonzero(self.head[rows] != NO)
        sounding = rows[own]
        length = np.searchsorted(self.space.lengths, self.elapsed[sounding])
        past.add(own, self.tick[sounding], self.head[sounding], length)
        return past

    def take(self, options: Options, chosen: Ints) -> None:
        """See `Walk.take`."""
        events = len(self.heads) - 2
        del options
        self.elapsed += (chosen == events) * self.step
        due = self.due != NO
        closes = np.flatnonzero((chosen != events) & ~due & ~self.done)
        space = self.space
        sounding = closes[self.head[closes] != NO]
        if len(sounding):
            length = np.searchsorted(space.lengths, self.elapsed[sounding])
            tick = self.tick[sounding]
            self.past.add(sounding, tick, self.head[sounding], length)
            self.place[sounding] = self.look.follow(tick, length, self.place[sounding], self.head[sounding])
            self.tick[sounding] = space.number[space.ticks[tick] + space.lengths[length]]
            self.count[sounding] += 1
        begins = closes[chosen[closes] < events]
        self.head[begins], self.elapsed[begins] = chosen[begins], self.step
        self.due[due] += 1
        ends = closes[chosen[closes] == events + 1]
        self.head[ends], self.due[ends] = NO, 1
        self.done |= self.due == len(self.after)
        self.due[self.done] = NO

    def select(self, indices: Ints) -> Self:
        """See `Walk.select`."""
        new = copy(self)
        new.past = self.past.select(indices)
        for name in ("done", "tick", "place", "head", "elapsed", "count", "due"):
            setattr(new, name, getattr(self, name)[indices])
        return new
