"""Everything about a set of melodies, beside what people's own melodies get: one call, tidy rows.

    panel = Panel(people, index_of(corpus))
    judged = panel.judge(melodies, "lstm, seed 1")
    judged.find("critic", "", "auc").value

Conventions
-----------
Input: melodies; people's melodies that the model was not trained on; and the index of those that it was. People are
    split at random (seeded) into a reference and others. Each `Row` tells what the melodies get, and what people do:

    ===========  =======================  ==========  ================================================================
    group        name                     metric      people's
    ===========  =======================  ==========  ================================================================
    figures      each of `FIGURES`        mean        their mean, and the band in which 95 % of means of as many of
                                                      people's melodies lie
    figures                               wasserstein, overlap, divergence: of the others from the reference
    profiles     each of `PROFILES`       jensen_shannon, overlap, divergence: likewise
    all          17 descriptors,          frechet     likewise
                 all figures
    critic                                auc         of the others against the reference: see `evaluation.critic`
    originality  rhythm, interval         mean longest run in notes, mean percentile, and mean share of copied runs,
                                          beside held-out tunes': see `evaluation.originality`
    ===========  =======================  ==========  ================================================================

    What no melody of one set says, such as meters in grid text, is taken from the other too (`evaluation.level`). NaN
    is what can't be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation import distribution
from melodysynthesis.evaluation.critic import PAIRS, Told, two_sample
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.features import FIGURES, Features, features_of
from melodysynthesis.evaluation.level import unsaid, without
from melodysynthesis.evaluation.originality import KINDS, NGRAMS, Index
from melodysynthesis.evaluation.statistics import LEVEL, UNKNOWN, Interval, bootstrap_mean
from melodysynthesis.music import Melody

DRAWS = 1000
"""For the bands and intervals of means."""

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with steps done and steps in all."""
STEPS = 23


class Row(NamedTuple):
    """One score of the melodies with its 95 % interval, and people's: see the module's table."""

    group: str
    name: str
    metric: str
    value: float
    low: float
    high: float
    people: float
    people_low: float
    people_high: float

    @property
    def inside(self) -> bool:
        """Whether the value is within people's interval, or band."""
        return bool(self.people_low <= self.value <= self.people_high)

    @property
    def outside(self) -> bool:
        """Whether the value is known to be outside it."""
        return bool(self.value < self.people_low or self.value > self.people_high)

    @property
    def further(self) -> bool:
        """Whether a distance is larger than people's (an overlap smaller), by intervals that do not touch."""
        return bool(self.high < self.people_low if self.metric == "overlap" else self.low > self.people_high)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a `Panel` found of a set of melodies.

    Attributes:
        name: of the set.
        melodies: how many there are.
        compared: how many of them, and of other people's, went into distances.
        reference: how many of people's both were compared with.
        unsaid: what one set did not say, so that it was taken from both.
        rows: the scores.
        told: what the critic found, None where it was not asked.
        tunes: (melodies,) of each melody its figures by `FIGURES`, and with an index ``longest run by rhythm``,
            ``percentile by rhythm`` and the same by interval.
    """

    name: str
    melodies: int
    compared: int
    reference: int
    unsaid: frozenset[str]
    rows: tuple[Row, ...]
    told: Told | None
    tunes: dict[str, Floats]

    def find(self, group: str, name: str, metric: str) -> Row:
        """One row.

        Raises:
            KeyError: if there is none.
        """
        for row in self.rows:
            if row[:3] == (group, name, metric):
                return row
        raise KeyError(f"no score {metric!r} of {group} {name!r}")

    def outside(self, names: Sequence[str] = NAMES) -> list[str]:
        """Those of the figures, the 17 descriptors unless told otherwise, whose mean is not within people's band."""
        return [name for name in names if self.find("figures", name, "mean").outside]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what is not known is None."""
        return {
            "name": self.name,
            "melodies": self.melodies,
            "compared": self.compared,
            "reference": self.reference,
            "unsaid": sorted(self.unsaid),
            "outside": self.outside(),
            "rows": [{name: _plain(value) for name, value in row._asdict().items()} for row in self.rows],
            "clues": [
                {"name": clue.name, **{name: _plain(value) for name, value in clue.higher.figures().items()}}
                for clue in (self.told.clues if self.told else ())
            ],
        }


class Panel:
    """People's melodies and what is known of them, to judge several sets by.

    Args:
        people: melodies that no judged model was trained on.
        index: of the tunes that it was trained on; without one originality is left out.
        seed: of the split of people's melodies, the critic and all draws.
        resamples: draws for the intervals of distances.
        pairs: at most so many melodies of each set does the critic hear.

    Raises:
        RequestError: with too few of people's melodies.
    """

    def __init__(
        self,
        people: Sequence[Melody],
        index: Index | None = None,
        *,
        seed: int = 0,
        resamples: int = distribution.RESAMPLES,
        pairs: int = PAIRS,
    ) -> None:
        distribution.check_people(len(people))
        self.people, self.index, self.seed, self.resamples, self.pairs = list(people), index, seed, resamples, pairs
        self._heard: dict[frozenset[str], Features] = {}
        self._people_told: dict[tuple[frozenset[str], int], Told] = {}

    def judge(
        self, melodies: Sequence[Melody], name: str = "", *, critic: bool = True, progress: Progress | None = None
    ) -> Judged:
        """Everything about a set of melodies.

        Args:
            melodies: one or more.
            name: of the set.
            critic: whether to ask the critic, which needs scikit-learn and takes the longest.
            progress: told how far it is.

        Raises:
            RequestError: without melodies; if the critic is asked and scikit-learn is not installed.
        """
        if not melodies:
            raise RequestError("there are no melodies to judge")
        advance = _Advance(progress)
        left_out = unsaid(melodies, self.people)
        mine = without(melodies, left_out)
        features, people = features_of(mine), self._features(left_out)
        advance.by(1)
        scores, sizes = distribution.compare(features, people, seed=self.seed, resamples=self.resamples)
        advance.by(1)
        rows = [*self._means(features, people), *_distances(scores)]
        told = None
        if critic:
            told = self._told(mine, left_out, advance)
            rows.append(_row("critic", "", "auc", told.auc, self._of_people(left_out, len(mine), advance).auc))
        tunes = {figure: features.figures[:, column] for column, figure in enumerate(FIGURES)}
        if self.index is not None:
            found, of_tunes = _originality(melodies, self.index, self.seed)
            rows, tunes = [*rows, *found], tunes | of_tunes
        advance.to_end()
        return Judged(name, len(melodies), sizes["compared"], sizes["reference"], left_out, tuple(rows), told, tunes)

    def _features(self, left_out: frozenset[str]) -> Features:
        if left_out not in self._heard:
            self._heard[left_out] = features_of(without(self.people, left_out))
        return self._heard[left_out]

    def _means(self, features: Features, people: Features) -> Iterator[Row]:
        random = np.random.default_rng(self.seed)
        for column, name in enumerate(FIGURES):
            mine, theirs = features.figures[:, column], people.figures[:, column]
            yield _row("figures", name, "mean", bootstrap_mean(mine, resamples=DRAWS), _band(theirs, len(mine), random))

    def _told(self, mine: Sequence[Melody], left_out: frozenset[str], advance: _Advance) -> Told:
        reference, _ = self._halves(left_out)
        return two_sample(reference, mine, self.seed, pairs=self.pairs, progress=lambda done, total: advance.by(1))

    def _of_people(self, left_out: frozenset[str], size: int, advance: _Advance) -> Told:
        reference, others = self._halves(left_out)
        size = min(size, len(others))
        if (left_out, size) not in self._people_told:
            self._people_told[left_out, size] = two_sample(
                reference, others[:size], self.seed, pairs=self.pairs, progress=lambda done, total: advance.by(1)
            )
        return self._people_told[left_out, size]

    def _halves(self, left_out: frozenset[str]) -> tuple[list[Melody], list[Melody]]:
        people = without(self.people, left_out)
        one, other = distribution.halves(len(people), self.seed)
        return [people[n] for n in one.tolist()], [people[n] for n in other.tolist()]


def judge_set(
    melodies: Sequence[Melody],
    people: Sequence[Melody],
    index: Index | None = None,
    *,
    name: str = "",
    seed: int = 0,
    critic: bool = True,
    progress: Progress | None = None,
) -> Judged:
    """Everything about one set of melodies; for several make a `Panel`, which hears people once."""
    return Panel(people, index, seed=seed).judge(melodies, name, critic=critic, progress=progress)


class _Advance:
    """Adds up steps for a progress callback."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._done = progress, 0

    def by(self, steps: int) -> None:
        self._done = min(self._done + steps, STEPS)
        if self._progress:
            self._progress(self._done, STEPS)

    def to_end(self) -> None:
        self.by(STEPS)


