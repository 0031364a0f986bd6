"""Steppers along the rules' automaton, in the tokens of each encoding.

`event`: a pitch or a rest, then a duration; meters, phrase marks and ties stand between. `grid`: at each step a note
or a rest begins, or the one that sounds goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO
from melodysynthesis.constraints.space import Space
from melodysynthesis.encodings.event import spell_duration, tonic_shift
from melodysynthesis.encodings.event_tokens import END, ID, PHRASE, REST, TIE, Kind
from melodysynthesis.encodings.grid import GridEncoding, shift_to_c
from melodysynthesis.formats.grid import DELIMITER, HOLD
from melodysynthesis.formats.grid import REST as GRID_REST
from melodysynthesis.generation.stepper import (
    EventHistory,
    Flags,
    Floats,
    HistoryRule,
    Ints,
    Options,
    RuleStepper,
    Start,
    log_of,
)
from melodysynthesis.music import Meter

END_QUEUE = 1
"""Number of the queue that ends a melody."""


class EventStepper(RuleStepper):
    """Particles in the tokens of `event`. What must follow a token is put into a queue of tokens.

    Args:
        look: see `RuleStepper`.
        start: see `RuleStepper`.
        rows: see `RuleStepper`.
        history_rules: see `RuleStepper`.
        changes: meters that set in after the start.
    """

    row_arrays = (*RuleStepper.row_arrays, "queue", "position", "metered")

    def __init__(
        self, look: Lookahead, start: Start, rows: int, history_rules: Sequence[HistoryRule], changes: Sequence[Meter]
    ) -> None:
        super().__init__(look, start, rows, history_rules)
        context = look.automaton.context
        shift = tonic_shift(context.key) - start.moved
        pitches = [ID[Kind.PITCH, int(pitch) - shift] for pitch in context.pitches]
        self.event_tokens = np.array([*pitches, REST, PHRASE])
        self.spelling = _Spelling(self.space, changes, start.after)
        # (rows,) number of each particle's queue, 0 for none, and of the token in it that is due.
        self.queue, self.position = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.metered = np.zeros(rows, np.bool_)  # whether the meter that sets in here has been written

    def rule_options(self) -> tuple[Ints, Floats]:
        """See `RuleStepper.rule_options`."""
        rows, width = len(self.tick), max(len(self.event_tokens), len(self.space.lengths))
        tokens, likelihood = np.zeros((rows, width), np.int64), np.full((rows, width), -np.inf)
        due = (self.queue > 0) | self.done
        self._queued(np.flatnonzero(due), tokens, likelihood)
        self._events(np.flatnonzero(~due & (self.event == NO)), tokens, likelihood)
        self._lengths(np.flatnonzero(~due & (self.event != NO)), tokens, likelihood)
        return tokens, likelihood

    def _queued(self, rows: Ints, tokens: Ints, likelihood: Floats) -> None:
        here = self._here(rows)
        for row, queue, position, value in zip(
            rows.tolist(), self.queue[rows].tolist(), self.position[rows].tolist(), here.tolist(), strict=True
        ):
            tokens[row, 0] = END if self.done[row] else self.spelling.queues[queue][position]
            likelihood[row, 0] = value

    def _events(self, rows: Ints, tokens: Ints, likelihood: Floats) -> None:
        if not len(rows):
            return
        tick, columns = self.tick[rows], len(self.event_tokens)
        after = self.may_begin(self.history_of(rows), tick, self.state[rows])
        meters = self.spelling.meter_at[tick] * ~self.metered[rows] * (tick != self.until)
        after[meters > 0] = 0  # a new meter is written first
        tokens[rows, :columns] = self.event_tokens
        likelihood[rows, : columns - 1] = log_of(after) + self.look.scale[tick, None]
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
        tick = self.tick[rows]
        first, _ = self.spelling.at(tick)
        columns = first.shape[1]
        tokens[rows, :columns] = first
        likelihood[rows, :columns] = log_of(self.may_last(rows)) + self.look.scale[tick, None]

    def _here(self, rows: Ints) -> Floats:
        """(rows,) log-likelihood of the rules before the next event: a token that is due changes nothing."""
        return self.here(self.history_of(rows), self.tick[rows], self.state[rows])

    def advance(self, options: Options, chosen: Ints) -> None:
        """See `TokenStepper.advance`."""
        tokens = options.tokens[np.arange(len(chosen)), chosen]
        due = self.queue > 0
        self.position += due
        for row in np.flatnonzero(due).tolist():
            if self.position[row] == len(self.spelling.queues[self.queue[row]]):
                self.queue[row] = self.position[row] = 0
                self.done[row] |= tokens[row] == END
        ends = ~due & ~self.done & (self.event == NO) & (self.tick == self.until) & (chosen == 0)
        self.queue[ends], self.position[ends] = END_QUEUE, 1
        if len(self.after) == 1:
            self.queue[ends], self.position[ends], self.done[ends] = 0, 0, True
        free = ~due & ~self.done & ~ends
        meters = free & (self.event == NO) & (self.spelling.meter_at[self.tick] > 0) & ~self.metered & (chosen == 0)
        meters &= np.isin(tokens, list(self.spelling.beats.values()))
        self.queue[meters] = self.spelling.meter_at[self.tick[meters]]
        self.metered |= meters
        lengths = np.flatnonzero(free & (self.event != NO))
        begins = free & (self.event == NO) & ~meters & (tokens != PHRASE)
        self.event[begins] = chosen[begins]
        _, queues = self.spelling.at(self.tick[lengths])
        self.complete(lengths, chosen[lengths])
        self.queue[lengths] = queues[np.arange(len(lengths)), chosen[lengths]]
        self.event[lengths], self.metered[lengths] = NO, False


class _Spelling:
    """Lengths and meters as tokens of `event`: a first token, and a queue of tokens that must follow.

    A length is the sum of its longest parts, tied; where a new meter sets in within it, the meter token is written
    between.

    Attributes:
        queues: tokens that must follow; the first queue is empty, the second ends a melody.
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


