"""The laws of the steps of drawing a token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from melodysynthesis.generation import sampling

logits = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(2, 12)),
    elements=st.floats(-50, 50, width=32),
)
uniforms = st.floats(0, 1, exclude_max=True)


@given(logits, st.data())
def test_nothing_outside_the_mask_is_drawn(logits, data):
    mask = data.draw(hnp.arrays(np.bool_, logits.shape))
    mask[np.arange(len(mask)), data.draw(st.integers(0, mask.shape[1] - 1))] = True
    left = sampling.tempered(sampling.masked(logits, mask), data.draw(st.sampled_from([1e-9, 0.3, 1.0, 100.0])))
    for uniform in (0.0, 0.5, np.nextafter(1.0, 0)):
        ids = sampling.draw(left, np.full(len(logits), uniform))
        assert mask[np.arange(len(ids)), ids].all()


@given(logits, st.integers(1, 14))
def test_top_k_keeps_the_k_likeliest(logits, k):
    kept = np.isfinite(sampling.top_k(logits, k))
    assert (kept.sum(axis=1) == min(k, logits.shape[1])).all()
    for row, keep in zip(logits, kept, strict=True):
        assert row[keep].min() >= row[~keep].max(initial=-np.inf)


@given(logits)
def test_top_1_is_argmax(logits):
    assert (np.argmax(sampling.top_k(logits, 1), axis=1) == sampling.argmax(logits)).all()


@given(logits, st.floats(0.001, 1))
def test_top_p_keeps_the_fewest_that_reach_p(logits, p):
    kept = np.isfinite(sampling.top_p(logits, p))
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(float))
    for row, keep in zip(powers / powers.sum(axis=1, keepdims=True), kept, strict=True):
        assert keep.any()
        assert row[keep].sum() >= p - 1e-9
        assert row[keep].min() >= row[~keep].max(initial=0)
        if keep.sum() > 1:  # without the least likely of them p is not reached
            assert row[keep].sum() - row[keep].min() < p + 1e-9


def test_top_k_and_top_p_leave_what_is_masked_out():
    logits = np.array([[5.0, -np.inf, 1.0, -np.inf]])
    assert np.isfinite(sampling.top_k(logits, 3)).tolist() == [[True, False, True, False]]
    assert np.isfinite(sampling.top_p(logits, 0.9999)).tolist() == [[True, False, True, False]]


@given(logits, uniforms)
def test_a_draw_does_not_see_what_is_ruled_out(logits, uniform):
    between = np.full((len(logits), 2 * logits.shape[1]), -np.inf, np.float32)
    between[:, 1::2] = logits
    u = np.full(len(logits), uniform)
    assert (sampling.draw(between, u) == 2 * sampling.draw(logits, u) + 1).all()


@pytest.mark.parametrize(
    ("limits", "last"),
    [({}, 3), ({"k": 3}, 2), ({"p": 0.65}, 1), ({"k": 3, "p": 0.3}, 0), ({"k": 1, "p": 0.99}, 0), ({"p": 1.0}, 3)],
)
def test_an_option_is_chosen_from_those_that_top_k_and_top_p_keep(limits, last):
    probabilities = np.log(np.array([[0.4, 0.3, 0.2, 0.1]])).repeat(200, axis=0)
    chosen = sampling.choose(probabilities, probabilities, np.arange(200) / 200, **limits)
    assert set(chosen.tolist()) == set(range(last + 1))


def test_draws_follow_the_probabilities():
    logits = np.log(np.array([[0.1, 0.2, 0.7]])).repeat(20_000, axis=0)
    ids = sampling.draw(logits, np.random.default_rng(1).random(len(logits)))
    assert np.bincount(ids) / len(ids) == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


@given(logits, uniforms)
def test_a_cold_draw_is_the_argmax(logits, uniform):
    best = np.sort(logits, axis=1)
    if (best[:, -1] - best[:, -2] > 1e-3).all():
        cold = sampling.tempered(logits, 1e-6)
        assert (sampling.draw(cold, np.full(len(logits), uniform)) == sampling.argmax(logits)).all()


def test_of_equals_the_lowest_id_is_the_likeliest():
    assert sampling.argmax(np.zeros((2, 3))).tolist() == [0, 0]
    assert np.isfinite(sampling.top_k(np.zeros((1, 4)), 2)).tolist() == [[True, True, False, False]]


def test_a_stream_depends_on_seed_and_number_alone():
    alone = sampling.Uniforms(7, np.array([5]))
    among = sampling.Uniforms(7, np.arange(10))
    other = sampling.Uniforms(8, np.array([5]))
    for step in range(600):  # more than a block
        mine = alone.next(np.array([0]))
        assert mine == among.next(np.arange(10))[5]
        assert mine != other.next(np.array([0]))
        assert 0 <= mine[0] < 1, step
