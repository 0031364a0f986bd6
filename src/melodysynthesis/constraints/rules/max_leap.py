"""No leap is larger than asked for."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Anywhere, Ints, Setting, where


class MaxLeap(Anywhere):
    """Guaranteed: from each note to the next are at most so many semitones, whatever rests stand between them."""

    def __init__(self, setting: Setting, semitones: int) -> None:
        super().__init__(setting)
        small = np.abs(setting.intervals) <= semitones
        self.table = where(np.hstack([small, np.ones((len(small), 1), np.bool_)]))[None]

    def moves(self, situation: int) -> Ints:
        """By the note before."""
        del situation
        return self.table
