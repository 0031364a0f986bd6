"""Notes stand where they must."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting
from melodysynthesis.constraints.terms import FixedNote
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.theory import beat_ticks


def tick_of(timeline: Timeline, note: FixedNote) -> int | None:
    """The tick of a fixed note; None where there is none: beyond its bar, between ticks, before a pickup."""
    meter = timeline.meters[max(note.bar, 1) - 1] if note.bar <= len(timeline.meters) else None
    if meter is None:
        return None
    position = (note.beat - 1) * beat_ticks(meter)
    line = timeline.bar_lines[note.bar - 1] if note.bar else timeline.pickup - meter.bar_ticks
    tick = line + position
    inside = position < meter.bar_ticks and 0 <= tick < (timeline.ticks if note.bar else timeline.pickup)
    return int(tick) if inside and tick.denominator == 1 else None


class Fixed(Anywhere):
    """Guaranteed: at each of these places a note of the given pitch begins."""

    def __init__(self, setting: Setting, notes: tuple[FixedNote, ...]) -> None:
        super().__init__(setting)
        self.at = np.zeros(setting.timeline.ticks, np.int64)  # 0: free, else 1 + the pitch, or `NO`
        self.lost = False
        for note in notes:
            tick = tick_of(setting.timeline, note)
            if tick is None:
                self.lost = True
            else:
                self.at[tick] = 1 + note.pitch
        marks = np.append(np.flatnonzero(self.at), setting.timeline.ticks)
        self.next = marks[np.searchsorted(marks, np.arange(setting.timeline.ticks), "right")]

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """What must begin there; nothing sounds over the next fixed note's place."""
        return np.where((onsets + lengths > self.next[onsets]) | self.lost, NO, self.at[onsets])

    def moves(self, situation: int) -> Ints:
        """The pitch that must be."""
        moves = np.zeros((1, 1, len(self.setting.pitches) + 1), np.int64)
        if situation:
            moves[..., np.append(self.setting.pitches != situation - 1, True)] = NO
        return moves
