"""No note is tied over a bar line."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints


class NoTiesOverBars(Anywhere):
    """Guaranteed: no note begins before a bar line and ends after it. A rest over a bar line is two rests, and free."""

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: over a bar line."""
        lines = np.array([*self.setting.timeline.bar_lines, self.setting.timeline.ticks])
        following = lines[np.minimum(np.searchsorted(lines, onsets, "right"), len(lines) - 1)]
        return np.asarray(onsets + lengths > following).astype(np.int64)

    def moves(self, situation: int) -> Ints:
        """Notes do not go there."""
        moves = np.zeros((1, 1, len(self.setting.pitches) + 1), np.int64)
        moves[..., : self.setting.rest] = NO if situation else 0
        return moves
