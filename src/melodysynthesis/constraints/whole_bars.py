"""A melody ends with a whole last bar; one that starts with a pickup ends with the pickup's complement.

In 3/4 with a pickup of a quarter the last bar has two quarters: together they are one bar. Where the number of bars is
known, asked for or said by the model itself, nothing runs past the end and the melody ends there. Else it may end
wherever a bar is full. A melody without meter has no bars, and may end anywhere.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import Clock, Mask, clock_of
from melodysynthesis.encodings.base import Context, Encoding
from melodysynthesis.encodings.event_context import EventContext
from melodysynthesis.encodings.event_tokens import ID, KINDS, VALUES, Kind, Slot
from melodysynthesis.music import TICKS_PER_WHOLE

# Looked up once: members of an enumeration take microseconds each, and a mask is asked for at every token.
PICKUP_SLOT, NEW_UNIT_SLOT = int(Slot.PICKUP), int(Slot.NEW_UNIT)
NO_BARS = ID[Kind.BARS, 0]
BEATS, UNITS = np.flatnonzero(KINDS == Kind.BEATS), np.flatnonzero(KINDS == Kind.UNIT)
"""Ids of the tokens of a meter."""


class WholeBars:
    """The rule, for a melody that ends by itself."""

    def __init__(self, encoding: Encoding) -> None:
        self._clock = clock_of(encoding)

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        end = context.end_tick
        known = end > 0
        to_go = np.where(known, end - context.tick, _to_bar_end(context))
        mask = _ends_after(self._clock, context, to_go, fixed=known, barred=context.bar_ticks > 0)
        if isinstance(context, EventContext):
            _restrict_frame(mask, context)
            _restrict_meter(mask, context)
        return mask

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule is the same for all sequences."""
        del indices
        return self


class Finish:
    """The rule for a melody that has to stop: it ends at the next bar line, by the longest notes that reach it.

    It takes over after the first note, and stays until the end. Where a sequence stands on a bar line it ends at once;
    one without meter ends as soon as its grammar allows.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._clock = clock_of(encoding)

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        clock = self._clock
        bar = context.bar_ticks
        to_go = _to_bar_end(context)
        may_end = context.allowed()[:, clock.end]
        to_go = np.where((to_go == 0) & ~may_end, bar, to_go)  # a note on the bar line waits for its duration
        mask = _ends_after(clock, context, to_go, fixed=bar > 0, barred=bar > 0)
        mask[may_end & (bar == 0)] = np.arange(mask.shape[1]) == clock.end
        fitting = np.where(clock.ticks <= to_go[:, None], clock.ticks, 0)
        shorter = (clock.ticks > 0) & (clock.ticks < fitting.max(axis=1)[:, None])
        mask &= ~(shorter & (bar > 0)[:, None])
        if isinstance(context, EventContext):
            mask[:, BEATS] = False
            _restrict_meter(mask, context)
        return mask

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule is the same for all sequences."""
        del indices
        return self


def _to_bar_end(context: Context) -> NDArray[np.int64]:
    """Ticks to the next place where a last bar, with the pickup, would be full; 0 on it and without meter."""
    bar = context.bar_ticks
    return np.where(bar > 0, (context.bar_end - context.pickup - context.tick) % np.maximum(bar, 1), 0)


def _ends_after(clock: Clock, context: Context, to_go: NDArray[np.int64], fixed: Mask, barred: Mask) -> Mask:
    """(batch, vocabulary): the end stands at `to_go` ticks from here, and only there where that is `fixed`."""
    mask = np.ones((len(to_go), len(clock.ticks)), np.bool_)
    mask[:, clock.end] = ~barred | (to_go == 0)
    mask &= (clock.ticks <= to_go[:, None]) | ~fixed[:, None]
    mask &= ~(clock.opens & (fixed & (to_go <= 0))[:, None])
    mask[~context.in_body] = True
    return mask


def _restrict_frame(mask: Mask, context: EventContext) -> None:
    """Before the first note: at least one bar. Changes the mask."""
    mask[context.slot == PICKUP_SLOT, NO_BARS] = False


def _restrict_meter(mask: Mask, context: EventContext) -> None:
    """A change of meter stands on a bar line, and its bars are longer than the pickup. Changes the mask."""
    in_body, bar = np.flatnonzero(context.in_body), context.bar_ticks
    at_bar_line = (context.tick == context.bar_end - bar) & (bar > 0)
    if not at_bar_line[in_body].any():
        mask[in_body[:, None], BEATS] = False
    else:
        longest = VALUES[BEATS] * TICKS_PER_WHOLE
        fits = at_bar_line[:, None] & (context.pickup[:, None] < longest)
        mask[in_body[:, None], BEATS] &= fits[in_body]
    new = np.flatnonzero(context.slot == NEW_UNIT_SLOT)
    if len(new):
        new_bar = context.beats[new, None] * TICKS_PER_WHOLE // VALUES[UNITS]
        mask[new[:, None], UNITS] &= new_bar > context.pickup[new, None]
