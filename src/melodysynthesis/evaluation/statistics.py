"""Intervals and comparisons, over tunes: tokens of one tune are not independent, tunes nearly are.

Conventions
-----------
Input: one value, or one sum, a melody. Unit: of the values. Intervals over several trainings are in `hierarchical`.

A difference is a `Comparison`: the difference with its 95 % interval, the size of the effect with its interval, and p,
never p alone. All are free of assumptions on the distribution:

====================  =====================================  ===========================================================
                      paired: the same tunes by two models   two sets of melodies
====================  =====================================  ===========================================================
difference            of the means (or ratios of sums)       of the means
effect                Cohen's d of the differences           Cliff's delta: chance to be higher less chance to be lower
p                     signs of differences drawn at random   melodies dealt to the sets at random
interval              percentile bootstrap over tunes        percentile bootstrap within each set
====================  =====================================  ===========================================================

p counts the observed arrangement as one of the draws, so it is never 0 (Phipson and Smyth 2010). `corrected` adjusts
the p values of several comparisons together by Holm's method (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its percentile interval and standard error, all in the unit of `value`.

    With a single tune nothing is known of the spread: `low`, `high` and `error` are NaN.
    """

    value: float
    low: float
    high: float
    error: float

    def figures(self) -> dict[str, float]:
        """Value, low, high and standard error by name."""
        return {"value": self.value, "low": self.low, "high": self.high, "standard error": self.error}

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


UNKNOWN = Interval(*[float("nan")] * 4)


def bootstrap_ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """The ratio of two sums over tunes, such as bits over notes, with its percentile bootstrap interval.

    The tunes are drawn with replacement and both sums are taken over the same draw (ratio estimator; Efron
    and Tibshirani 1993, chapters 6 and 13). NaN where the denominators add up to zero.

    Args:
        numerators: (tunes,) sum of each tune.
        denominators: (tunes,) likewise.
        resamples: how often the tunes are drawn.
        level: of the interval.
        seed: of the draws; the same seed gives the same interval.
    """
    above, below = np.asarray(numerators, float), np.asarray(denominators, float)
    if below.sum() == 0:
        return UNKNOWN
    value = float(above.sum() / below.sum())
    if len(above) == 1:
        return Interval(value, *[float("nan")] * 3)
    draws = _draws(above, below, resamples, np.random.default_rng(seed))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), float(draws.std(ddof=1)))


def interval_of(value: float, draws: NDArray[np.float64], level: float = LEVEL) -> Interval:
    """The percentile interval of a value by its bootstrap draws; NaN where fewer than two are finite."""
    known = draws[np.isfinite(draws)]
    if len(known) < 2:
        return Interval(value, *[float("nan")] * 3)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), float(known.std(ddof=1)))


