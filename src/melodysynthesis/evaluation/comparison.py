"""All measures of a set of melodies, compared with those of human melodies, as tidy rows.

    reference = HumanReference(human, index_of(corpus))
    found = reference.compare(melodies, "lstm, seed 1")
    found.find("critic", "", "auc").value

Conventions
-----------
Input: melodies; human melodies that the model was not trained on; the index of those that it was. Human ones are
    split at random (seeded) into a reference and others. A `ScoreRow` has their score and the human one:

    ===========  =======================  ==========  ================================================================
    group        name                     metric      human
    ===========  =======================  ==========  ================================================================
    figures      each of `FIGURES`        mean        their mean, and the band in which 95 % of means of as many of
                                                      people's melodies lie
    figures                               wasserstein, overlap, divergence: of the others from the reference
    profiles     each of `PROFILES`       jensen_shannon, overlap, divergence: likewise
    all          17 descriptors,          frechet     likewise
                 all figures
    critic                                auc         of the others against the reference: see `evaluation.critic`
    originality  rhythm, interval         mean longest run in notes, mean percentile, and mean share of copied runs,
                                          compared with held-out tunes': see `evaluation.originality`
    ===========  =======================  ==========  ================================================================

    What no melody of one set encodes, such as meters in grid text, is removed from the other
    (`evaluation.common_fields`). NaN is what can't be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora.run_index import KINDS
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation import distribution
from melodysynthesis.evaluation.common_fields import unsaid, without
from melodysynthesis.evaluation.critic import PAIRS, TwoSampleTest, two_sample
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.features import FIGURES, Features, features_of
from melodysynthesis.evaluation.originality import NGRAMS, Index
from melodysynthesis.evaluation.statistics import LEVEL, UNKNOWN, Interval, bootstrap_mean
from melodysynthesis.music import Melody

DRAWS = 1000
"""For the bands and intervals of means."""

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with steps done and steps in all."""
STEPS = 23


class ScoreRow(NamedTuple):
    """One score of the melodies with its 95 % interval, and the human score: see the module's table."""

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
        """Whether the value is within the human interval, or band."""
        return bool(self.people_low <= self.value <= self.people_high)

    @property
    def outside(self) -> bool:
        """Whether the value is known to be outside it."""
        return bool(self.value < self.people_low or self.value > self.people_high)

    @property
    def further(self) -> bool:
        """Whether a distance is larger than the human one (an overlap smaller), by intervals that do not touch."""
        return bool(self.high < self.people_low if self.metric == "overlap" else self.low > self.people_high)


@dataclass(frozen=True, slots=True)
class SetComparison:
    """What a `HumanReference` found of a set of melodies.

    Attributes:
        name: of the set.
        melodies: how many there are.
        compared: how many of them, and of the other human ones, went into distances.
        reference: how many human melodies both were compared with.
        unsaid: what one set does not encode, which was removed from both.
        rows: the scores.
        critic: what the critic found, None if it was left out.
        tunes: (melodies,) of each melody its figures by `FIGURES`, and with an index ``longest run by rhythm``,
            ``percentile by rhythm`` and the same by interval.
    """

    name: str
    melodies: int
    compared: int
    reference: int
    unsaid: frozenset[str]
    rows: tuple[ScoreRow, ...]
    critic: TwoSampleTest | None
    tunes: dict[str, Floats]

    def find(self, group: str, name: str, metric: str) -> ScoreRow:
        """One row.

        Raises:
            KeyError: if there is none.
        """
        for row in self.rows:
            if row[:3] == (group, name, metric):
                return row
        raise KeyError(f"no score {metric!r} of {group} {name!r}")

    def outside(self, names: Sequence[str] = NAMES) -> list[str]:
        """Those of the figures, by default the 17 descriptors, whose mean is not within the human band."""
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
                for clue in (self.critic.clues if self.critic else ())
            ],
        }


