"""What was played is written down as it was meant, whoever played it."""

import pytest

from melodysynthesis.live.note_scheduler import NoteScheduler, ScheduledNote
from melodysynthesis.live.note_tracker import PerformedNote
from melodysynthesis.live.recording import Recording
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.live.transcript import MAX_TRANSCRIBED_BARS, TOGETHER, TRANSCRIBED_NOTES, transcribe
from melodysynthesis.music import Note
from melodysynthesis.notation import parse_key
from tests.live.simulation import Scale, Stage, phrase


def test_a_call_and_its_answer_are_one_line_and_each_a_line_of_its_own():
    stage = Stage(LiveSettings(tempo=120), Scale()).play(phrase("G4:1 A4:1 B4:1 D5:1"), 8.0)
    melodies = transcribe(stage.player.recording, stage.player.setting)
    assert melodies["You"].pitches == (67, 69, 71, 74)
    answer = [pitch for _, pitch in stage.synthesizer.onsets()]
    assert list(melodies["Model"].pitches) == answer
    assert list(melodies[TOGETHER].pitches) == [67, 69, 71, 74, *answer]
    assert [note.onset % 24 for note in melodies[TOGETHER].notes] == [0] * (4 + len(answer))
    assert melodies[TOGETHER].duration % 96 == 0


def test_an_upbeat_is_a_pickup_and_the_key_is_found():
    stage = Stage(LiveSettings(tempo=120, click=True), Scale()).play(
        phrase("D4:1 G4:1 A4:1 B4:1 G4:2 D4:1 G4:1", 1.8), 8.0
    )
    melody = transcribe(stage.player.recording, stage.player.setting)["You"]
    assert melody.pickup == 24
    assert (melody.duration - melody.pickup) % 96 == 0
    assert str(melody.key) == "G major"


def test_the_key_that_was_asked_for_stays():
    stage = Stage(LiveSettings(tempo=120, key=parse_key("D dorian")), Scale()).play(phrase("C4:1 E4:1 G4:1 C5:1"), 2.5)
    assert str(transcribe(stage.player.recording, stage.player.setting)["You"].key) == "D dorian"


def test_where_nobody_has_played_there_is_nothing():
    assert transcribe(Recording(), LiveSettings()) == {}


@pytest.mark.parametrize("ticks", [1, 96])
def test_of_a_long_recording_the_latest_is_written_down(ticks):
    recording, count = Recording(), 3 * TRANSCRIBED_NOTES
    recording.add(
        [PerformedNote(n * ticks, n * ticks + ticks, 60 + n % 12, 80) for n in range(count)], recording.person
    )
    melody = transcribe(recording, LiveSettings())["You"]
    assert melody.duration <= (MAX_TRANSCRIBED_BARS + 1) * 96
    assert len(melody.notes) <= TRANSCRIBED_NOTES
    assert melody.pitches[-1] == 60 + (count - 1) % 12


def test_a_note_that_is_taken_back_before_it_sounds_was_not_played():
    voice = NoteScheduler()
    voice.plan(ScheduledNote(10, 20, 60, 80, 0))
    assert voice.due(12)
    assert voice.silence(9)
    assert not voice.played
    voice.plan(ScheduledNote(30, 40, 62, 80, 0))
    voice.due(30)
    voice.silence(33)
    assert [(note.onset, note.end) for note in voice.played] == [(30, 33)]


def test_model_notes_keep_their_ticks():
    recording = Recording()
    recording.add([PerformedNote(96, 120, 60, 80), PerformedNote(120, 130.4, 62, 80)], recording.model)
    assert transcribe(recording, LiveSettings())["Model"].notes == (Note(0, 24, 60), Note(24, 10, 62))
