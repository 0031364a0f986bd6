"""Score files as people have them, each the smallest of its kind, with what it says by the format's standard."""

from pathlib import Path

import pytest

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.music import Key, Melody

SCORES = Path(__file__).parent / "scores"
QUARTER = 24


def only(name: str) -> tuple[Melody, list[str]]:
    reading = formats.read(SCORES / name)
    [melody] = reading.melodies
    return melody, reading.notices


def onsets(melody: Melody) -> list[tuple[int, float]]:
    """Pitch and onset in quarters."""
    return [(note.pitch, note.onset / QUARTER) for note in melody.notes]


@pytest.mark.parametrize(
    ("name", "notes", "quarters"),
    [
        ("lead12bars.mid", 8, 56.0),
        ("rest25bars_inside.mid", 12, 112.0),
        ("long_note.abc", 9, 88.0),
    ],
)
def test_long_rests_and_notes_keep_their_length(name, notes, quarters):
    melody, _ = only(name)
    assert (len(melody), melody.duration / QUARTER) == (notes, quarters)


@pytest.mark.parametrize("name", ["ending_space.abc", "ending_tab.abc"])
def test_white_space_before_an_ending_is_no_matter(name):
    melody, _ = only(name)
    assert melody.pitches == (67, 69, 71, 72, 76, 72, 71, 69, 67, 67)
    assert melody.duration == 16 * QUARTER


@pytest.mark.parametrize("name", ["huge_chord.musicxml", "huge8.musicxml"])
def test_a_huge_duration_is_refused(name):
    with pytest.raises(FormatError, match="at most 100,000 are read") as caught:
        only(name)
    assert caught.value.kind == "too large"


def test_cue_notes_take_their_time_and_do_not_sound():
    melody, notices = only("cue_first.musicxml")
    assert onsets(melody) == [(72, 2.0), (74, 4.0)]
    assert (melody.duration, melody.pickup) == (8 * QUARTER, 0)
    assert any("cue notes are left out" in notice for notice in notices)
    assert onsets(only("cue_between.musicxml")[0]) == [(72, 0.0), (74, 2.0), (76, 4.0)]


def test_a_namespace_is_no_matter():
    assert onsets(only("namespace.musicxml")[0]) == [(72, 0.0)]


def test_drums_alone_are_no_melody():
    with pytest.raises(FormatError, match="only drums"):
        only("drums_only.mid")


@pytest.mark.parametrize("name", ["cc255.mid", "program208.mid"])
def test_a_data_byte_that_is_too_large_is_told_and_passed_over(name):
    melody, notices = only(name)
    assert melody.pitches == (60, 62, 64)
    assert any("data byte" in notice for notice in notices)


def test_a_note_without_end_lasts_to_the_end_of_its_track():
    melody, notices = only("no_note_off.mid")
    assert onsets(melody) == [(60, 0.0), (62, 1.0), (64, 2.0)]
    assert melody.notes[2].end == 4 * QUARTER
    assert any("without an end" in notice for notice in notices)


def test_an_escaped_packet_takes_no_time():
    assert onsets(only("f7_escape.mid")[0])[0] == (60, 0.0)


def test_decorations_within_a_chord_are_no_notes():
    assert only("decoration_in_chord.abc")[0].pitches == (66, 69)


def test_prose_after_a_tune_is_no_music():
    assert len(only("prose.abc")[0]) == 4


def test_of_two_keys_at_the_start_the_later_holds():
    melody, _ = only("key_twice.abc")
    assert melody.key == Key("F")
    assert melody.pitches == (70, 70, 65, 65)


def test_a_line_break_of_ones_own_ends_a_phrase():
    assert only("linebreak_dollar.abc")[0].phrase_ends == (4 * QUARTER, 12 * QUARTER)


@pytest.mark.parametrize("name", ["null_in_lyrics.mid", "tempo_of_zero.mid"])
def test_what_fell_under_mutated_files_is_read_and_written(name):
    melody, _ = only(name)
    for other in ("midi", "musicxml", "abc", "kern", "json"):
        assert formats.read_bytes(formats.to_bytes(melody, other), other, "x").melodies == [melody]


def test_an_entry_without_a_name_is_no_score():
    with pytest.raises(FormatError, match="there is no score in it"):
        only("nameless_entry.mxl")
