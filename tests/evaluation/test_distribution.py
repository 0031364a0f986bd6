"""Distances between sets: worked values, and laws: equal sets, shifts, repeats as weights, seeds, odd sets."""

import json
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation import distribution
from melodysynthesis.evaluation.distribution import (
    frechet,
    jensen_shannon,
    overlap_and_divergence,
    shares,
    wasserstein,
)
from melodysynthesis.evaluation.features import FIGURES, PROFILES, features_of
from melodysynthesis.music import Key, Melody, Meter, Note

RANDOM = np.random.default_rng(0)
numbers = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=12).map(np.array)


def once(metric, one, other):
    """A metric of two sets, each melody counted once."""
    return metric(one, other)(np.ones((1, len(one))), np.ones((1, len(other))))[0]


def tune(seed: int, scale=(0, 2, 4, 5, 7, 9, 11), length: int = 24) -> Melody:
    random = np.random.default_rng(seed)
    places = np.clip(np.cumsum(random.choice([-1, -1, 0, 1, 1, 2, -2], length)), -5, 9)
    lengths = random.choice([12, 24, 24, 48], length).tolist()
    onsets = np.cumsum([0, *lengths]).tolist()
    pitches = [int(60 + 12 * (place // 7) + scale[place % 7]) for place in places]
    return Melody(tuple(map(Note, onsets, lengths, pitches)), onsets[-1], (Meter(0, 4, 4),), Key("C"))


PEOPLE = [tune(seed) for seed in range(60)]


def test_wasserstein_by_hand():
    assert once(wasserstein, np.array([0.0, 1, 3]), np.array([5.0, 6, 8])) == 5
    assert once(wasserstein, np.array([0.0]), np.array([0.0, 1.0])) == 0.5


@given(numbers, numbers, st.integers(-5, 5))
def test_wasserstein_laws(one, other, shift):
    assert once(wasserstein, one, one) == pytest.approx(0)
    assert once(wasserstein, one, one + shift) == pytest.approx(abs(shift))
    assert once(wasserstein, one, other) == pytest.approx(once(wasserstein, other, one))
    between = np.arange(-21, 21)
    there = [(values[:, None] <= between).mean(axis=0) for values in (one, other)]
    assert once(wasserstein, one, other) == pytest.approx(np.abs(there[0] - there[1]).sum())


@given(numbers, numbers, st.data())
def test_a_weight_is_a_melody_that_stands_so_often(one, other, data):
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(one), max_size=len(one))))
    if times.sum() == 0:
        times[0] = 1
    weights, all_once = times[None].astype(float), np.ones((1, len(other)))
    repeated = np.repeat(one, times)
    assert wasserstein(one, other)(weights, all_once)[0] == pytest.approx(once(wasserstein, repeated, other))
    columns = [np.abs(np.stack([each, each**2 + 1], axis=1)) for each in (one, other)]
    columns = [each / each.sum(axis=1, keepdims=True) for each in columns]
    repeated = np.repeat(columns[0], times, axis=0)
    found = jensen_shannon(*columns)(weights, all_once)[0]
    assert found == pytest.approx(once(jensen_shannon, repeated, columns[1]), abs=1e-9)
    found = frechet(*columns)(weights, all_once)[0]
    assert found == pytest.approx(once(frechet, repeated, columns[1]), rel=1e-5, abs=1e-5)


def test_jensen_shannon_by_hand():
    same, apart = shares([{"a": 3, "b": 1}], [{"b": 2, "a": 6}]), shares([{"a": 3}], [{"b": 2}])
    assert once(jensen_shannon, *same) == pytest.approx(0, abs=1e-12)
    assert once(jensen_shannon, *apart) == pytest.approx(1)
    half = once(jensen_shannon, *shares([{"a": 1}], [{"a": 1, "b": 1}]))
    assert half == pytest.approx(0.5 * np.log2(4 / 3) + 0.5 * (0.5 * np.log2(2 / 3) + 0.5))


def test_frechet_of_gaussians():
    one = RANDOM.uniform(-1, 1, size=(4000, 3))
    one = (one - one.mean(axis=0)) / one.std(axis=0)
    assert once(frechet, one, one) == pytest.approx(0, abs=1e-6)
    assert once(frechet, one + np.array([1, 2, 0]), one) == pytest.approx(5)
    assert once(frechet, 3 * one, one) == pytest.approx(3 * (3 - 1) ** 2, rel=1e-6)
    assert once(frechet, 7 * one + 5, 7 * one) == pytest.approx(3 * (5 / 7) ** 2)  # in deviations of the reference
    one[:, 0] = 4.0  # no deviation
    assert once(frechet, one, one) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("far", [100.0, -100.0, 1e6])
def test_no_figure_is_further_than_the_farthest(far):
    reference = RANDOM.uniform(-1, 1, size=(500, 3))
    values = reference + np.array([far, 0, 0])
    # The first figure is `FARTHEST` deviations away in each melody: its mean by that, its variance 0 instead of 1.
    assert once(frechet, values, reference) == pytest.approx(distribution.FARTHEST**2 + 1)


