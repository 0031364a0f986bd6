"""A step back after a large leap."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RuleSpec

ANY_PITCH, AFTER_UP, AFTER_DOWN = range(3)
FIFTH = 7
"""Semitones of the largest leap that needs no recovery."""


class LeapRecovery(StatelessRule):
    """Guaranteed: after a leap of more than a fifth the next note is a step of 1 or 2 semitones the other way.

    So no such leap leads to the last note. Singers and books of counterpoint agree: a gap that a leap opens is filled.
    """

    states = 3
    ends_locally = True

    def __init__(self, context: RuleContext) -> None:
        super().__init__(context)
        interval = context.intervals
        leaps = np.where(interval > FIFTH, AFTER_UP, np.where(interval < -FIFTH, AFTER_DOWN, ANY_PITCH))
        falls = np.where(np.isin(interval, (-1, -2)), ANY_PITCH, NO)
        rises = np.where(np.isin(interval, (1, 2)), ANY_PITCH, NO)
        rest = np.arange(3)[:, None, None] + np.zeros((1, len(interval), 1), np.int64)
        self.table = np.concatenate([np.stack([leaps, falls, rises]), rest], axis=2)

    def transitions(self, symbol: int) -> Ints:
        """By the interval."""
        del symbol
        return self.table

    def ends(self) -> Flags:
        """Not straight after a large leap."""
        return np.array([[True], [False], [False]])


SPEC = RuleSpec(
    name="leap_recovery", label="step back after leaps", type=bool, example=True, default=False, one_way=True,
    help="After a leap over a fifth, a step back.",
    guarantee="After a leap of more than 7 semitones, a fifth, the next note is a step of 1 or 2 semitones the other "
    "way. So no such leap leads to the last note.",
    build=lambda context, values: LeapRecovery(context),
)  # fmt: skip
