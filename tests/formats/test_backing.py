"""The chords as sound: under the melody, softer, and never taken for it when the file is read."""

from dataclasses import replace

from melodysynthesis import formats
from melodysynthesis.formats import midi, midi_writer
from melodysynthesis.formats.backing import BACKING_VELOCITY, backing, voiced
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.theory.chords import parse_chord

TUNE = Melody((Note(0, 96, 67), Note(96, 96, 71)), 192, (Meter(0, 4, 4),), chords=((0, "G"), (144, "D7/F#")))


def test_chords_are_struck_where_they_enter_and_at_bar_lines():
    assert sorted({(note.onset, note.end) for note in backing(TUNE)}) == [(0, 96), (96, 144), (144, 192)]
    assert {note.pitch % 12 for note in backing(TUNE) if note.onset == 0} == {7, 11, 2}
    assert voiced(parse_chord("D7/F#"))[0] == 42
    assert max(voiced(parse_chord("B13"))) < 60
    assert not backing(replace(TUNE, chords=((0, "N.C."),)))
    assert not backing(replace(TUNE, chords=()))


def test_a_low_melody_has_lower_chords():
    low = replace(TUNE, notes=(Note(0, 96, 50),))
    assert max(note.pitch for note in backing(low)) < 48


def test_a_file_with_a_backing_track_is_read_as_the_melody():
    data = formats.to_bytes(TUNE, "mid", backing=True)
    reading = formats.read_bytes(data, "midi", "x")
    assert reading.melodies[0] == TUNE
    assert reading.melodies[0].chords == TUNE.chords
    assert reading.notices == []
    assert data != formats.to_bytes(TUNE, "mid") == midi.write(TUNE)
    assert BACKING_VELOCITY < midi_writer.VELOCITY / 2


def test_sound_has_the_chords():
    with_chords, without = formats.to_bytes(TUNE, "wav"), formats.to_bytes(replace(TUNE, chords=()), "wav")
    assert len(with_chords) == len(without)
    assert with_chords != without
