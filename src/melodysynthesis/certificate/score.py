"""A melody in bars and beats: where each note begins, and how strong that place is.

Beat
    The unit of the meter; three of them in compound meters (6, 9 and 12 of an eighth or less). 3/8 has three beats.
Strong beat
    The first of a bar, and of a bar with an even number of beats also the one in its middle: 1 and 3 of 4/4, both of
    2/4 and of 6/8, 1 of 3/4, 5/4 and 9/8. Where the grouping of so many beat units is requested: the first of each
    group.
Weight
    How strong any place is: 4 the first beat, 3 another strong beat, 2 any other beat, 1 half-way between beats (in
    compound meters each third of a beat), else 0.
Place in a pickup
    A pickup is the end of a bar: a quarter before 3/4 is on beat 3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from melodysynthesis.certificate.finding import Location
from melodysynthesis.music import TICKS_PER_WHOLE, Bar, Key, Melody, Meter
from melodysynthesis.theory import spell

COMPOUND_BEATS = (6, 9, 12)


def beat_ticks(meter: Meter) -> int:
    """Length of a beat in ticks."""
    return (3 if _is_compound(meter) else 1) * TICKS_PER_WHOLE // meter.beat_unit


def _is_compound(meter: Meter) -> bool:
    return meter.beats in COMPOUND_BEATS and meter.beat_unit >= 8


def strong_beats(meter: Meter, groups: Sequence[int] = ()) -> tuple[int, ...]:
    """Ticks after the bar line of the strong beats."""
    if groups and sum(groups) == meter.beats:
        return tuple(sum(groups[:number]) * TICKS_PER_WHOLE // meter.beat_unit for number in range(len(groups)))
    beats = meter.bar_ticks // beat_ticks(meter)
    return (0, meter.bar_ticks // 2) if beats % 2 == 0 else (0,)


def weight(meter: Meter, position: int, groups: Sequence[int] = ()) -> int:
    """The weight of a place so many ticks after the bar line."""
    beat = beat_ticks(meter)
    if position in strong_beats(meter, groups):
        return 3 if position else 4
    if position % beat == 0:
        return 2
    parts = 3 if _is_compound(meter) else 2
    return 1 if position * parts % beat == 0 else 0


class Score:
    """A melody with its bars.

    Args:
        melody: what was read.
        key: the key that rules on degrees refer to, if it is requested; else the stated key is used.
        groups: of beats in a bar, where they are requested.
        shared: its longest runs of notes in the training tunes, as `evaluation.originality` reports them.
    """

    def __init__(
        self,
        melody: Melody,
        key: Key | None = None,
        shared: Mapping[str, Any] | None = None,
        groups: Sequence[int] = (),
    ) -> None:
        self.melody, self.key, self.shared, self.groups = melody, key or melody.key, shared, groups
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
        return weight(self.bar_at(tick).meter, self.position(tick), self.groups)

    def is_strong(self, tick: int) -> bool:
        """Whether this is a strong beat."""
        return self.position(tick) in strong_beats(self.bar_at(tick).meter, self.groups)

    def is_beat(self, tick: int) -> bool:
        """Whether a beat begins here."""
        return self.position(tick) % beat_ticks(self.bar_at(tick).meter) == 0

    def strong_ticks(self, start: int, end: int) -> list[int]:
        """The strong beats from one tick on, before another."""
        places = (self.bar_line(bar) + place for bar in self.bars for place in strong_beats(bar.meter, self.groups))
        return [tick for tick in places if start <= tick < end and tick >= 0]

    def bar_and_beat(self, tick: int) -> tuple[int, Fraction]:
        """Number of a tick's bar, and its beat from 1; half a beat after beat 2 is 5/2."""
        bar = self.bar_at(tick)
        return bar.number, 1 + Fraction(self.position(tick), beat_ticks(bar.meter))

    def place(self, tick: int, note: int | None = None) -> Location:
        """A tick by bar and beat, and with the number of a note, which is counted from 0 everywhere but there."""
        number = None if note is None else note + 1
        if not self.bars:
            return Location(None, None, number)
        bar, beat = self.bar_and_beat(tick)
        return Location(bar, round(float(beat), 4), number)

    def place_of(self, note: int) -> Location:
        """Where a note begins."""
        return self.place(self.notes[note].onset, note)

    def spelled(self, pitch: int) -> str:
        """A pitch as it is written in the key."""
        step, alteration, octave = spell(pitch, self.key)  # for messages; no verdict depends on it
        return f"{step}{'#' * alteration if alteration > 0 else 'b' * -alteration}{octave}"

    def name(self, note: int) -> str:
        """The pitch of a note as it is written in the key."""
        return self.spelled(self.notes[note].pitch)

    def rests(self) -> list[tuple[int, int]]:
        """Onset and length of each gap before, between and after the notes."""
        ends = [0, *(note.end for note in self.notes)]
        onsets = [*(note.onset for note in self.notes), self.melody.duration]
        return [(end, onset - end) for end, onset in zip(ends, onsets, strict=True) if onset > end]
