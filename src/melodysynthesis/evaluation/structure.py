"""How a melody is built: what returns of its bars and phrases, what its own past foretells, and whether it ends.

Conventions
-----------
Input: `Melody`. What it does not have (bars without a meter, phrases without marks) is NaN, or empty.

Likeness
    Of two stretches, such as bars: 1 for the same notes at the same places, at least 0.5 for the same rhythm, 0 for no
    onset in common; see `theory.form`. Bars begin at the bar line, phrases at their first note. A pickup is no bar.
Form
    Letters of the phrases, as students of folk song write them: a phrase that is like an earlier one gets its letter,
    with a prime unless the two are equal (AA'BA); see `theory.form`.
Foretold
    A note is foretold if the melody went on with the same interval and duration when its latest notes, at least
    `CONTEXT` intervals with durations, last occurred; of several earlier places the one with the longest like past,
    then the latest. From afar is more than `AFAR` quarters ago.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.music import TICKS_PER_QUARTER, Bar, Melody, Note
from melodysynthesis.theory.form import VARIED, Stretch, letters, likeness, notes_of_phrases

LAGS = (1, 2, 4, 8)
"""Bars ago."""
CONTEXT = 2
AFAR = 16

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NAN = float("nan")


class Structure:
    """The structure of a melody; each part is computed at its first use."""

    def __init__(self, melody: Melody) -> None:
        self.melody, self.notes = melody, melody.notes

    @cached_property
    def bars(self) -> list[Bar]:
        """The bars after the pickup."""
        return [bar for bar in self.melody.bars() if bar.number]

    @cached_property
    def phrases(self) -> list[tuple[Note, ...]]:
        """The notes of each phrase that has some; none without phrase marks."""
        return notes_of_phrases(self.melody)

    @cached_property
    def bar_stretches(self) -> list[Stretch]:
        """The onsets of each bar."""
        starts = [bar.start for bar in self.bars]
        found: list[list[tuple[int, int]]] = [[] for _ in starts]
        for note in self.notes:
            number = bisect_right(starts, note.onset) - 1
            if number >= 0:
                found[number].append((note.onset - starts[number], note.pitch))
        return list(found)

    @cached_property
    def phrase_stretches(self) -> list[Stretch]:
        """The onsets of each phrase."""
        return [[(note.onset - notes[0].onset, note.pitch) for note in notes] for notes in self.phrases]

    @cached_property
    def by_bar(self) -> Floats:
        """(bars, bars) likeness."""
        return likeness(self.bar_stretches)

    @cached_property
    def by_bar_rhythm(self) -> Floats:
        """(bars, bars) likeness of rhythm."""
        return likeness(self.bar_stretches, rhythm=True)

    @cached_property
    def by_phrase(self) -> Floats:
        """(phrases, phrases) likeness."""
        return likeness(self.phrase_stretches)

    @cached_property
    def form(self) -> list[str]:
        """The letter of each phrase, with primes."""
        return letters(self.by_phrase)

    @cached_property
    def foretold(self) -> tuple[Bools, Floats]:
        """(notes,) whether each note is predicted; (notes,) quarters since the passage that predicts it, 0 for none."""
        notes = self.notes
        right, ago = np.zeros(len(notes), np.bool_), np.zeros(len(notes))
        onsets = np.array([note.onset for note in notes], np.float64)
        lasting = [after.onset - note.onset for note, after in pairwise(notes)] + [n.duration for n in notes[-1:]]
        # event i is the step to note i + 1: its interval and its duration
        events: dict[tuple[int, int], int] = {}
        steps = [after.pitch - note.pitch for note, after in pairwise(notes)]
        codes = np.array([events.setdefault(event, len(events)) for event in zip(steps, lasting[1:], strict=True)])
        like = np.zeros(0, np.int64)  # of each earlier event: how many events up to it are as the latest ones are
        for now in range(1, len(codes)):
            before = np.concatenate([[0], like[: now - 2]]) if now > 1 else like
            like = np.where(codes[: now - 1] == codes[now - 1], before + 1, 0)
            if like.max(initial=0) >= CONTEXT:
                place = len(like) - 1 - int(like[::-1].argmax())  # the latest of the longest
                right[now + 1] = codes[place + 1] == codes[now]
                ago[now + 1] = (onsets[now + 1] - onsets[place + 2]) / TICKS_PER_QUARTER
        return right, ago

    def earlier(self, similar: Floats) -> Floats:
        """(stretches - 1,) of each stretch after the first, its likeness to the earlier one that it is most like."""
        return np.array([row[:number].max() for number, row in enumerate(similar) if number])

    def at_lag(self, lag: int) -> float:
        """Mean likeness of a bar to that `lag` bars ago; NaN where there is none."""
        diagonal = np.diagonal(self.by_bar, lag) if self.bars else np.zeros(0)
        return float(diagonal.mean()) if len(diagonal) else NAN

    def ends_whole(self) -> float:
        """1 if the last bar is full, alone or with the pickup; else 0. NaN without bars."""
        if not self.bars:
            return NAN
        last = self.bars[-1]
        missing = last.meter.bar_ticks - (last.end - last.start)
        return float(missing in (0, self.melody.pickup))

    def over_bar_lines(self) -> float:
        """Share of notes that sound on into the next bar; NaN without bars."""
        bars = list(self.melody.bars())
        if not bars or not self.notes:
            return NAN
        starts = [bar.start for bar in bars]
        return _share([note.end > bars[bisect_right(starts, note.onset) - 1].end for note in self.notes])

    def returns(self) -> float:
        """1 if the first phrase, or a variant, returns after another one (ABA, AABA), else 0."""
        plain = [letter[0] for letter in self.form]
        if not plain:
            return NAN
        away = next((n for n, letter in enumerate(plain) if letter != "A"), len(plain))
        return float("A" in plain[away:])


def _share(counted: Sequence[object] | Bools | Floats) -> float:
    return sum(map(bool, counted)) / len(counted) if len(counted) else NAN


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else NAN


def _far(one: Structure) -> Bools:
    right, ago = one.foretold
    return right & (ago > AFAR)


STRUCTURE: dict[str, Callable[[Structure], float]] = {
    "Bar Likeness": lambda one: _mean(one.earlier(one.by_bar)),
    "Bar Rhythm Likeness": lambda one: _mean(one.earlier(one.by_bar_rhythm)),
    **{
        f"Likeness {lag} {'Bar' if lag == 1 else 'Bars'} Ago": lambda one, lag=lag: one.at_lag(lag)  # type: ignore[misc]
        for lag in LAGS
    },
    "Phrase Likeness": lambda one: _mean(one.earlier(one.by_phrase)),
    "Phrases Repeated": lambda one: _share(one.earlier(one.by_phrase) == 1),
    "Phrases Varied": lambda one: _share((one.earlier(one.by_phrase) >= VARIED) & (one.earlier(one.by_phrase) < 1)),
    "First Phrase Returns": Structure.returns,
    "Notes Foretold": lambda one: _share(one.foretold[0]),
    "Notes Foretold From Afar": lambda one: _share(_far(one)),
    "Ends With Whole Bar": Structure.ends_whole,
    "Notes Over Bar Lines": Structure.over_bar_lines,
}
"""Figures of structure: shares and likenesses from 0 to 1. A bar's or phrase's likeness is to the earlier one that it
is most like; repeated is equal, varied at least `VARIED`."""


def figures(melody: Melody) -> dict[str, float]:
    """The figures of `STRUCTURE` of one melody."""
    structure = Structure(melody)
    return {name: figure(structure) for name, figure in STRUCTURE.items()}


def mean_likeness(melodies: Sequence[Melody], size: int, *, phrases: bool = False) -> Floats:
    """(size, size) likeness of bars, or phrases, by their numbers, averaged over the melodies; NaN where none has both.

    The picture of how a repertoire repeats: a line off the diagonal is material that returns after so many bars.
    """
    total, count = np.zeros((size, size)), np.zeros((size, size))
    for melody in melodies:
        structure = Structure(melody)
        similar = (structure.by_phrase if phrases else structure.by_bar)[:size, :size]
        total[: len(similar), : len(similar)] += similar
        count[: len(similar), : len(similar)] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
