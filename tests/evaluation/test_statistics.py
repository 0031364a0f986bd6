"""The bootstrap interval: seeded, centred, and as wide as theory says."""

import math

import numpy as np
import pytest

from melodysynthesis.evaluation.statistics import bootstrap_ratio


def test_a_seed_repeats_and_another_differs():
    bits, notes = np.random.default_rng(0).random((2, 50))
    assert bootstrap_ratio(bits, notes, seed=1) == bootstrap_ratio(bits, notes, seed=1)
    assert bootstrap_ratio(bits, notes, seed=1) != bootstrap_ratio(bits, notes, seed=2)


def test_equal_ratios_leave_no_doubt():
    interval = bootstrap_ratio([3, 6, 9], [1, 2, 3])
    assert (interval.value, interval.low, interval.high, interval.error) == pytest.approx((3, 3, 3, 0))


def test_the_standard_error_of_a_mean():
    values = np.random.default_rng(0).normal(5, 2, 400)
    interval = bootstrap_ratio(values, np.ones(400), resamples=4000)
    assert interval.error == pytest.approx(values.std() / 20, rel=0.05)
    assert interval.low == pytest.approx(values.mean() - 1.96 * interval.error, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + 1.96 * interval.error, abs=0.02)


def test_long_tunes_weigh_more():
    assert bootstrap_ratio([10, 0], [1, 9]).value == 1


def test_one_tune_has_a_value_without_an_interval_and_nothing_has_none():
    one = bootstrap_ratio([6], [2])
    assert one.value == 3
    assert math.isnan(one.low)
    assert math.isnan(one.error)
    assert math.isnan(bootstrap_ratio([], []).value)
    assert math.isnan(bootstrap_ratio([1.0], [0]).value)


def test_figures_and_text():
    interval = bootstrap_ratio([3, 6], [1, 2])
    assert str(interval) == "3.000 [3.000, 3.000]"
    assert interval.figures()["value"] == 3
