"""The proof that no split gives another away, found by another way than the splits were made.

The splits come from hashed runs and joined families. The audit knows nothing of either: it reads the
melodies as any user of the corpus does, writes out every run of notes in full, and compares the runs of the
splits as sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd

from melodysynthesis.corpora.corpus import Corpus
from melodysynthesis.corpora.families import FAMILY_RUN, SPLITS
from melodysynthesis.music import Melody

Step = tuple[int, int, int]
"""Interval in semitones, and the ratio of the later to the earlier duration in lowest terms."""

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
    numbers: dict[Step, int] = {}
    for name, melodies in splits.items():
        before = len(first_seen)
        shared: set[bytes] = set()
        pairs: dict[tuple[int, str, int], None] = {}
        for index, melody in enumerate(melodies):
            steps = [numbers.setdefault(step, len(numbers)) for step in _steps(melody)]
            for piece in _pieces(steps, run):
                split, earlier = first_seen.setdefault(piece, (name, index))
                if split != name:
                    shared.add(piece)
                    pairs.setdefault((index, split, earlier))
        for index, split, earlier in list(pairs)[: MAX_LEAKS - len(result.leaks)]:
            one, other = melodies[index], splits[split][earlier]
            notes = _longest(_steps(one), _steps(other)) + 1
            result.leaks.append(Leak(notes, name, one.source, split, other.source))
        result.tunes[name] = len(melodies)
        result.runs[name] = len(first_seen) - before + len(shared)
    result.leaks.sort(key=lambda leak: -leak.notes)
    return result


def _steps(melody: Melody) -> list[Step]:
    steps = []
    for (_, before, low), (_, after, high) in zip(melody.notes, melody.notes[1:], strict=False):
        common = gcd(before, after)
        steps.append((high - low, after // common, before // common))
    return steps


def _pieces(steps: list[int], run: int) -> Iterator[bytes]:
    """Every run of notes as bytes, four for each step; of a tune shorter than a run, the whole, marked."""
    text = b"".join(step.to_bytes(4, "little") for step in steps)
    if len(steps) < run - 1:
        yield b"whole:" + text
    for start in range(len(steps) - run + 2):
        yield text[4 * start : 4 * (start + run - 1)]


def _longest(steps: list[Step], others: list[Step]) -> int:
    """Length of the longest run of steps in both (dynamic programming over all pairs of places)."""
    best, row = 0, [0] * (len(others) + 1)
    for step in steps:
        row = [0, *(row[place] + 1 if step == other else 0 for place, other in enumerate(others))]
        best = max(best, *row)
    return best
