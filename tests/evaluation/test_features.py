"""What is measured of a melody, on melodies whose figures a musician can count."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from melodysynthesis.evaluation.descriptors import NAMES, describe
from melodysynthesis.evaluation.features import FIGURES, PROFILES, features_of
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies

BROTHER_JOHN = (60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67, 64, 65, 67)
LENGTHS = (24,) * 8 + (24, 24, 48, 24, 24, 48)


def tune(pitches=BROTHER_JOHN, lengths=LENGTHS, **more) -> Melody:
    onsets = np.cumsum([0, *lengths]).tolist()
    notes = tuple(map(Note, onsets, lengths, pitches))
    return Melody(notes, onsets[-1], **{"meters": (Meter(0, 4, 4),), "key": Key("C"), **more})


def figures(melody: Melody) -> dict[str, float]:
    return dict(zip(FIGURES, features_of([melody]).figures[0].tolist(), strict=True))


def test_figures_that_can_be_counted():
    found = figures(tune(phrase_ends=(192, 384)))
    assert (found["Notes"], found["Quarters"], found["Range"]) == (14, 16, 7)
    assert found["Bars Repeated"] == 0.5
    assert found["Ends On Tonic"] == 0
    assert found["Ends By Step"] == 1
    assert found["Last Note"] == 2
    assert (found["Phrases"], found["Phrase Quarters"], found["Phrase Variety"]) == (2, 8, 0)
    assert found["Repeated Pitches"] == pytest.approx(1 / 13)
    assert found["Leaps"] == 0
    assert found["Peak Position"] == pytest.approx(10 / 13)
    assert found["In Scale Of Seven"] == 1
    assert found["Notes On Strong Beats"] == pytest.approx(8 / 14)
    assert [found[name] for name in NAMES] == describe(tune()).tolist()


def test_profiles_that_can_be_counted():
    profiles = {name: counts[0] for name, counts in features_of([tune(phrase_ends=(192, 384))]).profiles.items()}
    assert list(profiles) == list(PROFILES)
    assert profiles["Durations"] == Counter({24: 12, 48: 2})
    assert profiles["Degree Pairs"][0, 2] == 2
    assert profiles["Metric Positions"] == Counter({0: 4, 6: 4, 12: 4, 18: 2})
    assert profiles["Phrase Contours"] == Counter({"up, down": 1, "up, up": 1})


def test_a_pickup_stands_at_the_end_of_its_bar():
    melody = tune((67, 60, 64), (24, 48, 48), pickup=24)
    assert features_of([melody]).profiles["Metric Positions"][0] == Counter({18: 1, 0: 1, 12: 1})


def test_another_key_changes_only_what_is_heard_of_it():
    one, other = figures(tune()), figures(tune().transpose(5, Key("F")))
    np.testing.assert_allclose(list(one.values()), list(other.values()))


@pytest.mark.parametrize("melody", [Melody((), 0), tune((60,), (24,)), tune((60,), (24,), meters=(), key=None)])
def test_melodies_with_next_to_nothing_are_defined(melody):
    found = figures(melody)
    assert found["Notes"] == len(melody)
    assert np.isnan(found["Mean Interval"])
    assert np.isnan(found["Phrases"])


def test_without_bars_there_are_no_positions():
    free = features_of([replace(tune(), meters=())])
    assert free.profiles["Metric Positions"] == [Counter()]
    assert np.isnan(free.figures[0, FIGURES.index("Bars Repeated")])


def test_no_melodies():
    assert features_of([]).figures.shape == (0, len(FIGURES))


@given(melodies())
def test_any_melody_has_features_in_their_bounds(melody):
    found = figures(melody)
    for share in ("Steps", "Leaps", "Rising", "Bars Repeated", "Runs Repeated", "Notes Off The Beat", "Peak Position"):
        assert np.isnan(found[share]) or 0 <= found[share] <= 1
    assert found["Notes"] == len(melody)
