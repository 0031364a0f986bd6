"""The token mask of plans: what a plan may say, and an end that a melody can reach in good time."""

from __future__ import annotations

from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Context, Encoding, Mask
from melodysynthesis.encodings.event import spell_duration
from melodysynthesis.encodings.event_tokens import ID, KINDS, NOTES, REST, TIE, VALUES, Kind, Slot
from melodysynthesis.encodings.plan import SECTIONS, Plan
from melodysynthesis.encodings.planned_context import PlannedContext

PLAN_SLOT, LENGTH_SLOT, FIRST_SLOT, DURATION_SLOT = map(
    int, (Slot.PLAN, Slot.SECTION_LENGTH, Slot.FIRST, Slot.DURATION)
)
LAST_IDS, SECTION_IDS, DURATION_IDS, BEAT_IDS, PITCH_IDS = (
    np.flatnonzero(kind == KINDS) for kind in (Kind.LAST, Kind.SECTION, Kind.DURATION, Kind.BEATS, Kind.PITCH)
)
TICKS, DEGREE = VALUES[DURATION_IDS], VALUES[PITCH_IDS] % 12

LAST_TICKS = 24
"""The last note begins at least so many ticks before the end, or a third of a bar where that is less."""


class KeepsPlan:
    """A melody whose number of bars is known has a plan that fills them, and does not change its meter.

    A phrase is at least half a bar long. The last note, on the degree of the plan, begins in good time (`LAST_TICKS`):
    the grammar alone would let a melody that missed it end with a note of one tick.

    Args:
        encoding: whose tokens are masked.
        unplanned: (batch,) which melodies have no plan, such as those that continue a primer.
        plan: that of all melodies; None leaves plans to the model.
    """

    def __init__(self, encoding: Encoding, unplanned: Mask, plan: Plan | None = None) -> None:
        self._vocabulary, self._unplanned = len(encoding.vocabulary), unplanned
        self._plan = plan

    def mask(self, context: Context) -> Mask:
        """(batch, vocabulary); see `Constraint.mask`."""
        mask = np.ones((len(self._unplanned), self._vocabulary), np.bool_)
        if isinstance(context, PlannedContext):
            if context.planning.any():
                self._restrict_plan(mask, context)
            self._restrict_body(mask, context)
        return mask

    def _restrict_plan(self, mask: Mask, context: PlannedContext) -> None:
        """The phrases of a plan fill the bars. Changes the mask."""
        promised = context.promised_ticks
        begins = np.equal(context.slot, PLAN_SLOT)
        without = self._unplanned | (promised == 0)
        mask[np.flatnonzero(begins & without)[:, None], LAST_IDS] = False
        mask[begins & ~without, NOTES] = False
        rows = np.flatnonzero((context.slot > PLAN_SLOT) & (context.slot < FIRST_SLOT))
        left, least = (promised - context.planned_ticks)[rows], context.bar_ticks[rows] // 2
        mask[rows[left > 0], NOTES] = False
        mask[rows[left < np.maximum(least, 1)][:, None], SECTION_IDS] = False
        begins = np.equal(context.slot[rows], LENGTH_SLOT)
        fits = _leaving(left, least, np.where(begins, least, 1))
        mask[rows[:, None], DURATION_IDS] &= fits
        if self._plan is not None:
            self._restrict_to(self._plan, mask, context)

    def _restrict_to(self, plan: Plan, mask: Mask, context: PlannedContext) -> None:
        """The plan is this one. Changes the mask."""
        ends = list(accumulate(section.ticks for section in plan.sections))
        for row in np.flatnonzero(context.planning & ~self._unplanned).tolist():
            slot, number, ticks = context.slot[row], int(context.sections[row]), int(context.planned_ticks[row])
            if slot == PLAN_SLOT:
                due = ID[Kind.LAST, plan.last] if plan.last is not None else None
            elif number and ticks < ends[number - 1]:
                due = spell_duration(ends[number - 1] - ticks)[0]
            elif number < len(ends):
                due = ID[Kind.SECTION, SECTIONS.index(plan.sections[number].name)]
            else:
                due = NOTES
            if due is not None:
                mask[row] = np.arange(self._vocabulary) == due

    def _restrict_body(self, mask: Mask, context: PlannedContext) -> None:
        """No change of meter, and time for the last note. Changes the mask."""
        rows = np.flatnonzero(context.planned & context.in_body)
        mask[rows[:, None], BEAT_IDS] = False
        left = context.end_tick[rows] - context.tick[rows]
        last = np.minimum(LAST_TICKS, context.bar_ticks[rows] // 3)
        wrong = context.ends_wrong[rows]
        late = (left <= last) & (context.slot[rows] != DURATION_SLOT)
        mask[rows[late][:, None], PITCH_IDS] &= context.last[rows[late], None] == DEGREE
        mask[rows[late & (left < last)][:, None], PITCH_IDS] = False
        mask[rows[late & wrong][:, None], (REST, TIE)] = False
        early = wrong & (left > last)
        mask[rows[early][:, None], DURATION_IDS] &= left[early, None] - TICKS >= last[early, None]

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The mask for the sequences at `indices`."""
        new = object.__new__(type(self))
        new._vocabulary, new._unplanned, new._plan = self._vocabulary, self._unplanned[indices], self._plan
        return new


def _leaving(left: NDArray[np.int64], least: NDArray[np.int64], shortest: NDArray[np.int64]) -> Mask:
    """(rows, durations): which fit into what is left, are not too short, and leave nothing or `least` ticks.

    Where none does all of that, the last is given up first, then the second.
    """
    after = left[:, None] - TICKS
    fits = after >= 0
    long = fits & (shortest[:, None] <= TICKS)
    good = long & ((after == 0) | (after >= least[:, None]))
    long = np.where(long.any(axis=1, keepdims=True), long, fits)  # not every length is one duration
    return np.asarray(np.where(good.any(axis=1, keepdims=True), good, long))
