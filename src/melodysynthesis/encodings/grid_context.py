"""The state of `grid` sequences: grammar, time, and what the melody itself proposes to copy next.

As with `event`, the best guess at the next token is often the token some steps ago, or the one that followed the last
occurrence of the latest tokens. A delimiter clears the history: features describe one melody, also within a text of
many. They are computed only on request, so a model without features does not pay for them.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Header, Ids
from melodysynthesis.encodings.match_table import MatchTable
from melodysynthesis.formats.grid import STEP_TICKS

STEPS_AGO = (8, 12, 16, 24, 32, 48, 64)
"""Distances in sixteenths at which to look up a token: bars of the usual meters, and phrases of four."""

DELIMITERS = 67
"""Delimiters in a row, up to 66 or more; the study's texts have 64 between songs."""
STEPS = 48
"""Sixteenths since the beginning, modulo a number that bars of 8, 12, 16 and 24 divide."""
MAX_STEPS_HELD = 34
"""Sixteenths since the last onset, up to 33 or more."""
TOKEN_MATCHES = 33
"""Lengths of a match with the latest tokens, up to 32 or more."""
NOTHING = 0
"""Marks that there is no token; a token is its id plus one."""


def features_of(vocabulary_size: int) -> tuple[Feature, ...]:
    """The features that a model gets in addition to the token, for a vocabulary."""
    tokens, itself = vocabulary_size + 1, (-1, *range(vocabulary_size))
    return (
        Feature("delimiters in a row", DELIMITERS),
        Feature("step of 48", STEPS),
        Feature("steps since the onset", MAX_STEPS_HELD),
        Feature("what sounds", tokens),
        *(Feature(f"token {lag} steps ago", tokens, itself) for lag in STEPS_AGO),
        Feature("token after the last like stretch", tokens, itself),
        Feature("how many like tokens", TOKEN_MATCHES),
    )


class Tokens(NamedTuple):
    """The facts of a vocabulary that a context needs.

    Attributes:
        is_note: (vocabulary,) whether a token starts a note.
        delimiter: id of the token before and after a melody.
        hold: id of the token that makes a note or rest longer.
    """

    is_note: NDArray[np.bool_]
    delimiter: int
    hold: int


