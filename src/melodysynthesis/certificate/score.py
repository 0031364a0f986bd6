"""A melody as its bars and beats show it: where each note stands, and how strong that place is.

Beat
    The unit of the meter; three of them in compound meters (6, 9 and 12 of an eighth or less). 3/8 has three beats.
Strong beat
    The first of a bar, and of a bar with an even number of beats also the one in its middle: 1 and 3 of 4/4, both of
    2/4 and of 6/8, 1 of 3/4, 5/4 and 9/8.
Weight
    How strong any place is: 4 the first beat, 3 another strong beat, 2 any other beat, 1 half-way between beats (in
    compound meters each third of a beat), else 0.
Place in a pickup
    A pickup is the end of a bar: a quarter before 3/4 stands on beat 3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from melodysynthesis.certificate.finding import Place
from melodysynthesis.generation.notation import format_pitch
from melodysynthesis.music import TICKS_PER_WHOLE, Bar, Key, Melody, Meter

COMPOUND_BEATS = (6, 9, 12)


def beat_ticks(meter: Meter) -> int:
    """Length of a beat in ticks."""
    return (3 if _is_compound(meter) else 1) * TICKS_PER_WHOLE // meter.beat_unit


def _is_compound(meter: Meter) -> bool:
    return meter.beats in COMPOUND_BEATS and meter.beat_unit >= 8


def strong_beats(meter: Meter) -> tuple[int, ...]:
    """Ticks after the bar line at which the strong beats stand."""
    beats = meter.bar_ticks // beat_ticks(meter)
    return (0, meter.bar_ticks // 2) if beats % 2 == 0 else (0,)


def weight(meter: Meter, position: int) -> int:
    """The weight of a place so many ticks after the bar line."""
    beat = beat_ticks(meter)
    if position in strong_beats(meter):
        return 3 if position else 4
    if position % beat == 0:
        return 2
    parts = 3 if _is_compound(meter) else 2
    return 1 if position * parts % beat == 0 else 0


class Score:
    """A melody with its bars.

    Args:
        melody: what was read.
        key: the one that rules on degrees refer to, where it was asked for; else the one that is stated.
        shared: its longest run of notes in the training tunes by rhythm, as `evaluation.originality` reports it.
    """

    def __init__(self, melody: Melody, key: Key | None = None, shared: Mapping[str, Any] | None = None) -> None:
        self.melody, self.key, self.shared = melody, key or melody.key, shared
        self.notes, self.bars = melody.notes, tuple(melody.bars())
        self._starts = [bar.start for bar in self.bars]

    @property
    def tonic(self) -> int:
        """Pitch class of the key's tonic."""
        return self._key.pitch_class

    @property
    def own_scale(self) -> str:
        """Name of the key's own scale."""
        return "natural-minor" if self._key.mode == "minor" else self._key.mode

    @property
    def _key(self) -> Key:
        if self.key is None:
            raise ValueError("a rule on degrees needs a key")
        return self.key

    @property
    def last_number(self) -> int:
        """Number of the last bar; 0 where there is a pickup only, or no meter."""
        return self.bars[-1].number if self.bars else 0

    def bar_at(self, tick: int) -> Bar:
        """The bar that a tick is in; the melody's end belongs to the last one."""
        return self.bars[bisect_right(self._starts, tick) - 1]

    def bar_line(self, bar: Bar) -> int:
        """Tick at which a bar starts or, being a pickup, would have started."""
        return self.melody.pickup - bar.meter.bar_ticks if bar.number == 0 else bar.start

    def position(self, tick: int) -> int:
        """Ticks after the bar line."""
        return tick - self.bar_line(self.bar_at(tick))

    def weight(self, tick: int) -> int:
        """How strong a place is, 0 to 4."""
        return weight(self.bar_at(tick).meter, self.position(tick))

    def is_strong(self, tick: int) -> bool:
        """Whether a strong beat stands here."""
        return self.position(tick) in strong_beats(self.bar_at(tick).meter)

    def bar_and_beat(self, tick: int) -> tuple[int, Fraction]:
        """Number of a tick's bar, and its beat from 1; half a beat after beat 2 is 5/2."""
        bar = self.bar_at(tick)
        return bar.number, 1 + Fraction(self.position(tick), beat_ticks(bar.meter))

    def place(self, tick: int, note: int | None = None) -> Place:
        """A tick by bar and beat, and with the number of a note, which is counted from 0 everywhere but there."""
        number = None if note is None else note + 1
        if not self.bars:
            return Place(None, None, number)
        bar, beat = self.bar_and_beat(tick)
        return Place(bar, round(float(beat), 4), number)

    def place_of(self, note: int) -> Place:
        """Where a note begins."""
        return self.place(self.notes[note].onset, note)

    def spelled(self, pitch: int) -> str:
        """A pitch as it is written in the key."""
        return format_pitch(pitch, self.key)

    def name(self, note: int) -> str:
        """The pitch of a note as it is written in the key."""
        return self.spelled(self.notes[note].pitch)

    def rests(self) -> list[tuple[int, int]]:
        """Onset and length of each gap before, between and after the notes."""
        ends = [0, *(note.end for note in self.notes)]
        onsets = [*(note.onset for note in self.notes), self.melody.duration]
        return [(end, onset - end) for end, onset in zip(ends, onsets, strict=True) if onset > end]
