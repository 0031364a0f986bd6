"""Notes are of a scale, but for a number of them."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting
from melodysynthesis.theory import NAMED_SCALES


class Scale(Anywhere):
    """Guaranteed: the pitch class of every note is in the scale on the key's tonic, but for at most `chromatic` notes.

    A state is how many notes were outside.
    """

    def __init__(self, setting: Setting, scale: str, chromatic: int) -> None:
        super().__init__(setting)
        tonic = setting.key.pitch_class if setting.key else 0
        self.inside = np.isin((setting.classes - tonic) % 12, NAMED_SCALES[scale])
        self.states = chromatic + 1

    def pitches(self) -> Flags:
        """Those of the scale, where no other is allowed."""
        return self.inside if self.states == 1 else super().pitches()

    def moves(self, situation: int) -> Ints:
        """A note outside counts."""
        del situation
        outside = np.append(~self.inside, False)
        count = np.arange(self.states)[:, None] + outside
        return np.where(count < self.states, count, NO)[:, None, :]
