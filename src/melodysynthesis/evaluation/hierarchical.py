"""Intervals over trainings and tunes together: what another training, on other tunes, may give.

Conventions
-----------
Input: values of several trainings of a model, which differ in their seed. Unit: of the values.

The variance of a mean is the sum of independent parts: that of the seeds, estimated from as many values as there are
seeds, and that of the tunes, estimated from many. An interval is the value plus and minus Student's t times the root of
the sum. The degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946): near two where three seeds make up
most of the variance, large where the tunes do. p is two-sided, of the same t. Of one seed the seeds' part is not known
and left out: such an interval is of tunes only.

Variances over tunes of ratios of sums are linearised (Cochran, Sampling Techniques, 1977, chapter 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf, isfinite, lgamma, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.evaluation.statistics import LEVEL, UNKNOWN, Comparison, Interval, compare_paired

Floats = NDArray[np.float64]
_NEARLY_NORMAL = 1e6
"""Degrees of freedom from which on Student's distribution is taken as normal."""


class VariancePart(NamedTuple):
    """A part of the variance of a mean, and the degrees of freedom that it was estimated with."""

    variance: float
    freedom: float


def freedom_of(parts: Sequence[VariancePart]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances; infinite where all are 0."""
    total = sum(part.variance for part in parts)
    below = sum(part.variance**2 / part.freedom for part in parts if part.freedom > 0)
    return total**2 / below if below > 0 else inf


def interval(value: float, parts: Sequence[VariancePart], level: float = LEVEL) -> Interval:
    """A value with its interval by Student's t; without parts nothing is known of the spread."""
    if not parts:
        return Interval(value, *[float("nan")] * 3)
    error = sqrt(sum(part.variance for part in parts))
    reach = student_quantile((1 + level) / 2, freedom_of(parts)) * error
    return Interval(value, value - reach, value + reach, error)


def p_value(value: float, parts: Sequence[VariancePart]) -> float:
    """Chance of a value at least as far from 0 if its expectation were 0; NaN without parts."""
    error = sqrt(sum(part.variance for part in parts))
    if not parts or error == 0:
        return float("nan") if not parts or value == 0 else 0.0
    return 2 * (1 - student_share(abs(value) / error, freedom_of(parts)))


def seeds_part(values: Sequence[float]) -> list[VariancePart]:
    """The seeds' part of the variance of their mean; nothing for one seed."""
    known = np.asarray(values, float)
    return [VariancePart(float(known.var(ddof=1)) / len(known), len(known) - 1)] if len(known) > 1 else []


def tunes_part(above: Floats, below: Floats) -> list[VariancePart]:
    """The tunes' part of the variance of a ratio of sums over tunes, (tunes,) each; nothing for one tune."""
    if len(above) < 2 or below.sum() == 0:
        return []
    apart = above - above.sum() / below.sum() * below
    return [VariancePart(float(apart @ apart) / below.sum() ** 2 * len(above) / (len(above) - 1), len(above) - 1)]


def ratio_over_seeds(above: Floats, below: Floats) -> Interval:
    """The mean over seeds of the ratio of two sums over tunes that are the same for each seed, such as bits over notes.

    Args:
        above: (seeds, tunes)
        below: (seeds, tunes)
    """
    if not above.size or not below.sum(axis=1).all():
        return UNKNOWN
    ratios = above.sum(axis=1) / below.sum(axis=1)
    parts = [*seeds_part(ratios.tolist()), *tunes_part(above.mean(axis=0), below.mean(axis=0))]
    return interval(float(ratios.mean()), parts)


def mean_over_seeds(values: Sequence[Floats]) -> Interval:
    """The mean over seeds of the means of each seed's own melodies, (melodies,) each.

    The means of seeds differ by their melodies, too: what they differ by more is the seeds' part.
    """
    found = [each for each in values if len(each)]
    if not found:
        return UNKNOWN
    means = [float(each.mean()) for each in found]
    within = [part.variance for each in found for part in tunes_part(each, np.ones(len(each)))]
    parts = [VariancePart(sum(within) / len(found) ** 2, sum(map(len, found)) - len(found))] if within else []
    for seeds in seeds_part(means):
        extra = seeds.variance - (parts[0].variance if parts else 0.0)
        parts.append(VariancePart(max(extra, 0.0), seeds.freedom))
    return interval(float(np.mean(means)), parts)


def score_over_seeds(scores: Sequence[tuple[float, float, float]]) -> Interval:
    """The mean of scores of whole sets, a value with both ends of its interval for each seed.

    What seeds share, such as the human melodies, does not average out: each half of the interval is the mean of the
    seeds' own, widened by what their values differ by beyond it.
    """
    if not scores:
        return UNKNOWN
    value, low, high = np.array(scores).mean(axis=0).tolist()
    halves = [value - low, high - value]
    for seeds in seeds_part([score[0] for score in scores]):
        reach = student_quantile((1 + LEVEL) / 2, seeds.freedom)
        normal = NormalDist().inv_cdf((1 + LEVEL) / 2)
        halves = [
            sqrt(half**2 + reach**2 * max(seeds.variance - (half / normal) ** 2, 0.0)) if isfinite(half) else half
            for half in halves
        ]
    return Interval(value, value - halves[0], value + halves[1], float("nan"))


def compare_over_seeds(one: Floats, other: Floats, weights: Floats) -> tuple[Comparison, float]:
    """Two models on the same tunes, each trained with several seeds; and the seeds' share of the difference's variance.

    Args:
        one: (seeds, tunes) values by the first model, such as bits; NaN for a tune that it can't represent.
        other: (seeds, tunes) likewise by the second, with seeds of its own.
        weights: (tunes,) what the values are sums over, such as notes.
    """
    plain = compare_paired(one.mean(axis=0), other.mean(axis=0), weights)
    known = np.isfinite(one).all(axis=0) & np.isfinite(other).all(axis=0) & (weights > 0)
    if not known.any():
        return plain, float("nan")
    below = weights[known]
    of_seeds = [
        *seeds_part((one[:, known].sum(axis=1) / below.sum()).tolist()),
        *seeds_part((other[:, known].sum(axis=1) / below.sum()).tolist()),
    ]
    parts = [*of_seeds, *tunes_part((one.mean(axis=0) - other.mean(axis=0))[known], below)]
    difference = interval(plain.difference.value, parts)
    total = sum(part.variance for part in parts)
    share = sum(part.variance for part in of_seeds) / total if total > 0 else 0.0
    return replace(plain, difference=difference, p=p_value(difference.value, parts)), share


def student_share(t: float, freedom: float) -> float:
    """The share of Student's distribution below t."""
    if freedom >= _NEARLY_NORMAL:
        return NormalDist().cdf(t)
    tail = 0.5 * _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)
    return 1 - tail if t >= 0 else tail


def student_quantile(share: float, freedom: float) -> float:
    """The t below which a share, at least a half, of Student's distribution lies."""
    if freedom >= _NEARLY_NORMAL:
        return NormalDist().inv_cdf(share)
    low, high = 0.0, 1.0
    while student_share(high, freedom) < share:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_share(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    value = 1.0
    for n in range(200, 0, -1):
        half, odd = divmod(n, 2)
        top = -(a + half) * (a + b + half) if odd else half * (b - half)
        value = 1 + top * x / ((a + n - 1) * (a + n)) / value
    return front / value
