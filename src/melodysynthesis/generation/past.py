"""What particles have said so far, as events, for rules that look back further than an automaton can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.rule import NO, Flags, Ints


@dataclass(eq=False)
class Past:
    """The events of each particle.

    Attributes:
        event: (rows, n) event that begins at each tick, by number, or `NO`.
        length: (rows, n) number of its length.
        onsets: (rows, n) number of the tick at which each note begins, in order; rests left out.
        notes: (rows,) how many there are.
        rest: the number of the event that is a rest.
    """

    event: NDArray[np.int16]
    length: NDArray[np.int16]
    onsets: NDArray[np.int16]
    notes: Ints
    rest: int

    @classmethod
    def empty(cls, ticks: int, rest: int) -> Self:
        """One particle, and no event yet."""
        none = np.full((1, ticks), NO, np.int16)
        return cls(none, none.copy(), none.copy(), np.zeros(1, np.int64), rest)

    def add(self, rows: Ints, tick: Ints, event: Ints, length: Ints) -> None:
        """Events of some particles, each once, by the numbers of onset, event and length."""
        self.event[rows, tick], self.length[rows, tick] = event, length
        sounding = event != self.rest
        rows, tick = rows[sounding], tick[sounding]
        self.onsets[rows, self.notes[rows]] = tick
        self.notes[rows] += 1

    def events(self, row: int) -> tuple[tuple[int, int, int], ...]:
        """Numbers of onset, event and length of each event of a particle, in order."""
        ticks = np.flatnonzero(self.event[row] != NO)
        return tuple(
            zip(ticks.tolist(), self.event[row, ticks].tolist(), self.length[row, ticks].tolist(), strict=True)
        )

    def select(self, indices: Ints) -> Past:
        """That of the particles at `indices`."""
        return Past(self.event[indices], self.length[indices], self.onsets[indices], self.notes[indices], self.rest)


class Memory(Protocol):
    """A rule that looks back: at whole sections, or at long runs of notes."""

    name: str
    """The request's field."""

    def heads(self, past: Past, tick: Ints) -> Flags:
        """(rows, P + 1) which events may begin; `tick` is the number of the onset, (rows,)."""

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """(rows, m) how long an event may be, that is not in the past yet."""

    def looked_at(self, past: Past, tick: int) -> bytes:
        """All of the past before a tick that counts from there on, for one particle: equal ones have equal futures."""
