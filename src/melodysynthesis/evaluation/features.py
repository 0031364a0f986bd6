"""What is compared between sets of melodies: figures, one number a melody, and profiles, one distribution a melody.

Conventions
-----------
Input: `Melody`. A melody's key is the stated one, else the found one (`theory.find_key`); bars are its own. What a
    melody does not have (phrases without marks, bars without meter, intervals without notes) is NaN, or counts nothing.

Figures are the 17 descriptors of the original study (`evaluation.descriptors`), those of `RICHER`, and those of
`evaluation.structure`. Profiles count, in each melody, the things of `PROFILES`; pairs and triples are of neighbours.
Contours are Huron's nine types of phrase ("The Melodic Arch in Western Folksongs", Computing in Musicology 10, 1996):
how first note, mean of the inner ones, and last note lie.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation.descriptors import NAMES, describe_sounds, sounds_of
from melodysynthesis.evaluation.structure import STRUCTURE, Structure
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Note
from melodysynthesis.theory import find_key, metric_weight

Floats = NDArray[np.float64]
NAN = float("nan")

RUN = 4
"""Notes of the runs that are looked for again in the same melody."""
GRID = 24
"""Positions that are distinguished in a bar."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of some melodies: `figures` (melodies, FIGURES), and for each of `PROFILES` a count of each thing a melody."""

    figures: Floats
    profiles: dict[str, list[Counter[Hashable]]]

    def __len__(self) -> int:
        return len(self.figures)

    def take(self, chosen: NDArray[np.int64]) -> Features:
        """Those of some of the melodies."""
        numbers = chosen.tolist()
        return Features(
            self.figures[chosen], {name: [counts[n] for n in numbers] for name, counts in self.profiles.items()}
        )


def features_of(melodies: Sequence[Melody]) -> Features:
    """The features of melodies."""
    facts = [MelodyFacts(melody) for melody in melodies]
    richer = [
        [*(figure(one) for figure in RICHER.values()), *(figure(one.structure) for figure in STRUCTURE.values())]
        for one in facts
    ]
    descriptors = describe_sounds([sounds_of(one.melody) for one in facts])
    figures = np.concatenate([descriptors, np.array(richer).reshape(len(facts), len(RICHER) + len(STRUCTURE))], axis=1)
    profiles = {name: [Counter(things(one)) for one in facts] for name, things in PROFILES.items()}
    return Features(figures, profiles)


