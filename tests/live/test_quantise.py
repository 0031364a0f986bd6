import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.live.note_tracker import NoteTracker, PerformedNote
from melodysynthesis.live.quantise import quantise
from melodysynthesis.live.tempo import seconds_per_tick
from melodysynthesis.music import Melody, Meter
from melodysynthesis.notation import format_notes, parse_notes

SPACING = seconds_per_tick(100)
RHYTHMS = [
    "C4:1 D4 E4 F4 G4:2 E4 C4:4",
    "C4:1/2 D4 E4 F4 G4:1 E4:3/2 D4:1/2 C4:2",
    "C4:3/4 D4:1/4 E4:1/2 F4:1/2 G4:1/4 A4 B4 C5 D5:1",
    "C4:1/3 D4 E4 F4:1 G4:1/3 A4 B4 C5:1",
    "C4:1 r:1 D4:1/2 r:1/2 E4:1 r:1 F4:2",
]


def performed(melody, shift=0.0, noise=0.0, held=0.85, seed=0):
    """A melody as a person plays it: late, uneven, each key let go early."""
    random = np.random.default_rng(seed)
    notes = []
    for onset, duration, pitch in melody.notes:
        start = onset + shift + random.normal(0, noise) if noise else onset + shift
        notes.append(PerformedNote(start, start + held * duration, pitch, 80))
    return notes


@pytest.mark.parametrize("text", RHYTHMS)
@pytest.mark.parametrize("held", [0.75, 0.9, 1.0])
def test_what_is_played_in_time_is_written_as_it_is(text, held):
    melody = parse_notes(text)
    assert quantise(performed(melody, held=held), Meter(0, 4, 4), SPACING, melody.duration) == melody.notes


@pytest.mark.parametrize("text", RHYTHMS)
@pytest.mark.parametrize("shift_seconds", [-0.02, 0.02, 0.03])
def test_who_plays_ahead_of_the_beat_or_behind_is_understood(text, shift_seconds):
    melody = parse_notes(text)
    played = performed(melody, shift_seconds / SPACING)
    assert quantise(played, Meter(0, 4, 4), SPACING, melody.duration) == melody.notes


@pytest.mark.parametrize(("milliseconds", "share"), [(10, 0.99), (20, 0.95), (30, 0.85)])
def test_uneven_playing_is_understood(milliseconds, share):
    """Of the onsets of even and dotted rhythms, this share falls on the tick that was meant."""
    right = total = 0
    for seed in range(40):
        for text in RHYTHMS[:3]:
            melody = parse_notes(text)
            played = sorted(performed(melody, noise=milliseconds / 1000 / SPACING, seed=seed))
            written = quantise(played, Meter(0, 4, 4), SPACING, melody.duration)
            onsets = {(note.onset, note.pitch) for note in written}
            right += sum((note.onset, note.pitch) in onsets for note in melody.notes)
            total += len(melody.notes)
    assert right / total >= share


def test_compound_meters_divide_their_beats_in_three():
    melody = parse_notes("C4:1/2 D4 E4 F4:1 G4:1/2 A4:3/2")
    assert quantise(performed(melody, noise=0.6), Meter(0, 6, 8), SPACING, melody.duration) == melody.notes


def test_of_a_chord_the_highest_note_is_taken_from_where_it_began():
    chord = [PerformedNote(0.0, 24, 60, 80), PerformedNote(0.5, 24, 67, 80), PerformedNote(1.0, 24, 64, 80)]
    assert format_notes(Melody(quantise(chord, Meter(0, 4, 4), SPACING, 24), 24)) == "G4:1"


def test_nothing_played_is_nothing_written():
    assert quantise([], Meter(0, 4, 4), SPACING, 96) == ()
    assert quantise([PerformedNote(97, 99, 60, 1)], Meter(0, 4, 4), SPACING, 96) == ()


anything = st.lists(
    st.builds(
        lambda onset, duration, pitch: PerformedNote(onset, onset + duration, pitch, 80),
        st.floats(-300, 900),
        st.floats(0, 500),
        st.integers(0, 127),
    ),
    max_size=40,
).map(sorted)
meters = st.builds(Meter, st.just(0), st.integers(1, 13), st.sampled_from((1, 2, 4, 8, 16, 32)))


@given(anything, meters, st.sampled_from((20, 100, 400)), st.integers(-100, 1000))
def test_whatever_is_played_is_written_as_one_line_before_the_next_begins(notes, meter, tempo, until):
    written = quantise(notes, meter, seconds_per_tick(tempo), until)
    ends = [note.end for note in written]
    assert all(note.duration > 0 for note in written)
    assert all(end <= following.onset for end, following in zip(ends, written[1:], strict=False))
    assert not ends or ends[-1] <= until
    assert {note.pitch for note in written} <= {note.pitch for note in notes}


def test_the_ear_keeps_the_latest_of_a_flood_and_knows_what_is_held():
    ear = NoteTracker()
    for number in range(2000):
        ear.press(60, 0, 80, number)
        ear.release(60, 0, number + 0.5)
    assert len(ear.notes(1e9)) == 512
    assert ear.first_onset == 1488
    assert ear.silent_since == 1999.5
    ear.press(64, 0, 80, 2000)
    assert ear.silent_since is None
    assert ear.notes(2010)[-1] == PerformedNote(2000, 2010, 64, 80)
    assert ear.release(99, 0, 2010) is None
    assert [note.pitch for note in ear.release_all(2020)] == [64]
    assert ear.keys_down == 0
