"""The laws of the logarithm of a sum of powers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from melodysynthesis.numerics import log_sum_exp

values = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.floats(-50, 50))


@given(values, st.sampled_from([0, 1, -1]))
def test_it_is_the_logarithm_of_the_sum_of_powers(values, axis):
    assert log_sum_exp(values, axis) == pytest.approx(np.log(np.exp(values).sum(axis=axis)))


@given(values, st.floats(-1e6, 1e6))
def test_a_factor_of_all_is_added(values, factor):
    assert log_sum_exp(values + factor, 1) == pytest.approx(log_sum_exp(values, 1) + factor, abs=1e-8)


def test_nothing_and_zeros_have_minus_infinity():
    assert log_sum_exp(np.zeros((2, 0)), 1).tolist() == [-np.inf, -np.inf]
    assert log_sum_exp(np.array([[-np.inf, -np.inf], [-np.inf, 3.0]]), 1).tolist() == [-np.inf, 3.0]


def test_the_type_stays():
    assert log_sum_exp(np.zeros((2, 3), np.float32), 1).dtype == np.float32