class GridStepper(RuleStepper):
    """Particles in the tokens of `grid`. The length of an event is known when the next one begins.

    Args:
        encoding: whose tokens the options are.
        look: see `RuleStepper`.
        start: see `RuleStepper`.
        rows: see `RuleStepper`.
        history_rules: see `RuleStepper`.
    """

    row_arrays = (*RuleStepper.row_arrays, "elapsed", "position")

    def __init__(
        self, encoding: GridEncoding, look: Lookahead, start: Start, rows: int, history_rules: Sequence[HistoryRule]
    ) -> None:
        super().__init__(look, start, rows, history_rules)
        ids, context = encoding.ids, look.automaton.context
        shift = shift_to_c(context.key) + start.moved
        pitches = [ids[str(int(pitch) + shift)] for pitch in context.pitches]
        self.event_tokens = np.array([*pitches, ids[GRID_REST], ids[HOLD], ids[DELIMITER]])
        self.hold, self.end = len(pitches) + 1, len(pitches) + 2  # columns of the options
        self.step = int(np.gcd.reduce(self.space.lengths))
        # (rows,) ticks that have passed of the event under way, and which token of `after` is due, or `NO`.
        self.elapsed, self.position = np.zeros(rows, np.int64), np.full(rows, NO)

    def rule_options(self) -> tuple[Ints, Floats]:
        """See `RuleStepper.rule_options`."""
        rows = len(self.tick)
        likelihood = np.full((rows, len(self.event_tokens)), -np.inf)
        tick, state, closes = self._closed(likelihood)
        begins = closes & (self.position == NO) & ~self.done
        ends = np.flatnonzero(begins & (tick == self.until))
        likelihood[ends, self.end] = self.here(self.history_of(ends), tick[ends], state[ends])
        free = np.flatnonzero(begins & (tick != self.until))
        if len(free):
            after = self.may_begin(self._history_if_closed(free), tick[free], state[free])
            likelihood[free, : self.hold] = log_of(after) + self.look.scale[tick[free], None]
        tokens = np.tile(self.event_tokens, (rows, 1))
        likelihood[(self.position != NO) | self.done, self.end] = 0.0
        tokens[ends, self.end] = self.after[0]
        for row in np.flatnonzero(self.position != NO).tolist():
            tokens[row, self.end] = self.after[self.position[row]]
        return tokens, likelihood

    def _closed(self, likelihood: Floats) -> tuple[Ints, Ints, Flags]:
        """(rows,) tick and state if the event under way ended here, and whether it may; writes the holds' likelihood.

        A hold is as likely to keep the rules as all longer lengths on the average.
        """
        look, space = self.look, self.space
        tick, state, closes = self.tick.copy(), self.state.copy(), np.ones(len(self.tick), np.bool_)
        rows = np.flatnonzero((self.event != NO) & (self.position == NO) & ~self.done)
        if len(rows):
            after = self.may_last(rows)
            onset, elapsed = self.tick[rows], self.elapsed[rows]
            shares = look.length_share[onset] * (space.lengths > elapsed[:, None])
            ahead = (after * shares).sum(axis=1) / np.maximum(shares.sum(axis=1), 1e-300)
            likelihood[rows, self.hold] = log_of(ahead) + look.scale[onset]
            length = np.minimum(np.searchsorted(space.lengths, elapsed), len(space.lengths) - 1)
            fits = (space.lengths[length] == elapsed) & (after[np.arange(len(rows)), length] > 0)
            closes[rows] = fits
            rows, onset, length = rows[fits], onset[fits], length[fits]
            state[rows] = look.follow(onset, length, self.state[rows], self.event[rows])
            tick[rows] = space.number[space.ticks[onset] + space.lengths[length]]
        return tick, state, closes

    def _history_if_closed(self, rows: Ints) -> EventHistory:
        """The history of particles if the event under way ended here."""
        history = self.history.select(rows)
        own = np.flatnonzero(self.event[rows] != NO)
        sounding = rows[own]
        history.add(own, self.tick[sounding], self.event[sounding], self._length(sounding))
        return history

    def _length(self, rows: Ints) -> Ints:
        """(rows,) number of the length that the event under way has so far."""
        return np.asarray(np.searchsorted(self.space.lengths, self.elapsed[rows]))

    def advance(self, options: Options, chosen: Ints) -> None:
        """See `TokenStepper.advance`."""
        del options
        self.elapsed += (chosen == self.hold) * self.step
        due = self.position != NO
        closes = np.flatnonzero((chosen != self.hold) & ~due & ~self.done)
        sounding = closes[self.event[closes] != NO]
        self.complete(sounding, self._length(sounding))
        begins = closes[chosen[closes] < self.hold]
        self.event[begins], self.elapsed[begins] = chosen[begins], self.step
        self.position[due] += 1
        ends = closes[chosen[closes] == self.end]
        self.event[ends], self.position[ends] = NO, 1
        self.done |= self.position == len(self.after)
        self.position[self.done] = NO
