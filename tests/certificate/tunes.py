"""Hypothesis strategies: melodies of whole bars, in any meter and with changes of it, with pickups, rests and ties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from hypothesis import assume
from hypothesis import strategies as st

from melodysynthesis.music import Key, Melody, Meter, Note

METERS = tuple(Meter(0, *meter) for meter in ((2, 4), (3, 4), (4, 4), (6, 8), (5, 4), (2, 2), (3, 8), (9, 8), (12, 8)))
DURATIONS = (24, 12, 36, 48, 6, 18, 72, 8, 96)
KEYS = tuple(Key(tonic, mode) for tonic in ("C", "G", "Eb", "F#") for mode in ("major", "minor", "dorian"))


def in_bars(notes: Sequence[Note], meters: Sequence[Meter], pickup: int = 0, key: Key | None = None) -> Melody:
    """The melody of these notes with a meter for each bar; the last bar lacks the pickup."""
    lengths = [meter.bar_ticks for meter in meters]
    starts = [0, *(pickup + end for end in accumulate(lengths[:-1]))]
    changes = [
        meter._replace(tick=start)
        for number, (meter, start) in enumerate(zip(meters, starts, strict=True))
        if number == 0 or meter != meters[number - 1]
    ]
    return Melody(tuple(notes), sum(lengths), tuple(changes), key, pickup=pickup)


@st.composite
def tunes(draw: st.DrawFn, rests: bool = True, min_notes: int = 2, min_bars: int = 1, max_bars: int = 6) -> Melody:
    """A melody of whole bars, of at least so many notes; a note may be held over bar lines."""
    count = draw(st.integers(min_bars, max_bars))
    first = draw(st.sampled_from(METERS))
    meters = [first] * count
    if draw(st.booleans()):
        meters[count // 2 :] = [draw(st.sampled_from(METERS))] * (count - count // 2)
    shortest = min(meter.bar_ticks for meter in meters)
    pickup = draw(st.sampled_from([ticks for ticks in (0, 0, 12, 24, 48) if ticks < shortest]))
    end = sum(meter.bar_ticks for meter in meters)
    notes, now = [], 0
    while now < end:
        duration = min(draw(st.sampled_from(DURATIONS)), end - now)
        if not rests or draw(st.integers(0, 5)):
            notes.append(Note(now, duration, draw(st.integers(55, 79))))
        now += duration
    assume(len(notes) >= min_notes)
    return in_bars(notes, meters, pickup, draw(st.sampled_from(KEYS)))


def with_note(melody: Melody, number: int, **changed: int) -> Melody:
    """The melody with another onset, duration or pitch of a note, which is counted from 0."""
    notes = list(melody.notes)
    notes[number] = notes[number]._replace(**changed)
    return replace(melody, notes=tuple(notes))


def with_pitches(melody: Melody, pitches: Sequence[int]) -> Melody:
    """The melody's rhythm with other pitches."""
    notes = tuple(note._replace(pitch=pitch) for note, pitch in zip(melody.notes, pitches, strict=True))
    return replace(melody, notes=notes)
