"""Which part of a score is the melody, and which of its notes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.formats.parts import MELODY_NAMES, Part, choose, top_line
from melodysynthesis.music import Melody, Note

notes = st.lists(st.builds(Note, st.integers(0, 50), st.integers(1, 20), st.integers(40, 60)), max_size=20)


@given(notes)
def test_the_top_line_is_a_melody_of_the_given_pitches(given_notes):
    line, left_out = top_line(given_notes)
    assert Melody(line, 100).notes == line
    assert len(line) + left_out == len(given_notes)
    assert {(n.onset, n.pitch) for n in line} <= {(n.onset, n.pitch) for n in given_notes}


def test_the_highest_of_a_chord_stays():
    assert top_line([Note(0, 24, 60), Note(0, 24, 67), Note(0, 24, 64)]) == ((Note(0, 24, 67),), 2)


def test_a_note_ends_where_a_higher_one_starts():
    assert top_line([Note(0, 48, 60), Note(24, 24, 67)]) == ((Note(0, 24, 60), Note(24, 24, 67)), 0)


def test_a_lower_note_under_a_sounding_one_is_left_out():
    assert top_line([Note(0, 48, 72), Note(24, 24, 60), Note(48, 24, 71)]) == ((Note(0, 48, 72), Note(48, 24, 71)), 1)


def test_legato_is_not_mistaken_for_two_voices():
    assert top_line([Note(0, 26, 72), Note(24, 24, 60)]) == ((Note(0, 24, 72), Note(24, 24, 60)), 0)


@pytest.mark.parametrize("name", ["Melody", "MELODIE", "Voice 1", "Lead Vocals", "Soprano", "Singstimme", "Solo"])
def test_names_that_say_melody(name):
    assert MELODY_NAMES.search(name)


@pytest.mark.parametrize("name", ["", "Bass", "Piano", "Drums", "Pleading", "Invoice?" * 0, "Strings"])
def test_names_that_do_not(name):
    assert not MELODY_NAMES.search(name)


def test_a_single_part_needs_no_notice():
    assert choose([Part("Piano", 60.0)], None, "x") == (0, [])


def test_drums_are_taken_only_where_there_is_nothing_else():
    assert choose([Part("", 90.0, True), Part("", 40.0)], None, "x")[0] == 1
    assert choose([Part("", 30.0, True), Part("", 40.0, True)], None, "x")[0] == 1