def _row(group: str, name: str, metric: str, mine: Interval, people: Interval) -> Row:
    return Row(group, name, metric, mine.value, mine.low, mine.high, people.value, people.low, people.high)


def _band(values: Floats, size: int, random: np.random.Generator) -> Interval:
    """The mean of people's values, and where means of `size` of people's lie, their own mean being uncertain too."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return UNKNOWN
    drawn = [random.choice(known, (DRAWS, count)).mean(axis=1) for count in (size, len(known))]
    mean = float(known.mean())
    low, high = np.quantile(drawn[0] - drawn[1] + mean, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), float(drawn[0].std()))


def _distances(scores: dict[tuple[str, str, str], distribution.Score]) -> Iterator[Row]:
    return (_row(*place, score.melodies, score.people) for place, score in scores.items())


def _originality(melodies: Sequence[Melody], index: Index, seed: int) -> tuple[list[Row], dict[str, Floats]]:
    rows: list[Row] = []
    tunes: dict[str, Floats] = {}
    for kind in KINDS:
        people = index.people[kind]
        measured = [index.measure(melody, kind) for melody in melodies]
        runs = np.array([run for run, _ in measured], np.float64)
        copied = np.array([shares for _, shares in measured]).reshape(-1, len(NGRAMS))
        percentiles = np.array([people.percentile(int(run)) for run in runs])
        random = np.random.default_rng(seed)
        human = people.notes.astype(np.float64)
        pairs = {
            "longest run": (runs, human),
            "percentile": (percentiles, np.array([people.percentile(int(run)) for run in human])),
            **{f"copied {n}-grams": (copied[:, at], people.copied[:, at]) for at, n in enumerate(NGRAMS)},
        }
        for metric, (mine, theirs) in pairs.items():
            rows.append(_row("originality", kind, metric, bootstrap_mean(mine), _band(theirs, len(mine), random)))
        tunes |= {f"longest run by {kind}": runs, f"percentile by {kind}": percentiles}
    return rows, tunes


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value
