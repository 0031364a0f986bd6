"""What a melody is: notes, meters, key, phrases. Frozen values; all time is in ticks, 24 to the quarter note.

At 24 ticks every duration down to the thirty-second note and its triplets is whole. Rests are not stored: a rest is
where no note sounds. A `Melody` is monophonic: no two notes overlap.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TICKS_PER_QUARTER = 24
TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER

STEPS = "CDEFGAB"
STEP_PITCH_CLASS = dict(zip(STEPS, (0, 2, 4, 5, 7, 9, 11), strict=True))
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")


class Note(NamedTuple):
    """A sounding note: `onset` and `duration` in ticks, `pitch` as MIDI number (60 is middle C)."""

    onset: int
    duration: int
    pitch: int

    @property
    def end(self) -> int:
        """First tick after the note."""
        return self.onset + self.duration


class Meter(NamedTuple):
    """A time signature in force from `tick` on: `beats` of 1/`beat_unit` each (6/8 is ``beats=6, beat_unit=8``)."""

    tick: int
    beats: int
    beat_unit: int

    @property
    def bar_ticks(self) -> int:
        """Length of a bar in ticks."""
        return self.beats * TICKS_PER_WHOLE // self.beat_unit

    def __str__(self) -> str:
        return f"{self.beats}/{self.beat_unit}"


BEAT_UNITS = (1, 2, 4, 8, 16, 32)
MAX_BEATS = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic, spelled (``"F#"``, ``"Bb"``), and one of `MODES`."""

    tonic: str
    mode: str = "major"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-G](#{0,2}|b{0,2})", self.tonic):
            raise ValueError(f"tonic {self.tonic!r} is not a note name such as C, F# or Bb")
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r} is not one of {', '.join(MODES)}")

    @property
    def pitch_class(self) -> int:
        """Pitch class of the tonic: 0 for C up to 11 for B."""
        alteration = self.tonic.count("#") - self.tonic.count("b")
        return (STEP_PITCH_CLASS[self.tonic[0]] + alteration) % 12

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"


class Bar(NamedTuple):
    """One bar: `start` and `end` in ticks, and the meter in force. The pickup is bar number 0."""

    number: int
    start: int
    end: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class Melody:
    """A monophonic melody.

    Attributes:
        notes: in order of onset, not overlapping, all within ``[0, duration]``.
        duration: total length in ticks, including rests at either end.
        meters: time signatures by ascending tick; empty for a melody without meter, else the first stands at tick 0.
        key: tonic and mode, or None where unknown.
        phrase_ends: ascending ticks at which a phrase ends, each within ``(0, duration]``.
        pickup: length in ticks of the incomplete bar (anacrusis) at the start, 0 for none.
        source: where the melody came from, for people to read. Not compared.

    Raises:
        ValueError: where these rules are broken; the message names the first offender.
    """

    notes: tuple[Note, ...]
    duration: int
    meters: tuple[Meter, ...] = ()
    key: Key | None = None
    phrase_ends: tuple[int, ...] = ()
    pickup: int = 0
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        self._check_notes()
        self._check_meters()
        for ticks, what in ((tuple(m.tick for m in self.meters), "meters"), (self.phrase_ends, "phrase ends")):
            if any(a >= b for a, b in pairwise(ticks)):
                raise ValueError(f"{what} are not in ascending order: {ticks}")
        if self.phrase_ends and not 0 < self.phrase_ends[0] <= self.phrase_ends[-1] <= self.duration:
            raise ValueError(f"phrase ends {self.phrase_ends} are not within the melody's {self.duration} ticks")

    def _check_notes(self) -> None:
        now = 0
        for number, (onset, duration, pitch) in enumerate(self.notes, 1):
            if duration <= 0:
                raise ValueError(f"note {number}: duration {duration} ticks is not positive")
            if onset < now:
                raise ValueError(f"note {number}: onset at tick {onset} is before tick {now}, where it may start")
            if not 0 <= pitch <= 127:
                raise ValueError(f"note {number}: pitch {pitch} is not a MIDI number from 0 to 127")
            now = onset + duration
        if now > self.duration:
            raise ValueError(f"the last note ends at tick {now}, after the melody's {self.duration}")

    def _check_meters(self) -> None:
        if self.meters and self.meters[0].tick != 0:
            raise ValueError(f"the first meter stands at tick {self.meters[0].tick}, not at 0")
        for meter in self.meters:
            if not 0 < meter.beats <= MAX_BEATS or meter.beat_unit not in BEAT_UNITS:
                raise ValueError(f"meter {meter} is not between 1 and {MAX_BEATS} beats of 1/1 to 1/32")
        if self.pickup and not (self.meters and 0 < self.pickup < self.meters[0].bar_ticks):
            raise ValueError(f"a pickup of {self.pickup} ticks is not shorter than a bar")
        if self.meters and self.meters[-1].tick and self.meters[-1].tick >= self.duration:
            raise ValueError(f"the meter at tick {self.meters[-1].tick} stands after the melody's end")

    def __len__(self) -> int:
        return len(self.notes)

    @property
    def pitches(self) -> tuple[int, ...]:
        """MIDI number of each note."""
        return tuple(note.pitch for note in self.notes)

    def note_array(self) -> NDArray[np.int32]:
        """Notes as an array of shape (notes, 3): onset, duration, pitch."""
        return np.array(self.notes, np.int32).reshape(-1, 3)

    def meter_at(self, tick: int) -> Meter | None:
        """Meter in force at a tick; None for a melody without meter."""
        if not self.meters:
            return None
        return self.meters[bisect_right([m.tick for m in self.meters], tick) - 1]

    def bars(self) -> Iterator[Bar]:
        """Bars in order; a pickup is bar 0, else numbering starts with 1.

        A change of meter starts a new bar. The last bar ends with the melody, so it may be shorter than its meter.
        """
        if not self.meters:
            return
        changes = [m.tick for m in self.meters[1:]]
        start, number = 0, 0 if self.pickup else 1
        while start < self.duration:
            meter = self.meters[bisect_right(changes, start)]
            length = self.pickup if number == 0 else meter.bar_ticks
            following = bisect_right(changes, start)
            limit = changes[following] if following < len(changes) else self.duration
            end = min(start + length, limit, self.duration)
            yield Bar(number, start, end, meter)
            start, number = end, number + 1

    def transpose(self, semitones: int, key: Key | None = None) -> Melody:
        """The same melody, moved; `key` is the key it then has (None forgets it unless nothing moves).

        Raises:
            ValueError: if a pitch leaves 0 to 127.
        """
        notes = tuple(note._replace(pitch=note.pitch + semitones) for note in self.notes)
        return replace(self, notes=notes, key=key or (self.key if semitones == 0 else None))
