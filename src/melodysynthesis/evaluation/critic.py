"""Can a critic tell generated melodies from human ones? A classifier two-sample test on melodies of equal length.

Conventions
-----------
Input: two sets of melodies. Quantity: area under the ROC curve (AUC), the chance that the critic takes a human melody
    for more human than a generated one: 0.5 if it guesses, 1 if it always knows. Lopez-Paz and Oquab, "Revisiting
    Classifier Two-Sample Tests" (ICLR 2017, arXiv 1610.06545); the AUC in place of their accuracy needs no threshold.
Input of the critic
    The figures and profiles of `evaluation.features`: intervals, degrees and durations in pairs and triples, metric
    positions, bars, phrases, cadences, forms, repetition; all relative to the key. The log odds of two classifiers are
    added: logistic regression on the profiles, randomised trees on the figures.
    With `by` "tokens" another critic looks, which shares no feature with the first: logistic regression on runs of one
    to three tokens of the encoding `event`, those of the notes. Where the first finds a gain and this one none, the
    gain is in what the first looks at.
What is kept from it
    Length: each generated melody is paired with a human one whose number of notes differs by at most `TOLERANCE`; a
    melody without a partner is left out. Notation: what only one set encodes, such as meters
    (`evaluation.common_fields`).
Cross-validation
    In `FOLDS` parts, `REPEATS` times; scores are compared within a part only. A tune family (`corpora.families`) stays
    in one part, whichever set its melodies are of, so that knowing a tune by heart is no help. But a family of more
    than `LARGEST` generated melodies is split up: a model that always writes the same shall be recognised by that.
Intervals
    Of 95 %, by drawing families with replacement (seeded), and widened by the root of 1 + folds / (folds - 1), since
    parts were trained on nearly the same melodies: Nadeau and Bengio, "Inference for the Generalization Error" (Machine
    Learning 52, 2003). NaN where fewer than `FEWEST` pairs are left.

Needs scikit-learn: ``pip install 'melodysynthesis[judge]'``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora.families import find_families
from melodysynthesis.corpora.run_index import NoteRuns
from melodysynthesis.encodings.event import EventEncoding
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.common_fields import unsaid, without
from melodysynthesis.evaluation.features import FIGURES, PROFILES, Features, features_of
from melodysynthesis.evaluation.statistics import UNKNOWN, Interval, auc, interval_of
from melodysynthesis.music import Melody

PAIRS = 500
"""Most pairs that are compared: more make the interval little narrower and cost time."""
FEWEST = 10
TOLERANCE = 0.1
FOLDS, REPEATS = 5, 2
CRITIC_RESAMPLES = 1000
WIDER = (1 + FOLDS / (FOLDS - 1)) ** 0.5
"""Factor of the intervals; see the conventions."""
LARGEST = 20
"""The largest family of German tunes has 19."""
HASHED = 2**18
TREES = 200
SURE = 1e-3
"""Trees are never surer than this: a probability of 0 or 1 would silence the other classifier."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TellingFeature:
    """A figure, and the chance (`higher`) that it is higher in a generated melody than in a human one."""

    name: str
    higher: Interval


@dataclass(frozen=True, slots=True)
class TwoSampleTest:
    """Result of `two_sample`.

    Attributes:
        auc: of the critic.
        pairs: melodies of each set that were compared.
        clues: all figures, those that differ most first.
    """

    auc: Interval
    pairs: int
    clues: tuple[TellingFeature, ...]


class _TrainedCritic:
    """Two classifiers that were trained to tell human from generated melodies."""

    def __init__(self, seed: int, material: _Material, human: NDArray[np.bool_]) -> None:
        self._linear, self._trees = _classifiers(seed)
        self._linear.fit(material.counts, human)
        if material.figures.shape[1]:
            self._trees.fit(material.figures, human)

    def log_odds(self, material: _Material) -> Floats:
        """(melodies,) log odds that each melody is human."""
        linear = np.asarray(self._linear.decision_function(material.counts))
        if not material.figures.shape[1]:
            return linear
        share = np.clip(self._trees.predict_proba(material.figures)[:, 1], SURE, 1 - SURE)
        return np.asarray(linear + np.log(share / (1 - share)))


