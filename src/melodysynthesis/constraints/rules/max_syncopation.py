"""At most so many notes are syncopated."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Counting, Ints, Setting


class MaxSyncopation(Counting):
    """Guaranteed: at most so many notes begin where the meter is weaker than at a later place they sound through."""

    name = "max_syncopation"

    def __init__(self, setting: Setting, notes: int) -> None:
        super().__init__(setting, min(notes, setting.timeline.ticks))
        self.free = np.array(setting.timeline.unsyncopated)

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """How often a note that is syncopated here is sung."""
        times = self.setting.times(same_notes=False)
        return np.asarray((lengths > self.free[onsets]) * times[onsets])

    def costs(self, situation: int) -> Ints:
        """Notes that are syncopated count, as often as they are sung."""
        return np.append(np.full(len(self.setting.pitches), situation), 0)
