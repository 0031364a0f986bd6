"""The melody has the rhythm that is asked for, over and over."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting
from melodysynthesis.constraints.terms import Beat

NOTE, REST = 0, 1


class Rhythm(Anywhere):
    """Guaranteed: from bar 1 to the end the melody has exactly these notes and rests; a pickup has the rhythm's end."""

    def __init__(self, setting: Setting, rhythm: tuple[Beat, ...]) -> None:
        super().__init__(setting)
        starts = list(accumulate((beat.ticks for beat in rhythm), initial=0))
        self.period = starts.pop()
        self.length, self.kind = np.zeros(self.period, np.int64), np.zeros(self.period, np.int64)
        self.length[starts] = [beat.ticks for beat in rhythm]
        self.kind[starts] = [NOTE if beat.sounds else REST for beat in rhythm]

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """What begins there, if it is so long."""
        place = (onsets - self.setting.timeline.pickup) % self.period
        return np.where(self.length[place] == lengths, self.kind[place], NO)

    def moves(self, situation: int) -> Ints:
        """A note, or a rest."""
        moves = np.full((1, 1, len(self.setting.pitches) + 1), 0 if situation == NOTE else NO)
        moves[..., self.setting.rest] = 0 if situation == REST else NO
        return moves