class GridContext:
    """A batch of `grid` sequences under way; see `Context`. Arrays are (batch,) unless their comment differs.

    Args:
        tokens: of the vocabulary.
        batch: number of sequences.
        header: what is known of them.
    """

    def __init__(self, tokens: Tokens, batch: int, header: Header) -> None:
        self.of, self.header = tokens, header
        self.tick = np.zeros(batch, np.int64)
        self.done = np.zeros(batch, np.bool_)
        self.last_pitch = np.zeros(batch, np.int64)
        self.repeats = np.zeros(batch, np.int64)
        self.delimiters = np.ones(batch, np.int64)
        # The tokens since the last delimiter: (batch, steps), `count` of them.
        self.count = np.zeros(batch, np.int64)
        self.history = np.zeros((batch, 128), np.int16)
        self.onset = np.zeros(batch, np.int64)
        # How many of them have been compared with the earlier ones: none before features are needed.
        self.compared = np.zeros(batch, np.int64)
        self.same = MatchTable((batch,), 128)

    @property
    def in_body(self) -> NDArray[np.bool_]:
        """Notes may follow at once: there is no header."""
        return np.ones(len(self.tick), np.bool_)

    @property
    def bar_ticks(self) -> NDArray[np.int64]:
        """Length of the current bar in ticks; 0 without a meter in the header."""
        return np.full(len(self.tick), self._bar_and_pickup()[0], np.int64)

    @property
    def pickup(self) -> NDArray[np.int64]:
        """Length of the pickup in ticks; 0 without a meter in the header."""
        return np.full(len(self.tick), self._bar_and_pickup()[1], np.int64)

    @property
    def bar_end(self) -> NDArray[np.int64]:
        """Tick at which the current bar ends; 0 without a meter in the header."""
        bar, pickup = self._bar_and_pickup()
        if bar == 0:
            return np.zeros(len(self.tick), np.int64)
        return np.where(self.tick < pickup, pickup, pickup + ((self.tick - pickup) // bar + 1) * bar)

    @property
    def end_tick(self) -> NDArray[np.int64]:
        """Tick at which the header's number of bars ends; 0 where it is open."""
        bar, _ = self._bar_and_pickup()
        return np.full(len(self.tick), bar * (self.header.bars or 0), np.int64)

    def _bar_and_pickup(self) -> tuple[int, int]:
        if self.header.meter is None:
            return 0, 0
        return self.header.meter.bar_ticks, self.header.pickup or 0

    def features(self) -> NDArray[np.int64]:
        """(batch, features): the values of `features_of` before the next token."""
        while (self.compared < self.count).any():
            self._compare()
        columns = [
            np.minimum(self.delimiters, DELIMITERS - 1),
            self.count % STEPS,
            np.minimum(self.count - self.onset, MAX_STEPS_HELD - 1),
            self._at(np.where(self.count > 0, self.onset, -1)),
            *(self._at(self.count - lag) for lag in STEPS_AGO),
        ]
        last, length = self.same.longest(max(int(self.count.max()), 1))
        columns += [self._at(np.where(length > 0, last + 1, -1)), np.minimum(length, TOKEN_MATCHES - 1)]
        return np.stack(columns, axis=1).astype(np.int64)

    def _at(self, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """The token at a step as a feature; `NOTHING` below 0."""
        token = self.history[np.arange(len(step)), np.maximum(step, 0)].astype(np.int64)
        return np.where(step >= 0, token + 1, NOTHING)

    def _compare(self) -> None:
        """Compare the first token that was not yet compared, of each sequence that has one, with all before it."""
        rows = np.flatnonzero(self.compared < self.count)
        last = self.compared[rows]
        width = int(last.max()) + 1
        matches = self.history[rows, :width] == self.history[rows, last][:, None]
        self.same.begin(rows)
        self.same.compare(rows, matches & (np.arange(width) < last[:, None]))
        self.compared[rows] += 1

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): no hold and no end before the first note or rest; after the end only the end."""
        allowed = np.ones((len(self.tick), len(self.of.is_note)), np.bool_)
        allowed[self.tick == 0, self.of.hold] = False
        allowed[self.tick == 0, self.of.delimiter] = False
        allowed[self.done] = False
        allowed[self.done, self.of.delimiter] = True
        return allowed

    def advance(self, ids: Ids) -> None:
        """Take one token for each sequence."""
        is_delimiter = ids == self.of.delimiter
        self.done = self.done | is_delimiter
        is_note = self.of.is_note[ids]
        self.repeats = np.where(is_note, np.where(ids == self.last_pitch, self.repeats, 0) + 1, self.repeats)
        self.last_pitch = np.where(is_note, ids, self.last_pitch)
        self.tick = np.where(self.done, self.tick, self.tick + STEP_TICKS)
        self._append(ids, is_delimiter)

    def _append(self, ids: Ids, is_delimiter: NDArray[np.bool_]) -> None:
        if int(self.count.max(initial=0)) + 1 >= self.history.shape[1]:
            self.history = np.pad(self.history, ((0, 0), (0, self.history.shape[1])))
            self.same.grow()
        self.history[np.arange(len(ids)), self.count] = ids
        self.onset = np.where((ids != self.of.hold) & ~is_delimiter, self.count, self.onset)
        self.count = np.where(is_delimiter, 0, self.count + 1)
        self.delimiters = np.where(is_delimiter, self.delimiters + 1, 0)
        ended = np.flatnonzero(is_delimiter)
        if len(ended):
            self.onset[ended] = self.compared[ended] = 0
            self.same.clear(ended)

    def select(self, indices: NDArray[np.int64]) -> Self:
        """A new context of the sequences at `indices`."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(new, name, value[indices] if isinstance(value, np.ndarray | MatchTable) else value)
        return new
