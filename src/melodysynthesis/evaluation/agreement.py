"""How far raters agree: Krippendorff's alpha.

Conventions
-----------
Input: (units, raters) values, NaN where a rater has not judged a unit. Unit: none; 1 where all agree, 0 where they
agree as often as by chance, less where they contradict each other.

Only units with two values or more count for agreement; the others are left out. With one value in all of them,
agreement is undefined, and alpha is NaN.

Source: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections C to E.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melodysynthesis.evaluation.statistics import RESAMPLES, UNKNOWN, Interval, drawn_weights, interval_of

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval"]
"""What a difference of two values is: that they differ, how many values lie between them, or their distance."""


def krippendorff(values: ArrayLike, level: Level = "ordinal", *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Alpha with its percentile bootstrap interval over units.

    Raters can't be drawn: one that is drawn twice would agree with itself.

    Args:
        values: (units, raters), NaN where there is none.
        level: of measurement.
        resamples: how often the units are drawn.
        seed: of the draws.
    """
    table = np.asarray(values, float)
    known = table[np.isfinite(table).sum(axis=1) >= 2] if table.size else np.empty((0, 0))
    if not len(known):
        return UNKNOWN
    scale = np.unique(known[np.isfinite(known)])
    counts = (known[:, :, None] == scale).sum(axis=1).astype(float)  # (units, values)
    of_units = _coincidences(counts).reshape(len(counts), -1)
    drawn = drawn_weights(len(counts), resamples, np.random.default_rng(seed))
    shape = (-1, len(scale), len(scale))
    value = _alpha(of_units.sum(axis=0).reshape(shape), scale, level)[0]
    return interval_of(float(value), _alpha((drawn @ of_units).reshape(shape), scale, level))


def agreement_of_choices(
    units: Iterable[Mapping[str, float]], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Alpha of choices between two: 1 for the first, -1 for the second, 0 for neither.

    Each unit counts in both directions, so that it makes no difference which of the two is called the first.

    Args:
        units: for each pair the choice of each rater, by any names.
        resamples: how often the pairs are drawn.
        seed: of the draws.
    """
    chosen = [list(unit.values()) for unit in units if len(unit) >= 2]
    if not chosen:
        return UNKNOWN
    scale = np.array([-1.0, 0.0, 1.0])
    counts = np.array([[row.count(value) for value in scale] for row in chosen], float)
    of_units = (_coincidences(counts) + _coincidences(counts[:, ::-1])).reshape(len(counts), -1)
    drawn = drawn_weights(len(counts), resamples, np.random.default_rng(seed))
    value = _alpha(of_units.sum(axis=0).reshape(1, 3, 3), scale, "interval")[0]
    return interval_of(float(value), _alpha((drawn @ of_units).reshape(-1, 3, 3), scale, "interval"))


def by_unit(judgements: Sequence[tuple[str, str, float]]) -> Floats:
    """(units, raters) a table of judgements, each a unit, a rater and a value; of several the mean; NaN where none."""
    units = {unit: row for row, unit in enumerate(dict.fromkeys(unit for unit, _, _ in judgements))}
    raters = {rater: column for column, rater in enumerate(dict.fromkeys(rater for _, rater, _ in judgements))}
    totals, counts = np.zeros((2, len(units), len(raters)))
    for unit, rater, value in judgements:
        totals[units[unit], raters[rater]] += value
        counts[units[unit], raters[rater]] += 1
    return np.asarray(np.where(counts > 0, totals / np.where(counts, counts, 1), np.nan))


def _coincidences(counts: Floats) -> Floats:
    """(units, values, values) how often two values meet in each unit, which weighs as many as it has values."""
    pairs = counts[:, :, None] * counts[:, None, :]
    np.einsum("uvv->uv", pairs)[...] -= counts  # no value is compared with itself
    return np.asarray(pairs / (counts.sum(axis=1) - 1)[:, None, None])


def _alpha(coincidences: Floats, scale: Floats, level: Level) -> Floats:
    """(draws,) alpha for coincidences (draws, values, values) of values (values,)."""
    totals = coincidences.sum(axis=2)
    apart = _distances(totals, scale, level)
    observed = (coincidences * apart).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * apart).sum(axis=(1, 2))
    number = totals.sum(axis=1)
    return np.asarray(np.where(expected > 0, 1 - (number - 1) * observed / np.where(expected > 0, expected, 1), np.nan))


def _distances(totals: Floats, scale: Floats, level: Level) -> Floats:
    """(draws, values, values) squared differences between values; for ordinal ones by the number of each value."""
    if level == "nominal":
        return np.asarray(scale[:, None] != scale, np.float64)[None]
    if level == "interval":
        return np.asarray((scale[:, None] - scale) ** 2)[None]
    middle = totals.cumsum(axis=1) - totals / 2  # how many are below, and half of its own
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
