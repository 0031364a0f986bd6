"""Bradley and Terry's model: published fits, and what holds of every fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from melodysynthesis.evaluation import preferences
from melodysynthesis.evaluation.preferences import chances, fit

# Agresti, Categorical Data Analysis (2002), table 10.10: American League 1987, wins of the row over the column
BASEBALL = [
    [0, 7, 9, 7, 7, 9, 11],
    [6, 0, 7, 5, 11, 9, 9],
    [4, 6, 0, 7, 7, 8, 12],
    [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12],
    [4, 4, 5, 6, 6, 0, 6],
    [2, 4, 1, 3, 1, 7, 0],
]
COUNTS = st.integers(2, 5).flatmap(lambda n: arrays(np.int64, (2, n, n), elements=st.integers(0, 20)))


def played(counts):
    """Wins and ties of random counts: nothing meets itself, and a tie is one for both."""
    wins, ties = (each * (1 - np.eye(len(each), dtype=int)) for each in counts)
    return wins, np.triu(ties) + np.triu(ties).T


def test_the_strengths_are_those_of_the_textbook():
    values = fit(BASEBALL, prior=0).values
    assert values - values[-1] == pytest.approx([1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0], abs=5e-5)


def test_one_against_another_is_the_log_of_the_odds():
    values = fit([[0, 30], [10, 0]], prior=0).values
    assert values == pytest.approx([np.log(3) / 2, -np.log(3) / 2])


def test_two_with_ties_are_as_often_as_counted():
    found = fit([[0, 30], [10, 0]], [[0, 20], [20, 0]], prior=0)
    assert chances(found)[0, 1] == pytest.approx(30 / 60)
    assert chances(found)[1, 0] == pytest.approx(10 / 60)


@given(COUNTS)
def test_what_is_expected_is_what_was_counted(counts):
    """At the maximum each thing's wins and half its ties, and all ties, are as many as the model expects."""
    wins, ties = played(counts)
    found = fit(wins, ties)
    count = wins + wins.T + ties
    better = chances(found)
    neither = 1 - better - better.T
    # against the imagined thing: its strength is 0, and ours have been moved to mean 0
    level = _level(wins, ties, found.values)
    prior = 0.5 / (1 + np.exp(-found.values - level)) - 0.25
    scored = (wins + ties / 2).sum(axis=1) - (count * (better + neither / 2)).sum(axis=1)
    assert scored == pytest.approx(2 * prior, abs=1e-6)
    decided = wins.sum() > 0
    if ties.sum() and decided and found.ties < 1e5:
        assert (count * neither).sum() == pytest.approx(ties.sum(), rel=1e-6)


def _level(wins, ties, values):
    """How far the strengths stood from the imagined thing: where its wins and losses are even."""
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if np.tanh((values + middle) / 2).sum() > 0 else (middle, high)
    return low


@given(COUNTS, st.randoms())
def test_names_make_no_difference(counts, random):
    wins, ties = played(counts)
    order = list(range(len(wins)))
    random.shuffle(order)
    found, moved = fit(wins, ties), fit(wins[np.ix_(order, order)], ties[np.ix_(order, order)])
    assert moved.values == pytest.approx(found.values[order], abs=1e-7)


@given(COUNTS)
def test_the_other_way_round_is_the_negative(counts):
    wins, ties = played(counts)
    assert fit(wins.T, ties).values == pytest.approx(-fit(wins, ties).values, abs=1e-7)


@given(arrays(np.int64, (6, 2, 4, 4), elements=st.integers(0, 9)))
def test_many_at_once_are_each_by_itself(counts):
    pairs = [played(each) for each in counts]
    wins, ties = (np.stack(each) for each in zip(*pairs, strict=True))
    together = fit(wins, ties)
    for number in range(len(counts)):
        assert together.values[number] == pytest.approx(fit(wins[number], ties[number]).values, abs=1e-7)


def test_more_choices_leave_less_to_the_prior():
    off = [abs(fit([[0, 3 * n], [n, 0]]).values[0] - np.log(3) / 2) for n in (1, 10, 100)]
    assert off[0] > 5 * off[1] > 25 * off[2] > 0


def test_what_always_wins_is_strong_not_infinite():
    values = fit([[0, 10], [0, 0]]).values
    assert np.isfinite(values).all()
    assert values[0] > 1
    with pytest.raises(ValueError, match="never chosen before the others"):
        fit([[0, 10], [0, 0]], prior=0)


def test_without_any_choice_all_are_alike():
    assert fit(np.zeros((3, 3))).values.tolist() == [0, 0, 0]
    assert fit(np.zeros((3, 3)), np.ones((3, 3)) - np.eye(3)).values == pytest.approx([0, 0, 0])


def test_one_listener_has_a_mean_but_no_interval():
    melodies = [preferences.RatedMelody("a", "1"), preferences.RatedMelody("a", "2")]
    found = preferences.mean_ratings([preferences.Rating("one", melody, 4) for melody in melodies])["a"]
    assert found.value == 4
    assert np.isnan([found.low, found.high]).all()
    both = preferences.mean_ratings([preferences.Rating(who, melodies[0], 4) for who in ("one", "two")])["a"]
    assert (both.low, both.high) == (4, 4)


def test_choices_of_one_listener_have_no_interval():
    pair = preferences.RatedMelody("a", "1"), preferences.RatedMelody("b", "1")
    found = preferences.preference([preferences.Choice("one", *pair, 1)] * 3)
    assert found.strengths[0].value > found.strengths[1].value
    assert np.isnan([found.strengths[0].low, found.strengths[0].high]).all()
