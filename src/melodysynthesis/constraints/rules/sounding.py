"""A melody begins with a note, and has no rests where none are wanted."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting


class Sounding(Anywhere):
    """Always kept, and `rests` where it is asked for: without rests, notes fill the melody from start to end.

    Args:
        setting: of the melody.
        rests: whether there may be any.
        silent_start: whether it may begin with one, as a primer may.
    """

    def __init__(self, setting: Setting, rests: bool, silent_start: bool) -> None:
        super().__init__(setting)
        self.rests, self.silent_start = rests, silent_start

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: within; 1: at the start."""
        del lengths
        return np.where(onsets == 0, int(not self.silent_start), 0)

    def moves(self, situation: int) -> Ints:
        """By whether it is a rest."""
        moves = np.zeros((1, 1, len(self.setting.pitches) + 1), np.int64)
        moves[..., self.setting.rest] = 0 if self.rests and situation == 0 else NO
        return moves

    def ends(self) -> Flags:
        """There is a note."""
        before = np.arange(len(self.setting.pitches) + 1)
        return np.asarray(before < self.setting.rest)[None, :]
