"""What was played, written down: human timing to ticks.

A beat is divided in some way, into two, three or four for example, and its notes fall on the lines of that division;
people hit the lines with an error that is normal, some 25 ms wide. Of all divisions of each beat, and of all small
shifts of the whole phrase (who plays ahead of the beat does so throughout), the most probable are taken:

    log P(divisions) - sum of (onset - line)^2 / 2 sigma^2 - shift^2 / 2 sigma_shift^2

after Cemgil, Desain & Kappen, Rhythm Quantization for Transcription, Computer Music Journal 24 (2000), whose code book
of a beat's divisions this is. The prior is how often beats of the German Essen songs are divided so, with a little left
for triplets and the like, which those songs lack and players do not. Beats are independent, so the sum is minimised
beat by beat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.formats.parts import top_line
from melodysynthesis.live.note_tracker import PerformedNote
from melodysynthesis.live.settings import beat_ticks
from melodysynthesis.music import TICKS_PER_QUARTER, Meter, Note

DIVISIONS: dict[int, dict[int, float]] = {
    24: {1: 0.600, 2: 0.310, 4: 0.070, 3: 0.015, 8: 0.003, 6: 0.002},
    36: {3: 0.710, 1: 0.170, 6: 0.110, 2: 0.006, 12: 0.002, 4: 0.002},
    12: {1: 0.800, 2: 0.180, 3: 0.010, 4: 0.010},
}
"""Length of a beat in ticks -> into how many parts it is divided -> how often."""

SIGMA_SECONDS = 0.025
"""How far people are off the line: 10 to 40 ms, by tempo and training (Repp, Sensorimotor synchronization, Psychonomic
Bulletin & Review 12 (2005))."""
SHIFT_SIGMA_SECONDS = 0.030
CHORD_SECONDS = 0.035
"""Keys struck within this are one chord."""
COLLISION = 8.0
"""Nats that it costs to put two onsets on one line."""
SHIFTS = np.linspace(-2, 2, 9)
"""Shifts that are tried, in `SHIFT_SIGMA_SECONDS`."""

SHORTEST_REST = 12
"""Ticks. A shorter silence is how the note before was let go."""
DETACHED = 2 / 3
"""A note that sounds for less than this share of the time to the next is followed by a rest."""


def quantise(notes: Sequence[PerformedNote], meter: Meter, seconds_per_tick: float, until: int) -> tuple[Note, ...]:
    """The melody that was played: onsets and ends in ticks, one note at a time.

    Args:
        notes: in order of onset.
        meter: whose bar lines stand at the multiples of its bar.
        seconds_per_tick: the tempo that they were played at.
        until: tick at which what comes next begins; notes end there at the latest.
    """
    struck = _chords(notes, CHORD_SECONDS / seconds_per_tick)
    if not struck:
        return ()
    grid = _BeatGrid(np.array([note.onset for note in struck]), beat_ticks(meter), seconds_per_tick)
    line: list[Note] = []
    for note, onset in zip(struck, grid.onsets.tolist(), strict=True):
        if onset < until:
            end = min(max(note.end - grid.shift, onset + 1), until)
            line.append(Note(onset, max(1, round(end - onset)), note.pitch))
    top, _ = top_line(line)
    following = [note.onset for note in top[1:]] + [until]
    return tuple(grid.written(*pair) for pair in zip(top, following, strict=False))


def _chords(notes: Sequence[PerformedNote], width: float) -> list[PerformedNote]:
    """One note of each chord: the highest, from where the first key was struck."""
    struck: list[PerformedNote] = []
    for note in notes:
        if struck and note.onset - struck[-1].onset < width:
            first = struck.pop()
            highest = max(first, note, key=lambda n: n.pitch)
            struck.append(highest._replace(onset=first.onset))
        else:
            struck.append(note)
    return struck


class _BeatGrid:
    """The divisions that suit some onsets best, and what follows from them.

    Attributes:
        onsets: (notes,) in ticks, on the lines.
        shift: by how many ticks the whole was played late.
    """

    def __init__(self, played: NDArray[np.float64], beat: int, seconds_per_tick: float) -> None:
        # A beat of a half, as in 2/2, is felt as two quarters here.
        self._beat = beat if beat in DIVISIONS else math.gcd(beat, TICKS_PER_QUARTER)
        divisions = DIVISIONS.get(self._beat, {1: 1.0})
        self._parts = np.array(list(divisions))
        self._prior = -np.log(list(divisions.values()))
        self._sigma = SIGMA_SECONDS / seconds_per_tick
        unit = SHIFT_SIGMA_SECONDS / seconds_per_tick
        tries = [(self._fit(played - shift * unit), shift) for shift in SHIFTS.tolist()]
        (_, self.onsets, self._division_of), shift = min(tries, key=lambda t: t[0][0] + t[1] ** 2 / 2)
        self.shift = shift * unit

    def _fit(self, onsets: NDArray[np.float64]) -> tuple[float, NDArray[np.int64], dict[int, int]]:
        """Cost in nats of the best divisions, the onsets on their lines, and the parts of each beat."""
        beats, of_beat = np.unique(np.floor(onsets / self._beat), return_inverse=True)
        part = self._beat / self._parts[:, None]  # (divisions, 1)
        line = np.rint((onsets - beats[of_beat] * self._beat) / part)  # (divisions, notes)
        ticks = line * part + beats[of_beat] * self._beat
        cost = (ticks - onsets) ** 2 / (2 * self._sigma**2)
        cost[:, 1:] += COLLISION * (np.diff(ticks) == 0)
        total = np.stack([np.bincount(of_beat, row, len(beats)) for row in cost]) + self._prior[:, None]
        best = total.argmin(axis=0)  # (beats,)
        chosen = ticks[best[of_beat], np.arange(len(onsets))]
        parts = dict(zip(beats.astype(int).tolist(), self._parts[best].tolist(), strict=True))
        return float(total.min(axis=0).sum()), chosen.astype(np.int64), parts

    def written(self, note: Note, following: int) -> Note:
        """The note as it is written: up to what follows, or to a line of the grid and a rest."""
        room, silence = following - note.onset, following - note.end
        if silence < SHORTEST_REST or note.duration >= DETACHED * room:
            return note._replace(duration=room)
        parts = max(2, self._division_of.get(note.end // self._beat, 2))
        part = self._beat // parts if self._beat % parts == 0 else self._beat
        end = round(note.end / part) * part
        return note._replace(duration=min(max(end - note.onset, part), room))
