"""The player on a stage of its own: when it answers, with what, and for how long."""

from fractions import Fraction

import pytest

from melodysynthesis.errors import RequestError
from melodysynthesis.formats import read_bytes
from melodysynthesis.live.commands import AnswerRequest, Notice
from melodysynthesis.live.messages import Control, NoteOff, NoteOn, SongPosition, Transport
from melodysynthesis.live.player import Player
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.music import Meter, Note
from melodysynthesis.notation import format_notes, parse_key
from tests.live.simulation import Scale, Stage, key, phrase

BAR = "C4:1 D4 E4 F4"
TWO_BARS = "C4:1 D4 E4 F4 G4:2 E4:1"


def heard(stage):
    return [format_notes(ask.played) for ask in stage.asks]


def times(stage):
    return [time for time, _ in stage.synthesizer.onsets()]


def test_a_phrase_is_answered_at_the_bar_line_after_a_pause():
    """120 quarters a minute: a bar is two seconds. The key goes up at 3.45, so the phrase is over at 3.7."""
    stage = Stage(LiveSettings(tempo=120), Scale()).play(phrase(TWO_BARS, 1.0), 20)
    assert heard(stage) == ["C4:1 D4:1 E4:1 F4:1 G4:2 E4:1 r:1"]
    assert times(stage) == pytest.approx([5 + beat / 2 for beat in range(8)])  # as many bars as the phrase had
    assert stage.asks[0].bars == 4


def test_the_answer_is_asked_for_ahead_of_its_time():
    stage = Stage(LiveSettings(tempo=120, trade=2), Scale()).play(phrase(TWO_BARS, 1.0), 4.75)
    assert stage.asks
    assert stage.asks[0].due == pytest.approx(5.0)
    assert not times(stage)


def test_a_phrase_with_an_upbeat_is_answered_by_one_that_leaves_room_for_the_next():
    """The first note is the bar line unless a click tells another: here it runs from 0.3 s."""
    stage = Stage(LiveSettings(tempo=120, click=True), Scale())
    stage.play(phrase("G4:1 C5:2 E5:1 C5:1", 0.3 + 1.5), 12)
    ask = stage.asks[0]
    assert ask.played.pickup == 24
    assert ask.start == 72
    last = stage.improviser.asked[0][0].pickup + 96 * ask.bars
    assert ask.start + last == ask.until
    clicks = stage.synthesizer.onsets(channel=9)
    assert [time for time, _ in clicks[:5]] == pytest.approx([0.3, 0.8, 1.3, 1.8, 2.3])
    assert [pitch for _, pitch in clicks[:5]] == [76, 77, 77, 77, 76]


def test_trading_needs_no_pause_and_counts_held_keys():
    stage = Stage(LiveSettings(tempo=120, trade=1), Scale())
    stage.play([*phrase("C4:1 D4"), *key(64, 1.0, 2.6)], 3.9)
    assert heard(stage) == ["C4:1 D4:1 E4:2"]
    assert times(stage) == pytest.approx([2.0, 2.5, 3.0, 3.5])


def test_answers_begin_on_a_beat_if_asked():
    stage = Stage(LiveSettings(tempo=120, at="beat"), Scale()).play(phrase("C4:1 D4"), 6)
    assert times(stage)[0] == pytest.approx(1.5)
    assert heard(stage) == ["C4:1 D4:1 r:1"]


def test_who_plays_on_before_the_answer_begins_was_not_finished():
    stage = Stage(LiveSettings(tempo=120), Scale())
    stage.play([*phrase(BAR), *phrase("G4:1 E4", 3.0)], 5)
    assert heard(stage)[0].startswith("C4:1 D4:1 E4:1 F4:1")
    assert heard(stage)[-1] == "C4:1 D4:1 E4:1 F4:1 r:2 G4:1 E4:1 r:4"
    assert not times(stage)


def test_who_plays_into_the_answer_has_the_turn_at_once():
    stage = Stage(LiveSettings(tempo=120), Scale())
    stage.play([*phrase(TWO_BARS, 0.0), *phrase(BAR, 6.1)], 9)
    assert max(time for time in times(stage) if time < 9) < 6.1
    assert not stage.synthesizer.sounding


def test_what_was_said_is_remembered_and_a_long_rest_forgets_it():
    stage = Stage(LiveSettings(tempo=120), Scale())
    stage.play([*phrase(BAR), *phrase(BAR, 6.0), *phrase(BAR, 40.0)], 50)
    assert heard(stage)[1].count(":") == 4 + 1 + 4 + 4 + 1  # two phrases with a rest of a bar, an answer between
    assert heard(stage)[2].startswith("C4:1 D4:1 E4:1 F4:1")


