"""What a constraint is, and what the tokens of each encoding do to time.

A constraint is a mask that is laid over the grammar's. It is asked before every token and looks at the context only, so
it holds for a batch of sequences that stand at different places, and for any model.

**No dead ends**: where the grammar allows something and the sequence has kept to the mask so far, the mask leaves
something of it. Rules are tested together with the ones they are used with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Context, Encoding
from melodysynthesis.encodings.event_context import EventContext
from melodysynthesis.encodings.event_tokens import END as EVENT_END
from melodysynthesis.encodings.event_tokens import KINDS, VALUES, Kind
from melodysynthesis.encodings.grid import GridContext
from melodysynthesis.formats.grid import STEP_TICKS

Mask = NDArray[np.bool_]


class Constraint(Protocol):
    """One rule."""

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary): what may come next. Rows of finished sequences are not looked at."""

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The same rule for the sequences at `indices` of the batch, as `Context.select`."""


class Ruler(Protocol):
    """Reads the bar off a context."""

    def __call__(self, context: Context) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Length of the current bar and of the pickup in ticks, (batch,) each; 0 where there is no meter or pickup."""


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What tokens do to time. Masks are (vocabulary,).

    Attributes:
        ticks: by how much each token moves the melody on; 0 for those that move nothing.
        end: the token that ends a melody.
        opens: tokens that can't stand last, as a duration must follow: the head of a note, a new meter.
        rests: tokens that start a rest.
        holds: tokens that make the note or rest before them longer.
        ruler: reads the bar off a context.
    """

    ticks: NDArray[np.int64]
    end: int
    opens: Mask
    rests: Mask
    holds: Mask
    ruler: Ruler

    @property
    def step(self) -> int:
        """The greatest common divisor of all durations: what every bar must be a multiple of."""
        return int(np.gcd.reduce(self.ticks))


def clock_of(encoding: Encoding) -> Clock:
    """The clock of an encoding."""
    return CLOCKS[encoding.name](encoding)


def _event(encoding: Encoding) -> Clock:
    del encoding  # its vocabulary is fixed
    heads = np.isin(KINDS, (Kind.PITCH, Kind.REST, Kind.TIE, Kind.BEATS))
    ticks = np.where(KINDS == Kind.DURATION, VALUES, 0)
    return Clock(ticks, EVENT_END, heads, KINDS == Kind.REST, KINDS == Kind.TIE, _event_ruler)


def _event_ruler(context: Context) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    walker = cast(EventContext, context)
    return walker.bar_ticks, walker.pickup


def _grid(encoding: Encoding) -> Clock:
    vocabulary = np.array(encoding.vocabulary)
    end = encoding.start_id  # one delimiter for both
    ticks = np.full(len(vocabulary), STEP_TICKS, np.int64)
    ticks[end] = 0
    nothing = np.zeros(len(vocabulary), np.bool_)
    return Clock(ticks, end, nothing, vocabulary == "r", vocabulary == "_", _grid_ruler)


def _grid_ruler(context: Context) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    frame = cast(GridContext, context).frame
    bar = frame.meter.bar_ticks if frame.meter else 0
    batch = len(context.tick)
    return np.full(batch, bar), np.full(batch, (frame.pickup or 0) if bar else 0)


CLOCKS: dict[str, Callable[[Encoding], Clock]] = {"event": _event, "grid": _grid}
"""By the name of the encoding."""
