"""Everything about a set: rows that are complete and agree with the parts, bands that hold people, odd sets defined."""

import json
from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation import critic, distribution
from melodysynthesis.evaluation.comparison import HumanReference
from melodysynthesis.evaluation.descriptors import NAMES, describe
from melodysynthesis.evaluation.features import FIGURES, PROFILES, features_of
from melodysynthesis.music import Melody, Note
from tests.evaluation.test_distribution import tune

pytest.importorskip("sklearn")

PEOPLE = [tune(seed, length=16 + seed % 12) for seed in range(60)]
STRANGE = [tune(100 + seed, scale=(0, 4, 9, 11, 15, 18, 20), length=16 + seed % 12) for seed in range(20)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(critic, "TREES", 20)


@pytest.fixture(scope="module")
def judged():
    return HumanReference(PEOPLE, resamples=20).compare(STRANGE, "strange")


def test_every_score_has_a_row(judged):
    places = {row[:3] for row in judged.rows}
    assert len(places) == len(judged.rows) == 4 * len(FIGURES) + 3 * len(PROFILES) + 3
    assert {("figures", name, "mean") for name in FIGURES} <= places
    assert {("all", "17 descriptors", "frechet"), ("all", "all figures", "frechet"), ("critic", "", "auc")} <= places
    assert (judged.name, judged.melodies, judged.compared, judged.reference) == ("strange", 20, 20, 30)
    json.dumps(judged.as_dict(), allow_nan=False)


def test_means_are_those_of_the_descriptors(judged):
    expected = np.mean([describe(melody) for melody in STRANGE], axis=0)
    found = [judged.find("figures", name, "mean").value for name in NAMES]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(judged.tunes["Pitch Range"].mean(), expected[1])


def test_distances_are_those_of_the_comparison(judged):
    found, _ = distribution.distances(features_of(STRANGE), features_of(PEOPLE), resamples=20)
    expected = found["profiles", "Degrees", "jensen_shannon"]
    row = judged.find("profiles", "Degrees", "jensen_shannon")
    assert row.value == pytest.approx(expected.melodies.value)
    assert row.people == pytest.approx(expected.people.value)


def test_another_music_is_outside_and_further(judged):
    assert "Pitch Variance" in judged.outside()
    assert judged.find("figures", "Range", "wasserstein").further
    assert judged.find("critic", "", "auc").further
    assert not judged.find("figures", "Notes", "wasserstein").further


def test_people_are_inside_their_band():
    found = HumanReference(PEOPLE[:40], resamples=20).compare(PEOPLE[40:], critic=False)
    assert len(found.outside()) <= 3
    assert found.critic is None
    assert not any(row.group == "critic" for row in found.rows)


def test_a_band_narrows_with_the_set():
    panel = HumanReference(PEOPLE[20:], resamples=10)
    few, many = (panel.compare(PEOPLE[:size], critic=False).find("figures", "Range", "mean") for size in (4, 20))
    assert few.people == many.people
    assert few.people_high - few.people_low > 1.3 * (many.people_high - many.people_low)


def test_sets_that_say_less_are_judged_by_less():
    bare = [replace(melody, meters=(), key=None) for melody in PEOPLE[:12]]
    found = HumanReference(PEOPLE[12:]).compare(bare, critic=False)
    assert found.unsaid == {"meters", "key", "phrase_ends"}
    assert np.isnan(found.find("figures", "Bar Likeness", "mean").people)
    assert found.find("profiles", "Intervals", "jensen_shannon").value < 0.2


@pytest.mark.parametrize("odd", [Melody((), 0), Melody((Note(0, 24, 60),), 24), Melody(PEOPLE[0].notes, 10**4)])
def test_odd_sets_are_defined(odd):
    found = HumanReference(PEOPLE[:20]).compare([odd])
    assert np.isnan(found.find("critic", "", "auc").value)
    assert found.find("figures", "Notes", "mean").value == len(odd)
    assert np.isnan(found.find("figures", "Notes", "mean").low)
    json.dumps(found.as_dict(), allow_nan=False)


def test_mistakes_are_one_line():
    with pytest.raises(RequestError, match="no melodies to compare"):
        HumanReference(PEOPLE).compare([])
    with pytest.raises(RequestError, match="3 melodies to compare with are too few"):
        HumanReference(PEOPLE[:3])


def test_progress_reaches_the_end():
    calls = []
    HumanReference(PEOPLE, resamples=5).compare(STRANGE, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1]
