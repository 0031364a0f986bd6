"""From what an automaton lets happen to what a model says: events as tokens, for a batch of particles.

A walk knows where each particle is, and gives its *options*: tokens that may come next, each with the likelihood that
the rules are kept once it is taken. Which option was taken moves the walk on. `event` says a pitch and then a length;
`grid` says that a note begins, and its length as it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO
from melodysynthesis.constraints.space import Space
from melodysynthesis.encodings.base import Encoding
from melodysynthesis.encodings.event import EventEncoding, spell_duration, tonic_shift
from melodysynthesis.encodings.event_tokens import END, ID, PHRASE, REST, TIE, Kind
from melodysynthesis.encodings.grid import GridEncoding, shift_to_c
from melodysynthesis.formats.grid import DELIMITER, HOLD
from melodysynthesis.formats.grid import REST as GRID_REST
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.music import Key, Meter

AFTER = 1
"""Number of the queue that ends a melody."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Options(NamedTuple):
    """What may come next.

    Attributes:
        tokens: (rows, K) token of each option.
        likelihood: (rows, K) natural logarithm of the likelihood that the rules are kept after it; -inf: it is none.
    """

    tokens: Ints
    likelihood: Floats


class Start(NamedTuple):
    """Where particles begin.

    Attributes:
        tick: number of the onset of the first event that is free.
        place: see `Lookahead`.
        past: events before, of one particle.
        until: number of the tick at which the free part ends.
        after: tokens that then follow, to the end.
    """

    tick: int
    place: int
    past: Past
    until: int
    after: tuple[int, ...]


class Walk(Protocol):
    """A batch of particles under way."""

    past: Past
    done: Flags

    def options(self) -> Options:
        """What may come next, for each particle."""

    def take(self, options: Options, chosen: Ints) -> None:
        """Move on: `chosen` is the column of each row's option."""

    def notes(self) -> Ints:
        """(rows,) number of events that are complete."""

    def select(self, indices: Ints) -> Self:
        """The particles at `indices`, which may repeat."""


def pitches_of(encoding: Encoding, key: Key | None) -> Ints:
    """MIDI numbers that an encoding can say in a key, ascending."""
    if isinstance(encoding, GridEncoding):
        pitches = np.array(encoding.pitches) - shift_to_c(key)
    else:
        pitches = np.array([value for kind, value in ID if kind == Kind.PITCH]) + tonic_shift(key)
    return np.sort(pitches[(pitches >= 0) & (pitches <= 127)])


def walk_of(
    encoding: Encoding,
    look: Lookahead,
    start: Start,
    rows: int,
    *,
    memories: Sequence[Memory],
    changes: Sequence[Meter],
) -> Walk:
    """A walk for an encoding.

    Args:
        encoding: whose tokens are the options.
        look: of the rules.
        start: of all particles.
        rows: number of particles.
        memories: rules beside the automaton.
        changes: meters that set in later, which some encodings say.
    """
    if isinstance(encoding, GridEncoding):
        return GridWalk(encoding, look, start, rows, memories)
    assert isinstance(encoding, EventEncoding)
    return EventWalk(look, start, rows, memories, changes)


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(values)


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


class EventWalk:
    """`event`: a head, which is a pitch or a rest, then a length; what is due besides stands in a queue."""

    def __init__(
        self, look: Lookahead, start: Start, rows: int, memories: Sequence[Memory], changes: Sequence[Meter]
    ) -> None:
        automaton = look.automaton
        setting, space = automaton.setting, automaton.space
        self.look, self.memories, self.until, self.after = look, memories, start.until, start.after
        shift = tonic_shift(setting.key)
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
        likelihood[rows, : columns - 1] = _log(after) + look.scale[tick, None]
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
        likelihood[rows, :columns] = _log(after) + look.scale[tick, None]

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


class GridWalk:
    """`grid`: at each step a note or a rest begins, or the one that sounds goes on."""

    def __init__(
        self, encoding: GridEncoding, look: Lookahead, start: Start, rows: int, memories: Sequence[Memory]
    ) -> None:
        automaton = look.automaton
        self.look, self.memories, self.until, self.after = look, memories, start.until, start.after
        shift = shift_to_c(automaton.setting.key)
        pitches = [encoding.ids[str(int(pitch) + shift)] for pitch in automaton.setting.pitches]
        ids = encoding.ids
        self.heads = np.array([*pitches, ids[GRID_REST], ids[HOLD], ids[DELIMITER]])
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
            likelihood[under_way, events] = _log(ahead) + look.scale[tick]
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
            likelihood[free, :events] = _log(heads) + look.scale[here[free], None]
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
