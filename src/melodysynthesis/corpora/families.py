"""Tune families: tunes that share so much that training on one gives the other away, and the splits made of them.

Two tunes are related if they share a run of `FAMILY_RUN` notes, or if the edit distance of their intervals is at most
`EDIT_SHARE` of the longer one's. Both are compared as they stand and with repeated notes merged. Tunes are in one
family if relations lead from one to the other. Only intervals count (`run_index`): the same tune in another key, in
other note values, with other words or with a breath in the middle is the same tune.

The limits are the loosest at which families do not grow together. Measured on `essen-german` (6,006 tunes): the largest
family has 39 tunes; with merged runs of 15 notes it has 183, of 14 notes 646. Demanding equal rhythm, or runs alone as
version 1 of the splits did, leaves variants in other splits: 100 of version 1's 616 test tunes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora.edit_distance import near_pairs
from melodysynthesis.corpora.run_index import NoteRuns, scatter
from melodysynthesis.music import Melody

SPLITS_VERSION = 2
"""Of the rule below; it is raised whenever tunes move between splits. Version 1 compared runs as they stand only."""
FAMILY_RUN = 16
EDIT_SHARE = 0.25
MOST_COMPARED = 50_000
"""Edit distances of all pairs are computed up to so many tunes; above, tunes are related by runs or if they are equal,
since the time grows with the square of their number."""
SPLITS = ("train", "validation", "test")
SPLIT_SHARES = (0.8, 0.1, 0.1)
LARGEST_SPLIT_FAMILY = 0.01
"""A family of more than this share of the corpus goes to train: held out, one song would be most of the verdict."""


def content_hash(melody: Melody) -> int:
    """64 bits of what a melody is: equal for tunes with the same notes, rests aside, in any key and note values."""
    notes = melody.note_array().astype(np.int64)
    unit = np.gcd.reduce(notes[:, 1]) if len(notes) else 1
    content = np.concatenate([np.diff(notes[:, 2]), notes[:, 1] // unit])
    return int.from_bytes(hashlib.blake2b(content.astype("<i4").tobytes(), digest_size=8).digest(), "little")


def find_families(notes: NoteRuns, run: int = FAMILY_RUN) -> NDArray[np.int32]:
    """Family of each tune, named by the number of its first tune, shape (tunes,).

    Args:
        notes: all tunes' notes.
        run: notes that make a family when shared.
    """
    parent = list(range(len(notes.first) - 1))

    def root(tune: int) -> int:
        while parent[tune] != tune:
            parent[tune] = parent[parent[tune]]
            tune = parent[tune]
        return tune

    for form in (notes, notes.merged()):
        for one, other in related_pairs(form, run):
            first, second = sorted((root(one), root(other)))
            parent[second] = first
    return np.array([root(tune) for tune in range(len(parent))], np.int32)


def related_pairs(notes: NoteRuns, run: int = FAMILY_RUN) -> Iterator[tuple[int, int]]:
    """Pairs of tunes that are related as they stand, the smaller first; of tunes that share a run not all pairs, but
    enough to lead from each to each. The same pair may come twice.
    """
    for hashes, owner in notes.sorted_runs(run - 1):
        linked = (hashes[1:] == hashes[:-1]) & (owner[1:] != owner[:-1])
        pairs = np.unique(np.stack([owner[:-1][linked], owner[1:][linked]], axis=1), axis=0)
        yield from map(tuple, pairs.tolist())
    first, intervals = notes.intervals()
    if len(first) <= MOST_COMPARED + 1:
        yield from map(tuple, near_pairs(first, intervals, EDIT_SHARE).tolist())
        return
    seen: dict[bytes, int] = {}
    for tune in range(len(first) - 1):
        earlier = seen.setdefault(intervals[first[tune] : first[tune + 1]].astype(np.int16).tobytes(), tune)
        if earlier != tune:
            yield earlier, tune


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
    position = int(scatter(np.array([content], np.uint64))[0]) / 2**64
    return int(np.searchsorted(np.cumsum(SPLIT_SHARES[:-1]), position, "right"))


def near_duplicates(notes: NoteRuns, exact: NDArray[np.bool_], run: int = 13) -> int:
    """Tunes of which more than half of the runs of `run` notes stand in other tunes, exact duplicates left out."""
    tunes = len(notes.first) - 1
    shared, total = np.zeros(tunes, np.int64), np.zeros(tunes, np.int64)
    for hashes, owner in notes.sorted_runs(run - 1):
        if not len(hashes):
            continue
        group = np.concatenate([[0], np.cumsum(hashes[1:] != hashes[:-1])])
        first = np.searchsorted(group, np.arange(group[-1] + 1))
        last = np.append(first[1:], len(group)) - 1
        elsewhere = owner[first] != owner[last]  # owners are sorted within a group
        shared += np.bincount(owner[elsewhere[group]], minlength=tunes)
        total += np.bincount(owner, minlength=tunes)
    return int(np.sum((2 * shared > total) & ~exact))


def longest_run_across(notes: NoteRuns, splits: NDArray[np.uint8], limit: int = FAMILY_RUN) -> int:
    """Notes of the longest run that occurs in two splits; looked for below `limit` notes, where it must be."""
    for length in range(limit - 1, 0, -1):
        for hashes, owner in notes.sorted_runs(length):
            split = splits[owner]  # where a group of equal runs has two splits, two neighbours differ
            if np.any((hashes[1:] == hashes[:-1]) & (split[1:] != split[:-1])):
                return length + 1
    return 1 if len(set(splits.tolist())) > 1 else 0
