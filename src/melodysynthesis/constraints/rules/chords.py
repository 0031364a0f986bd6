"""Chord tones on strong beats; other notes only in passing, or as neighbours of chord tones."""

from __future__ import annotations

from math import ceil

import numpy as np

from melodysynthesis.constraints.rule import NO, Anywhere, Flags, Ints, Setting
from melodysynthesis.constraints.terms import Chart
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.theory import Chord, beat_ticks

STEPS = (-2, -1, 1, 2)
FREE, FIRST_STEP = 0, 1
"""States: nothing is owed; from `FIRST_STEP` on: a passing or neighbour note, come to by that one of `STEPS`."""
PICKUP = 0
"""The situation in which notes are free. Others are 1 + 2 * chord + strong."""
ALL = frozenset(range(12))


def chords_from(timeline: Timeline, chart: Chart) -> list[tuple[int, Chord]]:
    """Tick and chord of each entrance, in order; of n chords in a bar of b beats, chord k enters on beat ceil(kb/n)."""
    entrances = []
    for bar, (start, meter) in enumerate(zip(timeline.bar_lines, timeline.meters, strict=True)):
        chords, beat = chart[bar % len(chart)], beat_ticks(meter)
        beats = meter.bar_ticks // beat
        entrances += [(start + ceil(k * beats / len(chords)) * beat, chord) for k, chord in enumerate(chords)]
    return entrances


class Chords(Anywhere):
    """Guaranteed: each note belongs to the chord at its onset, or is passing or a neighbour off the strong beats.

    A passing note comes by a step of 1 or 2 semitones and leaves by one in the same direction. A neighbour comes by a
    step and goes back. The first and the last note are chord tones. Notes that begin in the pickup are free.
    """

    states = FIRST_STEP + len(STEPS)
    looks_back = True

    def __init__(self, setting: Setting, chart: Chart) -> None:
        super().__init__(setting)
        entrances = chords_from(setting.timeline, chart)
        ticks = setting.timeline.ticks
        tones: list[frozenset[int]] = [ALL] * ticks  # a pickup has no chord
        for tick, chord in entrances:
            tones[tick:] = [chord.tones] * (ticks - tick)
        strong = np.array(setting.timeline.strong) & (np.arange(ticks) >= setting.timeline.pickup)
        shared, any_strong = list(tones), strong.copy()
        for likeness in setting.likenesses:
            for section, start in enumerate(likeness.starts):
                others = [likeness.starts[number] for number in likeness.twins(section)]
                for tick in range(likeness.ticks):
                    shared[start + tick] = frozenset.intersection(*(tones[other + tick] for other in others))
                    any_strong[start + tick] = any(strong[other + tick] for other in others)
        self.tones = sorted({*tones, *shared} - {ALL}, key=sorted)
        number = {ALL: PICKUP} | {one: 1 + 2 * index for index, one in enumerate(self.tones)}
        self.own = np.array([number[one] for one in tones])
        self.own += (self.own > 0) & strong
        self.shared = np.array([number[one] for one in shared])
        self.shared += (self.shared > 0) & any_strong
        # What a section begins and ends with is next to other notes each time: there its own chord decides.
        self.starts = {start for likeness in setting.likenesses for start in likeness.starts}
        self.cuts = {start + likeness.ticks for likeness in setting.likenesses for start in likeness.starts}

    def situations(self, onsets: Ints, lengths: Ints) -> Ints:
        """The chord at the onset, or what all have in common that the note is sung over; and whether it is strong."""
        if not self.starts:
            return np.asarray(self.own[onsets])
        alone = np.isin(onsets, list(self.starts)) | np.isin(onsets + lengths, list(self.cuts))
        return np.where(alone, self.own[onsets], self.shared[onsets])

    def moves(self, situation: int) -> Ints:
        """How a note that was owed a step left, and whether this one will owe one."""
        interval = self.setting.intervals
        moves = np.full((self.states, len(interval), len(self.setting.pitches) + 1), NO)
        moves[..., self.setting.rest] = np.arange(self.states)[:, None]
        arrives = self._arrives(situation)
        left = [np.ones(interval.shape, np.bool_)]
        left += [(np.isin(interval, STEPS) & (np.sign(interval) == np.sign(s))) | (interval == -s) for s in STEPS]
        for state, fine in enumerate(left):
            moves[state, :, :-1] = np.where(fine, arrives, NO)
        return moves

    def _arrives(self, situation: int) -> Ints:
        """(note before, pitch) the state after a note that nothing forbids but itself."""
        interval = self.setting.intervals
        if situation == PICKUP:
            return np.full(interval.shape, FREE)
        chord, strong = divmod(situation - 1, 2)
        tone = np.isin(self.setting.classes, list(self.tones[chord]))
        owes = np.full(interval.shape, NO)
        if not strong:
            for number, step in enumerate(STEPS):
                owes[interval == step] = FIRST_STEP + number
        return np.where(tone, FREE, owes)

    def ends(self) -> Flags:
        """Not on a note that is passing."""
        return np.equal(np.arange(self.states), FREE)[:, None]
