"""A mode that models do not know is preferred, by moving what they would sing in major or minor."""

import numpy as np
import pytest

from melodysynthesis.encodings import encoding_from
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.mode_preference import mode_preference
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key

EVENT = encoding_from({"name": "event"})


def pitch_classes(key, degrees, **scale):
    """By pitch class above the tonic: the share of a model that sings these degrees only, once preferred."""
    logits = np.full((1, len(EVENT.vocabulary)), -30.0)
    pitches = [pitch for pitch in EVENT.pitches_in(key) if 48 <= pitch <= 83]
    token = {pitch: EVENT.vocabulary.index(f"pitch:{pitch + EVENT.transposition(key)}") for pitch in pitches}
    for pitch in pitches:
        if (pitch - key.pitch_class) % 12 in degrees:
            logits[0, token[pitch]] = 0.0
    new = np.exp(mode_preference(EVENT, key, **scale).applied(logits))[0]
    shares = np.zeros(12)
    for pitch in pitches:
        shares[(pitch - key.pitch_class) % 12] += new[token[pitch]]
    return shares / shares.sum()


@pytest.mark.parametrize("sung", [(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)])
def test_each_degree_of_major_or_minor_becomes_that_of_the_mode(sung):
    shares = pitch_classes(Key("D", "dorian"), sung)
    assert sorted(np.flatnonzero(shares > 0.1)) == [0, 2, 3, 5, 7, 9, 10]
    assert shares[[1, 4, 6, 8, 11]].sum() < 0.01


def test_a_scale_has_its_leading_note_and_its_blue_note():
    minor = (0, 2, 3, 5, 7, 8, 10)
    assert pitch_classes(Key("A", "minor"), minor, scale="harmonic-minor")[11] > 0.1
    assert pitch_classes(Key("C"), (0, 2, 4, 5, 7, 9, 11), scale="blues")[6] > 0.05


def test_major_and_minor_are_left_to_the_model():
    for key, scale in ((None, None), (Key("G"), None), (Key("G"), "major"), (Key("A", "minor"), "natural-minor")):
        assert mode_preference(EVENT, key, scale) is None
    assert mode_preference(EVENT, Key("G"), "lydian", chromatic=2).penalty == 0


@pytest.mark.parametrize(
    ("typed", "key", "scale"),
    [
        ("minor", "A minor", "natural-minor"), ("Aeolian", "A minor", "natural-minor"), ("ionian", "C", "major"),
        ("pentatonic", "C", "major-pentatonic"), ("Pentatonic", "A minor", "minor-pentatonic"),
        ("pentatonic", "D dorian", "minor-pentatonic"), ("blues scale", "C", "blues"),
    ],
)  # fmt: skip
def test_scales_by_the_names_that_people_type(typed, key, scale):
    assert Request(scale=typed, key=key).scale == scale


def test_pentatonic_needs_a_key():
    with pytest.raises(RequestError, match="major or minor by the key: add one"):
        Request(scale="pentatonic")
