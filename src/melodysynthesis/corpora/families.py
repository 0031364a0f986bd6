"""Tune families: which tunes share so much that training on one gives the other away, and the splits they make.

A *step* is what leads from one note to the next: the interval in semitones and the ratio of the two
durations. Steps do not change when a tune is transposed or written in other note values. Two tunes are
family when they share a run of `FAMILY_RUN` notes (that is `FAMILY_RUN` - 1 steps), or are equal step by
step however short; and so is whoever is family with either. Rests do not count: a rest for a breath makes
no other tune.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.music import Melody

FAMILY_RUN = 16
SPLITS = ("train", "validation", "test")
SPLIT_SHARES = (0.8, 0.1, 0.1)
LARGEST_SPLIT_FAMILY = 0.01
"""A family of more than this share of the corpus goes to train: held out, one song would be most of the verdict."""

_HASHES_AT_ONCE = 4_000_000
_NOTES_AT_ONCE = 1_000_000
_BASE = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


def step_hashes(durations: NDArray[np.int32], pitches: NDArray[np.uint8]) -> Hashes:
    """One number for each step of consecutive notes, shape (notes - 1,)."""
    if len(durations) < 2:
        return np.zeros(0, np.uint64)
    before, after = durations[:-1].astype(np.int64), durations[1:].astype(np.int64)
    common = np.gcd(before, after)
    ratio = (after // common) * 2**24 + before // common
    step = (np.diff(pitches.astype(np.int64)) + 128) * 2**48 + ratio
    return _mix(step.astype(np.uint64))


def _mix(values: Hashes) -> Hashes:
    """Scatter the bits (the finalizer of splitmix64), so that sums of neighbours do not collide."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def run_hashes(steps: Hashes, length: int) -> Hashes:
    """One number for each run of `length` consecutive steps, shape (steps - length + 1,); wraps modulo 2^64."""
    count = len(steps) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    total = np.zeros(count, np.uint64)
    for offset in range(length):
        total = total * _BASE + steps[offset : offset + count]
    return _mix(total)