def bootstrap_mean(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of values (melodies,), those that are NaN left out; NaN where none is known."""
    known = _known(values)
    return bootstrap_ratio(known, np.ones(len(known)), resamples=resamples, seed=seed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two models, or two sets, differ by.

    Attributes:
        difference: the first less the second.
        effect: its size without a unit.
        measure: ``"Cohen's d"`` or ``"Cliff's delta"``.
        p: chance of a difference at least as large if there were none, two-sided; after `corrected` adjusted.
        count: of pairs, or of melodies in both sets.
        comparisons: how many p is corrected for.
    """

    difference: Interval
    effect: Interval
    measure: str
    p: float
    count: int
    comparisons: int = 1

    def figures(self) -> dict[str, Any]:
        """For JSON: difference and effect as value, low, high and standard error."""
        return {
            "difference": self.difference.figures(),
            "effect": self.effect.figures(),
            "measure": self.measure,
            "p": self.p,
            "count": self.count,
            "comparisons": self.comparisons,
        }

    def __str__(self) -> str:
        among = f", corrected for {self.comparisons} comparisons" if self.comparisons > 1 else ""
        return f"{self.difference}, {self.measure} {self.effect}, p {_p_text(self.p)}{among}"


def compare_paired(
    one: ArrayLike, other: ArrayLike, weights: ArrayLike | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Two models on the same tunes.

    Args:
        one: (tunes,) value of each tune by the first model, such as bits; or a row a seed, (seeds, tunes), which is
            averaged: the interval is then of tunes only; `hierarchical.compare_over_seeds` counts seeds too.
        other: (tunes,) likewise by the second.
        weights: (tunes,) what the values are sums over, such as notes: the difference is then of ratios of sums.
        resamples: draws of tunes, and of signs.
        seed: of the draws.
    """
    a, b = (np.asarray(each, float) for each in (one, other))
    a, b = (each.mean(axis=0) if each.ndim == 2 else each for each in (a, b))
    over = np.ones(len(a)) if weights is None else np.asarray(weights, float)
    known = np.isfinite(a) & np.isfinite(b) & (over > 0)
    apart, over = (a - b)[known], over[known]
    if not len(apart):
        return Comparison(UNKNOWN, UNKNOWN, "Cohen's d", float("nan"), 0)
    random = np.random.default_rng(seed)
    drawn = drawn_weights(len(apart), resamples, random)
    per_unit = apart / over
    effect = interval_of(_cohen(per_unit, np.ones((1, len(apart))))[0], _cohen(per_unit, drawn))
    difference = interval_of(float(apart.sum() / over.sum()), drawn @ apart / (drawn @ over))
    signs = random.choice([-1.0, 1.0], (resamples, len(apart)))
    p = _share_at_least(np.abs(signs @ apart), abs(apart.sum()))
    if len(apart) == 1:
        difference, effect = (replace(each, low=np.nan, high=np.nan, error=np.nan) for each in (difference, effect))
    return Comparison(difference, effect, "Cohen's d", p, len(apart))


def compare_sets(one: ArrayLike, other: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """A figure of two sets of melodies, (melodies,) each; what is NaN is left out."""
    a, b = _known(one), _known(other)
    if not len(a) or not len(b):
        return Comparison(UNKNOWN, UNKNOWN, "Cliff's delta", float("nan"), len(a) + len(b))
    random = np.random.default_rng(seed)
    means = [drawn_weights(len(each), resamples, random) @ each / len(each) for each in (a, b)]
    both, observed = np.concatenate([a, b]), float(a.mean() - b.mean())
    dealt = np.array([random.permutation(both)[: len(a)].mean() for _ in range(resamples)])
    p = _share_at_least(np.abs(dealt - (both.sum() - dealt * len(a)) / len(b)), abs(observed))
    difference = interval_of(observed, means[0] - means[1])
    if min(len(a), len(b)) == 1:
        difference = replace(difference, low=np.nan, high=np.nan, error=np.nan)
    return Comparison(difference, _delta(auc(a, b)), "Cliff's delta", p, len(both))


Name = TypeVar("Name")


def corrected(comparisons: Mapping[Name, Comparison]) -> dict[Name, Comparison]:
    """The comparisons of one table, p adjusted for their number by Holm's method; those without p are not counted."""
    known = {name: each.p for name, each in comparisons.items() if np.isfinite(each.p)}
    adjusted = dict(zip(known, holm(list(known.values())).tolist(), strict=True))
    return {
        name: replace(each, p=adjusted[name], comparisons=len(known)) if name in adjusted else each
        for name, each in comparisons.items()
    }


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """(tests,) p values adjusted for their number: at least as large, in the same order."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def auc(one: ArrayLike, other: ArrayLike, level: float = LEVEL) -> Interval:
    """The chance that a value of one set is higher than one of the other, equal ones counted half.

    The area under the ROC curve, with the interval of DeLong et al. (Biometrics 44, 1988), kept within 0 to 1. NaN
    where a set is empty; without an interval where one has a single value.
    """
    a, b = np.asarray(one, float), np.asarray(other, float)
    if not len(a) or not len(b):
        return UNKNOWN
    above = (_rank(b, a) + _rank(b, a, "right")) / (2 * len(b))  # of each of one, the share of the other below it
    below = 1 - (_rank(a, b) + _rank(a, b, "right")) / (2 * len(a))
    value = float(above.mean())
    if min(len(a), len(b)) == 1:
        return Interval(value, *[float("nan")] * 3)
    error = float(np.sqrt(above.var(ddof=1) / len(a) + below.var(ddof=1) / len(b)))
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    return Interval(value, max(value - reach, 0.0), min(value + reach, 1.0), error)


def _rank(values: NDArray[np.float64], of: NDArray[np.float64], side: Any = "left") -> NDArray[np.float64]:
    return np.asarray(np.searchsorted(np.sort(values), of, side), np.float64)


def _delta(chance: Interval) -> Interval:
    return Interval(2 * chance.value - 1, 2 * chance.low - 1, 2 * chance.high - 1, 2 * chance.error)


def _cohen(apart: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) mean over deviation of differences (tunes,), for weights (draws, tunes); 0 where all are 0."""
    total = weights.sum(axis=1)
    mean = weights @ apart / total
    spread = np.sqrt(np.maximum(weights @ apart**2 / total - mean**2, 0) * len(apart) / max(len(apart) - 1, 1))
    effect = mean / np.where(spread > 0, spread, 1)
    return np.asarray(np.where(spread > 0, effect, np.where(mean == 0, 0.0, np.nan)))


def drawn_weights(size: int, draws: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(draws, size) how often each of so many is drawn with replacement."""
    return np.asarray(random.multinomial(size, np.full(size, 1 / size), draws), np.float64)


def _share_at_least(drawn: NDArray[np.float64], observed: float) -> float:
    return float((1 + np.count_nonzero(drawn >= observed - 1e-12)) / (1 + len(drawn)))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, float)
    return np.asarray(array[np.isfinite(array)])


def _p_text(p: float) -> str:
    return f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _draws(
    above: NDArray[np.float64], below: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    ratios: list[NDArray[np.float64]] = []
    rows = max(1, 2_000_000 // len(above))  # so that the drawn indices stay within some megabytes
    for start in range(0, resamples, rows):
        chosen = generator.integers(0, len(above), (min(rows, resamples - start), len(above)))
        totals = below[chosen].sum(axis=1)
        ratios.append((above[chosen].sum(axis=1) / np.where(totals, totals, np.nan))[totals > 0])
    return np.concatenate(ratios)
