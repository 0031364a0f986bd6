"""Intervals as wide as theory says, seeded; comparisons that find what is there, and adjust for their number."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.evaluation.statistics import (
    auc,
    bootstrap_mean,
    bootstrap_ratio,
    compare_paired,
    compare_sets,
    corrected,
    holm,
)


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


def test_paired_difference_of_ratios_is_the_difference_of_the_ratios():
    random = np.random.default_rng(0)
    notes, one, other = random.integers(10, 90, 80), random.random(80) * 100, random.random(80) * 100
    found = compare_paired(one, other, notes)
    assert found.difference.value == pytest.approx(one.sum() / notes.sum() - other.sum() / notes.sum())
    assert found.difference.low < found.difference.value < found.difference.high
    assert (found.count, found.measure) == (80, "Cohen's d")


def test_a_real_difference_is_found_and_none_is_not():
    random = np.random.default_rng(1)
    tunes = random.normal(0, 5, 300)
    better = compare_paired(tunes + random.normal(0.3, 1, 300), tunes)
    assert better.p < 0.01
    assert better.effect.value == pytest.approx(0.3, abs=0.15)
    assert better.effect.low < 0.3 < better.effect.high
    assert better.difference.low > 0
    p_values = [compare_paired(*random.normal(size=(2, 40)), resamples=200, seed=n).p for n in range(100)]
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.1)  # uniform, if there is none


def test_seeds_are_averaged_before_tunes_are_paired():
    random = np.random.default_rng(2)
    one, other = random.normal(size=(3, 50)), random.normal(size=(2, 50))
    found, plain = compare_paired(one, other), compare_paired(one.mean(axis=0), other.mean(axis=0))
    assert found == plain


def test_two_sets():
    random = np.random.default_rng(3)
    found = compare_sets(random.normal(1, 1, 200), random.normal(0, 1, 150))
    assert found.p < 0.01
    assert found.difference.low < 1 < found.difference.high
    assert found.effect.value == pytest.approx(0.52, abs=0.12)  # 2 * Phi(1 / sqrt 2) - 1
    assert compare_sets([1, 2, np.nan], [1, 2]).difference.value == 0


def test_no_bare_p():
    found = corrected({"a": compare_sets([1, 2, 3, 4], [5, 6, 7, 8]), "b": compare_sets([1, 2], [1, 2])})
    assert "Cliff's delta" in str(found["a"])
    assert "corrected for 2 comparisons" in str(found["a"])
    assert set(found["a"].figures()) == {"difference", "effect", "measure", "p", "count", "comparisons"}


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_laws(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_area_under_the_curve():
    assert auc([3, 4], [1, 2]).value == 1
    assert auc([1, 2], [1, 2]).value == 0.5
    assert auc([1], [2, 2]).value == 0
    random = np.random.default_rng(4)
    one, other = random.normal(1, 1, 500), random.normal(0, 1, 400)
    found = auc(one, other)
    assert found.value == pytest.approx(np.mean(one[:, None] > other))
    draws = [auc(random.choice(one, 500), random.choice(other, 400)).value for _ in range(400)]
    assert found.error == pytest.approx(np.std(draws), rel=0.15)


def test_nothing_and_one_are_defined():
    for empty in (compare_paired([], []), compare_sets([], [1.0])):
        assert math.isnan(empty.difference.value)
        assert math.isnan(empty.p)
    one = compare_paired([2.0], [1.0])
    assert one.difference.value == 1
    assert math.isnan(one.difference.low)
    assert bootstrap_mean([1, np.nan, 3]).value == 2
    assert math.isnan(auc([], [1]).value)
    assert not corrected({})


def test_the_observed_arrangement_counts_as_a_draw():
    found = compare_paired(np.full(60, 5.0), np.zeros(60), resamples=99)
    assert found.p == 1 / 100
