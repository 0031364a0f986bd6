"""A session's clock that goes ahead: what is planned is due to the instant, what is interrupted ends at once."""

from queue import Empty, SimpleQueue

import pytest

from melodysynthesis.apps.session import Session
from melodysynthesis.apps.studio.live_session import LookaheadClock, WebSocketPorts
from melodysynthesis.live.player import Player
from melodysynthesis.live.settings import LiveSettings
from tests.apps.test_live import InlineWriter
from tests.live.simulation import Scale

AHEAD = 0.1


class Time:
    """A clock that passes while an inbox is waited for, and a little late as those of busy machines."""

    def __init__(self, late=0.0):
        self.now, self.late, self.script = 100.0, late, []

    def at(self, second, action):
        self.script.append((100.0 + second, action))
        self.script.sort(key=lambda entry: entry[0])
        return self


class Inbox(SimpleQueue):
    """An inbox whose waiting is the passing of time."""

    def __new__(cls, time):
        return super().__new__(cls)

    def __init__(self, time):
        self.time = time

    def get(self, timeout):
        if not self.empty():
            return super().get_nowait()
        wake = self.time.now + timeout
        if self.time.script and self.time.script[0][0] <= wake:
            self.time.now, action = self.time.script.pop(0)
            action()
            return super().get_nowait()
        self.time.now = wake + self.time.late
        raise Empty


class Duet:
    """A session played over a page's ports, all by a clock of its own."""

    def __init__(self, setting, late=0.0, improviser=None):
        self.time, self.told = Time(late), []
        clock = LookaheadClock(AHEAD, lambda: self.time.now)
        self.ports = WebSocketPorts(lambda message: self.told.append((self.time.now - 100, message)), clock)
        self.player = Player(setting)
        self.session = Session(self.player, self.ports, None, None, say=lambda line: None, clock=clock)
        self.session.inbox = Inbox(self.time)
        self.writer = InlineWriter(self.session, improviser or Scale())

    def key(self, down, up, pitch):
        self.time.at(down, lambda: self.ports.receive([0x90, pitch, 70], 100 + down))
        self.time.at(up, lambda: self.ports.receive([0x80, pitch, 0], 100 + up))
        return self

    def bar(self, start=0.0):
        """Four quarters at 120 a minute."""
        for beat in range(4):
            self.key(start + beat / 2, start + beat / 2 + 0.45, 60 + beat)
        return self

    def run(self, until):
        self.time.at(until, self.session.quit)
        self.session.run(self.writer)
        return self

    def notes(self, status, channel=0):
        """(told, due, pitch) of messages, in seconds."""
        return [
            (told, message["at"] - 100, message["data"][1])
            for told, message in self.told
            if message["data"][0] == status | channel
        ]

    def ons(self):
        return self.notes(0x90)

    def offs(self):
        return self.notes(0x80)


@pytest.mark.parametrize("late", [0.0, 0.013, 0.09])
def test_notes_are_told_ahead_and_due_to_the_instant_however_late_the_machine_wakes(late):
    duet = Duet(LiveSettings(tempo=120), late).bar().run(7.0)
    assert [due for _, due, _ in duet.ons()] == pytest.approx([4.0, 4.5, 5.0, 5.5], abs=1e-6)
    assert [due for _, due, _ in duet.offs()] == pytest.approx([4.5, 5.0, 5.5, 6.0], abs=1e-6)
    assert all(told < due for told, due, _ in duet.ons())
    assert all(told >= due - AHEAD - 1e-6 for told, due, _ in duet.ons())


def test_clicks_are_due_on_their_beats():
    duet = Duet(LiveSettings(tempo=120, click=True), 0.007).run(3.0)
    dues = [due for _, due, _ in duet.notes(0x90, 9)]
    assert dues == pytest.approx([dues[0] + beat / 2 for beat in range(len(dues))], abs=1e-6)
    assert len(dues) >= 5


def test_who_plays_into_the_answer_ends_it_at_once_and_not_a_hundred_milliseconds_later():
    duet = Duet(LiveSettings(tempo=120)).bar().key(4.75, 4.9, 72).run(5.5)
    assert [due for _, due, _ in duet.ons()] == pytest.approx([4.0, 4.5], abs=1e-6)
    assert duet.offs()[1][1] == pytest.approx(4.75, abs=1e-6)


def test_a_note_that_was_told_but_not_yet_due_is_taken_back():
    duet = Duet(LiveSettings(tempo=120)).bar().key(4.43, 4.45, 72).run(5.5)  # the second note is told from 4.4 on
    assert [due for _, due, _ in duet.ons()] == pytest.approx([4.0, 4.5], abs=1e-6)
    taken_back = duet.offs()[1]
    assert taken_back[1] == pytest.approx(4.43, abs=1e-6)
    assert taken_back[1] < duet.ons()[1][1]
    assert len(duet.player.recording.model) == 1


def test_panic_is_due_at_once_and_every_note_gets_its_end():
    duet = Duet(LiveSettings(tempo=120)).bar()
    duet.time.at(4.2, duet.session.panic)
    duet.run(7.0)
    assert duet.offs()[0][1] == pytest.approx(4.2, abs=1e-6)
    assert len(duet.ons()) == len(duet.offs())
    assert any(message["data"][:2] == [0xB0, 123] for _, message in duet.told)


def test_the_end_of_a_session_ends_its_notes():
    duet = Duet(LiveSettings(tempo=120)).bar().run(4.2)
    assert len(duet.ons()) == len(duet.offs()) == 1
    assert duet.ports.receive is None


def test_a_machine_that_slept_listens_anew():
    duet = Duet(LiveSettings(tempo=120)).bar()
    duet.time.at(4.2, lambda: setattr(duet.time, "now", 160.0) or duet.session.inbox.put(lambda: None))
    duet.run(70.0)
    assert len(duet.ons()) == len(duet.offs()) == 1
    assert duet.player.wake(170.0) == pytest.approx(170.1)


def test_something_that_happens_while_a_note_is_due_waits_for_it():
    time, inbox = Time(), SimpleQueue()
    clock = LookaheadClock(AHEAD, lambda: time.now)
    inbox.put(lambda: None)
    time.now += 0.05  # the machine woke late
    before = clock.now()
    assert clock.next(inbox, 0.02) is None
    assert clock.now() == pytest.approx(before + 0.02)
    assert clock.at_once == clock.now()
    assert clock.next(inbox, 0.5) is not None
    assert clock.at_once == time.now
