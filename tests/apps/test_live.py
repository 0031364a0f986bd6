"""A live session at its seams: a clock that the test sets, ports that come and go. And the command line's mistakes."""

import json
import time
from types import SimpleNamespace

import pytest

from melodysynthesis import formats
from melodysynthesis.apps import live, ports
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.ports import choose
from melodysynthesis.apps.session import MAX_INBOX, Session
from melodysynthesis.errors import RequestError
from melodysynthesis.live.messages import parse
from melodysynthesis.live.player import Player
from melodysynthesis.live.settings import LiveSettings
from tests.live.simulation import Scale, Synthesizer

TICK = 60 / 120 / 24


class FakePorts:
    """Ports as a table of names; what is played goes to a synthesizer, as long as its port is there."""

    def __init__(self, clock):
        self.clock, self.synthesizer = clock, Synthesizer()
        self.sources, self.targets = ["Keys 1", "Keys 2"], ["Synth"]
        self.listening, self.unplugged, self.opened = None, False, 0

    def inputs(self):
        return self.sources

    def outputs(self):
        return self.targets

    def open_input(self, name, on_message):
        if name is not None and name not in self.sources:
            raise OSError(f"the MIDI port {name!r} has gone")
        self.listening = on_message
        return SimpleNamespace(close=lambda: setattr(self, "listening", None))

    def open_output(self, name):
        if name is not None and name not in self.targets:
            raise OSError(f"the MIDI port {name!r} has gone")
        self.opened += 1
        return SimpleNamespace(send=self._send, close=lambda: setattr(self, "opened", self.opened - 1))

    def _send(self, data):
        if self.unplugged:
            raise OSError("no such device")
        self.synthesizer.take(parse(data), self.clock.time)

    def close(self):
        pass


class FakeClock:
    """Time passes only while the session sleeps; on the way the script's actions are done."""

    def __init__(self):
        self.time, self.script = 0.0, []

    def now(self):
        return self.time

    def next(self, inbox, seconds):
        if not inbox.empty():
            return inbox.get()
        if seconds <= 0:
            return None
        wake = self.time + seconds
        if self.script and self.script[0][0] <= wake:
            self.time, action = max(self.time, self.script[0][0]), self.script[0][1]
            self.script.pop(0)
            action()
            return None
        self.time = wake
        return None


class InlineWriter:
    """Writes an answer at once."""

    def __init__(self, session, improviser):
        self.session, self.improviser, self.dropped, self.closed = session, improviser, [], False

    def ask(self, ask):
        try:
            for note in self.improviser.improvise(ask.played, ask.bars, ask.turn):
                self.session.wrote(ask.turn, note)
        except ValueError as error:
            self.session.failed(ask.turn, str(error))

    def drop(self, turn):
        self.dropped.append(turn)

    def close(self):
        self.closed = True


class Show:
    """A session with everything faked."""

    def __init__(self, setting=None, improviser=None, source="Keys 1", target="Synth"):
        self.clock = FakeClock()
        self.ports = FakePorts(self.clock)
        self.said = []
        self.player = Player(setting or LiveSettings(tempo=120))
        self.session = Session(self.player, self.ports, source, target, say=self.said.append, clock=self.clock)
        self.writer = InlineWriter(self.session, improviser or Scale())

    def at(self, seconds, action):
        self.clock.script.append((seconds, action))
        self.clock.script.sort(key=lambda entry: entry[0])
        return self

    def key(self, down, up, pitch=67):
        self.at(down, lambda: self.ports.listening and self.ports.listening([0x90, pitch, 70], self.clock.time))
        return self.at(up, lambda: self.ports.listening and self.ports.listening([0x80, pitch, 0], self.clock.time))

    def bar(self, start=0.0):
        """Four quarters."""
        for beat in range(4):
            self.key(start + beat / 2, start + beat / 2 + 0.45, 60 + beat)
        return self

    def present(self):
        self.session.present(list(self.ports.sources), list(self.ports.targets))

    def run(self, until):
        self.at(until, self.session.quit)
        self.session.run(self.writer)
        assert not self.ports.synthesizer.sounding
        assert self.writer.closed
        assert self.ports.listening is None
        return self

    @property
    def played(self):
        return self.ports.synthesizer.onsets()


def test_a_phrase_is_answered_at_the_bar_line():
    show = Show().bar().run(6.0)
    assert [time for time, _ in show.played] == pytest.approx([4.0, 4.5, 5.0, 5.5])
    assert show.said == ["heard 4 notes; answering 1 bar"]


def test_a_quit_in_the_middle_of_a_note_ends_it():
    assert len(Show().bar().run(4.2).played) == 1  # `run` asserts that nothing sounds


