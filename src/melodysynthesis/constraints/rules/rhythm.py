"""The melody has the rhythm that is asked for, over and over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Ints, Setting
from melodysynthesis.constraints.terms import Beat
from melodysynthesis.constraints.timeline import Timeline

NOTE, REST = 0, 1


def rhythm_in(timeline: Timeline, rhythm: Sequence[Beat], cuts: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """Onset, ticks and whether it sounds, of all in a melody. Rests are parted at cuts, which ascend."""
    *starts, period = accumulate((beat.ticks for beat in rhythm), initial=0)
    places = dict(zip(starts, rhythm, strict=True))
    for onset in range(timeline.ticks):
        beat = places.get((onset - timeline.pickup) % period)
        if beat is not None:
            end = onset + beat.ticks
            inside = [] if beat.sounds else [cut for cut in cuts if onset < cut < end]
            yield from ((start, until - start, beat.sounds) for start, until in pairwise([onset, *inside, end]))


class Rhythm(Anywhere):
    """Guaranteed: from bar 1 to the end the melody has exactly these notes and rests; a pickup has the rhythm's end."""

    def __init__(self, setting: Setting, rhythm: tuple[Beat, ...]) -> None:
        super().__init__(setting)
        ticks = setting.timeline.ticks
        self.length, self.kind = np.zeros(ticks, np.int64), np.zeros(ticks, np.int64)
        for onset, length, sounds in rhythm_in(setting.timeline, rhythm, setting.cuts):
            if onset < ticks:
                self.length[onset], self.kind[onset] = length, NOTE if sounds else REST

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """What begins there, if it is so long."""
        return np.where(self.length[onsets] == lengths, self.kind[onsets], NO)

    def moves(self, situation: int) -> Ints:
        """A note, or a rest."""
        moves = np.full((1, 1, len(self.setting.pitches) + 1), 0 if situation == NOTE else NO)
        moves[..., self.setting.rest] = 0 if situation == REST else NO
        return moves
