"""Grid text: the notation of the original study."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import grid
from melodysynthesis.music import Melody, Note
from tests.strategies import melodies

tokens = st.sampled_from(["_", "_", "r", "60", "62", "127", "0"])


def test_an_example_is_what_the_page_says():
    [melody] = grid.read(b"60 _ _ _ 62 _ 64 _ r _ _ _", "x").melodies
    assert melody.notes == (Note(0, 24, 60), Note(24, 12, 62), Note(36, 12, 64))
    assert melody.duration == 72
    assert " ".join(grid.tokens_of(melody)) == "60 _ _ _ 62 _ 64 _ r _ _ _"


def test_a_rest_may_come_first_and_last_and_neighbours_are_one():
    melody = grid.melody_of(["r", "_", "r", "_", "60", "r", "r"])
    assert melody == Melody((Note(24, 6, 60),), 42)
    assert " ".join(grid.tokens_of(melody)) == "r _ _ _ 60 r _"


@given(melody=melodies(step=grid.STEP_TICKS))
def test_a_melody_comes_back_from_its_tokens(melody):
    again = grid.melody_of(grid.tokens_of(melody))
    assert (again.notes, again.duration) == (melody.notes, melody.duration)


@given(first=st.sampled_from(["r", "60"]), rest=st.lists(tokens, max_size=30))
def test_tokens_say_a_melody_of_their_number(first, rest):
    melody = grid.melody_of([first, *rest])
    assert melody.duration == grid.STEP_TICKS * (1 + len(rest))
    assert grid.melody_of(grid.tokens_of(melody)) == melody


@pytest.mark.parametrize(
    ("notes", "duration", "message"),
    [
        ([Note(0, 8, 60)], 12, r"note 1 \(MIDI 60\) lasts 8, not a whole number of sixteenths of 6 ticks"),
        ([Note(0, 6, 60), Note(8, 6, 62)], 18, r"note 2 \(MIDI 62\) starts at tick 8"),
        ([Note(0, 6, 60)], 7, "the melody lasts 7 ticks"),
    ],
)
def test_what_is_off_the_grid_is_refused_by_name(notes, duration, message):
    with pytest.raises(FormatError, match=message) as caught:
        grid.tokens_of(Melody(tuple(notes), duration))
    assert caught.value.kind == "off the grid"


def test_a_corpus_file_is_one_line_with_delimiters():
    text = "60 _ 62 _" + " /" * grid.DELIMITERS_AFTER_SONG + " 64 _ _ _" + " /" * grid.DELIMITERS_AFTER_SONG
    melodies = grid.read(text.encode(), "train.txt").melodies
    assert [melody.pitches for melody in melodies] == [(60, 62), (64,)]
    assert [melody.source for melody in melodies] == ["train.txt:1 song 1", "train.txt:1 song 2"]


def test_generated_melodies_stand_one_a_line_and_a_bad_one_does_not_hide_the_others():
    reading = grid.read(b"60 _\n\n62 x\n_ 64\n65 _ /\n", "out.txt")
    assert [melody.pitches for melody in reading.melodies] == [(60,), (65,)]
    assert [str(problem) for problem in reading.problems] == [
        "out.txt:3: token 2 is 'x': expected a MIDI number from 0 to 127, 'r' or '_'",
        "out.txt:4: token 1 is '_', which holds a note before there is one",
    ]


def test_one_song_is_taken_by_number():
    assert grid.read(b"60\n62\n", "x", "2").melodies[0].pitches == (62,)
    with pytest.raises(FormatError, match="no song '3': they are numbered from 1 to 2"):
        grid.read(b"60\n62\n", "x", "3")


@pytest.mark.parametrize("token", ["128", "-1", "060", "6.0", "R", "²", "60_"])
def test_what_is_no_token_is_named(token):
    with pytest.raises(FormatError, match="token 2 is"):
        grid.melody_of(["60", token])


def test_an_endless_song_is_refused():
    with pytest.raises(FormatError, match="at most 100,000 are read"):
        grid.read(b"60 " * 500_000, "x")


@pytest.mark.parametrize("data", [b"60/" * 30_000, b"60\r" * 30_000, b"60 _\n" * 30_000])
def test_songs_are_counted_before_they_are_parted(data):
    with pytest.raises(FormatError, match="at most 20,000"):
        grid.read(data, "x.txt")


def test_the_delimiters_after_a_song_are_no_songs():
    assert len(grid.read(b"60 _ r _" + b" /" * 64 + b" 62 _\xe2\x80\xa8_ _" + b" /" * 64, "x.txt").melodies) == 2
