"""Signs of an unsingable melody, which a mean over melodies hides.

Conventions
-----------
Input: `Melody`. Quantity: whether a sign is there; of a set, the share of melodies that have it. Such shares are read
    compared with those of human melodies in the same meters: people write some such tunes, too.
Bars are the melody's own, without pickup and without a last bar that a pickup shortens; without a meter there are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from melodysynthesis.music import Melody

MANY_EQUAL = 6
FEW_PITCHES = 4
MANY_BARS = 4
LONG_BARS = 2


def one_pitch(melody: Melody) -> bool:
    """Whether over half of the notes are one pitch."""
    return 2 * max(Counter(melody.pitches).values(), default=0) > len(melody)


def equal_pitches(melody: Melody) -> bool:
    """Whether six or more notes in a row have the same pitch."""
    return any(len(list(run)) >= MANY_EQUAL for _, run in groupby(melody.pitches))


def few_pitches(melody: Melody) -> bool:
    """Whether there are fewer than four different pitches."""
    return len(set(melody.pitches)) < FEW_PITCHES


def equal_bars(melody: Melody) -> bool:
    """Whether one bar, with at least one onset, occurs four times in a row."""
    contents = []
    for bar in melody.bars():
        if bar.end - bar.start == bar.meter.bar_ticks:
            inside = (note for note in melody.notes if bar.start <= note.onset < bar.end)
            contents.append(tuple((note.onset - bar.start, note.duration, note.pitch) for note in inside))
    return any(content and len(list(run)) >= MANY_BARS for content, run in groupby(contents))


def long_sound(melody: Melody) -> bool:
    """Whether a note or a rest is longer than two bars."""
    now = 0
    for onset, duration, _ in (*melody.notes, (melody.duration, 0, 0)):
        for start, ticks in ((now, onset - now), (onset, duration)):
            meter = melody.meter_at(start)
            if meter is not None and ticks > LONG_BARS * meter.bar_ticks:
                return True
        now = onset + duration
    return False


SIGNS: dict[str, Callable[[Melody], bool]] = {
    "over half one pitch": one_pitch,
    "six equal in a row": equal_pitches,
    "under four pitches": few_pitches,
    "a bar four times": equal_bars,
    "over two bars long": long_sound,
}


def signs(melody: Melody) -> tuple[str, ...]:
    """The names of the signs that a melody has."""
    return tuple(name for name, has in SIGNS.items() if has(melody))


def shares(melodies: Sequence[Melody]) -> dict[str, float]:
    """By sign, the share of melodies that have it; NaN of none."""
    return {name: sum(map(has, melodies)) / len(melodies) if melodies else float("nan") for name, has in SIGNS.items()}
