"""The usual consent text says what its test has: who wrote the melodies, what one does, and for how long."""

import pytest

from melodysynthesis.apps.listen.command import CONSENT
from melodysynthesis.apps.listen.sets import consent_of
from melodysynthesis.music import Melody, Note

SETS = [[Melody((Note(0, 24, 60),), 480)]] * 2  # ten seconds each


def consent(**changes):
    design = {"ratings": 8, "pairs": 12, "people": True, "models": True} | changes
    return consent_of(CONSENT.read_text(), SETS, **design)


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({}, "by people, some by a computer", "{"),
        ({"people": False}, "computer programs", "people,"),
        ({"people": False, "models": False}, "not told where each comes from", "computer"),
        ({"pairs": 0}, "You say how you like them.", "choose"),
        ({"ratings": 0}, "You choose between two.", "how you like"),
        ({}, "about 9 minutes", "twenty"),
        ({"ratings": 2, "pairs": 0}, "about 1 minute.", "twenty"),
        ({"ratings": 100, "pairs": 100}, "about 90 minutes", "twenty"),
    ],
)
def test_the_text_follows_the_design(changes, said, unsaid):
    text = consent(**changes)
    assert said in text
    assert unsaid not in text
