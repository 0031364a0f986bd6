"""What a melody is: notes, meters, key, phrases. Frozen values; all time is in ticks, 24 to the quarter note.

At 24 ticks every duration down to the thirty-second note and its triplets is whole. Rests are not stored: a rest is
where no note sounds. A `Melody` is monophonic: no two notes overlap.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
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
MIN_TEMPO, MAX_TEMPO = 5, 1000
"""Quarter notes per minute."""
DEFAULT_TEMPO = 120
"""Quarter notes per minute at which a melody without tempo is played, as by every MIDI player."""


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
        meters: time signatures by ascending tick; empty for a melody without meter, else the first is at tick 0.
        key: tonic and mode, or None where unknown.
        phrase_ends: ascending ticks at which a phrase ends, each within ``(0, duration]``.
        pickup: length in ticks of the incomplete bar (anacrusis) at the start, 0 for none.
        source: where the melody came from, for people to read.
        title, composer: as a score names them; empty where unknown.
        tempo: quarter notes per minute, from `MIN_TEMPO` to `MAX_TEMPO`; None where unknown.
        lyrics: pairs of an onset in ticks and the syllable that begins there, by ascending tick. A syllable that goes
            on in the next one ends with a hyphen: ``((0, "Hal-"), (24, "lo"))``.
        chords: pairs of a tick and the symbol of the chord that enters there, as `theory.chords` writes it, by
            ascending tick below `duration`: ``((0, "G"), (72, "D7/F#"))``. A chord goes on until the next.

    The last six are about the melody, not part of it: they are not compared.

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
    title: str = field(default="", compare=False, repr=False)
    composer: str = field(default="", compare=False, repr=False)
    tempo: float | None = field(default=None, compare=False, repr=False)
    lyrics: tuple[tuple[int, str], ...] = field(default=(), compare=False, repr=False)
    chords: tuple[tuple[int, str], ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        self._check_notes()
        self._check_meters()
        for ticks, what in (
            (tuple(m.tick for m in self.meters), "meters"),
            (self.phrase_ends, "phrase ends"),
            (tuple(tick for tick, _ in self.chords), "chords"),
        ):
            if any(a >= b for a, b in pairwise(ticks)):
                raise ValueError(f"{what} are not in ascending order: {ticks}")
        if self.phrase_ends and not 0 < self.phrase_ends[0] <= self.phrase_ends[-1] <= self.duration:
            raise ValueError(f"phrase ends {self.phrase_ends} are not within the melody's {self.duration} ticks")
        if self.chords and not 0 <= self.chords[0][0] <= self.chords[-1][0] < max(self.duration, 1):
            raise ValueError(f"the chord at tick {self.chords[-1][0]} is not within the melody's {self.duration} ticks")
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise ValueError(f"a tempo of {self.tempo:g} is not from {MIN_TEMPO} to {MAX_TEMPO} quarters a minute")

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
            raise ValueError(f"the first meter is at tick {self.meters[0].tick}, not at 0")
        for meter in self.meters:
            if not 0 < meter.beats <= MAX_BEATS or meter.beat_unit not in BEAT_UNITS:
                raise ValueError(f"meter {meter} is not between 1 and {MAX_BEATS} beats of 1/1 to 1/32")
        if self.pickup and not (self.meters and 0 < self.pickup < self.meters[0].bar_ticks):
            raise ValueError(f"a pickup of {self.pickup} ticks is not shorter than a bar")
        if self.meters and self.meters[-1].tick and self.meters[-1].tick >= self.duration:
            raise ValueError(f"the meter at tick {self.meters[-1].tick} is after the melody's end")

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

    def with_metadata(self, other: Melody) -> Melody:
        """The same melody with title, composer, tempo, lyrics and chords of another one, as of one that it continues.

        Every syllable is kept: below the note at its onset, else below another note between its neighbours, else joined
        to the syllable before. The chords stay those of this melody if the other one has none.
        """
        lyrics = _lyrics_below([note.onset for note in self.notes if note.onset < other.duration], other.lyrics)
        chords = tuple(chord for chord in other.chords if chord[0] < self.duration) or self.chords
        return replace(
            self, title=other.title, composer=other.composer, tempo=other.tempo, lyrics=lyrics, chords=chords
        )

    def transpose(self, semitones: int, key: Key | None = None) -> Melody:
        """The same melody, moved, with its chords; `key` is the key it then has (None forgets it unless nothing moves).

        Raises:
            ValueError: if a pitch leaves 0 to 127.
        """
        notes = tuple(note._replace(pitch=note.pitch + semitones) for note in self.notes)
        steps = STEPS.index(key.tonic[0]) - STEPS.index(self.key.tonic[0]) if key and self.key else None
        chords = tuple((tick, transpose_symbol(symbol, semitones, steps)) for tick, symbol in self.chords)
        return replace(self, notes=notes, chords=chords, key=key or (self.key if semitones == 0 else None))


_SYMBOL_ROOTS = re.compile(r"^[A-G](?:##?|bb?)?|(?<=/)[A-G](?:##?|bb?)?$")
_USUAL_ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def transpose_symbol(symbol: str, semitones: int, steps: int | None = None) -> str:
    """A chord symbol moved by semitones, its letters by `steps` of the staff: ``("A/C#", 2, 1)`` is B/D#.

    Without steps, or where these need more than two accidentals, its notes have their usual names.
    """

    def moved(match: re.Match[str]) -> str:
        pitch_class = (Key(match[0]).pitch_class + semitones) % 12
        if steps is not None:
            letter = STEPS[(STEPS.index(match[0][0]) + steps) % 7]
            alteration = (pitch_class - STEP_PITCH_CLASS[letter] + 6) % 12 - 6
            if abs(alteration) <= 2:
                return letter + ("#" * alteration if alteration > 0 else "b" * -alteration)
        return _USUAL_ROOTS[pitch_class]

    return _SYMBOL_ROOTS.sub(moved, symbol) if semitones % 12 else symbol


def _lyrics_below(onsets: Sequence[int], lyrics: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Syllables of other onsets, in order, set to these; see `Melody.with_metadata`."""
    there, placed = set(onsets), list[tuple[int, str]]()
    for number, (tick, syllable) in enumerate(lyrics):
        if tick in there:
            placed.append((tick, syllable))
            continue
        after = placed[-1][0] if placed else -1
        following = [at for at, _ in lyrics[number + 1 :]]
        until = next((at for at in following if at in there), onsets[-1] + 1 if onsets else 0)
        free = onsets[bisect_right(onsets, after) : bisect_left(onsets, until)]
        waiting = sum(at < until for at in following)  # of these syllables, each needs a note, too
        if free:
            nearest = min(free[: max(len(free) - waiting, 1)], key=lambda onset: abs(onset - tick))
            placed.append((nearest, syllable))
        elif placed:
            before = placed[-1][1]
            placed[-1] = after, before[:-1] + syllable if before.endswith("-") else f"{before} {syllable}"
    return tuple(placed)
