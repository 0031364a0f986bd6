"""The program over real MIDI ports, in a process of its own, with a JACK server."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.ports import RtMidiPorts
from melodysynthesis.live.messages import Control, NoteOff, NoteOn, parse
from tests.apps.jack import jack

# JACK drops clients that are late, as any is on a busy machine, and its library may take the process down with it.
pytestmark = pytest.mark.slow

MELODY = [sys.executable, "-c", "from melodysynthesis.apps.cli import main; main()"]


@pytest.fixture(scope="module")
def server():
    with jack():
        yield


class Rig:
    """A keyboard and a synthesizer, as other programs see them."""

    def __init__(self, ports):
        self.heard = []
        self.ports = ports
        self.keyboard = ports.open_output(None)
        self.plug_synthesizer()

    def plug_synthesizer(self):
        self.synthesizer = self.ports.open_input(None, lambda data, at: self.heard.append((at, parse(data))))

    def close(self):
        self.keyboard.close()
        self.synthesizer.close()

    def play(self, *pitches, seconds=0.15):
        for pitch in pitches:
            self.keyboard.send(NoteOn(pitch, 80).to_bytes())
            time.sleep(0.8 * seconds)
            self.keyboard.send(NoteOff(pitch).to_bytes())
            time.sleep(0.2 * seconds)

    def sounding(self):
        pitches = set()
        for _, message in list(self.heard):
            match message:
                case NoteOn(pitch):
                    assert pitch not in pitches
                    pitches.add(pitch)
                case NoteOff(pitch):
                    pitches.remove(pitch)
        return pitches

    def onsets(self):
        return [at for at, message in list(self.heard) if isinstance(message, NoteOn)]

    def wait_for(self, notes, seconds=20.0):
        """Until so many notes were played."""
        until = time.monotonic() + seconds
        while len(self.onsets()) < notes:
            assert time.monotonic() < until, f"{len(self.onsets())} of {notes} notes came"
            time.sleep(0.02)


@pytest.fixture
def rig(server):
    ports = RtMidiPorts("Rig")
    rig = Rig(ports)
    yield rig
    rig.close()
    ports.close()


@contextmanager
def playing(model, folder, *arguments):
    """The program, once it listens; a process that a test leaves is ended."""
    command = [*MELODY, "live", "--model", model, "--input", "Rig out", "--output", "Rig in", "--tempo", "400",
               "--key", "C major", "--seed", "1", *arguments]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert "Listening to Rig out" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def stopped(process, how=signal.SIGINT):
    process.send_signal(how)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    return printed


def test_ports_are_found_chosen_and_closed(rig, capsys):
    ports = RtMidiPorts()
    try:
        assert ports.inputs() == ["Rig out:midi"]
        assert ports.outputs() == ["Rig in:midi"]
        with pytest.raises(OSError, match="'Rug' has gone"):
            ports.open_output("Rug")
    finally:
        ports.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_call_and_response_recorded_and_stopped_in_the_middle(rig, models, tmp_path, how):
    with playing(models["event"], tmp_path, "--record", "take.mid", "--bars", "8") as process:
        rig.play(60, 62, 64, 65, 67, 65, 64, 62)
        rig.wait_for(4)
        printed = stopped(process, how)
    time.sleep(0.2)
    assert "heard 8 notes; answering 8 bars" in printed
    assert not rig.sounding()
    assert rig.heard[-1][1] == Control(123, 0)
    assert len(formats.read(tmp_path / "take.mid", "You").melodies[0].notes) == 8
    assert len(formats.read(tmp_path / "take.mid", "Model").melodies[0].notes) == len(rig.onsets())


def test_a_synthesizer_that_is_unplugged_and_comes_back(rig, models, tmp_path):
    with playing(models["event"], tmp_path, "--bars", "8") as process:
        rig.play(60, 62, 64, 65)
        rig.wait_for(2)
        rig.synthesizer.close()
        assert "heard" in process.stdout.readline()
        assert process.stdout.readline() == "MIDI output 'Rig in:midi' has gone: waiting for it\n"
        rig.heard.clear()
        rig.plug_synthesizer()
        assert process.stdout.readline() == "MIDI port 'Rig in:midi' is back\n"
        time.sleep(0.2)
        assert [message for _, message in rig.heard] == [Control(123, 0)]
        rig.play(60, 62, 64, 65)
        rig.wait_for(2)
        stopped(process)
    time.sleep(0.2)
    assert not rig.sounding()


def test_a_keyboard_that_is_unplugged_while_a_key_is_down(rig, models, tmp_path):
    with playing(models["event"], tmp_path) as process:
        rig.play(60, 62, 64)
        rig.keyboard.send(NoteOn(65, 80).to_bytes())
        time.sleep(0.1)
        rig.keyboard.close()
        # a busy machine may take the pause for the end of the phrase, and say so first
        assert "MIDI input 'Rig out:midi' has gone: waiting for it\n" in (process.stdout.readline() for _ in range(2))
        rig.wait_for(1)  # the phrase is over, and answered
        stopped(process)
        rig.keyboard = rig.ports.open_output(None)
    time.sleep(0.2)
    assert not rig.sounding()
