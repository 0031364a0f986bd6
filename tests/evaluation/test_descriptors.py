"""The 17 descriptors: the study's published figures, worked examples, and what is empty."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.evaluation.descriptors import (
    NAMES,
    SUMMARIES,
    Sound,
    describe,
    describe_sounds,
    likely_keys,
    sounds_of,
    sounds_of_tokens,
    summarise,
)  # fmt: skip
from melodysynthesis.formats.grid import melody_of
from melodysynthesis.music import Melody, Note

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "descriptors.json").read_text())["melodies"]

SOUNDS = st.lists(
    st.builds(Sound, st.none() | st.integers(36, 96), st.integers(1, 40).map(lambda steps: 6 * steps)), max_size=60
)


def named(*sounds):
    return dict(zip(NAMES, describe_sounds([sounds])[0].tolist(), strict=True))


def quarters(*pitches):
    return [Sound(pitch, 24) for pitch in pitches]


@pytest.mark.parametrize("melody", GOLDEN, ids=lambda melody: f"{melody['model']}-{melody['line']}")
def test_the_published_figures(melody):
    found = describe_sounds([sounds_of_tokens(melody["tokens"].split())])[0]
    np.testing.assert_allclose(found, melody["figures"], rtol=0, atol=1e-9)


def test_many_at_once_are_as_each_alone():
    sounds = [sounds_of_tokens(melody["tokens"].split()) for melody in GOLDEN]
    alone = np.concatenate([describe_sounds([one]) for one in sounds])
    np.testing.assert_allclose(describe_sounds(sounds * 9), np.tile(alone, (9, 1)), rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(SOUNDS, max_size=4))
def test_every_melody_has_seventeen_finite_figures(melodies):
    found = describe_sounds(melodies)
    assert found.shape == (len(melodies), 17)
    assert np.isfinite(found).all()
    shares = found[:, [NAMES.index("Rest Ratio"), NAMES.index("Motif Diversity Index")]]
    assert ((shares >= 0) & (shares <= 1)).all()


@settings(max_examples=40, deadline=None)
@given(SOUNDS, st.integers(-12, 12))
def test_transposing_changes_nothing_but_which_of_equally_likely_keys_wins(sounds, semitones):
    moved = [Sound(None if pitch is None else pitch + semitones, ticks) for pitch, ticks in sounds]
    np.testing.assert_allclose(describe_sounds([sounds])[0, :16], describe_sounds([moved])[0, :16], atol=1e-9)


def test_a_melody_is_its_grid_text_where_no_rests_are_neighbours():
    for melody in GOLDEN[:6]:
        tokens = melody["tokens"].split()
        np.testing.assert_array_equal(describe(melody_of(tokens)), describe_sounds([sounds_of_tokens(tokens)])[0])


def test_worked_by_hand():
    # two segments: C D E F and G G, rest, C
    found = named(*quarters(60, 62, 64, 65, 67, 67, None, 60))
    assert found["Pitch Variance"] == pytest.approx((3.6875 + 98 / 9) / 2)
    assert found["Pitch Range"] == (5 + 7) / 2
    assert found["Note Density"] == (1 + 0.75) / 2
    assert found["Rest Ratio"] == 0.25 / 2
    assert found["Note Repetition"] == (1 + 2) / 2
    assert found["Interval Variability"] == pytest.approx((2 / 9 + 12.25) / 2)
    assert found["Harmonic Tension"] == pytest.approx(((0.6 + 0.6 + 0.8) / 3 + (0.1 + 0.3) / 2) / 2)
    assert found["Motif Diversity Index"] == 1
    assert found["Pitch Entropy"] == pytest.approx(np.log2(7) - 4 / 7)
    assert found["Contour Variability"] == 0
    assert found["Syncopation"] == 0


def test_direction_turns_where_neighbouring_intervals_disagree():
    assert named(*quarters(60, 64, 62, 65))["Contour Stability"] == 2
    assert named(*quarters(60, 64, 62, 65))["Contour Variability"] == pytest.approx(200 / 3)
    assert named(*quarters(60, 64, 64, 62))["Contour Stability"] == 0


def test_a_note_across_a_segments_end_is_cut_there():
    # three quarters and a half note: four notes in two segments, but three in the whole melody
    found = named(Sound(60, 48), Sound(62, 24), Sound(64, 48))
    assert found["Note Density"] == (3 / 4 + 1) / 2
    assert found["Rhythmic Entropy"] == pytest.approx(np.log2(3) - 2 / 3)


def test_off_the_beat():
    assert named(Sound(60, 12), Sound(62, 24), Sound(64, 24), Sound(65, 36))["Syncopation"] == 3


def test_what_cannot_be_measured_is_zero():
    assert set(describe(Melody((), 0)).tolist()) == {0.0}
    assert named(Sound(None, 48)) == {**dict.fromkeys(NAMES, 0.0), "Rest Ratio": 1.0}
    one = named(Sound(60, 24))
    assert {name for name, value in one.items() if value} == {"Note Density", "Note Repetition"}
    assert describe_sounds([]).shape == (0, 17)


def test_the_sounds_of_a_melody_are_its_notes_and_rests():
    melody = Melody((Note(24, 24, 60), Note(48, 12, 62)), 96)
    assert sounds_of(melody) == [Sound(None, 24), Sound(60, 24), Sound(62, 12), Sound(None, 36)]


def test_summary_rows():
    rows = np.arange(34.0).reshape(2, 17)
    summary = dict(zip(SUMMARIES, summarise(rows)[:, 0].tolist(), strict=True))
    assert summary == {"SUM": 17, "MEAN": 8.5, "MIN": 0, "MAX": 17, "MEDIAN": 8.5, "STD": pytest.approx(17 / 2**0.5),
                       "COUNT": 2}  # fmt: skip
    assert summarise(rows[:1])[SUMMARIES.index("STD")].tolist() == [0.0] * 17
    assert summarise(rows[:0]).shape == (7, 17)


def test_a_scale_is_in_its_key_wherever_it_starts():
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = [3, 1, 2, 1, 2, 1, 1]
    moved = np.array([np.roll(scale, tonic) for tonic in range(12)])
    assert likely_keys(moved).tolist() == [2 * tonic for tonic in range(12)]


@pytest.mark.slow
def test_keys_are_those_of_music21():
    note, stream = pytest.importorskip("music21.note"), pytest.importorskip("music21.stream")
    rng = np.random.default_rng(0)
    for _ in range(200):
        pitches = rng.integers(60, 72, rng.integers(1, 6))
        measure = stream.Measure([note.Note(int(pitch), quarterLength=1.0) for pitch in pitches])
        key = measure.analyze("key")
        found = int(likely_keys(np.bincount(pitches % 12, minlength=12)[None].astype(float))[0])
        assert (found // 2, found % 2) == (key.tonic.pitchClass, int(key.mode == "minor"))
