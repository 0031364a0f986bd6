"""Equal runs of notes: how they are compared, hashed and found, for families, `--max-copy` and originality.

A melody is read as steps, one number for each step from a note to the next, and -1 after the last note of a tune. Two
runs of notes are equal if their steps are equal; a run of n notes has n - 1 steps. There are two `KINDS` of steps:

- *interval*: the interval in semitones. Runs are equal in any key and any note values.
- *rhythm*: the interval and the ratio of the two notes' durations. Runs are equal in any key and, up to one factor, in
  the same note values. A note lasts until the next one begins, so that a rest cut from it hides nothing; the last note
  of a melody lasts as long as it sounds.

Runs of one length are found by a hash of 64 bits that rolls along the steps (Karp and Rabin 1987): `NoteRuns` lists the
runs that tunes share, which families and splits are made of, and `RunTable` says whether runs occur in any tune, which
max-copy asks. By mistake a run is taken for another with a chance of one in 10^13 or so. The longest run that a melody
shares is found by a suffix array of the same steps (`suffix_array`), for originality.

Three parts stay apart. `encodings.match_table` and `runtime.short_term` compare a melody with itself while it grows:
they update match lengths by one comparison with each earlier token, where an index would be built again for each token.
`corpora.audit` proves the splits, so it shares no code with what made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Self

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from melodysynthesis.corpora.store import Columns
from melodysynthesis.music import Melody

KINDS = ("rhythm", "interval")
"""Kinds of steps; see the module's docstring."""

_LONGEST = 2**27 - 1  # ticks, 232,000 bars of 4/4: so that an interval and two durations fit into 63 bits
_BASE = np.uint64(0x9E3779B97F4A7C15)
_HASHES_AT_ONCE = 4_000_000
_NOTES_AT_ONCE = 1_000_000

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Hashes = NDArray[np.uint64]


def interval_steps(interval: Ints) -> Ints:
    """Steps by interval, given intervals in semitones."""
    return np.asarray(interval + 128)


