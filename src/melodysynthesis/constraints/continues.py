"""A melody goes on after its primer, and nothing of the primer is changed."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import Mask, clock_of
from melodysynthesis.encodings.base import Context, Encoding
from melodysynthesis.encodings.event_context import EventContext
from melodysynthesis.encodings.event_tokens import KINDS, MAX_BARS, VALUES, Kind, Slot

PICKUP_SLOT = int(Slot.PICKUP)
BARS = np.flatnonzero(KINDS == Kind.BARS)
"""Ids of the tokens that say a number of bars."""


class Continues:
    """After the primer comes at least one more note or rest; the primer's last note is not made longer.

    Args:
        encoding: whose tokens are masked.
        ticks: (batch,) length of each primer; 0 for none.
        bars: (batch,) number of bars that the melody needs to be longer than its primer; 0 where no meter is known.
        held: (batch,) whether the last note may go on: a primer in grid text may stop within it.
    """

    def __init__(
        self, encoding: Encoding, ticks: NDArray[np.int64], bars: NDArray[np.int64], held: NDArray[np.bool_]
    ) -> None:
        self._clock = clock_of(encoding)
        self._ticks, self._bars, self._held = ticks, bars, held

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        vocabulary = len(self._clock.ticks)
        fresh = (self._ticks > 0) & (context.tick == self._ticks) & context.in_body
        closed = fresh & ~self._held
        mask = ~(fresh[:, None] & (np.arange(vocabulary) == self._clock.end))
        mask &= ~(closed[:, None] & self._clock.holds)
        if isinstance(context, EventContext):
            self._restrict_bars(mask, context)
        return np.asarray(mask)

    def _restrict_bars(self, mask: Mask, context: EventContext) -> None:
        """A number of bars, said before the first note, leaves room after the primer. Changes the mask."""
        rows = np.flatnonzero(context.slot == PICKUP_SLOT)
        if not len(rows):
            return
        bars, bar = self._bars[rows, None], context.bar_ticks[rows, None]
        by_meter = np.where(bars > 0, 0, self._ticks[rows, None])
        said = VALUES[BARS]
        fits = (said >= bars) & ((said * bar > by_meter) | (by_meter == 0))
        mask[rows[:, None], BARS] &= fits | (said >= MAX_BARS)  # the last one says "or more"

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule for the sequences at `indices`."""
        new = object.__new__(type(self))
        new._clock = self._clock
        new._ticks, new._bars, new._held = self._ticks[indices], self._bars[indices], self._held[indices]
        return new