def test_overlap_and_divergence_against_the_densities_written_out():
    reference, other = RANDOM.normal(size=(60, 1)), RANDOM.normal(0.8, 1.5, size=(50, 1))

    def density(distances):
        width = distances.std() * len(distances) ** -0.2
        found = np.exp(-0.5 * ((grid[:, None] - distances) / width) ** 2).sum(axis=1)
        return found / found.sum()

    grid = np.linspace(-3, 12, 1500)
    apart = np.abs(reference - reference.T)[~np.eye(60, dtype=bool)]
    intra, inter = density(apart), density(np.abs(other - reference.T).ravel())
    overlap, divergence = once(overlap_and_divergence, other, reference)
    assert overlap == pytest.approx(np.minimum(intra, inter).sum(), abs=0.02)
    both = intra > 1e-12
    assert divergence == pytest.approx((intra[both] * np.log(intra[both] / inter[both])).sum(), abs=0.02)


def test_overlap_of_far_and_of_equal_sets():
    one = RANDOM.normal(size=(40, 2))
    assert once(overlap_and_divergence, one + 50, one)[0] < 0.01
    assert once(overlap_and_divergence, one + 50, one)[1] > 1
    assert once(overlap_and_divergence, one, one)[0] > 0.95
    np.testing.assert_allclose(once(overlap_and_divergence, np.ones((3, 1)), np.ones((4, 1))), [1, 0], atol=1e-9)


def evaluate(melodies, human, **settings):
    """The distances as nested dictionaries of JSON values."""
    scores, sizes = distribution.distances(features_of(melodies), features_of(human), **settings)
    found = {**sizes, "figures": {}, "profiles": {}, "all": {}}
    for (group, name, metric), score in scores.items():
        values = {which: each.figures() for which, each in score._asdict().items()}
        plain = {which: {n: None if isnan(v) else v for n, v in each.items()} for which, each in values.items()}
        found[group].setdefault(name, {})[metric] = plain
    return found


def test_people_are_nearer_to_people_than_another_music_is():
    strange = [tune(seed, scale=(0, 4, 9, 11, 15, 18, 20)) for seed in range(100, 130)]
    found = evaluate(strange, PEOPLE, resamples=60)
    assert (found["compared"], found["reference"]) == (30, 30)
    assert list(found["figures"]) == list(FIGURES)
    assert list(found["profiles"]) == list(PROFILES)
    degrees = found["profiles"]["Degrees"]["jensen_shannon"]
    assert degrees["melodies"]["low"] > 3 * degrees["people"]["high"]
    distance = found["all"]["17 descriptors"]["frechet"]
    assert distance["melodies"]["low"] > distance["people"]["high"]
    durations = found["profiles"]["Durations"]["jensen_shannon"]  # are drawn alike
    assert durations["melodies"]["low"] < durations["people"]["high"]


@settings(max_examples=1)
@given(st.integers(0, 2**32 - 1))
def test_a_seed_repeats(seed):
    found = [evaluate(PEOPLE[:8], PEOPLE[8:24], seed=seed, resamples=10) for _ in range(2)]
    assert json.dumps(found[0], allow_nan=False) == json.dumps(found[1], allow_nan=False)


def test_a_set_of_one_melody_has_values_without_intervals():
    found = evaluate(PEOPLE[:1], PEOPLE[1:9], resamples=10)
    score = found["figures"]["Pitch Range"]["wasserstein"]
    assert found["compared"] == 1
    assert score["melodies"]["value"] >= 0
    assert score["melodies"]["low"] is None


@pytest.mark.parametrize("odd", [Melody((), 0), Melody((Note(0, 24, 60),), 24), Melody(PEOPLE[0].notes, 10**4)])
def test_melodies_without_notes_or_bars_are_defined(odd):
    found = evaluate([odd] * 3, PEOPLE[:12], resamples=10)
    assert found["all"]["all figures"]["frechet"]["melodies"]["value"] > 0
    assert found["figures"]["Phrases"]["overlap"]["melodies"]["value"] is None
    assert found["profiles"]["Metric Positions"]["jensen_shannon"]["melodies"]["value"] is None
    found = evaluate(PEOPLE[:3], [odd] * 12, resamples=10)
    assert found["figures"]["Notes"]["wasserstein"]["melodies"]["value"] > 0 or len(odd) == 24


def test_sets_that_cannot_be_compared_are_one_line():
    with pytest.raises(RequestError, match="no melodies to compare"):
        evaluate([], PEOPLE)
    with pytest.raises(RequestError, match="2 melodies to compare with are too few: at least 4"):
        evaluate(PEOPLE, PEOPLE[:2])


def test_intervals_hold_their_values():
    scores, _ = distribution.distances(features_of(PEOPLE[:20]), features_of(PEOPLE[20:]), resamples=40)
    for score in scores.values():
        for interval in score:
            assert isnan(interval.value) or interval.low - 1e-9 <= interval.value <= interval.high + 1e-9
