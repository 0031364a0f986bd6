"""The results of a study, aggregated: figures by entrant, with intervals over tunes, melodies and seeds.

An *entrant* is a model in an encoding, with all of its seeds that are done. Intervals are of 95 %:

====================  =============================================================================================
of                    how
====================  =============================================================================================
bits per note         Student's t over seeds and test tunes together (`evaluation.hierarchical`)
means of figures      likewise over seeds and the melodies of each
scores of whole sets  the mean over seeds of each seed's own interval, widened by what seeds differ by
(critic, distances)
====================  =============================================================================================
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis import corpora
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.hierarchical import (
    compare_over_seeds,
    mean_over_seeds,
    ratio_over_seeds,
    score_over_seeds,
)
from melodysynthesis.evaluation.statistics import (
    Comparison,
    Interval,
    corrected,
)
from melodysynthesis.music import Melody
from melodysynthesis.study import results, stages
from melodysynthesis.study.plan import StudyPlan
from melodysynthesis.study.results import PEOPLE
from melodysynthesis.study.run import gather, read_plan

Floats = NDArray[np.float64]
NAMES_OF = {"lstm": "LSTM", "gan": "GAN", "ngram": "n-gram", "ppm": "PPM"}
"""How models are written, where not with a capital letter."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model in an encoding; `seeds` are those that are done."""

    model: str
    encoding: str
    seeds: tuple[int, ...]
    is_counted: bool

    @property
    def label(self) -> str:
        """Such as ``"LSTM, event"``."""
        return f"{written(self.model)}, {self.encoding}" if self.encoding else "human"

    def trial(self, seed: int) -> str:
        """Name of the trial of a seed."""
        return f"{self.model}-{self.encoding}-{seed}"


HUMANS = Entrant(PEOPLE, "", (0,), True)


def written(model: str) -> str:
    """A model's name as it is written in text."""
    return NAMES_OF.get(model, model.capitalize())