def rhythm_steps(interval: Ints, duration: Ints, following: Ints) -> Ints:
    """Steps by rhythm, given intervals in semitones and the durations in ticks of the notes before and after each.

    The two durations count by their ratio in lowest terms.
    """
    duration, following = np.minimum(duration, _LONGEST), np.minimum(following, _LONGEST)
    common = np.maximum(np.gcd(duration, following), 1)
    return np.asarray((interval + 128 << 54) | (following // common << 27) | (duration // common))


def steps_of_melody(melody: Melody, kind: str) -> Ints:
    """(notes,) steps of a melody by one of `KINDS`, the last -1."""
    onset, duration, pitch = np.array(melody.notes, np.int64).reshape(-1, 3).T
    return _steps(onset, duration, pitch, np.arange(len(pitch)) == len(pitch) - 1, kind)


def steps_of_tunes(columns: Columns, tunes: Ints, kind: str) -> Ints:
    """(notes,) steps by one of `KINDS` of some tunes of a corpus, one tune after the other; -1 ends each.

    Args:
        columns: of the corpus.
        tunes: numbers of the tunes.
        kind: one of `KINDS`.
    """
    first = first_notes(columns, tunes)
    lengths = np.diff(first)
    places = np.arange(first[-1]) + np.repeat(columns["first_note"][tunes] - first[:-1], lengths)
    onset, duration, pitch = (columns[name][places].astype(np.int64) for name in ("onset", "duration", "pitch"))
    last = np.zeros(len(pitch), np.bool_)
    last[first[1:][lengths > 0] - 1] = True
    return _steps(onset, duration, pitch, last, kind)


def first_notes(columns: Columns, tunes: Ints) -> Ints:
    """(tunes + 1,) number of each tune's first note when the tunes are put one after the other, and of all notes."""
    first = columns["first_note"]
    return np.concatenate([[0], np.cumsum(first[tunes + 1] - first[tunes])]).astype(np.int64)


def _steps(onset: Ints, duration: Ints, pitch: Ints, last: Flags, kind: str) -> Ints:
    steps = np.full(len(pitch), -1, np.int64)
    if len(pitch) < 2:
        return steps
    interval = np.diff(pitch)
    if kind == "rhythm":
        # Where a tune ends the difference of onsets is not used, and may be anything.
        lasting = np.where(last, duration, np.diff(onset, append=0))
        steps[:-1] = rhythm_steps(interval, lasting[:-1], lasting[1:])
    else:
        steps[:-1] = interval_steps(interval)
    steps[last] = -1
    return steps


def scatter(values: NDArray[np.uint64]) -> Hashes:
    """Spread the bits of each value over all 64, as SplitMix64 does (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hash_runs(steps: Ints, length: int) -> Hashes:
    """(..., steps - length + 1) the hash of each run of `length` steps along the last axis.

    The hash is a polynomial of the scattered steps; it wraps around on purpose.
    """
    values = scatter(steps.astype(np.uint64)) + np.uint64(1)
    count = max(steps.shape[-1] - length + 1, 0)
    hashes = np.zeros((*steps.shape[:-1], count), np.uint64)
    for offset in range(length if count else 0):
        hashes = hashes * _BASE + values[..., offset : offset + count]
    return hashes


def extend(hashes: Hashes, steps: Ints) -> Hashes:
    """The hashes of runs that are one step longer."""
    return np.asarray(hashes * _BASE + scatter(steps.astype(np.uint64)) + np.uint64(1))


class RunTable:
    """The runs of one length that occur in tunes.

    Args:
        steps: (notes,) steps of the tunes, -1 after each.
        length: of the runs, in steps.
    """

    def __init__(self, steps: Ints, length: int) -> None:
        ends = np.concatenate([[0], np.cumsum(steps < 0)])
        within = ends[length:] == ends[: max(len(ends) - length, 0)]
        self._hashes = np.unique(hash_runs(steps, length)[within])

    def has(self, hashes: Hashes) -> Flags:
        """Whether each hash is that of a run in the table; same shape."""
        if not len(self._hashes):
            return np.zeros(hashes.shape, np.bool_)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return np.asarray(self._hashes[places] == hashes)


@cached(LRUCache(16), key=lambda steps, length: (blake2b(steps.tobytes()).digest(), length), lock=Lock())
def run_table(steps: Ints, length: int) -> RunTable:
    """The table of these steps and this length, kept for the next caller; see `RunTable`."""
    return RunTable(steps, length)


@dataclass(frozen=True, slots=True)
class NoteRuns:
    """The notes of many tunes in columns, and the runs by interval among them.

    Attributes:
        first: (tunes + 1,) number of each tune's first note, and of all notes.
        pitches: (notes,) MIDI pitches.
    """

    first: NDArray[np.int64]
    pitches: NDArray[np.uint8]

    def merged(self) -> Self:
        """The same tunes without the notes that repeat the pitch before them, to compare runs with repeats merged."""
        kept = np.concatenate([[True], np.diff(self.pitches.astype(np.int16)) != 0])[: len(self.pitches)]
        kept[self.first[:-1][np.diff(self.first) > 0]] = True
        before = np.concatenate([[0], np.cumsum(kept)])
        return type(self)(before[self.first], self.pitches[kept])

    def intervals(self) -> tuple[Ints, Ints]:
        """(tunes + 1,) number of each tune's first interval, and of all; and the intervals, one fewer than notes."""
        counts = np.maximum(np.diff(self.first) - 1, 0)
        within = np.ones(max(len(self.pitches) - 1, 0), np.bool_)
        ends = self.first[1:-1]
        within[ends[(ends > 0) & (ends < len(self.pitches))] - 1] = False
        pitches = self.pitches.astype(np.int64)
        return np.concatenate([[0], np.cumsum(counts)]), (pitches[1:] - pitches[:-1])[within]

    def runs(self, length: int) -> Iterator[tuple[Hashes, NDArray[np.int32]]]:
        """Hash and tune of every run of `length` steps, some million notes at a time."""
        start = 0
        while start < len(self.first) - 1:
            limit = self.first[start] + _NOTES_AT_ONCE
            stop = max(start + 1, int(np.searchsorted(self.first, limit, "right")) - 1)
            low, high = int(self.first[start]), int(self.first[stop])
            pitches = self.pitches[low:high].astype(np.int64)
            hashes = hash_runs(interval_steps(pitches[1:] - pitches[:-1]), length)
            owner = np.repeat(np.arange(start, stop, dtype=np.int32), np.diff(self.first[start : stop + 1]))
            # A run touches one note more than it has steps, and must stay within one tune.
            inside = owner[: len(hashes)] == owner[length : length + len(hashes)]
            yield hashes[inside], owner[: len(hashes)][inside]
            start = stop

    def sorted_runs(self, length: int) -> Iterator[tuple[Hashes, NDArray[np.int32]]]:
        """Hash and tune of every run of `length` steps, sorted by hash, then by tune.

        There are several passes, each over all runs of some hashes, so that equal runs come together and memory is
        bounded whatever the corpus.
        """
        passes = max(1, -(-int(self.first[-1]) // _HASHES_AT_ONCE))
        for part in range(passes):
            hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int32)]
            for run, owner in self.runs(length):
                mine = run % np.uint64(passes) == part
                hashes.append(run[mine])
                owners.append(owner[mine])
            run, owner = np.concatenate(hashes), np.concatenate(owners)
            order = np.lexsort((owner, run))
            yield run[order], owner[order]
