"""The first notes go up, down or stay as asked for."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting
from melodysynthesis.constraints.terms import Contour as Directions


class Contour(Anywhere):
    """Guaranteed: from note to note the melody goes as the contour says; then freely, or it ends there.

    A state is how many directions were followed.
    """

    def __init__(self, setting: Setting, contour: Directions) -> None:
        super().__init__(setting)
        self.directions, self.whole = contour
        self.states = len(self.directions) + 1
        signs = np.sign(setting.intervals)
        follows = [np.where(signs == direction, s + 1, NO) for s, direction in enumerate(self.directions)]
        last = np.full(signs.shape, NO if self.whole else len(self.directions))
        notes = np.stack([*follows, last])
        notes[0, -1] = 0  # the first note has no direction yet
        rest = np.broadcast_to(np.arange(self.states)[:, None, None], (self.states, len(signs), 1))
        self.table = np.concatenate([notes, rest], axis=2)

    def moves(self, situation: int) -> Ints:
        """By the interval."""
        del situation
        return self.table

    def ends(self) -> Flags:
        """When all directions were followed."""
        return np.equal(np.arange(self.states), len(self.directions))[:, None]
