import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.errors import RequestError
from melodysynthesis.music import Key, Meter, Note
from melodysynthesis.notation import (
    format_notes,
    format_pitch,
    looks_like_notes,
    parse_key,
    parse_meter,
    parse_notes,
    parse_pitch,
    parse_quarters,
)
from tests.strategies import keys, melodies


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("B- major", Key("Bb")),
        ("G major", Key("G")),
        ("G", Key("G")),
        ("g minor", Key("G", "minor")),
        ("Gm", Key("G", "minor")),
        ("Bb", Key("Bb")),
        ("B minor", Key("B", "minor")),
        ("bb minor", Key("Bb", "minor")),
        ("B♭ dur", Key("Bb")),
        ("F# dorian", Key("F#", "dorian")),
        ("f sharp minor", Key("F#", "minor")),
        ("E-flat major", Key("Eb")),
        ("D mixolydian", Key("D", "mixolydian")),
        (" a  aeolian ", Key("A", "minor")),
    ],
)
def test_keys_are_read_as_people_write_them(text, key):
    assert parse_key(text) == key


@given(keys)
def test_a_key_reads_as_it_is_printed(key):
    assert parse_key(str(key)) == key


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("g", "may be major or minor: say 'G major' or 'G minor'"),
        ("bb", "say 'Bb major'"),
        ("H major", "German H is B"),
        ("G dorain", "did you mean dorian"),
        ("", "expected a tonic"),
        ("G major!", "expected a tonic"),
        ("7", "expected a tonic"),
    ],
)
def test_what_is_no_key_is_explained(text, match):
    with pytest.raises(RequestError, match=match):
        parse_key(text)


def test_meters_are_read():
    assert parse_meter("3/4") == Meter(0, 3, 4)
    assert parse_meter(" 12/8 ") == Meter(0, 12, 8)


@pytest.mark.parametrize("text", ["3", "3/5", "0/4", "33/4", "3/0", "three", "", "3/4/4", "-3/4"])
def test_what_is_no_meter_is_refused(text):
    with pytest.raises(RequestError, match="meter"):
        parse_meter(text)


@pytest.mark.parametrize(
    ("text", "pitch"), [("C4", 60), ("A4", 69), ("F#4", 66), ("Bb3", 58), ("c-1", 0), ("G9", 127), ("E♭5", 75)]
)
def test_pitches_are_read(text, pitch):
    assert parse_pitch(text) == pitch


@pytest.mark.parametrize("text", ["H4", "C", "4", "C##b4", "G#9", "Cb-1", ""])
def test_what_is_no_pitch_is_refused(text):
    with pytest.raises(RequestError, match="pitch"):
        parse_pitch(text)


@given(st.integers(0, 127), st.none() | keys)
def test_a_pitch_reads_as_it_is_printed(pitch, key):
    name = format_pitch(pitch, key)
    if name[-2] != "-" and not name.endswith("10"):  # a B# may be written an octave lower than any that is read
        assert parse_pitch(name) == pitch


def test_durations_are_quarters():
    assert [parse_quarters(text) for text in ("1", "1/2", "0.25", "1.5", "1/3", "64")] == [24, 12, 6, 36, 8, 1536]


@pytest.mark.parametrize("text", ["0", "-1", "1/7", "65", "1/0", "x", "", "nan", "inf", "1e9"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(RequestError, match="duration"):
        parse_quarters(text)


def test_inline_notes_may_last_as_long_as_a_file():
    assert parse_notes("r:99998 G4:1").duration == 24 * 99_999
    with pytest.raises(RequestError, match="last more than 100,000 quarters"):
        parse_notes("r:60000 G4:60000")


def test_inline_notes_keep_the_last_duration():
    melody = parse_notes("G4:1 A4:1/2 B4 r:1 C5")
    assert melody.notes == (Note(0, 24, 67), Note(24, 12, 69), Note(36, 12, 71), Note(72, 24, 72))
    assert melody.duration == 96


@given(melodies(min_notes=1).filter(lambda m: 11 < min(m.pitches) <= max(m.pitches) < 118))
def test_inline_notes_read_as_they_are_printed(melody):
    again = parse_notes(format_notes(melody))
    assert (again.notes, again.duration) == (melody.notes, melody.duration)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("G4:1 X4", "inline note 2, 'X4'"),
        ("G4:1/7", "inline note 1.*no multiple"),
        ("r:1", "all rests"),
        ("", "0 inline notes"),
        ("C4 " * 2001, "2001 inline notes"),
    ],
)
def test_bad_inline_notes_are_named(text, match):
    with pytest.raises(RequestError, match=match):
        parse_notes(text)


def test_notes_are_told_from_file_names():
    assert all(map(looks_like_notes, ("G4:1 A4:1/2", "r:1 C4", "Bb3", "G4:1/2")))
    assert not any(map(looks_like_notes, ("tune.mid", "folder/tune.abc", "G", "", "abc", "60 _ _")))