def two_sample(
    real: Sequence[Melody],
    generated: Sequence[Melody],
    seed: int = 0,
    *,
    pairs: int = PAIRS,
    by: Literal["features", "tokens"] = "features",
    progress: Progress | None = None,
) -> TwoSampleTest:
    """How well a critic tells two sets apart by cross-validation; see the conventions.

    Args:
        real: human melodies that the model was not trained on.
        generated: the model's melodies, or other human ones.
        seed: of the pairing, the parts, the classifiers and the interval.
        pairs: most pairs that are compared.
        by: what the critic looks at; see the conventions.
        progress: called with the number of critics trained and of all.

    Raises:
        RequestError: if scikit-learn is not installed.
    """
    _classifiers(seed)  # complains at once
    chosen = _paired(real, generated, seed, pairs)
    if len(chosen) < FEWEST:
        return TwoSampleTest(UNKNOWN, len(chosen), ())
    both = [*(real[n] for n in chosen[:, 0]), *(generated[n] for n in chosen[:, 1])]
    comparable, half = without(both, unsaid(real, generated)), len(chosen)
    features = features_of(comparable)
    material = _material(features) if by == "features" else _token_material(comparable)
    families = _families(both, half)
    wins, compared = np.zeros((half, half)), np.zeros((half, half))
    for repeat in range(REPEATS):
        parts = _parts(families, half, seed + repeat)
        scores = np.zeros(2 * half)
        for part in range(FOLDS):
            inside = parts == part
            critic = _TrainedCritic(seed + repeat, material.take(~inside), np.flatnonzero(~inside) < half)
            scores[inside] = critic.log_odds(material.take(inside))
            if progress:
                progress(FOLDS * repeat + part + 1, FOLDS * REPEATS)
        together = (parts[:half, None] == parts[half:]).astype(np.float64)
        wins += together * _wins(scores[:half], scores[half:])
        compared += together
    return TwoSampleTest(_interval(wins, compared, families, seed), half, _clues(features, half))


def _paired(real: Sequence[Melody], generated: Sequence[Melody], seed: int, most: int) -> Ints:
    """(pairs, 2) numbers of a real and a generated melody of about as many notes, at most one pair for each."""
    random = np.random.default_rng(seed)
    free = random.permutation(len(real)).tolist()
    free.sort(key=lambda number: len(real[number]))
    sizes = [len(real[number]) for number in free]
    pairs: list[tuple[int, int]] = []
    for number in random.permutation(len(generated)).tolist():
        size = len(generated[number])
        at = bisect_left(sizes, size)
        nearest = min((n for n in (at - 1, at) if 0 <= n < len(sizes)), key=lambda n: abs(sizes[n] - size), default=-1)
        if size and nearest >= 0 and abs(sizes[nearest] - size) <= TOLERANCE * size:
            pairs.append((free.pop(nearest), number))
            sizes.pop(nearest)
        if len(pairs) == most:
            break
    return np.array(pairs, np.int64).reshape(-1, 2)


def _families(both: Sequence[Melody], half: int) -> Ints:
    """(melodies,) number of each melody's family."""
    first = np.concatenate([[0], np.cumsum([len(melody) for melody in both])]).astype(np.int64)
    pitches = np.array([pitch for melody in both for pitch in melody.pitches], np.uint8)
    found = find_families(NoteRuns(first, pitches)).astype(np.int64)
    # a family is named by its first melody, so one of generated melodies alone by one of the second half
    alone = (found >= half) & (np.bincount(found, minlength=len(both))[found] > LARGEST)
    return np.where(alone, np.arange(len(both)), found)


def _parts(families: Ints, half: int, seed: int) -> Ints:
    """(melodies,) the part of each melody: whole families, about as many of each set in every part."""
    random = np.random.default_rng(seed)
    names, members = np.unique(families, return_inverse=True)
    of_set = np.stack([np.bincount(each, minlength=len(names)) for each in (members[:half], members[half:])])
    order = random.permutation(len(names))
    order = order[np.argsort(-of_set.sum(axis=0)[order], kind="stable")]  # the largest first, into the emptiest part
    part_of, load = np.zeros(len(names), np.int64), np.zeros((2, FOLDS))
    for family in order.tolist():
        mine = of_set[:, family]
        fullness = (load * (mine > 0)[:, None]).sum(axis=0)
        part_of[family] = np.argmin(fullness)
        load[:, part_of[family]] += mine
    return part_of[members]


