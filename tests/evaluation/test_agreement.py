"""Krippendorff's alpha: his own example, and what it is where all agree, nobody does, or nobody knows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.evaluation.agreement import agreement_of_choices, by_unit, krippendorff

NONE = math.nan
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
TABLES = st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=2, max_size=8)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_paper(level, alpha):
    interval = krippendorff(np.transpose(OBSERVERS), level)
    assert interval.value == pytest.approx(alpha, abs=5e-4)
    assert interval.low < alpha < interval.high


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_raters_that_agree_have_one_and_raters_at_random_none(level):
    random = np.random.default_rng(0)
    units = random.integers(1, 8, 300)
    assert krippendorff(np.stack([units] * 3, axis=1), level).value == 1
    assert krippendorff(random.integers(1, 8, (300, 3)), level).value == pytest.approx(0, abs=0.06)


@given(TABLES)
def test_which_rater_is_which_makes_no_difference_nor_do_units_of_one_rater(table):
    alpha = krippendorff(table, resamples=2).value
    lonely = [[3, NONE, NONE], [NONE, NONE, NONE]]
    turned = [list(reversed(row)) for row in reversed(table)]
    assert krippendorff([*turned, *lonely], resamples=2).value == pytest.approx(alpha, nan_ok=True)


@given(TABLES)
def test_an_ordinal_scale_has_no_distances(table):
    stretched = np.asarray(table) ** 3
    assert krippendorff(stretched, resamples=2).value == pytest.approx(
        krippendorff(table, resamples=2).value, nan_ok=True
    )


def test_where_nothing_differs_nothing_is_known():
    for table in ([[3, 3], [3, 3]], [[3, NONE], [NONE, 4]], []):
        assert math.isnan(krippendorff(table).value)
    assert math.isnan(agreement_of_choices([{"a": 1}]).value)


def test_choices_that_agree_have_one_whichever_is_the_first():
    for values in ((1, 1, 1), (1, -1, 1), (-1, -1, -1)):
        units = [{"ann": value, "bob": value} for value in values]
        assert agreement_of_choices(units).value == 1


@given(st.lists(st.tuples(*[st.sampled_from([-1, 0, 1])] * 3), min_size=2, max_size=8), st.data())
def test_what_is_called_the_first_makes_no_difference_to_choices(units, data):
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(units), max_size=len(units)))
    named = [dict(zip("abc", values, strict=True)) for values in units]
    turned = [{name: sign * v for name, v in unit.items()} for sign, unit in zip(signs, named, strict=True)]
    alphas = [agreement_of_choices(each, resamples=2).value for each in (named, turned)]
    assert alphas[0] == pytest.approx(alphas[1], nan_ok=True)


def test_coins_do_not_agree():
    random = np.random.default_rng(1)
    units = [dict(enumerate(random.choice([-1, 1], 4).tolist())) for _ in range(400)]
    assert agreement_of_choices(units).value == pytest.approx(0, abs=0.06)


def test_judgements_make_a_table():
    table = by_unit([("x", "ann", 1), ("y", "bob", 5), ("x", "bob", 2), ("x", "ann", 3)])
    assert table[0].tolist() == [2, 2]
    assert np.isnan(table[1, 0])
    assert table[1, 1] == 5
