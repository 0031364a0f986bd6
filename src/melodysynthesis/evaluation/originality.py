"""Originality: how much of a melody occurs in a model's training tunes, compared with human melodies.

Conventions
-----------
Input: a `Melody`, and a `Corpus` whose train split is searched and whose other splits are the people to compare with.
Unit: notes. A run is notes in a row. Two runs are the same, wherever they stand and in whatever key,

- by *rhythm*, if they have the same intervals and, up to one factor, the same durations: a tune in halved values is the
  same tune. A note lasts until the next one, so that a rest cut from it hides nothing; a melody's last note lasts as
  long as it sounds.
- by *interval*, if they have the same intervals in semitones. Tune families are made of such runs: since no family is
  in two splits, no held-out tune shares `FAMILY_RUN` notes by interval with a training tune, and a melody that does
  has taken more than any of them.

Longest run
    The longest that a melody shares with any training tune; of several the first in the melody, and the first tune
    that has it. Any note is shared by any tune, so a run of one note names none.
Copied n-grams
    Of a melody's runs of n notes, repeated ones counted each time, the share that occurs in some training tune; NaN for
    a melody of fewer than n notes. Compare Papadopoulos, Roy and Pachet, "Avoiding Plagiarism in Markov Sequence
    Generation" (AAAI 2014), where a limit on such runs is a constraint.
Percentile
    Of held-out tunes, the share that have less, those that have as much counted half, times 100. Near 50 is what people
    share with the training tunes; near 100 is copied. NaN where no tune is held out.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import zipfile
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora.corpus import Corpus, View
from melodysynthesis.corpora.families import SPLITS
from melodysynthesis.corpora.run_index import KINDS, first_notes, steps_of_melody, steps_of_tunes
from melodysynthesis.corpora.store import cache_folder
from melodysynthesis.corpora.suffix_array import Match, SuffixArray, Symbols, sort_suffixes
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files
from melodysynthesis.music import Melody

NGRAMS = (4, 6, 8, 12)
"""Lengths in notes of the runs whose copied share is reported. Of the runs of held-out German tunes, by rhythm, 87, 32,
7 and 0.7 % occur in a training tune."""

_VERSION = 1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Place(NamedTuple):
    """The position of a run: numbers of its first and last note, and of their bars or None without meter."""

    first_note: int
    last_note: int
    first_bar: int | None
    last_bar: int | None


@dataclass(frozen=True, slots=True)
class Shared:
    """What a melody shares with the training tunes, by one of `KINDS`.

    Attributes:
        notes: of the longest run; 0 for a melody without notes.
        place: of that run in the melody; None for fewer than two notes.
        tune: number of the first training tune that has it, from 1, as `melody corpus show --tune` counts; or None.
        name: of that tune, empty for None.
        tune_place: of the run in that tune.
        percentile: of `notes` among the held-out tunes, 0 to 100.
        copied: share of n-grams that stand in a training tune, by n in `NGRAMS`.
        copied_percentiles: of those shares among the held-out tunes that have n notes, 0 to 100.
    """

    notes: int
    place: Place | None
    tune: int | None
    name: str
    tune_place: Place | None
    percentile: float
    copied: dict[int, float]
    copied_percentiles: dict[int, float]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what is not known is None."""
        return {
            "longest_run": self.notes,
            "place": self.place and self.place._asdict(),
            "tune": self.tune,
            "name": self.name or None,
            "tune_place": self.tune_place and self.tune_place._asdict(),
            "percentile": _known(self.percentile),
            "copied": {str(n): _known(share) for n, share in self.copied.items()},
            "copied_percentiles": {str(n): _known(value) for n, value in self.copied_percentiles.items()},
        }


class People(NamedTuple):
    """What each held-out tune shares with the training tunes, by one of `KINDS`."""

    notes: Ints  # (tunes,) of the longest run
    copied: Floats  # (tunes, NGRAMS) NaN where a tune is too short

    def percentile(self, notes: int) -> float:
        """Percentile of a longest run."""
        return _percentile(self.notes.astype(np.float64), notes)

    def copied_percentile(self, n: int, share: float) -> float:
        """Percentile of a share of copied n-grams."""
        return _percentile(self.copied[:, NGRAMS.index(n)], share)


class Index:
    """The training tunes of a corpus, searchable, and what its held-out tunes share with them."""

    def __init__(self, corpus: Corpus, arrays: dict[str, NDArray[Any]]) -> None:
        self.corpus, train = corpus, corpus.split("train")
        self._tunes = train.indices
        self._first = first_notes(train.columns, train.indices)
        self._alphabets = {kind: arrays[f"{kind} alphabet"] for kind in KINDS}
        self._suffixes = {kind: SuffixArray(arrays[f"{kind} text"], arrays[f"{kind} places"]) for kind in KINDS}
        self.people = {kind: People(arrays[f"{kind} run"], arrays[f"{kind} copied"]) for kind in KINDS}

    def shared(self, melody: Melody, kind: str) -> Shared:
        """What a melody shares with the training tunes, by one of `KINDS`."""
        notes, copied, match = self._search(steps_of_melody(melody, kind), len(melody), kind)
        shares = dict(zip(NGRAMS, copied, strict=True))
        people = self.people[kind]
        percentiles = {n: people.copied_percentile(n, share) for n, share in shares.items()}
        if match.length == 0:
            return Shared(notes, None, None, "", None, people.percentile(notes), shares, percentiles)
        which = bisect_right(self._first, match.place) - 1
        number = int(self._tunes[which])
        tune = self.corpus[number]
        return Shared(
            notes,
            _place(melody, match.start, notes),
            number + 1,
            tune.source,
            _place(tune, match.place - int(self._first[which]), notes),
            people.percentile(notes),
            shares,
            percentiles,
        )

    def measure(self, melody: Melody, kind: str) -> tuple[int, list[float]]:
        """Notes of the longest run, and the shares of copied n-grams by `NGRAMS`: `shared` without names."""
        return self._search(steps_of_melody(melody, kind), len(melody), kind)[:2]

    def _search(self, steps: Ints, notes: int, kind: str) -> tuple[int, list[float], Match]:
        """Notes of the longest run, shares of copied n-grams, and the match, of the steps of a melody's notes."""
        lengths, match = self._suffixes[kind].matches(_symbols(steps[: max(notes - 1, 0)], self._alphabets[kind]))
        runs = [lengths[: max(notes - n + 1, 0)] >= n - 1 for n in NGRAMS]
        shares = [float(run.mean()) if len(run) else float("nan") for run in runs]
        return (match.length + 1 if notes and len(self._tunes) else 0), shares, match


