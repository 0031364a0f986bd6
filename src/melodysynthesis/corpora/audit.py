"""The proof that no split gives another away, found by another way than the splits were made.

The splits come from hashed runs, filters, bit-parallel edit distances and joined families. The audit knows nothing of
these: it reads the melodies as any user of the corpus does, writes out every run of notes in full, compares the runs of
the splits as sets, and computes the edit distances of tunes in different splits by the plain dynamic program (Wagner
and Fischer, Journal of the ACM 21, 1974), one tune against all tunes of another split at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora.corpus import Corpus
from melodysynthesis.corpora.families import EDIT_SHARE, FAMILY_RUN, MOST_COMPARED, SPLITS
from melodysynthesis.music import Melody

MAX_LEAKS = 100
FORMS = ("as they stand", "repeats merged")
"""How tunes are compared: with all notes, and with notes of equal pitch in a row as one."""

_Place = tuple[str, int]
"""Split and number of a tune."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Tune `where` of `split` is related to tune `other_where` of `other_split`.

    Attributes:
        form: one of `FORMS`: how they were compared.
        notes: of the longest run of notes that they share.
        edits: their edit distance if they are related by it; None if the run relates them.
        split, where, other_split, other_where: the two tunes.
    """

    form: str
    notes: int
    edits: int | None
    split: str
    where: str
    other_split: str
    other_where: str

    def __str__(self) -> str:
        one, other = f"{self.where} ({self.split})", f"{self.other_where} ({self.other_split})"
        if self.edits is None:
            return f"{self.notes} notes of {one} are in {other}, {self.form}"
        return f"{self.edits} edit{'s' * (self.edits != 1)} make {one} of {other}, {self.form}"


@dataclass(slots=True)
class Audit:
    """What was searched and what was found.

    Attributes:
        run: notes that a run must have to be a leak.
        share: an edit distance is a leak if it is at most this share of the longer tune's intervals; 0 where the
            corpus is too large to compare all pairs.
        tunes: searched in each split.
        runs: distinct runs of that length in each split, as they stand.
        pairs: of tunes in different splits whose edit distance was compared.
        leaks: at most `MAX_LEAKS`, the longest runs first.
    """

    run: int
    share: float = EDIT_SHARE
    tunes: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    pairs: int = 0
    leaks: list[Leak] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no leak was found."""
        return not self.leaks


def audit(corpus: Corpus, run: int = FAMILY_RUN) -> Audit:
    """Search for runs of `run` notes, and for tunes within an edit distance, that are in two splits.

    Only intervals are compared: transposing, other note values or rests hide nothing.
    """
    return audit_splits({name: corpus.split(name) for name in SPLITS}, run)


def audit_splits(splits: dict[str, Sequence[Melody]], run: int = FAMILY_RUN) -> Audit:
    """`audit` for melodies that were split by whatever means."""
    result = Audit(run, tunes={name: len(melodies) for name, melodies in splits.items()})
    if sum(result.tunes.values()) > MOST_COMPARED:
        result.share = 0.0
    pitches = {name: [melody.pitches for melody in melodies] for name, melodies in splits.items()}
    merged = {name: [_merged(tune) for tune in tunes] for name, tunes in pitches.items()}
    found: dict[frozenset[_Place], tuple[str, int | None]] = {}
    forms = [{name: [_intervals(tune) for tune in tunes] for name, tunes in form.items()} for form in (pitches, merged)]
    for form, tunes in zip(FORMS, forms, strict=True):
        for pair in _sharing_runs(tunes, run, result if form == FORMS[0] else None):
            found.setdefault(pair, (form, None))
    if result.share:
        result.pairs = sum(a * b for a, b in combinations(result.tunes.values(), 2))
        for form, tunes in zip(FORMS, forms, strict=True):
            for pair, edits in _near(tunes, result.share):
                found.setdefault(pair, (form, edits))
    order = list(splits)
    for pair, (form, distance) in list(found.items())[:MAX_LEAKS]:
        other, one = sorted(pair, key=lambda place: order.index(place[0]))
        tunes = forms[FORMS.index(form)]
        notes = _longest(tunes[one[0]][one[1]], tunes[other[0]][other[1]]) + 1
        names = (one[0], splits[one[0]][one[1]].source, other[0], splits[other[0]][other[1]].source)
        result.leaks.append(Leak(form, notes, distance, *names))
    result.leaks.sort(key=lambda leak: -leak.notes)
    return result


