"""Notes have only the durations that are asked for."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting


class Durations(Anywhere):
    """Guaranteed: each note, tied ones as a whole, has one of the durations. Rests are free."""

    def __init__(self, setting: Setting, ticks: tuple[int, ...]) -> None:
        super().__init__(setting)
        self.ticks = ticks

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: only a rest can be so long."""
        del onsets
        return np.asarray(~np.isin(lengths, self.ticks)).astype(np.int64)

    def moves(self, situation: int) -> Ints:
        """By the length alone."""
        return _notes(self.setting, situation == 0)


def _notes(setting: Setting, allowed: bool) -> Ints:
    moves = np.zeros((1, 1, len(setting.pitches) + 1), np.int64)
    moves[..., : setting.rest] = 0 if allowed else NO
    return moves