class MelodyFacts:
    """A melody with what several features are made of.

    Attributes:
        melody, notes, pitches: as they are.
        intervals: between neighbouring notes, in semitones.
        degrees: of the notes, semitones above the tonic; empty without a key, stated or found.
        lasting: from each note's onset to the next, the last as long as it sounds; ticks.
        bars: all, a pickup first.
        bar_of: of each note the place of its bar in `bars`; empty without meter.
        structure, phrases: see `evaluation.structure`.
        positions: of each note in a bar: see `MelodyFacts._positions`.
        parts: the same in 24ths of a bar.
        durations: of the notes, in ticks.
    """

    def __init__(self, melody: Melody) -> None:
        self.melody, self.notes, self.pitches = melody, melody.notes, melody.pitches
        self.intervals = [after - before for before, after in pairwise(self.pitches)]
        key = melody.key or find_key(melody)
        self.degrees = [(pitch - key.pitch_class) % 12 for pitch in self.pitches] if key else []
        onsets = [note.onset for note in self.notes]
        self.lasting = [after - before for before, after in pairwise(onsets)] + [n.duration for n in self.notes[-1:]]
        self.bars = list(melody.bars())
        starts = [bar.start for bar in self.bars]
        self.bar_of = [bisect_right(starts, onset) - 1 for onset in onsets] if starts else []
        self.structure = Structure(melody)
        self.phrases = self.structure.phrases
        self.positions = self._positions()
        self.parts = [GRID * at // bar for at, bar in self.positions]
        self.durations = [note.duration for note in self.notes]

    def _positions(self) -> list[tuple[int, int]]:
        """Of each note in a bar: ticks after the bar line, and the bar's full length; a pickup ends its bar."""
        places = []
        for note, number in zip(self.notes, self.bar_of, strict=False):
            bar = self.bars[number]
            short = bar.meter.bar_ticks - (bar.end - bar.start) if bar.number == 0 else 0
            places.append((note.onset - bar.start + short, bar.meter.bar_ticks))
        return places

    def weights(self) -> list[int]:
        """Metric weight of each note in a bar, as `theory.metric_weight` has it."""
        places = zip(self.bar_of, self.positions, strict=False)
        return [metric_weight(self.bars[number].meter, at) for number, (at, _) in places]

    def bar_contents(self) -> list[tuple[Any, ...]]:
        """What each full bar that has notes holds: places in the bar, durations and pitches, in its own key."""
        held: dict[int, list[tuple[int, int, int]]] = {}
        for note, number in zip(self.notes, self.bar_of, strict=False):
            held.setdefault(number, []).append((note.onset - self.bars[number].start, note.duration, note.pitch))
        return [tuple(notes) for number, notes in held.items() if self.bars[number].number]

    def runs(self) -> list[tuple[int, ...]]:
        """Every run of `RUN` notes: its intervals, and its durations up to a factor."""
        found = []
        for start in range(len(self.notes) - RUN + 1):
            lasting = self.lasting[start : start + RUN]
            unit = gcd(*lasting)
            found.append((*self.intervals[start : start + RUN - 1], *(ticks // unit for ticks in lasting)))
        return found


def _share(counted: Sequence[Any]) -> float:
    return sum(map(bool, counted)) / len(counted) if counted else NAN


def _again(things: Sequence[Hashable]) -> float:
    """Share of things that occurred before."""
    return 1 - len(set(things)) / len(things) if things else NAN


def _phrase_quarters(one: MelodyFacts) -> list[float]:
    return [(notes[-1].end - notes[0].onset) / TICKS_PER_QUARTER for notes in one.phrases]


RICHER: dict[str, Callable[[MelodyFacts], float]] = {
    "Notes": lambda one: len(one.notes),
    "Quarters": lambda one: one.melody.duration / TICKS_PER_QUARTER,
    "Range": lambda one: max(one.pitches) - min(one.pitches) if one.notes else NAN,
    "Mean Interval": lambda one: float(np.mean(np.abs(one.intervals))) if one.intervals else NAN,
    "Repeated Pitches": lambda one: _share([interval == 0 for interval in one.intervals]),
    "Steps": lambda one: _share([0 < abs(interval) <= 2 for interval in one.intervals]),
    "Leaps": lambda one: _share([abs(interval) > 4 for interval in one.intervals]),
    "Rising": lambda one: _share([interval > 0 for interval in one.intervals]),
    "Peak Position": lambda one: int(np.argmax(one.pitches)) / max(len(one.notes) - 1, 1) if one.notes else NAN,
    "In Scale Of Seven": lambda one: (
        sum(n for _, n in Counter(one.degrees).most_common(7)) / len(one.degrees) if one.degrees else NAN
    ),
    "Notes On Strong Beats": lambda one: _share([weight >= 3 for weight in one.weights()]),
    "Notes Off The Beat": lambda one: _share([weight < 2 for weight in one.weights()]),
    "Ends On Tonic": lambda one: float(one.degrees[-1] == 0) if one.degrees else NAN,
    "Ends By Step": lambda one: float(0 < abs(one.intervals[-1]) <= 2) if one.intervals else NAN,
    "Last Note": lambda one: one.notes[-1].duration / TICKS_PER_QUARTER if one.notes else NAN,
    "Phrases": lambda one: len(one.phrases) or NAN,
    "Phrase Quarters": lambda one: float(np.mean(_phrase_quarters(one))) if one.phrases else NAN,
    "Phrase Variety": lambda one: float(np.std(_phrase_quarters(one))) if one.phrases else NAN,
    "Bars Repeated": lambda one: _again(one.bar_contents()),
    "Runs Repeated": lambda one: _again(one.runs()),
}
"""Figures in addition to the 17 descriptors: shares from 0 to 1, pitches in semitones, time in quarters.

Steps are of one or two semitones, leaps of more than four. A note is on a strong beat at the bar line or the middle of
the bar. `Peak Position` is from 0 for the first note to 1 for the last. `In Scale Of Seven` is the share of notes on
the seven pitch classes that the melody uses most. A bar or a run of four notes is repeated if it occurred before; a run
in any key.
"""

FIGURES = (*NAMES, *RICHER, *STRUCTURE)
"""Names of all figures, in the order of `Features.figures`."""


def _contour(notes: tuple[Note, ...]) -> str:
    first, last = notes[0].pitch, notes[-1].pitch
    inner = [note.pitch for note in notes[1:-1]]
    middle = sum(inner) / len(inner) if inner else (first + last) / 2

    def way(before: float, after: float) -> str:
        return "up" if after > before else "down" if after < before else "level"

    return f"{way(first, middle)}, {way(middle, last)}"


def _triples(things: Sequence[Any]) -> list[tuple[Any, ...]]:
    return list(zip(things, things[1:], things[2:], strict=False))


def _cadences(one: MelodyFacts) -> list[tuple[int, ...]]:
    """Of each phrase, or of the whole melody without marks, its last two degrees and their durations."""
    sounding = list(zip(one.degrees, one.durations, strict=False))
    lasts = [bisect_left(one.notes, notes[-1]) for notes in one.phrases] or [len(one.notes) - 1]
    return [(*sounding[last - 1], *sounding[last]) for last in lasts if 0 < last < len(sounding)]


def _bar_rhythms(one: MelodyFacts) -> list[tuple[int, ...]]:
    return [tuple(place for place, _ in onsets) for onsets in one.structure.bar_stretches]


PROFILES: dict[str, Callable[[MelodyFacts], list[Any]]] = {
    "Intervals": lambda one: one.intervals,
    "Interval Pairs": lambda one: list(pairwise(one.intervals)),
    "Interval Triples": lambda one: _triples(one.intervals),
    "Degrees": lambda one: one.degrees,
    "Degree Pairs": lambda one: list(pairwise(one.degrees)),
    "Degree Triples": lambda one: _triples(one.degrees),
    "Durations": lambda one: one.durations,
    "Duration Pairs": lambda one: list(pairwise(one.durations)),
    "Duration Triples": lambda one: _triples(one.durations),
    "Steps In Time": lambda one: list(pairwise(zip(one.intervals, one.lasting[1:], strict=True))),
    "Metric Positions": lambda one: one.parts,
    "Durations By Position": lambda one: list(zip(one.parts, one.durations, strict=False)),
    "Degrees By Position": lambda one: list(zip(one.parts, one.degrees, strict=False)),
    "Bar Rhythms": _bar_rhythms,
    "Bar Rhythm Pairs": lambda one: list(pairwise(_bar_rhythms(one))),
    "Phrase Contours": lambda one: [_contour(notes) for notes in one.phrases if len(notes) > 1],
    "Phrase Lengths": _phrase_quarters,
    "Cadences": _cadences,
    "Forms": lambda one: ["".join(letter[0] for letter in one.structure.form)] if one.phrases else [],
}
"""Profiles: degrees are semitones above the tonic, durations in ticks, positions in 24ths of a bar, phrase lengths in
quarters. A step in time is an interval with the duration from its second note to the next; a cadence the last two
degrees and durations of a phrase; a bar's rhythm the ticks of its onsets; a form such as ABAC is without primes."""