@dataclass(frozen=True, slots=True)
class _Material:
    """Inputs of the classifiers: hashed profiles (melodies, HASHED), sparse, and figures (melodies, figures)."""

    counts: Any
    figures: Floats

    def take(self, chosen: NDArray[np.bool_]) -> _Material:
        return _Material(self.counts[chosen], self.figures[chosen])


def _material(features: Features) -> _Material:
    from sklearn.feature_extraction import FeatureHasher

    shown = [column for column, name in enumerate(FIGURES) if name != "Notes"]  # pairs are matched by their notes
    words = (_words(features, number) for number in range(len(features)))
    return _Material(FeatureHasher(HASHED).transform(words), features.figures[:, shown])


def _token_material(melodies: Sequence[Melody]) -> _Material:
    """Runs of one to three tokens, as weights of words; no figures."""
    from sklearn.feature_extraction import FeatureHasher

    encoding = EventEncoding()
    words = []
    for melody in melodies:
        ids = encoding.body(melody).tolist()
        counted = Counter(tuple(ids[at : at + size]) for size in (1, 2, 3) for at in range(len(ids) - size + 1))
        weights = np.log1p(np.array(list(counted.values()), np.float64))
        weights /= np.linalg.norm(weights) or 1.0
        words.append({str(run): weight for run, weight in zip(counted, weights.tolist(), strict=True)})
    return _Material(FeatureHasher(HASHED).transform(words), np.zeros((len(melodies), 0)))


def _words(features: Features, number: int) -> dict[str, float]:
    """The profiles of a melody as weights of words: logarithmic counts, each profile of length 1."""
    words: dict[str, float] = {}
    for name in PROFILES:
        counted = features.profiles[name][number]
        weights = np.log1p(np.array(list(counted.values()), np.float64))
        weights /= np.linalg.norm(weights) or 1.0
        words |= {f"{name}={thing}": weight for thing, weight in zip(counted, weights.tolist(), strict=True)}
    return words


def _classifiers(seed: int) -> tuple[Any, Any]:
    try:
        from sklearn.ensemble import ExtraTreesClassifier
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        reason = "the critic needs scikit-learn, which is not installed: pip install 'melodysynthesis[judge]'"
        raise RequestError(reason) from None
    linear = LogisticRegression(C=1.0, solver="liblinear", dual=True, max_iter=300, random_state=seed)
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=3, max_features=0.3, random_state=seed)
    return linear, trees


def _wins(real: Floats, generated: Floats) -> Floats:
    """(real, generated) 1 where the real one scores higher, a half where both score the same."""
    apart = real[:, None] - generated
    return np.asarray((np.sign(apart) + 1) / 2)


def _interval(wins: Floats, compared: Floats, families: Ints, seed: int) -> Interval:
    names, members = np.unique(families, return_inverse=True)
    random, half = np.random.default_rng(seed), len(wins)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), CRITIC_RESAMPLES)
    times = drawn[:, members].astype(np.float64)
    mine, theirs = times[:, :half], times[:, half:]
    pairs = ((mine @ compared) * theirs).sum(axis=1)
    value = float(wins.sum() / compared.sum())
    apart = ((mine @ wins) * theirs).sum(axis=1)[pairs > 0] / pairs[pairs > 0] - value
    found = interval_of(value, value + WIDER * apart)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def _clues(features: Features, half: int) -> tuple[TellingFeature, ...]:
    clues = []
    for column, name in enumerate(FIGURES):
        values = features.figures[:, column]
        real, generated = values[:half], values[half:]
        clues.append(TellingFeature(name, auc(generated[~np.isnan(generated)], real[~np.isnan(real)])))
    known = [clue for clue in clues if not np.isnan(clue.higher.value)]
    return tuple(sorted(known, key=lambda clue: -abs(clue.higher.value - 0.5)))
