"""A melody begins with a note. Two rests in a row are one: so each melody is said in one way only."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting


class Sounding(Anywhere):
    """Always kept, and `rests` where it is asked for: without rests, notes fill the melody from start to end.

    Args:
        setting: of the melody.
        rests: whether there may be any.
        silent_start: whether it may begin with one, as a primer may.
        cuts: ticks at which a new rest may follow on another, as sections of a form may end and begin with one.
    """

    def __init__(self, setting: Setting, rests: bool, silent_start: bool, cuts: tuple[int, ...]) -> None:
        super().__init__(setting)
        self.rests, self.silent_start, self.cuts = rests, silent_start, cuts
        self.states = 2 if rests else 1

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: within; 1: at the start; 2: at a cut."""
        del lengths
        start = (onsets == 0) & (not self.silent_start)
        return np.where(start, 1, np.where(np.isin(onsets, self.cuts), 2, 0))

    def moves(self, situation: int) -> Ints:
        """State 1 is after a rest."""
        events = len(self.setting.pitches) + 1
        moves = np.zeros((self.states, 1, events), np.int64)
        moves[..., self.setting.rest] = 1 if self.rests and situation != 1 else NO
        if self.rests and situation == 0:
            moves[1, :, self.setting.rest] = NO
        return moves

    def ends(self) -> Flags:
        """There is a note."""
        before = np.arange(len(self.setting.pitches) + 1)
        return np.asarray(before < self.setting.rest)[None, :]
