"""Bits by kind of note: the parts make up the whole, each note is where a musician would put it."""

from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis.encodings import EventEncoding, GridEncoding, Group
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.breakdown import BREAKDOWNS, NOTES_BEFORE_NAMES, breakdown, confusion
from melodysynthesis.evaluation.evaluate import evaluate
from melodysynthesis.evaluation.features import MelodyFacts
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.evaluation.test_evaluate import TUNES, knowing, noise, uniform

ENCODINGS = pytest.mark.parametrize("encoding", [EventEncoding(), GridEncoding(range(48, 80))], ids=["event", "grid"])


def kinds(name: str, melody: Melody) -> list[str]:
    return BREAKDOWNS[name][1](MelodyFacts(melody))


@ENCODINGS
def test_parts_make_up_the_bits_of_all_notes(encoding):
    found = evaluate(noise(encoding), TUNES)
    for parts in breakdown(found, TUNES).values():
        assert sum(part.notes for part in parts) == found.notes.sum()
        assert sum(part.notes * part.bits.value for part in parts) == pytest.approx(found.note_bits.sum())
        assert sum(part.notes * part.accuracy.value for part in parts) == pytest.approx(
            found.correct[:, Group.NOTE].sum()
        )


@ENCODINGS
def test_bits_of_notes_are_the_music_bits_less_what_stands_before_the_first(encoding):
    found = evaluate(noise(encoding), TUNES)
    of_tune = np.bincount(found.note_tune, found.note_bits)
    whole = found.music_bits.sum(axis=1)
    assert (of_tune <= whole + 1e-9).all()
    if encoding.name == "grid":  # whose tunes begin with a note here
        np.testing.assert_allclose(of_tune, whole)
    assert np.bincount(found.note_tune).tolist() == found.notes.tolist()


def test_what_is_known_by_heart_costs_nothing_anywhere():
    encoding = EventEncoding()
    found = evaluate(knowing(encoding, TUNES[:1]), TUNES[:1])
    for parts in breakdown(found, TUNES[:1]).values():
        assert all(part.bits.value == pytest.approx(0, abs=1e-6) and part.accuracy.value == 1 for part in parts)
        assert all(np.isnan(part.bits.low) for part in parts)  # of one tune nothing is known of the spread


def test_notes_are_where_a_musician_would_put_them():
    notes = tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate((67, 60, 62, 64, 67, 65, 61)))
    melody = Melody(notes, 168, (Meter(0, 3, 4),), Key("C"), (96, 168), pickup=24)
    assert kinds("scale degree", melody) == ["5", "1", "2", "3", "5", "4", "♭2"]
    assert kinds("metric position", melody)[:4] == ["other beat", "bar line", "other beat", "other beat"]
    assert kinds("place in the phrase", melody) == [
        "first note", "second note", "last but one", "last note", "first note", "last but one", "last note",
    ]  # fmt: skip
    assert kinds("notes heard before", melody) == ["0", "1", "2 to 3", "2 to 3", "4 to 7", "4 to 7", "4 to 7"]
    assert NOTES_BEFORE_NAMES[-1] == "64 or more"


def test_what_a_melody_does_not_say_is_in_no_part():
    bare = [replace(melody, meters=(), pickup=0, phrase_ends=()) for melody in TUNES]
    encoding = GridEncoding(range(48, 80))
    assert set(breakdown(evaluate(uniform(encoding), bare), bare)["metric position"]) == set()
    assert breakdown(evaluate(uniform(encoding), bare), bare)["place in the phrase"] == []


def test_other_melodies_are_refused():
    found = evaluate(uniform(GridEncoding(range(48, 80))), TUNES)
    with pytest.raises(RequestError, match="not the melodies that were predicted"):
        breakdown(found, TUNES[1:])


@ENCODINGS
def test_rows_of_confusion_add_up_to_one(encoding):
    found = evaluate(noise(encoding), TUNES)
    pitches = confusion(found, Group.NOTE)
    np.testing.assert_allclose(pitches.shares.sum(axis=1), 1)
    assert pitches.tokens.sum() == found.notes.sum()
    assert pitches.shares.shape == (len(pitches.labels), len(pitches.labels) + 1)
    durations = confusion(found, Group.DURATION)
    assert durations.tokens.sum() == found.tokens[:, Group.DURATION].sum()


def test_perfect_confusion_is_the_diagonal():
    encoding = EventEncoding()
    pitches = confusion(evaluate(knowing(encoding, TUNES[:1]), TUNES[:1]), Group.NOTE)
    np.testing.assert_array_equal(pitches.shares[:, :-1], np.eye(len(pitches.labels)))


def test_calibration_by_group_adds_up_to_that_of_all():
    found = evaluate(noise(EventEncoding()), TUNES)
    assert found.bins.shape[0] == len(Group)
    np.testing.assert_allclose(found.bins[..., 0].sum(axis=1), found.tokens.sum(axis=0))
    assert 0 <= found.by_group()["note"]["calibration error"] <= 1
