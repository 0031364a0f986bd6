"""Scales, signatures, spelling, key finding and meter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis import theory
from melodysynthesis.music import STEP_PITCH_CLASS, Key, Melody, Meter, Note
from tests.strategies import keys


def tune(pitches: str, key: Key | None = None) -> Melody:
    numbers = [int(pitch) for pitch in pitches.split()]
    return Melody(tuple(Note(24 * i, 24, p) for i, p in enumerate(numbers)), 24 * len(numbers), key=key)


@pytest.mark.parametrize(
    ("key", "fifths"),
    [
        (Key("C"), 0),
        (Key("G"), 1),
        (Key("F"), -1),
        (Key("E", "minor"), 1),
        (Key("C", "minor"), -3),
        (Key("D", "dorian"), 0),
        (Key("A", "mixolydian"), 2),
        (Key("C#"), 7),
        (Key("Cb"), -7),
        (None, 0),
    ],
)
def test_signatures(key, fifths):
    assert theory.signature(key) == fifths


@given(keys)
def test_a_signature_makes_the_scale(key):
    altered = theory.signature_alterations(theory.signature(key))
    sounding = {(STEP_PITCH_CLASS[step] + alteration) % 12 for step, alteration in altered.items()}
    assert sounding == {(key.pitch_class + above) % 12 for above in theory.SCALES[key.mode]}


@pytest.mark.parametrize(
    ("pitch", "key", "spelling"),
    [
        (66, Key("D"), ("F", 1, 4)),
        (66, Key("Db"), ("G", -1, 4)),
        (63, Key("C"), ("E", -1, 4)),
        (63, Key("A", "minor"), ("D", 1, 4)),
        (68, Key("A", "minor"), ("G", 1, 4)),
        (59, Key("Gb"), ("C", -1, 4)),
        (60, Key("C#"), ("B", 1, 3)),
        (70, None, ("B", -1, 4)),
    ],
)
def test_spelling(pitch, key, spelling):
    assert theory.spell(pitch, key) == spelling


@given(st.integers(0, 127), st.none() | keys)
def test_a_spelling_sounds_as_its_pitch(pitch, key):
    step, alteration, octave = theory.spell(pitch, key)
    assert 12 * (octave + 1) + STEP_PITCH_CLASS[step] + alteration == pitch
    assert abs(alteration) <= 2


@given(keys)
def test_notes_of_the_scale_need_no_accidental(key):
    altered = theory.signature_alterations(theory.signature(key))
    if abs(theory.signature(key)) <= 7:
        for above in theory.SCALES[key.mode]:
            spelling = theory.spell(60 + key.pitch_class + above, key)
            assert altered[spelling.step] == spelling.alteration


def test_tonics_have_usual_names():
    assert [theory.tonic_name(p) for p in range(12)] == [
        "C",
        "Db",
        "D",
        "Eb",
        "E",
        "F",
        "F#",
        "G",
        "Ab",
        "A",
        "Bb",
        "B",
    ]
    assert [theory.tonic_name(p, "minor") for p in range(12)] == [
        "C",
        "C#",
        "D",
        "D#",
        "E",
        "F",
        "F#",
        "G",
        "G#",
        "A",
        "Bb",
        "B",
    ]


def test_degrees():
    assert [theory.degree(p, Key("G")) for p in (67, 69, 71, 66, 65)] == [1, 2, 3, 7, None]


def test_the_mode_is_in_the_third():
    assert theory.infer_mode(tune("67 70 74 71 70"), 7) == "minor"
    assert theory.infer_mode(tune("67 71 74"), 7) == "major"
    assert theory.infer_mode(tune("67 69 74"), 7) == "major"


def test_keys_are_found():
    assert theory.find_key(tune("67 69 71 72 74 76 78 79 74 71 67")) == Key("G")
    assert theory.find_key(tune("69 71 72 74 76 77 76 74 72 71 68 69 69")) == Key("A", "minor")
    assert theory.find_key(Melody((), 24)) is None


@pytest.mark.parametrize("semitones", range(12))
def test_keys_move_with_the_melody(semitones):
    melody = tune("60 62 64 65 67 69 67 64 62 59 60 60")
    found = theory.find_key(melody.transpose(semitones))
    assert found == Key(theory.tonic_name(semitones))


@pytest.mark.parametrize(
    ("meter", "weights"),
    [
        (Meter(0, 4, 4), "4 1 2 1 3 1 2 1"),
        (Meter(0, 3, 4), "4 1 2 1 2 1"),
        (Meter(0, 2, 4), "4 1 3 1"),
        (Meter(0, 6, 8), "4 1 1 3 1 1"),
        (Meter(0, 9, 8), "4 1 1 2 1 1 2 1 1"),
        (Meter(0, 3, 8), "4 2 2"),
    ],
)
def test_metric_weight_in_eighths(meter, weights):
    positions = range(0, meter.bar_ticks, 12)
    assert [theory.metric_weight(meter, position) for position in positions] == [int(w) for w in weights.split()]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ((96, 192, 288), ((0, 4, 4),)),
        ((24, 120, 216), ((0, 4, 4),)),  # after a pickup
        ((96, 240, 336), ((0, 4, 4), (96, 6, 4), (240, 4, 4))),
        ((96, 288, 384), ((0, 4, 4),)),  # a bar line is missing
        ((96, 168, 192, 288), ((0, 4, 4),)),  # one too many
        ((96, 312, 408), ((0, 4, 4), (192, 5, 4), (312, 4, 4))),
        ((96, 180, 276), ((0, 4, 4), (96, 7, 8), (180, 4, 4))),
        ((96, 144, 192, 300), ((0, 4, 4),)),
        ((144, 240, 336), ((0, 6, 4), (144, 4, 4))),  # the first bar is long
        ((192, 288, 384), ((0, 4, 4),)),
    ],
)
def test_meters_from_bar_lines(bars, expected):
    assert theory.meters_from_bar_lines(Meter(0, 4, 4), bars, 300 if bars[-1] == 300 else 500) == expected
