"""Means and strengths of sets, with intervals as wide as the listeners differ."""

import math
from itertools import combinations

import numpy as np
import pytest

from melodysynthesis.evaluation.preferences import Choice, RatedMelody, Rating, fit, mean_ratings, preference

STRENGTHS = {"people": 1.0, "model": 0.0, "noise": -1.0}


def choices(listeners, each, random, taste=0.0):
    """Choices by the model, `each` of every pair of sets; tastes make a listener like a set more than others do."""
    for listener in range(listeners):
        liked = {name: value + taste * random.normal() for name, value in STRENGTHS.items()}
        for first, second in list(combinations(STRENGTHS, 2)) * each:
            ahead = random.random() < 1 / (1 + math.exp(liked[second] - liked[first]))
            melodies = (RatedMelody(name, str(random.integers(10))) for name in (first, second))
            yield Choice(str(listener), *melodies, 1 if ahead else -1)


def ratings(listeners, random, mood):
    for listener in range(listeners):
        shift = mood * random.normal()
        for name, strength in STRENGTHS.items():
            for melody in range(4):
                yield Rating(str(listener), RatedMelody(name, str(melody)), strength + shift + random.normal())


def test_strengths_are_found_again_within_their_intervals():
    found = preference(list(choices(60, 6, np.random.default_rng(0))))
    for name, interval in zip(found.sets, found.strengths, strict=True):
        assert interval.low < STRENGTHS[name] < interval.high
        assert interval.value == pytest.approx(STRENGTHS[name], abs=0.25)
    people, model = found.sets.index("people"), found.sets.index("model")
    assert found.better[people][model].value == pytest.approx(1 / (1 + math.exp(-1)), abs=0.06)
    assert found.better[people][model].value + found.better[model][people].value == pytest.approx(1)
    assert math.isnan(found.better[people][people].value)


def test_a_strength_is_what_the_counts_say():
    given = list(choices(5, 2, np.random.default_rng(3)))
    found = preference(given)
    assert [each.value for each in found.strengths] == pytest.approx(fit(found.counts).values.tolist())
    assert sum(map(sum, found.counts)) == len(given)


def test_listeners_that_differ_leave_more_doubt():
    random = np.random.default_rng(1)
    alike, apart = (preference(list(choices(20, 6, random, taste))) for taste in (0, 2))
    assert apart.strengths[0].error > 1.5 * alike.strengths[0].error
    alike, apart = (mean_ratings(list(ratings(20, random, mood))) for mood in (0, 2))
    assert apart["model"].error > 2 * alike["model"].error


def test_the_interval_of_a_mean_is_that_of_the_listeners_means():
    given = list(ratings(40, np.random.default_rng(2), 1.0))
    own = [np.mean([r.value for r in given if r.listener == str(n) and r.of.set == "model"]) for n in range(40)]
    found = mean_ratings(given)["model"]
    assert found.value == pytest.approx(np.mean(own))
    assert found.error == pytest.approx(np.std(own, ddof=1) / math.sqrt(40), rel=0.1)


def test_other_melodies_leave_more_doubt_than_these():
    random = np.random.default_rng(4)
    quality = {RatedMelody(name, str(m)): 2 * random.normal() for name in STRENGTHS for m in range(4)}
    given = [rating._replace(value=rating.value + quality[rating.of]) for rating in ratings(30, random, 0.1)]
    these, others = (mean_ratings(given, draw_melodies=drawn)["people"] for drawn in (False, True))
    assert these.value == others.value
    assert others.error > 3 * these.error


def test_ties_are_told_and_count_for_both():
    one, other = RatedMelody("a", "1"), RatedMelody("b", "1")
    given = [Choice(str(n), one, other, value) for n, value in enumerate([1, 0, 0, 0, -1])]
    found = preference(given)
    assert found.ties == 0.6
    assert [each.value for each in found.strengths] == pytest.approx([0, 0])
    assert found.first == 0.5


def test_without_judgements_nothing_is_said():
    assert mean_ratings([]) == {}
    assert preference([]).sets == ()