def test_along_it_joins_after_a_bar_and_goes_on_from_what_is_played():
    stage = Stage(LiveSettings(tempo=120, along=True), Scale())
    stage.play(phrase(f"{BAR} G4:1 A4 G4 F4"), 5)
    assert times(stage) == pytest.approx([2 + beat / 2 for beat in range(7)], abs=1e-6)
    assert heard(stage)[:2] == ["C4:1 D4:1 E4:1 F4:1", "C4:1 D4:1 E4:1 F4:1 G4:1 A4:1 G4:1 F4:1"]
    assert stage.asks[0].bars > 2  # the model is not to end its melody with each bar


def test_along_it_rests_when_the_person_has_rested():
    stage = Stage(LiveSettings(tempo=120, along=True), Scale()).play([*phrase(BAR), *phrase(BAR, 30.0)], 34)
    assert stage.remarks == ["resting until you play"]
    assert 8 < max(time for time in times(stage) if time < 30) < 12
    assert min(time for time in times(stage) if time > 30) == pytest.approx(32.0)


def test_notes_that_come_too_late_are_left_out_and_told():
    stage = Stage(LiveSettings(tempo=120), Scale(12), delay=0.6).play(phrase(BAR), 10)
    assert stage.remarks[-1].endswith("came too late and were left out")
    onsets = times(stage)
    assert all(abs(4 * time - round(4 * time)) < 0.12 for time in onsets)  # what is played is in time
    assert 0 < len(onsets) < 8


def test_a_model_that_fails_is_told_and_the_next_phrase_is_answered():
    stage = Stage(LiveSettings(tempo=120), Scale(notes=1, error=ValueError("no way on")))
    stage.play([*phrase(BAR), *phrase(BAR, 8.0)], 14)
    assert stage.remarks.count("the model can't go on: no way on") == 2
    assert len(times(stage)) == 2


@pytest.mark.parametrize("jump", [-100.0, 3600.0])
def test_after_a_jump_of_the_clock_it_is_silent_and_answers_anew(jump):
    stage = Stage(LiveSettings(tempo=120), Scale(96)).play(phrase(BAR), 4.5)
    assert stage.synthesizer.sounding
    stage.now += jump
    later = stage.now
    stage.play([], stage.now + 0.01)
    assert not stage.synthesizer.sounding
    assert f"the clock jumped by {jump:+.1f} s: listening again" in stage.remarks
    stage.play(phrase(BAR, later + 1.0), later + 7)
    assert [time for time in times(stage) if time > later or jump < 0][-1] > later + 2


def test_a_message_that_was_delayed_is_no_jump_of_the_clock():
    player = Player(LiveSettings(tempo=120))
    for pitch, down in ((60, 0.0), (62, 0.5)):
        player.hear(NoteOn(pitch, 80), down)
        player.hear(NoteOff(pitch), down + 0.4)
    found = [*player.poll(1.5), *player.poll(2.1)]
    player.hear(NoteOn(64, 80), 1.0)  # played 1.1 s before the player was last called
    player.hear(NoteOff(64), 1.05)
    found += player.poll(2.2)
    assert not any(isinstance(one, Notice) and "jumped" in one.text for one in found)
    assert [note.pitch for note in player.recording.person] == [60, 62, 64]


def test_a_note_of_the_model_is_played_up_to_thirty_milliseconds_late_and_then_left_out():
    player = Player(LiveSettings(tempo=120))
    player.hear(NoteOn(60, 80), 0.0)
    player.hear(NoteOff(60), 0.4)
    (request,) = [one for one in player.poll(0.7) if isinstance(one, AnswerRequest)]
    onset = request.played.duration
    for now in (1.4, request.due):
        player.poll(now)
    assert player.write(request.turn, Note(onset, 48, 64), request.due + 0.029)
    assert player.poll(request.due + 0.029) == [NoteOn(64, 80)]
    assert player.write(request.turn, Note(onset + 1, 48, 66), request.due + 1 / 48 + 0.031)
    assert player.poll(request.due + 1 / 48 + 0.031) == []


def test_all_notes_off_from_outside_is_panic():
    stage = Stage(LiveSettings(tempo=120), Scale(96)).play(phrase(BAR), 4.5)
    assert stage.synthesizer.sounding
    stage.player.hear(Control(123, 0), 4.5)
    stage.play([], 4.6)
    assert stage.synthesizer.log[-1][1] == Control(123, 0)
    assert not stage.synthesizer.sounding


