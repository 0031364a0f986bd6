"""How melodies are built, on tunes whose form a musician can hear."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from melodysynthesis.evaluation.structure import (
    STRUCTURE,
    Structure,
    figures,
    mean_likeness,
)
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.theory.form import VARIED, letters, likeness
from tests.strategies import melodies

UP, DOWN, OTHER = (60, 62, 64, 65), (67, 65, 64, 62), (72, 60, 71, 61)


def tune(*bars, pickup=0, phrase_bars=1, **more) -> Melody:
    """Bars of quarters in 4/4, a phrase every so many bars."""
    pitches = [pitch for bar in bars for pitch in bar]
    notes = tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate(pitches))
    length = 24 * len(notes)
    ends = tuple(range(96 * phrase_bars, length + 1, 96 * phrase_bars))
    return Melody(notes, length, **{"meters": (Meter(0, 4, 4),), "key": Key("C"), "phrase_ends": ends, **more})


@pytest.mark.parametrize(
    ("bars", "form"),
    [
        ((UP, UP, DOWN, UP), "AABA"),
        ((UP, DOWN, UP, DOWN), "ABAB"),
        ((UP, (60, 62, 64, 67), OTHER, UP), "AA'BA"),
        ((UP,), "A"),
        ((), ""),
    ],
)
def test_forms(bars, form):
    assert "".join(Structure(tune(*bars)).form) == form


def test_likeness_by_hand():
    one, rhythm, other = [(0, 60), (24, 62)], [(0, 65), (24, 67)], [(0, 60), (12, 62)]
    found = likeness([one, rhythm, other, [], []])
    assert found[0, 1] == 0.5  # the same rhythm
    assert found[0, 2] == 0.5  # one of two notes
    assert found[0, 3] == 0
    assert found[3, 4] == 1
    assert likeness([one, rhythm], rhythm=True)[0, 1] == 1


@given(melodies())
def test_likeness_laws(melody):
    structure = Structure(melody)
    for alike in (structure.by_bar, structure.by_bar_rhythm, structure.by_phrase):
        np.testing.assert_array_equal(np.diagonal(alike), 1)
        np.testing.assert_array_equal(alike, alike.T)
        assert ((alike >= 0) & (alike <= 1)).all()
    assert (structure.by_bar <= structure.by_bar_rhythm).all()


@given(melodies(min_notes=1))
def test_figures_are_shares_or_unknown(melody):
    for name, value in figures(melody).items():
        assert np.isnan(value) or 0 <= value <= 1, name


def test_letters_look_at_the_first_of_each():
    alike = np.array([[1, VARIED, 0], [VARIED, 1, VARIED], [0, VARIED, 1]])
    assert letters(alike) == ["A", "A'", "B"]  # the third is like the second, but that is only a variant of A


def test_bars_that_return():
    found = figures(tune(UP, DOWN, UP, DOWN))
    assert found["Likeness 2 Bars Ago"] == 1
    assert found["Bar Likeness"] == pytest.approx((Structure(tune(UP, DOWN)).by_bar[0, 1] + 2) / 3)
    assert found["Phrases Repeated"] == pytest.approx(2 / 3)
    assert found["First Phrase Returns"] == 1
    assert np.isnan(found["Likeness 4 Bars Ago"])
    assert figures(tune(UP, UP, DOWN))["First Phrase Returns"] == 0


def test_foretold_by_what_was_heard():
    right, ago = Structure(tune(UP, DOWN, UP, DOWN)).foretold
    # the third step of the repeat is the first with two like steps behind it
    assert right.tolist() == [False] * 11 + [True] * 5
    assert ago[-1] == 8
    assert not Structure(tune(UP, OTHER)).foretold[0].any()


def steps(*intervals) -> Melody:
    """Quarters that go by these intervals."""
    pitches = np.cumsum([60, *intervals]).tolist()
    return Melody(tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate(pitches)), 24 * len(pitches))


def test_of_equally_long_pasts_the_latest_foretells():
    # 1 2 went on with 3, then with 4; what came before each differs
    right, ago = Structure(steps(1, 2, 3, -5, 1, 2, 4, -6, 1, 2, 4)).foretold
    assert (right[-1], ago[-1]) == (True, 4)
    right, ago = Structure(steps(1, 2, 3, -5, 1, 2, 4, -6, 1, 2, 3)).foretold
    assert (right[-1], ago[-1]) == (False, 4)


def test_a_longer_past_foretells_before_a_later_one():
    right, ago = Structure(steps(7, 1, 2, 3, -5, 1, 2, 4, 7, 1, 2, 3)).foretold
    assert (right[-1], ago[-1]) == (True, 8)


def test_foretold_needs_the_same_durations():
    melody = tune(UP, DOWN, UP, DOWN)
    second = [note._replace(duration=20) for note in melody.notes[8:]]  # shorter, but to the next onset as long
    assert Structure(replace(melody, notes=melody.notes[:8] + tuple(second))).foretold[0].sum() >= 4
    halved = tuple(Note(192 + 12 * n, 12, note.pitch) for n, note in enumerate(melody.notes[8:]))
    assert not Structure(replace(melody, notes=melody.notes[:8] + halved)).foretold[0].any()


def test_transposition_changes_nothing():
    melody = tune(UP, DOWN, UP, OTHER)
    one, other = figures(melody), figures(melody.transpose(5, Key("F")))
    np.testing.assert_equal(list(one.values()), list(other.values()))


def test_whole_bars():
    whole, short = tune(UP, DOWN), tune(UP, (67, 65, 64))
    assert figures(whole)["Ends With Whole Bar"] == 1
    assert figures(short)["Ends With Whole Bar"] == 0
    assert figures(replace(tune((67,), UP, DOWN[:3]), pickup=24))["Ends With Whole Bar"] == 1  # with the pickup
    over = Melody((Note(0, 72, 60), Note(72, 48, 62)), 192, (Meter(0, 4, 4),))
    assert figures(over)["Notes Over Bar Lines"] == 0.5


@pytest.mark.parametrize("melody", [Melody((), 0), Melody((Note(0, 24, 60),), 24), Melody((), 96, (Meter(0, 4, 4),))])
def test_next_to_nothing_is_defined(melody):
    found = figures(melody)
    assert list(found) == list(STRUCTURE)
    assert np.isnan(found["Phrase Likeness"])
    assert Structure(melody).form == []


def test_the_mean_picture_of_several_tunes():
    found = mean_likeness([tune(UP, UP, DOWN), tune(UP, DOWN)], 4)
    assert found[0, 1] == pytest.approx((1 + Structure(tune(UP, DOWN)).by_bar[0, 1]) / 2)
    assert found[1, 1] == 1
    assert np.isnan(found[3, 3])
    assert np.isnan(mean_likeness([], 2)).all()
