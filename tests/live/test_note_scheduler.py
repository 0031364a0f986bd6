"""Notes become messages in time; what is late, taken back or struck twice leaves nothing that sounds on."""

from melodysynthesis.live.messages import ALL_NOTES_OFF, Control, NoteOff, NoteOn
from melodysynthesis.live.note_scheduler import MOST_WAITING, NoteScheduler, ScheduledNote


def note(onset, end, pitch=60, channel=0):
    return ScheduledNote(onset, end, pitch, 80, channel)


def test_a_note_whose_end_has_passed_is_not_struck():
    scheduler = NoteScheduler()
    scheduler.plan(note(0, 24))
    scheduler.plan(note(24, 48, 62))
    assert scheduler.due(30) == [NoteOn(62, 80)]
    assert scheduler.due(48) == [NoteOff(62)]
    assert [one.pitch for one in scheduler.played] == [62]
    assert scheduler.next_tick is None


def test_a_note_that_is_late_but_not_over_sounds_for_the_rest_of_its_time():
    scheduler = NoteScheduler()
    scheduler.plan(note(0, 24))
    assert scheduler.due(23) == [NoteOn(60, 80)]
    assert scheduler.due(23.9) == []
    assert scheduler.due(24) == [NoteOff(60)]


def test_a_note_ends_the_one_before_it_of_its_pitch_and_channel():
    scheduler = NoteScheduler()
    for planned in (note(0, 96), note(24, 48), note(24, 96, channel=1)):
        scheduler.plan(planned)
    assert scheduler.due(24) == [NoteOn(60, 80), NoteOff(60), NoteOn(60, 80), NoteOn(60, 80, 1)]
    assert scheduler.played[0].end == 24
    assert scheduler.due(48) == [NoteOff(60)]


def test_ends_come_before_the_notes_that_begin_then():
    scheduler = NoteScheduler()
    scheduler.plan(note(0, 24))
    scheduler.plan(note(24, 48))
    scheduler.due(0)
    assert scheduler.due(24) == [NoteOff(60), NoteOn(60, 80)]


def test_what_waits_on_a_channel_is_dropped_and_what_sounds_goes_on():
    scheduler = NoteScheduler()
    for planned in (note(0, 24), note(24, 48), note(24, 48, channel=1)):
        scheduler.plan(planned)
    scheduler.due(0)
    scheduler.drop(0)
    assert scheduler.due(24) == [NoteOff(60), NoteOn(60, 80, 1)]


def test_panic_ends_what_sounds_and_orders_silence_on_every_channel_that_was_played_on():
    scheduler = NoteScheduler()
    for planned in (note(0, 96), note(0, 12, channel=3), note(50, 96)):
        scheduler.plan(planned)
    scheduler.due(0)
    scheduler.due(12)
    assert scheduler.panic(20) == [NoteOff(60), Control(ALL_NOTES_OFF, 0, 0), Control(ALL_NOTES_OFF, 0, 3)]
    assert scheduler.due(1000) == []
    assert [(one.channel, one.end) for one in scheduler.played] == [(3, 12), (0, 20)]


def test_no_more_notes_wait_than_may():
    scheduler = NoteScheduler()
    assert all(scheduler.plan(note(number, number + 1)) for number in range(MOST_WAITING))
    assert not scheduler.plan(note(0, 1))