def test_the_answer_is_as_loud_as_the_phrase_and_on_its_channel():
    stage = Stage(LiveSettings(tempo=120, channel=4), Scale())
    stage.play([event for beat in range(4) for event in key(60 + beat, beat / 2, beat / 2 + 0.4, 33)], 6)
    ons = [message for _, message in stage.synthesizer.log if isinstance(message, NoteOn)]
    assert {(on.velocity, on.channel) for on in ons} == {(33, 4)}


def clock(seconds, start=0.0, tempo=120.0):
    """A sequencer that starts, sends its clock and stops."""
    pulses = int(seconds * tempo * 24 / 60)
    beats = [(start + number * 60 / tempo / 24, Transport.CLOCK) for number in range(pulses)]
    messages = [(start, Transport.START), *beats, (start + seconds, Transport.STOP)]
    return [(time, lambda player, now, m=m: player.hear(m, now)) for time, m in messages]


def test_a_midi_clock_is_followed_and_stops():
    """The sequencer plays 120, whatever was set; it starts a second after the first keys, which are not heard."""
    stage = Stage(LiveSettings(tempo=60, sync=True, trade=1), Scale())
    stage.play([*phrase("A5:1"), *clock(3.9, start=1.0), *phrase(BAR, 1.0)], 12)
    assert heard(stage) == ["C4:1 D4:1 E4:1 F4:1"]
    assert times(stage) == pytest.approx([3.0, 3.5, 4.0, 4.5], abs=0.005)
    assert not stage.synthesizer.sounding
    assert stage.synthesizer.log[-1][0] == pytest.approx(4.9, abs=0.03)


def test_a_midi_clock_that_stops_coming_leaves_no_note():
    stage = Stage(LiveSettings(sync=True, trade=1), Scale(96))
    stage.play([*clock(3.5)[:-1], *phrase(BAR)], 6)
    assert "the MIDI clock has stopped coming: waiting for its start" in stage.remarks
    assert times(stage)
    assert not stage.synthesizer.sounding


def test_a_song_position_is_where_it_goes_on():
    player = Player(LiveSettings(sync=True))
    for message in (SongPosition(16), Transport.CONTINUE, Transport.CLOCK):
        player.hear(message, 0.0)
    assert player._time.tick(0.0) == pytest.approx(96)


def test_both_voices_are_recorded_as_they_were_played():
    setting = LiveSettings(tempo=120, meter=Meter(0, 3, 4), key=parse_key("G dorian"), trade=1)
    stage = Stage(setting, Scale()).play(phrase("G4:1 A4 B4"), 4)
    stage.player.stop(4.0)
    stage.player.poll(4.0)
    data = stage.player.recording.to_bytes(setting)
    you, model = (read_bytes(data, "midi", "take.mid", part).melodies[0] for part in ("You", "Model"))
    assert you.pitches == (67, 69, 71)
    assert [note.onset for note in model.notes] == [72, 96, 120]
    assert str(you.meters[0]) == "3/4"


def test_a_sequencer_that_starts_again_does_not_write_over_what_was_recorded():
    setting = LiveSettings(tempo=120, sync=True, trade=1)
    stage = Stage(setting, Scale()).play([*clock(4), *phrase(BAR), *clock(4, start=5.0), *phrase(BAR, 5.0)], 10)
    you = read_bytes(stage.player.recording.to_bytes(setting), "midi", "take.mid", "You").melodies[0]
    assert [note.onset // 96 for note in you.notes] == [0] * 4 + [2] * 4


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"tempo": 10}, "tempo 10: expected 20 to 400"),
        ({"tempo": float("nan")}, "tempo nan"),
        ({"pause": Fraction(0)}, "pause 0: expected"),
        ({"trade": 17}, "trade 17: expected 1 to 16 bars"),
        ({"bars": 0}, "bars 0: expected 1 to 16 bars"),
        ({"at": "noon"}, "at 'noon': expected bar or beat"),
        ({"channel": 16}, "channel 17: expected 1 to 16"),
        ({"along": True, "bars": 2}, "playing along takes no turns"),
        ({"sync": True, "click": True}, "leave out --click"),
    ],
)
def test_settings_complain_on_construction(fields, line):
    with pytest.raises(RequestError, match=line):
        LiveSettings(**fields)
