"""A melody stands in the key, meter, pickup and number of bars that were asked for, each sequence in its own.

An encoding that says its frame in tokens needs this where the sequences of a batch differ; the context's frame is one
for all. Encodings that don't say it know nothing to mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.base import Mask, clock_of
from melodysynthesis.encodings.base import Context, Encoding, Frame
from melodysynthesis.encodings.event_context import EventContext
from melodysynthesis.encodings.event_tokens import DURATIONS, FREE, ID, KINDS, TONICS, Kind, Slot
from melodysynthesis.music import MODES

OPEN = -1
"""What is left to the model."""
Logits = NDArray[np.floating]
SLOTS = tuple(int(slot) for slot in (Slot.TONIC, Slot.MODE, Slot.METER, Slot.UNIT))
METER_SLOT, PICKUP_SLOT = int(Slot.METER), int(Slot.PICKUP)
BEATS = np.flatnonzero(KINDS == Kind.BEATS)
BARS = np.flatnonzero(KINDS == Kind.BARS)
PARTS = np.array(DURATIONS)
NEVER = 100.0
"""So far below another logit a token has no chance."""
PART_IDS = np.array([ID[Kind.DURATION, ticks] for ticks in DURATIONS])


class InFrame:
    """The rule.

    Args:
        encoding: whose tokens are masked.
        frames: one for each sequence.
    """

    def __init__(self, encoding: Encoding, frames: Sequence[Frame]) -> None:
        self._vocabulary = len(clock_of(encoding).ticks)
        self._said = np.array([_said(frame) for frame in frames], np.int64).reshape(-1, len(SLOTS))
        self._pickup = np.array([OPEN if frame.pickup is None else frame.pickup for frame in frames])
        self._bars = np.array([ID[Kind.BARS, frame.bars] if frame.bars else OPEN for frame in frames])
        self._fixed_meter = np.array([frame.meter is not None for frame in frames], np.bool_)

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        mask = np.ones((len(self._bars), self._vocabulary), np.bool_)
        if not isinstance(context, EventContext):
            return mask
        mask[np.flatnonzero(context.in_body & self._fixed_meter)[:, None], BEATS] = False
        if context.in_body.all():
            return mask
        for column, slot in enumerate(SLOTS):
            _only(mask, (context.slot == slot) & (self._said[:, column] != OPEN), self._said[:, column])
        mask[(context.slot == METER_SLOT) & (self._bars != OPEN), FREE] = False
        self._restrict_pickup(mask, context)
        return mask

    def pooled(self, logits: Logits, context: Context) -> Logits:
        """Logits in which a number of bars that was asked for is as likely as all numbers of bars together.

        The token of the bars also ends the pickup. Masked to the number asked for, which the model may find unlikely,
        it would lose to one more part of the pickup, and then another, until the pickup is nearly a bar.
        """
        if not isinstance(context, EventContext):
            return logits
        rows = np.flatnonzero((context.slot == PICKUP_SLOT) & (self._bars != OPEN))
        if not len(rows):
            return logits
        ends = logits[rows[:, None], BARS]
        top = ends.max(axis=1)
        new = logits.copy()
        new[rows[:, None], BARS] = top[:, None] - NEVER
        new[rows, self._bars[rows]] = top + np.log(np.exp(ends - top[:, None]).sum(axis=1))
        return new

    def _restrict_pickup(self, mask: Mask, context: EventContext) -> None:
        """A pickup is said as `encode` says it, the longest parts first; then the number of bars."""
        here = context.slot == PICKUP_SLOT
        left = np.where(self._pickup == OPEN, 0, self._pickup - context.pickup)
        part = PART_IDS[np.maximum(np.searchsorted(PARTS, left, "right") - 1, 0)]
        _only(mask, here & (left > 0), part)
        said = here & (self._pickup != OPEN) & (left == 0)
        mask[np.flatnonzero(said)[:, None], PART_IDS] = False
        asked = np.flatnonzero(here & (self._bars != OPEN))
        mask[asked[:, None], BARS] &= self._bars[asked, None] == BARS

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The rule for the sequences at `indices`."""
        new = object.__new__(type(self))
        new._vocabulary = self._vocabulary
        new._said, new._pickup, new._bars = self._said[indices], self._pickup[indices], self._bars[indices]
        new._fixed_meter = self._fixed_meter[indices]
        return new


def _said(frame: Frame) -> tuple[int, ...]:
    """Ids of tonic, mode, beats and beat unit; `OPEN` where the frame leaves them."""
    key = (
        (ID[Kind.TONIC, TONICS.index(frame.key.tonic) + 1], ID[Kind.MODE, MODES.index(frame.key.mode) + 1])
        if frame.key
        else None
    )
    meter = (ID[Kind.BEATS, frame.meter.beats], ID[Kind.UNIT, frame.meter.beat_unit]) if frame.meter else None
    return (*(key or (OPEN, OPEN)), *(meter or (OPEN, OPEN)))


def _only(mask: Mask, rows: Mask, ids: NDArray[np.int64]) -> None:
    """Leave one token in each of these rows. Changes the mask."""
    chosen = np.flatnonzero(rows)
    mask[chosen] = False
    mask[chosen, ids[chosen]] = True
