"""The melody value: what it refuses, and how bars are counted."""

from itertools import pairwise

import pytest
from hypothesis import given

from melodysynthesis.errors import CorpusError, FormatError, MelodyError, unknown
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies

THREE_FOUR = (Meter(0, 3, 4),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((Note(0, 0, 60),), 24), "note 1: duration 0 ticks is not positive"),
        (((Note(0, 24, 60), Note(12, 24, 62)), 48), "note 2: onset at tick 12 is before tick 24"),
        (((Note(0, 24, 128),), 24), "note 1: pitch 128 is not a MIDI number"),
        (((Note(0, 24, 60),), 23), "the last note ends at tick 24, after the melody's 23"),
        (((), 24, (Meter(1, 3, 4),)), "the first meter is at tick 1"),
        (((), 24, (Meter(0, 3, 5),)), "meter 3/5 is not"),
        (((), 96, (Meter(0, 3, 4), Meter(96, 2, 4))), "the meter at tick 96 is after"),
        (((), 24, (), None, (12, 12)), "phrase ends are not in ascending order"),
        (((), 24, (), None, (25,)), "phrase ends .* are not within the melody's 24 ticks"),
        (((), 96, THREE_FOUR, None, (), 72), "a pickup of 72 ticks is not shorter than a bar"),
        (((), 96, (), None, (), 24), "a pickup of 24 ticks"),
    ],
)
def test_what_is_no_melody_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        Melody(*arguments)


@pytest.mark.parametrize(
    ("tonic", "pitch_class"), [("C", 0), ("F#", 6), ("Bb", 10), ("Cb", 11), ("B##", 1), ("Fbb", 3)]
)
def test_a_spelled_tonic_has_its_pitch_class(tonic, pitch_class):
    assert Key(tonic).pitch_class == pitch_class


@pytest.mark.parametrize(("tonic", "mode"), [("H", "major"), ("C#b", "major"), ("c", "major"), ("C", "blue")])
def test_what_is_no_key_is_refused(tonic, mode):
    with pytest.raises(ValueError, match=r"tonic|mode"):
        Key(tonic, mode)


def test_a_pickup_is_bar_0_and_the_last_bar_may_be_short():
    melody = Melody((), 24 + 72 + 48, THREE_FOUR, pickup=24)
    assert [(bar.number, bar.start, bar.end) for bar in melody.bars()] == [(0, 0, 24), (1, 24, 96), (2, 96, 144)]


def test_a_change_of_meter_starts_a_bar():
    melody = Melody((), 72 + 30 + 48, (Meter(0, 3, 4), Meter(102, 2, 4)))
    assert [(bar.number, bar.start, bar.end) for bar in melody.bars()] == [(1, 0, 72), (2, 72, 102), (3, 102, 150)]
    assert melody.meter_at(101) == Meter(0, 3, 4)
    assert melody.meter_at(102) == Meter(102, 2, 4)


def test_a_melody_without_meter_has_no_bars():
    melody = Melody((Note(0, 24, 60),), 24)
    assert list(melody.bars()) == []
    assert melody.meter_at(0) is None


@given(melody=melodies())
def test_bars_tile_the_melody(melody):
    bars = list(melody.bars())
    if melody.meters and melody.duration:
        assert bars[0].start == 0
        assert bars[-1].end == melody.duration
    assert all(one.end == other.start for one, other in pairwise(bars))
    assert all(0 < bar.end - bar.start <= bar.meter.bar_ticks for bar in bars)


@given(melody=melodies())
def test_transposing_there_and_back_changes_nothing(melody):
    if melody.notes and max(melody.pitches) <= 122:
        assert melody.transpose(5, Key("F")).transpose(-5, melody.key) == melody
        assert melody.transpose(5).pitches == tuple(pitch + 5 for pitch in melody.pitches)


def test_the_note_array_has_a_row_for_each_note():
    assert Melody((), 24).note_array().shape == (0, 3)
    assert Melody((Note(0, 12, 60), Note(12, 12, 62)), 24).note_array().tolist() == [[0, 12, 60], [12, 12, 62]]


def test_errors_say_where_and_suggest():
    error = FormatError("duration '7%3' is not a reciprocal", "deut0567.krn:41")
    assert str(error) == "deut0567.krn:41: duration '7%3' is not a reciprocal"
    assert unknown("corpus", "esen-german", ["essen-german", "airds"]) == (
        "unknown corpus 'esen-german': did you mean essen-german?"
    )
    assert unknown("corpus", "zzz", ["b", "a", "b"]) == "unknown corpus 'zzz': known: a, b"
    assert issubclass(CorpusError, MelodyError)


@pytest.mark.parametrize(
    ("onsets", "expected"),
    [
        ((0, 24, 48, 72), "0:Hal- 24:lo, 48:lie- 72:be"),
        ((0, 12, 24, 48, 60, 72), "0:Hal- 24:lo, 48:lie- 72:be"),
        ((0, 30, 36, 72), "0:Hal- 30:lo, 36:lie- 72:be"),
        ((0, 36, 72), "0:Hal- 36:lo, lie- 72:be"),
        ((0, 72), "0:Hallo, lie- 72:be"),
        ((0,), "0:Hallo, liebe"),
        ((12, 60), "12:Hal- 60:lo, liebe"),
        ((96,), ""),
        ((), ""),
    ],
)
def test_a_melody_that_is_rewritten_keeps_every_syllable(onsets, expected):
    words = ((0, "Hal-"), (24, "lo,"), (48, "lie-"), (72, "be"))
    before = Melody(tuple(Note(tick, 24, 60) for tick, _ in words), 96, lyrics=words)
    ends = [*onsets[1:], 120]
    after = Melody(tuple(Note(a, b - a, 62) for a, b in zip(onsets, ends, strict=False)), 120).with_metadata(before)
    assert " ".join(f"{tick}:{text}" for tick, text in after.lyrics) == expected
