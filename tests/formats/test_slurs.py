"""Slurs over the notes of one syllable, in each format that has them and in the picture."""

import re

import pytest

from melodysynthesis import formats
from melodysynthesis.formats import pieces
from melodysynthesis.music import Key, Melody, Meter, Note

SONG = Melody(
    tuple(Note(24 * number + 24 * (number > 8), 24, 60 + number % 5) for number in range(11)),
    288,
    (Meter(0, 3, 4),),
    Key("C"),
    (144, 288),
    lyrics=((0, "Hal-"), (48, "le-"), (144, "lu"), (168, "jah,"), (264, "oh")),
)
"""Slurs over two notes, over four that a bar line parts, and over two before a rest; single notes have none."""
SLURS = {0: 24, 48: 120, 168: 192}


def test_a_syllable_of_several_notes_is_slurred_up_to_a_rest_or_the_end_of_the_phrase():
    assert pieces.melismas(SONG) == SLURS
    assert pieces.melismas(Melody(SONG.notes, 288, SONG.meters)) == {}


def test_music_without_words_after_a_song_is_not_slurred():
    notes = tuple(Note(24 * number, 24, 60) for number in range(40))
    assert pieces.melismas(Melody(notes, 960, lyrics=((0, "a"), (48, "b")))) == {0: 24}


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [("abc", r"\((?!\d)", r"\)"), ("kern", r"\(", r"\)"), ("musicxml", '<slur type="start"', '<slur type="stop"')],
)
def test_files_have_the_slurs_and_are_read_as_before(name, start, end):
    data = formats.to_bytes(SONG, name)
    counts = [len(re.findall(sign, data.decode())) for sign in (start, end)]
    assert counts == [len(SLURS)] * 2
    [melody] = formats.read_bytes(data, name, "x").melodies
    assert (melody, melody.lyrics) == (SONG, SONG.lyrics)


def test_a_tied_note_within_a_slur_begins_and_ends_once():
    tied = Melody((Note(0, 48, 60), Note(48, 48, 62)), 96, (Meter(0, 3, 8),), lyrics=((0, "la"),))
    for name, sign in (("abc", b"("), ("kern", b"("), ("musicxml", b'<slur type="start"')):
        data = formats.to_bytes(tied, name)
        assert data.count(sign) == 1
        assert formats.read_bytes(data, name, "x").melodies == [tied]


def test_the_picture_has_them():
    assert len(re.findall(r'class="slur"', formats.to_bytes(SONG, "svg").decode())) == len(SLURS)