class StudyResults:
    """All that the finished trials of a study's folder have found.

    Raises:
        RequestError: if there is no study in the folder, or no trial is done.
        FormatError: if a file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.plan = folder, read_plan(folder)
        gather(self.plan, folder)
        self._rows = _grouped(folder)
        names = [(model, encoding, seed) for model, encoding, seed in _names(self.plan)]
        done = [name for name in names if _is_done(folder, "-".join(map(str, name)))]
        self.missing = ["-".join(map(str, name)) for name in names if name not in done]
        if not done:
            raise RequestError(f"{folder}: no trial is done yet: go on with melody study resume {folder}")
        seeds: dict[tuple[str, str], list[int]] = defaultdict(list)
        for model, encoding, seed in done:
            seeds[model, encoding].append(seed)
        self.entrants = [
            Entrant(model, encoding, tuple(several), self.plan.is_counted(model))
            for (model, encoding), several in seeds.items()
        ]
        self.at = self.plan.judging.temperatures[0]

    @cached_property
    def ranked(self) -> list[Entrant]:
        """The entrants, the best predictor first."""
        return sorted(self.entrants, key=lambda entrant: self.bits[entrant].value)

    @cached_property
    def bits(self) -> dict[Entrant, Interval]:
        """Bits per note on the test tunes that the encoding can say."""
        return {entrant: self._bits(entrant) for entrant in self.entrants}

    def _bits(self, entrant: Entrant) -> Interval:
        bits, notes = self._tunes(entrant)
        known = np.isfinite(bits).all(axis=0)
        return ratio_over_seeds(bits[:, known], notes[:, known])

    def _tunes(self, entrant: Entrant) -> tuple[Floats, Floats]:
        """(seeds, tunes) bits and notes; NaN for what the encoding can't say."""
        return self.each(entrant, "tune: bits"), self.each(entrant, "tune: notes")

    def spread(self, entrant: Entrant) -> float:
        """Standard deviation over seeds of the bits per note; NaN for one seed."""
        values = [value for value, _, _ in self.by_seed(entrant, "bits per note")]
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

    @cached_property
    def against_best(self) -> dict[Entrant, Comparison]:
        """What each entrant needs more than the best predictor, in bits per note, on the tunes that both can say."""
        best = self.ranked[0]
        return corrected({other: self.compare(other, best)[0] for other in self.ranked[1:]})

    def compare(self, one: Entrant, other: Entrant) -> tuple[Comparison, float]:
        """Bits per note of one less those of the other, paired by tune, with an interval over seeds and tunes; and the
        seeds' share of its variance."""
        (bits, notes), (other_bits, _) = self._tunes(one), self._tunes(other)
        both = min(bits.shape[1], other_bits.shape[1])  # what follows the last tune that one can say is not known of it
        return compare_over_seeds(bits[:, :both], other_bits[:, :both], np.nan_to_num(notes.mean(axis=0)[:both]))

    def score(self, entrant: Entrant, metric: str, at: float | None = None) -> Interval:
        """A metric of the whole set: the mean over seeds, with an interval that counts what they differ by."""
        return score_over_seeds(self.by_seed(entrant, metric, at))

    def by_seed(self, entrant: Entrant, metric: str, at: float | None = None) -> list[tuple[float, float, float]]:
        """Value, low and high of each seed."""
        rows = self._rows.get((entrant.model, entrant.encoding, metric))
        if rows is None:
            return []
        chosen = (rows["melody"] < 0) & np.isin(rows["seed"], entrant.seeds)
        if at is not None:
            chosen &= np.isclose(rows["at"], at)
        triples = np.stack([rows[name][chosen] for name in ("value", "low", "high")], axis=1)
        return [(value, low, high) for value, low, high in triples.tolist()]

    def course(self, entrant: Entrant, metric: str, seed: int) -> tuple[Floats, Floats]:
        """Places and values of a metric that is a function of something, such as the epoch."""
        rows = self._rows.get((entrant.model, entrant.encoding, metric))
        if rows is None:
            return np.zeros(0), np.zeros(0)
        chosen = np.flatnonzero((rows["seed"] == seed) & (rows["melody"] < 0) & np.isfinite(rows["at"]))
        order = chosen[np.argsort(rows["at"][chosen], kind="stable")]
        return rows["at"][order], rows["value"][order]

    def each(self, entrant: Entrant, metric: str) -> Floats:
        """(seeds, melodies) values of each melody or tune; NaN where unknown."""
        rows = self._rows.get((entrant.model, entrant.encoding, metric))
        if rows is None:
            return np.full((len(entrant.seeds), 0), np.nan)
        table = np.full((len(entrant.seeds), int(rows["melody"].max(initial=-1)) + 1), np.nan)
        for number, seed in enumerate(entrant.seeds):
            chosen = (rows["seed"] == seed) & (rows["melody"] >= 0)
            table[number, rows["melody"][chosen]] = rows["value"][chosen]
        return table

    def mean(self, entrant: Entrant, figure: str) -> Interval:
        """The mean of a figure over the melodies of all seeds."""
        found = [values[np.isfinite(values)] for values in self.each(entrant, f"figure: {figure}")]
        return mean_over_seeds(found)

    def band(self, entrant: Entrant, figure: str) -> tuple[float, float]:
        """Ends of the band of 95 % of the means of as many human melodies, in the entrant's notation."""
        found = self.by_seed(entrant, f"people's mean: {figure}", self.at)
        if not found:
            return float("nan"), float("nan")
        _, low, high = np.array(found).mean(axis=0).tolist()  # the same people for each seed
        return low, high

    def outside(self, entrant: Entrant) -> list[str]:
        """Those of the 17 descriptors whose mean lies outside the human band."""
        return [name for name in NAMES if not self.is_inside(entrant, name)]

    def is_inside(self, entrant: Entrant, figure: str) -> bool:
        """Whether a figure's mean, averaged over seeds, lies in the human band; one that none has is not outside."""
        low, high = self.band(entrant, figure)
        value = self.score(entrant, f"mean: {figure}", self.at).value
        return not isfinite(value) or low - 1e-12 <= value <= high + 1e-12

    def melodies(self, entrant: Entrant, at: float | None = None) -> list[Melody]:
        """The melodies of the first seed, at a temperature; by default the one that models are compared at."""
        if entrant is HUMANS:
            return list(corpora.load(self.plan.corpus).split("test"))
        found = stages.read_melodies(self.folder / "trials" / entrant.trial(entrant.seeds[0]))
        return found[self.at if at is None else at]

    def confusion(self, entrant: Entrant) -> dict[str, Any]:
        """The confusion matrix of the first seed."""
        return stages.read_json(self.folder / "trials" / entrant.trial(entrant.seeds[0]) / stages.CONFUSION)


def _names(plan: StudyPlan) -> list[tuple[str, str, int]]:
    """Models, encodings and seeds of all trials, without looking at architectures: they may not be installed here."""
    return [
        (model, encoding, seed)
        for model, wanted in plan.models.items()
        for encoding in wanted.encodings or plan.encodings
        for seed in plan.seeds_of(model, encoding)
    ]


def _is_done(folder: Path, name: str) -> bool:
    return all((folder / "trials" / name / stage.file).exists() for stage in stages.STAGES)


def _grouped(folder: Path) -> dict[tuple[str, str, str], dict[str, NDArray[Any]]]:
    """The columns of all rows by model, encoding and metric; no melody is -1, nothing known is NaN."""
    table = results.load(folder / stages.RESULTS)
    keys = list(zip(*(table.column(name).to_pylist() for name in ("model", "encoding", "metric")), strict=True))
    columns: dict[str, NDArray[Any]] = {
        name: np.array(table.column(name).to_numpy(), np.float64) for name in ("value", "low", "high", "at")
    }
    columns["seed"] = table.column("seed").to_numpy()
    columns["melody"] = table.column("melody").fill_null(-1).to_numpy()
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return {key: {name: column[rows] for name, column in columns.items()} for key, rows in places.items()}


def overlapping(one: Interval, other: Interval) -> bool:
    """Whether two intervals have something in common."""
    return one.low <= other.high and other.low <= one.high
