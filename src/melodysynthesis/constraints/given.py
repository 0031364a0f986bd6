"""What is given stands: a primer, or the rest of a melody of which some bars are rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting


class Event(NamedTuple):
    """A note, or a rest where `pitch` is None."""

    onset: int
    ticks: int
    pitch: int | None


class Given(Anywhere):
    """Guaranteed: the notes and rests that are given stand, and none besides where they are."""

    def __init__(self, setting: Setting, events: Sequence[Event]) -> None:
        super().__init__(setting)
        ticks = setting.timeline.ticks
        self.length, self.at = np.zeros(ticks, np.int64), np.zeros(ticks, np.int64)
        covered = np.zeros(ticks, np.bool_)
        self.beyond = any(event.onset + event.ticks > ticks for event in events)
        for event in events if not self.beyond else ():
            self.length[event.onset] = event.ticks
            self.at[event.onset] = 1 if event.pitch is None else 2 + event.pitch
            covered[event.onset : event.onset + event.ticks] = True
        marks = np.append(np.flatnonzero(covered), ticks)
        self.next = marks[np.searchsorted(marks, np.arange(ticks), "left")]

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """0: nothing is given there; 1: a rest; else 2 + a pitch."""
        begins = self.at[onsets] > 0
        fits = np.where(begins, self.length[onsets] == lengths, onsets + lengths <= self.next[onsets])
        return np.where(fits & (not self.beyond), self.at[onsets], NO)

    def moves(self, situation: int) -> Ints:
        """What is given, or anything."""
        moves = np.zeros((1, 1, len(self.setting.pitches) + 1), np.int64)
        if situation:
            moves[..., np.append(self.setting.pitches != situation - 2, situation != 1)] = NO
        return moves