def evaluate(melody: Melody, index: Index) -> dict[str, Any]:
    """The originality of a melody by both of `KINDS`; JSON types only.

    Returns:
        ``corpus``, ``training_tunes``, ``held_out_tunes``, ``notes`` of the melody, and for each of `KINDS` what
        `Shared.as_dict` says.
    """
    return {
        "corpus": index.corpus.name,
        "training_tunes": len(index.corpus.split("train")),
        "held_out_tunes": len(index.people["interval"].notes),
        "notes": len(melody),
        **{kind: index.shared(melody, kind).as_dict() for kind in KINDS},
    }


def index_of(corpus: Corpus) -> Index:
    """The index of a corpus, from the cache, or built and put there.

    The file is in the folder of the corpus' file, named by a digest of its notes and splits, so another corpus, or a
    changed one, has another file. A damaged file is built again; if none can be written, each call builds the index.
    """
    path = _cached_at(corpus)
    if (arrays := _read(path)) is None:
        arrays = _build(corpus)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        with contextlib.suppress(FormatError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.save(path, buffer.getvalue())
    return Index(corpus, arrays)


def _cached_at(corpus: Corpus) -> Path:
    digest = hashlib.blake2b(f"{_VERSION}|{NGRAMS}".encode(), digest_size=8)
    for name in ("first_note", "onset", "duration", "pitch", "split"):
        digest.update(np.ascontiguousarray(corpus.columns[name]).data)
    label = re.sub(r"[^\w.-]+", "-", Path(corpus.name).name)[:60] or "corpus"
    return cache_folder() / "corpora" / f"{label}-{digest.hexdigest()}.originality"


def _names() -> Iterator[str]:
    return (f"{kind} {part}" for kind in KINDS for part in ("alphabet", "text", "places", "run", "copied"))


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of an index file; None if it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # each array has a checksum
            return {name: stored[name] for name in _names()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _build(corpus: Corpus) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    train = corpus.split("train")
    held_out = View(corpus.columns, np.flatnonzero(corpus.columns["split"] != SPLITS.index("train")))
    first = first_notes(held_out.columns, held_out.indices)
    for kind in KINDS:
        steps = steps_of_tunes(train.columns, train.indices, kind)
        alphabet = np.unique(steps[steps >= 0])
        text = _symbols(steps, alphabet)
        arrays |= {f"{kind} alphabet": alphabet, f"{kind} text": text, f"{kind} places": sort_suffixes(text)}
        arrays |= {f"{kind} run": np.zeros(len(held_out), np.int64)}
        arrays |= {f"{kind} copied": np.zeros((len(held_out), len(NGRAMS)))}
    index = Index(corpus, arrays)
    for kind in KINDS:
        steps = steps_of_tunes(held_out.columns, held_out.indices, kind)
        for tune, (start, end) in enumerate(zip(first[:-1].tolist(), first[1:].tolist(), strict=True)):
            found = index._search(steps[start:end], end - start, kind)
            arrays[f"{kind} run"][tune], arrays[f"{kind} copied"][tune] = found[:2]
    return arrays


def _symbols(steps: Ints, alphabet: Ints) -> Symbols:
    """(notes,) numbers of steps in the alphabet from 1; 0 for the end of a tune, one more than all for the unknown."""
    at = np.searchsorted(alphabet, steps)
    known = np.append(alphabet, -2)[at] == steps
    symbols = np.where(steps < 0, 0, np.where(known, at + 1, len(alphabet) + 1))
    return symbols.astype(np.uint32)


def _place(melody: Melody, first: int, notes: int) -> Place:
    """The place of a run by its first note's number from 0."""
    last = first + notes - 1
    starts, numbers = [], []
    for bar in melody.bars():
        starts.append(bar.start)
        numbers.append(bar.number)
    bars = [numbers[bisect_right(starts, melody.notes[n].onset) - 1] if starts else None for n in (first, last)]
    return Place(first + 1, last + 1, bars[0], bars[1])


def _percentile(values: Floats, value: float) -> float:
    values = values[~np.isnan(values)]
    if isnan(value) or not len(values):
        return float("nan")
    less, equal = np.count_nonzero(values < value), np.count_nonzero(values == value)
    return float(100 * (less + equal / 2) / len(values))


def _known(value: float) -> float | None:
    return None if isnan(value) else round(value, 6)