def _merged(pitches: Sequence[int]) -> list[int]:
    return [pitch for place, pitch in enumerate(pitches) if place == 0 or pitch != pitches[place - 1]]


def _intervals(pitches: Sequence[int]) -> list[int]:
    return [high - low for low, high in pairwise(pitches)]


def _sharing_runs(tunes: dict[str, list[list[int]]], run: int, result: Audit | None) -> Iterator[frozenset[_Place]]:
    """Pairs of tunes of different splits that share a run; the counts of runs go into the result."""
    first_seen: dict[bytes, _Place] = {}
    for name, mine in tunes.items():
        before = len(first_seen)
        shared: set[bytes] = set()
        for index, intervals in enumerate(mine):
            for piece in _pieces(intervals, run):
                place = first_seen.setdefault(piece, (name, index))
                if place[0] != name:
                    shared.add(piece)
                    yield frozenset((place, (name, index)))
        if result:
            result.runs[name] = len(first_seen) - before + len(shared)


def _pieces(intervals: list[int], run: int) -> Iterator[bytes]:
    """Every run of notes, a byte for each interval; of a tune shorter than a run the whole, marked as such."""
    text = bytes(interval + 128 for interval in intervals)
    if len(intervals) < run - 1:
        yield b"whole:" + text
    for start in range(len(intervals) - run + 2):
        yield text[start : start + run - 1]


def _near(tunes: dict[str, list[list[int]]], share: float) -> Iterator[tuple[frozenset[_Place], int]]:
    """Pairs of tunes of different splits whose edit distance is at most a share of the longer one's length."""
    for one, other in combinations(tunes, 2):
        few, many = sorted((one, other), key=lambda name: len(tunes[name]))
        width = max(map(len, tunes[many]), default=0)
        lengths = np.array([len(tune) for tune in tunes[many]], np.int64)
        table = np.full((len(lengths), width), 999, np.int16)
        for row, tune in enumerate(tunes[many]):
            table[row, : len(tune)] = tune
        kinds = sorted({interval for tune in tunes[many] for interval in tune})
        counts = np.stack([(table == kind).sum(1) for kind in kinds], 1) if kinds else np.zeros((len(lengths), 0), int)
        for index, tune in enumerate(tunes[few]):
            limits = np.floor(share * np.maximum(lengths, len(tune))).astype(np.int64)
            # An edit takes one symbol away, adds one, or both.
            known = np.array([tune.count(kind) for kind in kinds], np.int64)
            changed = np.abs(counts - known).sum(1) + (len(tune) - known.sum())
            rows = np.flatnonzero((changed <= 2 * limits) & (abs(lengths - len(tune)) <= limits))
            edits = edit_distances(tune, table[rows, : max(lengths[rows], default=0)], lengths[rows])
            for row, distance, limit in zip(rows.tolist(), edits.tolist(), limits[rows].tolist(), strict=True):
                if distance <= limit:
                    yield frozenset(((few, index), (many, row))), distance


def edit_distances(tune: Sequence[int], others: NDArray[np.int16], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(others,) edit distances of a sequence and others.

    Args:
        tune: its symbols.
        others: (others, width) symbols, a row each.
        lengths: (others,) of each row.
    """
    place = np.arange(others.shape[1] + 1, dtype=np.int16)
    row = np.repeat(place[None], len(others), 0)
    for number, symbol in enumerate(tune, 1):
        replaced = row[:, :-1] + (others != symbol)  # symbols that differ cost one
        row = np.concatenate([np.full((len(others), 1), number, np.int16), np.minimum(row[:, 1:] + 1, replaced)], 1)
        row = np.minimum.accumulate(row - place, 1) + place  # inserting any number of symbols
    return np.asarray(row[np.arange(len(others)), lengths])


def _longest(intervals: list[int], others: list[int]) -> int:
    """Length of the longest run of intervals in both (dynamic programming over all pairs of places)."""
    best, row = 0, [0] * (len(others) + 1)
    for interval in intervals:
        row = [0, *(row[place] + 1 if interval == other else 0 for place, other in enumerate(others))]
        best = max(best, *row)
    return best