class HumanReference:
    """People's melodies and what is known of them, to judge several sets by.

    Args:
        people: human melodies that no compared model was trained on.
        index: of the tunes that it was trained on; without one originality is left out.
        seed: of the split of human melodies, the critic and all draws.
        resamples: draws for the intervals of distances.
        pairs: most melodies of each set that the critic uses.

    Raises:
        RequestError: with too few human melodies.
    """

    def __init__(
        self,
        people: Sequence[Melody],
        index: Index | None = None,
        *,
        seed: int = 0,
        resamples: int = distribution.DISTANCE_RESAMPLES,
        pairs: int = PAIRS,
    ) -> None:
        distribution.check_people(len(people))
        self.people, self.index, self.seed, self.resamples, self.pairs = list(people), index, seed, resamples, pairs
        self._human_features: dict[frozenset[str], Features] = {}
        self._human_tests: dict[tuple[frozenset[str], int], TwoSampleTest] = {}

    def compare(
        self, melodies: Sequence[Melody], name: str = "", *, critic: bool = True, progress: Progress | None = None
    ) -> SetComparison:
        """Everything about a set of melodies.

        Args:
            melodies: one or more.
            name: of the set.
            critic: whether to ask the critic, which needs scikit-learn and takes the longest.
            progress: called with steps done and steps in all.

        Raises:
            RequestError: without melodies; if the critic is wanted and scikit-learn is not installed.
        """
        if not melodies:
            raise RequestError("there are no melodies to compare")
        advance = _Advance(progress)
        left_out = unsaid(melodies, self.people)
        mine = without(melodies, left_out)
        features, people = features_of(mine), self._features(left_out)
        advance.by(1)
        scores, sizes = distribution.distances(features, people, seed=self.seed, resamples=self.resamples)
        advance.by(1)
        rows = [*self._means(features, people), *_distances(scores)]
        test = None
        if critic:
            test = self._two_sample(mine, left_out, advance)
            rows.append(_row("critic", "", "auc", test.auc, self._of_people(left_out, len(mine), advance).auc))
        tunes = {figure: features.figures[:, column] for column, figure in enumerate(FIGURES)}
        if self.index is not None:
            found, of_tunes = _originality(melodies, self.index, self.seed)
            rows, tunes = [*rows, *found], tunes | of_tunes
        advance.to_end()
        return SetComparison(
            name, len(melodies), sizes["compared"], sizes["reference"], left_out, tuple(rows), test, tunes
        )

    def _features(self, left_out: frozenset[str]) -> Features:
        if left_out not in self._human_features:
            self._human_features[left_out] = features_of(without(self.people, left_out))
        return self._human_features[left_out]

    def _means(self, features: Features, people: Features) -> Iterator[ScoreRow]:
        random = np.random.default_rng(self.seed)
        for column, name in enumerate(FIGURES):
            mine, theirs = features.figures[:, column], people.figures[:, column]
            yield _row("figures", name, "mean", bootstrap_mean(mine, resamples=DRAWS), _band(theirs, len(mine), random))

    def _two_sample(self, mine: Sequence[Melody], left_out: frozenset[str], advance: _Advance) -> TwoSampleTest:
        reference, _ = self._halves(left_out)
        return two_sample(reference, mine, self.seed, pairs=self.pairs, progress=lambda done, total: advance.by(1))

    def _of_people(self, left_out: frozenset[str], size: int, advance: _Advance) -> TwoSampleTest:
        reference, others = self._halves(left_out)
        size = min(size, len(others))
        if (left_out, size) not in self._human_tests:
            self._human_tests[left_out, size] = two_sample(
                reference, others[:size], self.seed, pairs=self.pairs, progress=lambda done, total: advance.by(1)
            )
        return self._human_tests[left_out, size]

    def _halves(self, left_out: frozenset[str]) -> tuple[list[Melody], list[Melody]]:
        people = without(self.people, left_out)
        one, other = distribution.halves(len(people), self.seed)
        return [people[n] for n in one.tolist()], [people[n] for n in other.tolist()]


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


def _row(group: str, name: str, metric: str, mine: Interval, people: Interval) -> ScoreRow:
    return ScoreRow(group, name, metric, mine.value, mine.low, mine.high, people.value, people.low, people.high)


def _band(values: Floats, size: int, random: np.random.Generator) -> Interval:
    """The mean of human values, and the band of the means of `size` of them, whose own mean is uncertain too."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return UNKNOWN
    drawn = [random.choice(known, (DRAWS, count)).mean(axis=1) for count in (size, len(known))]
    mean = float(known.mean())
    low, high = np.quantile(drawn[0] - drawn[1] + mean, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), float(drawn[0].std()))


def _distances(scores: dict[tuple[str, str, str], distribution.ReferenceDistance]) -> Iterator[ScoreRow]:
    return (_row(*place, score.melodies, score.people) for place, score in scores.items())


def _originality(melodies: Sequence[Melody], index: Index, seed: int) -> tuple[list[ScoreRow], dict[str, Floats]]:
    rows: list[ScoreRow] = []
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
