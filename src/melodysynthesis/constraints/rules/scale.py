"""Notes are of a scale, but for a number of them."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Counting, Flags, Ints, Setting
from melodysynthesis.theory import NAMED_SCALES


class Scale(Counting):
    """Guaranteed: every note's pitch class is in the scale on the key's tonic, but for at most `chromatic` notes."""

    name = "scale"

    def __init__(self, setting: Setting, scale: str, chromatic: int) -> None:
        super().__init__(setting, min(chromatic, setting.timeline.ticks))
        tonic = setting.key.pitch_class if setting.key else 0
        self.inside = np.isin((setting.classes - tonic) % 12, NAMED_SCALES[scale])

    def pitches(self) -> Flags:
        """Those of the scale, where no other is allowed."""
        return super().pitches() if self.most else self.inside

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """How often the note is sung, where that matters."""
        del lengths
        return np.asarray(self.setting.times(same_notes=True)[onsets]) if self.most else np.ones((1, 1), np.int64)

    def costs(self, situation: int) -> Ints:
        """A note outside counts, as often as it is sung."""
        return situation * np.append(~self.inside, False).astype(np.int64)
