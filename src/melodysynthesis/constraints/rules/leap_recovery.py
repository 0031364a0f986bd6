"""A large leap is made good by a step back."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting

FREE, AFTER_UP, AFTER_DOWN = range(3)
FIFTH = 7
"""Semitones of the largest leap that needs no recovery."""


class LeapRecovery(Anywhere):
    """Guaranteed: after a leap of more than a fifth the next note is a step of 1 or 2 semitones the other way.

    So no such leap leads to the last note. Singers and books of counterpoint agree: a gap that a leap opens is filled.
    """

    states = 3
    looks_back = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        interval = setting.intervals
        leaps = np.where(interval > FIFTH, AFTER_UP, np.where(interval < -FIFTH, AFTER_DOWN, FREE))
        falls = np.where(np.isin(interval, (-1, -2)), FREE, NO)
        rises = np.where(np.isin(interval, (1, 2)), FREE, NO)
        rest = np.arange(3)[:, None, None] + np.zeros((1, len(interval), 1), np.int64)
        self.table = np.concatenate([np.stack([leaps, falls, rises]), rest], axis=2)

    def moves(self, situation: int) -> Ints:
        """By the interval."""
        del situation
        return self.table

    def ends(self) -> Flags:
        """Not while a step is owed."""
        return np.array([[True], [False], [False]])
