"""Which part of a score is the melody, and which of its notes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.parts import MELODY_NAMES, Part, choose, monophony, top_line
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


def test_drums_are_no_melody():
    assert choose([Part("", 90.0, True), Part("", 40.0)], None, "x")[0] == 1
    with pytest.raises(FormatError, match="x: there are only drums in it"):
        choose([Part("", 30.0, True), Part("", 40.0, True)], None, "x")
    assert choose([Part("Kit", 30.0, True)], "Kit", "x") == (0, ["its only part is drums"])


@pytest.mark.parametrize(
    ("parts", "taken", "why"),
    [
        ([Part("Flute", 80.0), Part("Voice", 60.0)], 1, "by its name"),
        ([Part("Voice 1", 60.0), Part("Voice 2", 70.0)], 0, "by its name"),
        ([Part("A", 70.0), Part("B", 60.0, has_lyrics=True)], 1, "by its lyrics"),
        ([Part("A", 60.0), Part("B", 70.0)], 1, "the highest on average"),
        ([Part("A", 70.0, notes=3), Part("B", 60.0, notes=300)], 1, "as the others are less likely"),
        ([Part("A", 61.0), Part("B", 60.0, monophony=0.1), Part("C", 62.0, monophony=0.1)], 0, "least in chords"),
        ([Part("A", 60.0), Part("Backing vocals", 70.0)], 1, "by its name"),
        ([Part("Piccolo", 101.0, monophony=0.2), Part("B", 60.0)], 1, "the one least in chords"),
    ],
)
def test_points_of_parts(parts, taken, why):
    index, (notice,) = choose(parts, None, "x")
    assert index == taken
    assert why in notice


def test_monophony_is_the_share_of_notes_that_start_alone():
    assert monophony([(0, 24), (24, 48), (48, 72)]) == 1
    assert monophony([(0, 26), (24, 48)]) == 1  # legato
    assert monophony([(0, 48), (24, 48), (48, 72), (48, 72)]) == 0.5
