"""The proof that no split gives another away, found by another way than the splits were made.

The splits come from hashed runs and joined families. The audit knows nothing of either: it reads the melodies as any
user of the corpus does, writes out every run of notes in full, and compares the runs of the splits as sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from melodysynthesis.corpora.corpus import Corpus
from melodysynthesis.corpora.families import FAMILY_RUN, SPLITS
from melodysynthesis.music import Melody

MAX_LEAKS = 100


@dataclass(frozen=True, slots=True)
class Leak:
    """A run of `notes` notes that tune `where` of `split` shares with tune `other_where` of `other_split`."""

    notes: int
    split: str
    where: str
    other_split: str
    other_where: str

    def __str__(self) -> str:
        other = f"{self.other_where} ({self.other_split})"
        return f"{self.notes} notes of {self.where} ({self.split}) are in {other}"


@dataclass(slots=True)
class Audit:
    """What was searched and what was found.

    Attributes:
        run: notes that a run must have to be a leak.
        tunes: searched in each split.
        runs: distinct runs of that length in each split.
        leaks: at most `MAX_LEAKS`, the longest first.
    """

    run: int
    tunes: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no leak was found."""
        return not self.leaks


def audit(corpus: Corpus, run: int = FAMILY_RUN) -> Audit:
    """Search for runs of `run` notes, and for whole tunes however short, that stand in two splits.

    Runs are compared by interval and duration ratio: transposing, halving all values or resting hides
    nothing.
    """
    return audit_splits({name: corpus.split(name) for name in SPLITS}, run)


def audit_splits(splits: dict[str, Sequence[Melody]], run: int = FAMILY_RUN) -> Audit:
    """`audit` for melodies that were split by whatever means."""
    result = Audit(run)
    first_seen: dict[bytes, tuple[str, int]] = {}
    for name, melodies in splits.items():
        before = len(first_seen)
        shared: set[bytes] = set()
        pairs: dict[tuple[int, str, int], None] = {}
        for index, melody in enumerate(melodies):
            for piece in _pieces(_intervals(melody), run):
                split, earlier = first_seen.setdefault(piece, (name, index))
                if split != name:
                    shared.add(piece)
                    pairs.setdefault((index, split, earlier))
        for index, split, earlier in list(pairs)[: MAX_LEAKS - len(result.leaks)]:
            one, other = melodies[index], splits[split][earlier]
            notes = _longest(_intervals(one), _intervals(other)) + 1
            result.leaks.append(Leak(notes, name, one.source, split, other.source))
        result.tunes[name] = len(melodies)
        result.runs[name] = len(first_seen) - before + len(shared)
    result.leaks.sort(key=lambda leak: -leak.notes)
    return result


def _intervals(melody: Melody) -> list[int]:
    return [high - low for low, high in pairwise(melody.pitches)]


def _pieces(intervals: list[int], run: int) -> Iterator[bytes]:
    """Every run of notes, a byte for each interval; of a tune shorter than a run the whole, marked as such."""
    text = bytes(interval + 128 for interval in intervals)
    if len(intervals) < run - 1:
        yield b"whole:" + text
    for start in range(len(intervals) - run + 2):
        yield text[start : start + run - 1]


def _longest(intervals: list[int], others: list[int]) -> int:
    """Length of the longest run of intervals in both (dynamic programming over all pairs of places)."""
    best, row = 0, [0] * (len(others) + 1)
    for interval in intervals:
        row = [0, *(row[place] + 1 if interval == other else 0 for place, other in enumerate(others))]
        best = max(best, *row)
    return best
