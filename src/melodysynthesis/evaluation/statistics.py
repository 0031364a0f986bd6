"""Intervals by bootstrap over tunes: tokens of one tune are not independent, tunes nearly are."""

from __future__ import annotations

from dataclasses import dataclass

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
        return Interval(*[float("nan")] * 4)
    value = float(above.sum() / below.sum())
    if len(above) == 1:
        return Interval(value, *[float("nan")] * 3)
    draws = _draws(above, below, resamples, np.random.default_rng(seed))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), float(draws.std(ddof=1)))


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
