"""Intervals over seeds and tunes: they hold as often as they say, and reduce to known cases."""

import math

import numpy as np
import pytest

from melodysynthesis.evaluation.hierarchical import (
    VariancePart,
    compare_over_seeds,
    freedom_of,
    interval,
    mean_over_seeds,
    p_value,
    ratio_over_seeds,
    score_over_seeds,
    student_quantile,
    student_share,
)
from melodysynthesis.evaluation.statistics import bootstrap_ratio


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062), (2, 4.30265), (2.5, 3.57465), (5, 2.57058), (30, 2.04227), (1e9, 1.95996)]
)
def test_students_t_is_that_of_the_tables(freedom, t):
    assert student_quantile(0.975, freedom) == pytest.approx(t, rel=1e-5)
    assert student_share(t, freedom) == pytest.approx(0.975, abs=1e-6)
    assert student_share(-t, freedom) == pytest.approx(0.025, abs=1e-6)


def test_one_part_is_the_ordinary_interval():
    found = interval(1.0, [VariancePart(0.04, 2)])
    assert (found.low, found.high) == pytest.approx((1 - 4.30265 * 0.2, 1 + 4.30265 * 0.2), rel=1e-4)
    assert p_value(4.30265 * 0.2, [VariancePart(0.04, 2)]) == pytest.approx(0.05, rel=1e-4)
    assert freedom_of([VariancePart(1, 2), VariancePart(1, 2)]) == 4
    assert math.isnan(interval(1.0, []).low)
    assert math.isnan(p_value(1.0, []))


def test_one_seed_is_the_interval_over_tunes():
    random = np.random.default_rng(1)
    notes = random.integers(20, 80, 400).astype(float)
    bits = notes * random.normal(3, 0.5, 400)
    plain, found = bootstrap_ratio(bits, notes), ratio_over_seeds(bits[None], notes[None])
    assert found.value == pytest.approx(plain.value)
    assert found.error == pytest.approx(plain.error, rel=0.1)


def test_an_interval_over_three_seeds_holds_as_often_as_it_says():
    """Both models have the same expectation; their seeds differ by more than their tunes."""
    random = np.random.default_rng(2)
    held = narrow = 0
    for _ in range(400):
        tunes, notes = random.normal(3, 0.5, 60), np.full(60, 1.0)
        one, other = (tunes + random.normal(0, 0.2, (3, 1)) + random.normal(0, 0.1, (3, 60)) for _ in range(2))
        found, share = compare_over_seeds(one, other, notes)
        held += found.difference.low <= 0 <= found.difference.high
        assert (found.p < 0.05) == (not found.difference.low <= 0 <= found.difference.high)
        narrow += abs(found.difference.value) <= 1.96 * (one.mean(0) - other.mean(0)).std() / 60**0.5
        assert share > 0.5
    assert 0.93 <= held / 400 <= 0.99
    assert narrow / 400 < 0.5, "an interval over tunes only is far too narrow here"


def test_means_over_seeds_of_melodies_of_their_own():
    random = np.random.default_rng(3)
    together = random.normal(0, 1, (3, 200))
    found = mean_over_seeds(list(together))
    assert found.value == pytest.approx(together.mean())
    assert found.error == pytest.approx(1 / 600**0.5, rel=0.6)
    apart = mean_over_seeds([together[0], together[1] + 1, together[2] - 1])
    assert apart.high - apart.low > 10 * (found.high - found.low)
    assert math.isnan(mean_over_seeds([]).value)


def test_scores_of_sets_widen_by_what_seeds_differ_by():
    same = score_over_seeds([(0.7, 0.6, 0.9)] * 3)
    assert (same.value, same.low, same.high) == pytest.approx((0.7, 0.6, 0.9))
    apart = score_over_seeds([(0.5, 0.49, 0.51), (0.7, 0.69, 0.71), (0.9, 0.89, 0.91)])
    assert apart.high - apart.value == pytest.approx(4.30265 * 0.2 / 3**0.5, rel=0.01)
    assert math.isnan(score_over_seeds([]).value)


def test_a_tune_that_one_model_cannot_say_is_left_out():
    one, other = np.array([[1.0, 2.0, np.nan]]), np.array([[1.0, 1.0, 1.0]])
    found, share = compare_over_seeds(one, other, np.ones(3))
    assert (found.count, found.difference.value, share) == (2, 0.5, 0.0)
    assert math.isnan(compare_over_seeds(one * np.nan, other, np.ones(3))[1])
