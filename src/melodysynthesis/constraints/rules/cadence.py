"""The melody closes: from a degree that leads there, to the tonic, on a strong beat, held at least a beat."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting
from melodysynthesis.theory import NAMED_SCALES, SCALES

LEADING_NOTE = 11


class Cadence(Anywhere):
    """Guaranteed: the last note is the tonic, begins on a strong beat and lasts at least a beat.

    The note before it is the second, fifth or seventh degree of the scale, or the leading note. State 1: the latest
    note could be the last.
    """

    states = 2
    looks_back = True

    def __init__(self, setting: Setting, scale: str | None) -> None:
        super().__init__(setting)
        tonic = setting.key.pitch_class if setting.key else 0
        above = (setting.classes - tonic) % 12
        degrees = NAMED_SCALES[scale] if scale else ()
        if len(degrees) != len(SCALES["major"]):
            degrees = SCALES[setting.key.mode if setting.key else "major"]
        leads = np.append(np.isin(above, (degrees[1], degrees[4], degrees[6], LEADING_NOTE)), False)
        self.closes = leads[:, None] & (above == 0)

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """1: on a strong beat, and a beat or longer; 2 more where it is the last, so that it has to be."""
        timeline = self.setting.timeline
        closes = np.array(timeline.strong)[onsets] & (lengths >= np.array(timeline.beats)[onsets])
        return np.asarray(closes + 2 * (onsets + lengths == timeline.ticks))

    def moves(self, situation: int) -> Ints:
        """A rest leaves the latest note what it is."""
        last, closes = divmod(situation, 2)
        notes = np.where(self.closes & bool(closes), 1, NO if last else 0)
        notes = np.broadcast_to(notes, (2, *notes.shape))
        rest = np.broadcast_to(np.arange(2)[:, None, None], (2, notes.shape[1], 1))
        return np.concatenate([notes, rest], axis=2)

    def ends(self) -> Flags:
        """On a note that closes."""
        return np.array([[False], [True]])
