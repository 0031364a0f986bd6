"""Options of `event`: a pitch or a rest, then a length; meters, phrase marks and ties stand between."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO
from melodysynthesis.constraints.space import Space
from melodysynthesis.encodings.event import spell_duration, tonic_shift
from melodysynthesis.encodings.event_tokens import END, ID, PHRASE, REST, TIE, Kind
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.generation.walk import Floats, Ints, Options, Start, log_of
from melodysynthesis.music import Meter

AFTER = 1
"""Number of the queue that ends a melody."""


class EventWalk:
    """`event`: a head, which is a pitch or a rest, then a length; what is due besides stands in a queue."""

    def __init__(
        self, look: Lookahead, start: Start, rows: int, memories: Sequence[Memory], changes: Sequence[Meter]
    ) -> None:
        automaton = look.automaton
        setting, space = automaton.setting, automaton.space
        self.look, self.memories, self.until, self.after = look, memories, start.until, start.after
        shift = tonic_shift(setting.key) - start.moved
        pitches = [ID[Kind.PITCH, int(pitch) - shift] for pitch in setting.pitches]
        self.heads = np.array([*pitches, REST, PHRASE])
        self.spelling = _Spelling(space, changes, start.after)
        self.past, self.done = start.past.select(np.zeros(rows, np.int64)), np.zeros(rows, np.bool_)
        self.tick, self.place = np.full(rows, start.tick), np.full(rows, start.place)
        self.head, self.count = np.full(rows, NO), np.zeros(rows, np.int64)
        self.queue, self.due = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.metered = np.zeros(rows, np.bool_)

    def notes(self) -> Ints:
        """See `Walk.notes`."""
        return self.count

    def options(self) -> Options:
        """See `Walk.options`."""
        rows, width = len(self.tick), max(len(self.heads), len(self.look.automaton.space.lengths))
        tokens, likelihood = np.zeros((rows, width), np.int64), np.full((rows, width), -np.inf)
        due = (self.queue > 0) | self.done
        heads, lengths = np.flatnonzero(~due & (self.head == NO)), np.flatnonzero(~due & (self.head != NO))
        self._due(np.flatnonzero(due), tokens, likelihood)
        self._heads(heads, tokens, likelihood)
        self._lengths(lengths, tokens, likelihood)
        return Options(tokens, likelihood)

    def _due(self, rows: Ints, tokens: Ints, likelihood: Floats) -> None:
        here = self._here(rows)
        for row, queue, place, value in zip(
            rows.tolist(), self.queue[rows].tolist(), self.due[rows].tolist(), here.tolist(), strict=True
        ):
            tokens[row, 0] = END if self.done[row] else self.spelling.queues[queue][place]
            likelihood[row, 0] = value

    def _heads(self, rows: Ints, tokens: Ints, likelihood: Floats) -> None:
        if not len(rows):
            return
        tick, look = self.tick[rows], self.look
        after = look.after_heads(tick, self.place[rows])
        for memory in self.memories:
            after = after * memory.heads(self._past_of(rows), tick)
        meters = self.spelling.meter_at[tick] * ~self.metered[rows] * (tick != self.until)
        after[meters > 0] = 0  # a new meter is said first
        columns = len(self.heads)
        tokens[rows, :columns] = self.heads
        likelihood[rows, : columns - 1] = log_of(after) + look.scale[tick, None]
        likelihood[rows, columns - 1] = self._here(rows)
        ends = rows[tick == self.until]
        likelihood[ends, : columns - 1] = -np.inf
        tokens[ends, 0], likelihood[ends, 0] = self.after[0], self._here(ends)
        if len(self.after) > 1:  # whether a phrase ends there is given too
            likelihood[ends, columns - 1] = -np.inf
        for row, meter in zip(rows[meters > 0].tolist(), meters[meters > 0].tolist(), strict=True):
            tokens[row, 0], likelihood[row, 0] = self.spelling.beats[meter], likelihood[row, columns - 1]

    def _lengths(self, rows: Ints, tokens: Ints, likelihood: Floats) -> None:
        if not len(rows):
            return
        tick, head, look = self.tick[rows], self.head[rows], self.look
        after = look.after_lengths(tick, self.place[rows], head)
        for memory in self.memories:
            after = after * memory.lengths(self._past_of(rows), tick, head)
        first, _ = self.spelling.at(tick)
        columns = first.shape[1]
        tokens[rows, :columns] = first
        likelihood[rows, :columns] = log_of(after) + look.scale[tick, None]

    def _past_of(self, rows: Ints) -> Past:
        return self.past if len(rows) == len(self.tick) else self.past.select(rows)

    def _here(self, rows: Ints) -> Floats:
        """(rows,) the likelihood as it stands."""
        tick = self.tick[rows]
        return self.look.log_likelihood(tick, self.place[rows])

    def take(self, options: Options, chosen: Ints) -> None:
        """See `Walk.take`."""
        rows = np.arange(len(chosen))
        tokens = options.tokens[rows, chosen]
        due = self.queue > 0
        self.due += due
        for row in np.flatnonzero(due).tolist():
            if self.due[row] == len(self.spelling.queues[self.queue[row]]):
                self.queue[row] = self.due[row] = 0
                self.done[row] |= tokens[row] == END
        ends = ~due & ~self.done & (self.head == NO) & (self.tick == self.until) & (chosen == 0)
        self.queue[ends], self.due[ends] = AFTER, 1
        if len(self.after) == 1:
            self.queue[ends], self.due[ends], self.done[ends] = 0, 0, True
        free = ~due & ~self.done & ~ends
        meters = free & (self.head == NO) & (self.spelling.meter_at[self.tick] > 0) & ~self.metered & (chosen == 0)
        meters &= np.isin(tokens, list(self.spelling.beats.values()))
        self.queue[meters] = self.spelling.meter_at[self.tick[meters]]
        self.metered |= meters
        lengths = np.flatnonzero(free & (self.head != NO))
        heads = free & (self.head == NO) & ~meters & (tokens != PHRASE)
        self.head[heads] = chosen[heads]
        self._take_lengths(lengths, chosen[lengths])

    def _take_lengths(self, rows: Ints, chosen: Ints) -> None:
        space, tick = self.look.automaton.space, self.tick[rows]
        self.past.add(rows, tick, self.head[rows], chosen)
        self.place[rows] = self.look.follow(tick, chosen, self.place[rows], self.head[rows])
        self.tick[rows] = space.number[space.ticks[tick] + space.lengths[chosen]]
        _, rest = self.spelling.at(tick)
        self.queue[rows] = rest[np.arange(len(rows)), chosen]
        self.head[rows], self.metered[rows] = NO, False
        self.count[rows] += 1

    def select(self, indices: Ints) -> Self:
        """See `Walk.select`."""
        new = copy(self)
        new.past = self.past.select(indices)
        for name in ("done", "tick", "place", "head", "count", "queue", "due", "metered"):
            setattr(new, name, getattr(self, name)[indices])
        return new


class _Spelling:
    """How `event` says lengths and meters: a first token, and a queue of tokens that are then due.

    A length is said by its longest parts, tied; where a new meter sets in within it, the meter stands between.

    Attributes:
        queues: tokens that are due; the first is none, the second ends a melody.
        meter_at: (n,) queue of the meter that sets in at each tick, or 0.
        beats: the first token of each such meter, by its queue.
    """

    def __init__(self, space: Space, changes: Sequence[Meter], after: tuple[int, ...]) -> None:
        self.space, self.changes = space, [(meter.tick, meter) for meter in changes]
        self.queues: list[tuple[int, ...]] = [(), after]
        self.numbers: dict[tuple[int, ...], int] = {(): 0}
        self.meter_at = np.zeros(len(space.ticks), np.int64)
        self.beats: dict[int, int] = {}
        for tick, meter in self.changes:
            queue = self._queue((ID[Kind.UNIT, meter.beat_unit],), new=True)
            self.meter_at[space.number[tick]] = queue
            self.beats[queue] = ID[Kind.BEATS, meter.beats]
        shape = (len(space.ticks), len(space.lengths))
        plain = [self._spelled(0, int(length), ()) for length in space.lengths]
        self.first = np.tile(np.array([first for first, _ in plain]), (shape[0], 1))
        self.rest = np.tile(np.array([rest for _, rest in plain]), (shape[0], 1))
        self.looked = np.array([not self._within(int(tick), int(space.lengths[-1])) for tick in space.ticks])

    def at(self, ticks: Ints) -> tuple[Ints, Ints]:
        """(rows, m) first token and queue of each length from these ticks on."""
        for tick in np.unique(ticks[~self.looked[ticks]]).tolist():
            self.looked[tick] = True
            start = int(self.space.ticks[tick])
            for number, length in enumerate(self.space.lengths.tolist()):
                if within := self._within(start, length):
                    self.first[tick, number], self.rest[tick, number] = self._spelled(start, length, within)
        return self.first[ticks], self.rest[ticks]

    def _within(self, start: int, length: int) -> tuple[tuple[int, Meter], ...]:
        return tuple(change for change in self.changes if start < change[0] < start + length)

    def _spelled(self, start: int, length: int, within: tuple[tuple[int, Meter], ...]) -> tuple[int, int]:
        tokens: list[int] = []
        now = start
        for tick, meter in (*within, (start + length, None)):
            tokens += [token for piece in spell_duration(tick - now) for token in (TIE, piece)]
            if meter is not None:
                tokens += [ID[Kind.BEATS, meter.beats], ID[Kind.UNIT, meter.beat_unit]]
            now = tick
        return tokens[1], self._queue(tuple(tokens[2:]))

    def _queue(self, tokens: tuple[int, ...], new: bool = False) -> int:
        if new or tokens not in self.numbers:
            self.numbers[tokens] = len(self.queues)
            self.queues.append(tokens)
        return self.numbers[tokens]