def test_an_output_that_vanishes_is_told_once_and_taken_again():
    show = Show(LiveSettings(tempo=120, at="beat")).bar()
    show.at(3.3, lambda: (show.ports.targets.clear(), show.present()))
    show.at(3.4, show.present).at(3.5, lambda: (show.ports.targets.append("Synth"), show.present()))
    show.ports.synthesizer.sounding = Sounding()
    show.bar(4.0).run(9.0)
    assert [line for line in show.said if "Synth" in line] == [
        "MIDI output 'Synth' has gone: waiting for it",
        "MIDI port 'Synth' is back",
    ]
    assert [time for time, _ in show.played if time > 3.5]


def test_an_output_that_fails_while_playing_is_no_crash():
    show = Show().bar()
    show.ports.synthesizer.sounding = Sounding()
    show.at(4.1, lambda: setattr(show.ports, "unplugged", True))
    show.at(5.0, lambda: setattr(show.ports, "unplugged", False)).at(5.1, show.present)
    show.run(6.0)
    assert "MIDI output 'Synth' has gone: waiting for it (no such device)" in show.said
    assert parse(show.ports.synthesizer.log[-1][1].to_bytes()).number == 123  # whatever hangs there is silenced


class Sounding(set):
    """What sounds on a synthesizer that was unplugged: note-offs may be missing, `all notes off` ends them."""

    def remove(self, place):
        self.discard(place)

    def __contains__(self, place):
        return False

    def __bool__(self):
        return False


def test_an_input_that_vanishes_lets_its_keys_up():
    show = Show()
    show.key(0.0, 0.4).at(0.5, lambda: show.ports.listening([0x90, 60, 70], 0.5))
    show.at(1.0, lambda: (show.ports.sources.remove("Keys 1"), show.present()))
    show.at(3.0, lambda: (show.ports.sources.append("Keys 1"), show.present())).run(8.0)
    assert show.said[0] == "MIDI input 'Keys 1' has gone: waiting for it"
    assert "MIDI port 'Keys 1' is back" in show.said
    assert [note.end - note.onset for note in show.player.recording.person] == pytest.approx([19.2, 24.0])
    assert show.played


def test_a_port_that_was_never_there_is_one_line():
    show = Show(source="Gone")
    with pytest.raises(OSError, match="'Gone' has gone"):
        show.session.run(show.writer)
    assert show.ports.opened == 0


def test_a_flood_is_bounded_and_told_and_the_player_goes_on():
    show = Show().bar()

    def flood():
        for number in range(3 * MAX_INBOX):
            show.ports.listening([0x90 if number % 2 else 0x80, number % 128, 1], 0.9)

    show.at(0.9, flood).at(1.5, show.present).run(30.0)
    assert any("came too fast and were lost" in line for line in show.said)
    assert len(show.player._ear.notes(1e9)) <= 512
    assert show.played


def test_messages_that_are_no_notes_are_ignored():
    show = Show().bar()
    for data in ([0xE0, 1, 2], [0xF0, 1, 2, 0xF7], [0xC0, 5], [0xFE], [], [0x90], [0x90, 200, 5], [0xB0, 1, 64]):
        show.at(0.7, lambda data=data: show.ports.listening(data, show.clock.time))
    assert len(show.run(6.0).played) == 4


def test_a_model_that_can_not_go_on_is_told_and_the_turn_goes_back():
    show = Show(improviser=Scale(notes=2, error=ValueError("nothing may follow here"))).bar().bar(8.0).run(16.0)
    assert show.said.count("the model can't go on: nothing may follow here") == 2
    assert len(show.played) == 4


def test_a_bug_in_the_model_ends_the_session_in_order():
    from melodysynthesis.apps.session import WriterThread

    class Broken:
        def improvise(self, heard, bars, turn):
            raise KeyError("a bug")

    show = Show()
    writer = WriterThread(Broken(), show.session)
    real = show.clock.next

    def wait_for_the_thread(inbox, seconds):
        return real(inbox, seconds) or (inbox.get(timeout=5) if show.clock.time > 3 else None)

    show.clock.next = wait_for_the_thread
    with pytest.raises(KeyError, match="a bug"):
        show.bar().session.run(writer)
    assert not show.ports.synthesizer.sounding
    assert show.ports.opened == 0


def test_panic_silences_at_once():
    show = Show().bar()
    show.at(4.1, show.session.panic)
    show.at(4.2, lambda: show.present() or pytest.fail("sounds") if show.ports.synthesizer.sounding else None)
    assert len(show.run(7.0).played) == 1