def content_hash(melody: Melody) -> int:
    """64 bits of what a melody is, whatever its key and note values: equal for tunes that are equal by step."""
    notes = melody.note_array()
    steps = step_hashes(notes[:, 1], notes[:, 2].astype(np.uint8))
    data = len(melody).to_bytes(4, "little") + steps.astype("<u8").tobytes()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of many tunes in columns; `first` has the number of each tune's first note, and the count of all."""

    first: NDArray[np.int64]
    durations: NDArray[np.int32]
    pitches: NDArray[np.uint8]

    def runs(self, length: int) -> Iterator[tuple[Hashes, NDArray[np.int32]]]:
        """Hash and tune of every run of `length` steps, some million notes at a time."""
        start = 0
        while start < len(self.first) - 1:
            limit = self.first[start] + _NOTES_AT_ONCE
            stop = max(start + 1, int(np.searchsorted(self.first, limit, "right")) - 1)
            low, high = int(self.first[start]), int(self.first[stop])
            hashes = run_hashes(step_hashes(self.durations[low:high], self.pitches[low:high]), length)
            owner = np.repeat(np.arange(start, stop, dtype=np.int32), np.diff(self.first[start : stop + 1]))
            # a run of steps touches one note more than its length, and must stay within one tune
            inside = owner[: len(hashes)] == owner[length : length + len(hashes)]
            yield hashes[inside], owner[: len(hashes)][inside]
            start = stop

    def shared_runs(self, length: int) -> Iterator[tuple[Hashes, NDArray[np.int32]]]:
        """Hash and tune of the runs sorted by hash, in passes over parts of the range of hashes.

        Each pass holds all runs of its hashes, so that equal ones meet; memory is bounded whatever the
        corpus.
        """
        passes = max(1, -(-int(self.first[-1]) // _HASHES_AT_ONCE))
        for part in range(passes):
            hashes, owners = [], []
            for run, owner in self.runs(length):
                mine = run % np.uint64(passes) == part
                hashes.append(run[mine])
                owners.append(owner[mine])
            run = np.concatenate(hashes or [np.zeros(0, np.uint64)])
            owner = np.concatenate(owners or [np.zeros(0, np.int32)])
            order = np.lexsort((owner, run))
            yield run[order], owner[order]


def find_families(notes: Notes, contents: Sequence[int], run: int = FAMILY_RUN) -> NDArray[np.int32]:
    """Family of each tune, named by the number of its first tune, shape (tunes,).

    Args:
        notes: all tunes' notes.
        contents: `content_hash` of each tune.
        run: notes that make a family when shared.
    """
    parent = list(range(len(contents)))

    def root(tune: int) -> int:
        while parent[tune] != tune:
            parent[tune] = parent[parent[tune]]
            tune = parent[tune]
        return tune

    def join(one: int, other: int) -> None:
        one, other = root(one), root(other)
        parent[max(one, other)] = min(one, other)

    seen: dict[int, int] = {}
    for tune, content in enumerate(contents):
        join(tune, seen.setdefault(content, tune))
    for hashes, owner in notes.shared_runs(run - 1):
        linked = (hashes[1:] == hashes[:-1]) & (owner[1:] != owner[:-1])
        pairs = np.unique(np.stack([owner[:-1][linked], owner[1:][linked]], axis=1), axis=0)
        for one, other in pairs.tolist():
            join(one, other)
    return np.array([root(tune) for tune in range(len(parent))], np.int32)


def split_families(families: NDArray[np.int32], contents: Sequence[int]) -> NDArray[np.uint8]:
    """Split of each tune as its index in `SPLITS`: a function of what its family holds, of nothing else.

    The order of files, their names and other families do not matter, save that the size of the corpus sets
    how large a family may be to be held out (`LARGEST_SPLIT_FAMILY`).
    """
    smallest: dict[int, int] = {}
    for family, content in zip(families.tolist(), contents, strict=True):
        smallest[family] = min(content, smallest.get(family, content))
    sizes = np.bincount(families, minlength=len(families)) if len(families) else np.zeros(0, int)
    too_large = max(20, LARGEST_SPLIT_FAMILY * len(families))
    split_of = {
        family: 0 if sizes[family] > too_large else _split_of_hash(content) for family, content in smallest.items()
    }
    return np.array([split_of[family] for family in families.tolist()], np.uint8)


def _split_of_hash(content: int) -> int:
    position = int(_mix(np.array([content], np.uint64))[0]) / 2**64
    return int(np.searchsorted(np.cumsum(SPLIT_SHARES[:-1]), position, "right"))


def near_duplicates(notes: Notes, exact: NDArray[np.bool_], run: int = 13) -> int:
    """Tunes of which more than half of the runs of `run` notes stand in other tunes, exact duplicates left out."""
    tunes = len(notes.first) - 1
    shared, total = np.zeros(tunes, np.int64), np.zeros(tunes, np.int64)
    for hashes, owner in notes.shared_runs(run - 1):
        if not len(hashes):
            continue
        group = np.concatenate([[0], np.cumsum(hashes[1:] != hashes[:-1])])
        first = np.searchsorted(group, np.arange(group[-1] + 1))
        last = np.append(first[1:], len(group)) - 1
        elsewhere = owner[first] != owner[last]  # owners are sorted within a group
        shared += np.bincount(owner[elsewhere[group]], minlength=tunes)
        total += np.bincount(owner, minlength=tunes)
    return int(np.sum((2 * shared > total) & ~exact))


def longest_run_across(notes: Notes, splits: NDArray[np.uint8], limit: int = FAMILY_RUN) -> int:
    """Notes of the longest run that stands in two splits; looked for below `limit` notes, where it must be."""
    for length in range(limit - 1, 0, -1):
        for hashes, owner in notes.shared_runs(length):
            split = splits[owner]  # where a group of equal runs has two splits, two neighbours differ
            if np.any((hashes[1:] == hashes[:-1]) & (split[1:] != split[:-1])):
                return length + 1
    return 1 if len(set(splits.tolist())) > 1 else 0
