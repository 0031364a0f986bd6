"""Each sign is there where it should be, and not in a tune that people would sing."""

from dataclasses import replace

import pytest

from melodysynthesis.evaluation.degenerate import SIGNS, shares, signs
from melodysynthesis.music import Meter
from melodysynthesis.notation import parse_notes


def tune(text):
    return replace(parse_notes(text), meters=(Meter(0, 4, 4),))


SOUND = tune("G4:1 A4 B4 C5 D5 B4 G4 A4 B4 A4 G4:2")
TUNES = {
    "over half one pitch": "G4:1 A4 G4 B4 G4 C5 G4 G4",
    "six equal in a row": "G4:1 G4 G4 G4 G4 G4 A4 B4 C5 D5 A4 B4 C5",
    "under four pitches": "G4:1 A4 B4 A4 G4 A4 B4 A4",
    "a bar four times": "G4:1 A4 B4 C5 " * 4,
    "over two bars long": "G4:1 A4 B4 C5 D5:9",
}


@pytest.mark.parametrize("sign", SIGNS)
def test_each_sign(sign):
    assert sign in signs(tune(TUNES[sign]))


def test_a_sound_tune_has_none():
    assert signs(SOUND) == ()


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("over half one pitch", "G4:1 A4 G4 B4"),
        ("six equal in a row", "G4:1 G4 G4 G4 G4 A4 G4 B4 C5"),
        ("under four pitches", "G4:1 A4 B4 C5"),
        ("a bar four times", "G4:1 A4 B4 C5 " * 3 + "G4:1 A4 B4 D5"),
        ("over two bars long", "G4:1 A4 B4 C5 D5:8"),
    ],
)
def test_the_nearest_that_has_not(sign, text):
    assert sign not in signs(tune(text))


def test_a_rest_counts_as_a_note_does_and_without_meter_nothing_is_long():
    assert signs(tune("G4:1 A4 B4 C5 r:9 D5:1")) == ("over two bars long",)
    assert signs(parse_notes("G4:1 A4 B4 C5 r:9 D5:1")) == ()


def test_shares():
    bad = tune(TUNES["over two bars long"])
    assert shares([SOUND, SOUND, SOUND, bad])["over two bars long"] == 0.25