NAMES = ["Keystation:in 20:0", "Launchkey:in 24:0", "Launchkey:daw 24:1"]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("1", NAMES[0]), ("keyst", NAMES[0]), ("launchkey:IN 24:0", NAMES[1]), ("daw", NAMES[2])],
)
def test_ports_are_chosen_by_number_name_or_a_piece_of_it(wanted, name):
    assert choose("input", wanted, NAMES) == name


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("Keystaton", "unknown MIDI input 'Keystaton'; there are: 1 'Keystation:in 20:0', 2 'Launchkey:in 24:0', 3"),
        ("launch", "may be 'Launchkey:in 24:0' or 'Launchkey:daw 24:1': say more"),
        ("9", "unknown MIDI input '9'"),
        ("", "unknown MIDI input ''"),
    ],
)
def test_unknown_ports_list_the_known(wanted, line):
    with pytest.raises(RequestError, match=line):
        choose("input", wanted, NAMES)


def test_without_any_port_it_says_so():
    with pytest.raises(RequestError, match="there is no MIDI output: plug one in"):
        choose("output", "x", [])


@pytest.fixture
def fake_ports(monkeypatch):
    fake = FakePorts(FakeClock())
    monkeypatch.setattr(ports, "RtMidiPorts", lambda: fake)
    return fake


def test_ports_are_listed(fake_ports, capsys):
    assert run(["live", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["input   1  Keys 1", "input   2  Keys 2", "output  1  Synth"]
    assert run(["live", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"inputs": ["Keys 1", "Keys 2"], "outputs": ["Synth"]}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--input", "Kays"], "unknown MIDI input 'Kays'; there are: 1 'Keys 1', 2 'Keys 2'"),
        (["--tempo", "5000"], "tempo 5000: expected 20 to 400"),
        (["--meter", "3/7"], "meter '3/7'"),
        (["--key", "H major"], "key 'H major'"),
        (["--pause", "no"], "duration 'no'"),
        (["--trade", "0"], "trade 0: expected 1 to 16 bars"),
        (["--bars", "10000"], "bars 10000: expected 1 to 16 bars"),
        (["--along", "--trade", "2"], "playing along takes no turns"),
        (["--click", "--sync"], "leave out --click"),
        (["--click", "--channel", "10"], "the click is on channel 10"),
        (["--channel", "17"], "channel 17: expected 1 to 16"),
        (["--at", "noon"], "at 'noon': expected bar or beat"),
        (["--minutes", "-1"], "minutes -1: expected more than 0"),
        (["--record", "take.wav"], "expected a name in .mid"),
        (["--record", "nowhere/take.mid"], "there is no folder 'nowhere'"),
        (["--model", "lstn"], "unknown model 'lstn'"),
        (["--temperature", "-1"], "--temperature must be a number from 0 to 100, not '-1.0'"),
    ],
)
def test_mistakes_are_one_line(arguments, line, fake_ports, folder, capsys):
    assert run(["live", *arguments]) == 2
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1


def test_without_python_rtmidi_it_says_what_to_install(monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "rtmidi", None)
    assert run(["live", "--list"]) == 2
    assert "pip install 'melodysynthesis[live]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_session_of_the_command_line_is_recorded(fake_ports, models, folder, capsys):
    """Real clock and threads, so it is slow to be sure of; the person plays a bar at once and stops."""
    from threading import Timer

    def play():
        for number, beat in enumerate(range(4)):
            at = start + beat * 0.15
            fake_ports.listening([0x90, 60 + number, 70], at)
            fake_ports.listening([0x80, 60 + number, 0], at + 0.12)

    start = time.monotonic() + 0.5
    Timer(1.2, play).start()
    arguments = ["--model", models["event"], "--tempo", "400", "--input", "1", "--output", "1", "--key", "C major"]
    assert run(["live", *arguments, "--record", "take.mid", "--seed", "1", "--minutes", "0.05"]) == 0
    printed = capsys.readouterr().out
    assert "heard 4 notes; answering 1 bar" in printed
    assert "take.mid: 4 notes of yours" in printed
    assert not fake_ports.synthesizer.sounding
    onsets = fake_ports.synthesizer.onsets()
    parts = [formats.read("take.mid", part).melodies[0] for part in ("You", "Model")]
    assert [len(part.notes) for part in parts] == [4, len(onsets)]
    assert str(parts[0].key) == "C major"
    assert [path.name for path in folder.iterdir()] == ["take.mid"]  # no draft is left


def test_a_recording_is_saved_while_it_is_made(folder, monkeypatch):
    monkeypatch.setattr(live, "SAVE_SECONDS", 0.01)
    player = Player(LiveSettings())
    player.hear(parse([0x90, 60, 70]), 0.0)
    player.hear(parse([0x80, 60, 0]), 0.5)
    with live._saved(player, folder / "take.mid"):
        until = time.monotonic() + 10
        while not (folder / "take.mid").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        assert len(formats.read("take.mid").melodies[0].notes) == 1


def test_what_is_going_to_happen_is_told():
    told = live._how(LiveSettings(tempo=96, trade=1))
    assert told == "4/4, key as you play, 96 quarters a minute, from your first note on; trading 1 bar"
    assert live._how(LiveSettings(along=True, sync=True)).endswith("the MIDI clock's tempo; playing along")
