"""What a constraint is, and what the tokens of each encoding do to time.

A constraint is a mask that is laid over the grammar's. It is asked before every token and looks at the context only, so
it holds for a batch of sequences that stand at different places, and for any model.

**No dead ends**: where the grammar allows something and the sequence has kept to the mask so far, the mask leaves
something of it. Rules are tested together with the ones they are used with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Context, Encoding
from melodysynthesis.encodings.event_tokens import END as EVENT_END
from melodysynthesis.encodings.event_tokens import KINDS, VALUES, Kind
from melodysynthesis.formats.grid import DELIMITER, HOLD, REST, STEP_TICKS

Mask = NDArray[np.bool_]


class Constraint(Protocol):
    """One rule."""

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary): what may come next. Rows of finished sequences are not looked at."""

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The same rule for the sequences at `indices` of the batch, as `Context.select`."""


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What tokens do to time. Masks are (vocabulary,).

    Attributes:
        ticks: by how much each token moves the melody on; 0 for those that move nothing.
        end: the token that ends a melody.
        opens: tokens that can't stand last, as a duration must follow: the head of a note, a new meter.
        rests: tokens that start a rest.
        holds: tokens that make the note or rest before them longer.
    """

    ticks: NDArray[np.int64]
    end: int
    opens: Mask
    rests: Mask
    holds: Mask

    @property
    def step(self) -> int:
        """The greatest common divisor of all durations: what every bar must be a multiple of."""
        return int(np.gcd.reduce(self.ticks))


def clock_of(encoding: Encoding) -> Clock:
    """The clock of an encoding."""
    return _clock(encoding.name, encoding.vocabulary)


@lru_cache(maxsize=16)
def _clock(name: str, vocabulary: tuple[str, ...]) -> Clock:
    return CLOCKS[name](vocabulary)


def _event(vocabulary: tuple[str, ...]) -> Clock:
    del vocabulary  # it is fixed
    heads = np.isin(KINDS, (Kind.PITCH, Kind.REST, Kind.TIE, Kind.BEATS))
    ticks = np.where(KINDS == Kind.DURATION, VALUES, 0)
    return Clock(ticks, EVENT_END, heads, KINDS == Kind.REST, KINDS == Kind.TIE)


def _grid(vocabulary: tuple[str, ...]) -> Clock:
    end = vocabulary.index(DELIMITER)  # the same stands at the start
    ticks = np.full(len(vocabulary), STEP_TICKS, np.int64)
    ticks[end] = 0
    tokens = np.array(vocabulary)
    return Clock(ticks, end, np.zeros(len(vocabulary), np.bool_), tokens == REST, tokens == HOLD)


CLOCKS: dict[str, Callable[[tuple[str, ...]], Clock]] = {"event": _event, "grid": _grid}
"""By the name of the encoding, from its vocabulary."""
