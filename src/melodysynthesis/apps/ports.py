"""MIDI ports: what the live player needs of them, and python-rtmidi behind it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

from melodysynthesis.errors import RequestError

CLIENT, PORT_NAME = "MelodySynthesis", "midi"
"""Other programs see our ports as "MelodySynthesis in:midi" and "MelodySynthesis out:midi"."""

LISTEN_SECONDS = 0.001
"""How often a port is looked at for messages."""

OnMessage = Callable[[Sequence[int], float], None]
"""Receives the bytes of each message and the time of its arrival, by `time.monotonic`; called from another thread."""


class Output(Protocol):
    """An open port to play on."""

    def send(self, data: bytes) -> None:
        """Send one message. One to a port that has gone is lost.

        Raises:
            OSError: if it can't be sent.
        """

    def close(self) -> None:
        """Close the port."""


class Input(Protocol):
    """An open port to listen to."""

    def close(self) -> None:
        """Close the port; no message comes any more."""


class Ports(Protocol):
    """All ports that there are."""

    def inputs(self) -> list[str]:
        """Names of the ports that can be listened to."""

    def outputs(self) -> list[str]:
        """Names of the ports that can be played on."""

    def open_input(self, name: str | None, on_message: OnMessage) -> Input:
        """Listen to a port of `inputs`; None makes a virtual one, which others connect to.

        Raises:
            OSError: if it has gone.
            RequestError: if this system has no virtual ports.
        """

    def open_output(self, name: str | None) -> Output:
        """Play on a port of `outputs`; None makes a virtual one. Raises as `open_input`."""


def choose(kind: str, wanted: str, names: Sequence[str]) -> str:
    """The port that a person means: by its number from 1, its name, or a piece of the name that no other has.

    Raises:
        RequestError: if there is none such, or several; the known ones are listed.
    """
    if not names:
        raise RequestError(f"there is no MIDI {kind}: plug one in, or leave out --{kind} for a virtual one")
    sought = wanted.strip().casefold()
    if sought.isdecimal() and 1 <= int(sought[:9]) <= len(names):
        return names[int(sought) - 1]
    exact = [name for name in names if name.casefold() == sought]
    within = exact or [name for name in names if sought and sought in name.casefold()]
    if len(within) > 1:
        raise RequestError(f"MIDI {kind} {wanted[:60]!r} may be {' or '.join(map(repr, within))}: say more of the name")
    if not within:
        known = ", ".join(f"{number} {name!r}" for number, name in enumerate(names, 1))
        raise RequestError(f"unknown MIDI {kind} {wanted[:60]!r}; there are: {known}")
    return within[0]


class RtMidiPorts:
    """Ports by RtMidi: ALSA or JACK on Linux, CoreMIDI on macOS, WinMM on Windows.

    Raises:
        RequestError: if python-rtmidi is not installed, or the system has no MIDI service.
    """

    def __init__(self, client: str = CLIENT) -> None:
        try:
            import rtmidi
        except ModuleNotFoundError:
            raise RequestError("python-rtmidi is not installed: pip install 'melodysynthesis[live]'") from None
        self._rtmidi: Any = rtmidi
        self._client = client
        self._api = _api(rtmidi)
        # These two only list names: an open port may not be used from two threads.
        self._in, self._out = self._new("MidiIn", "watch"), self._new("MidiOut", "watch")

    def inputs(self) -> list[str]:
        """See `Ports.inputs`."""
        return self._others(self._in)

    def outputs(self) -> list[str]:
        """See `Ports.outputs`."""
        return self._others(self._out)

    def open_input(self, name: str | None, on_message: OnMessage) -> Input:
        """See `Ports.open_input`."""
        port = self._new("MidiIn", "in")
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        return _RtMidiInput(self._opened(port, name), on_message)

    def open_output(self, name: str | None) -> Output:
        """See `Ports.open_output`."""
        port = self._opened(self._new("MidiOut", "out"), name)
        return _RtMidiOutput(port, self._rtmidi.RtMidiError)

    def close(self) -> None:
        """Give everything back."""
        for port in (self._in, self._out):
            port.delete()

    def _new(self, kind: str, suffix: str) -> Any:
        try:
            return getattr(self._rtmidi, kind)(self._api, name=f"{self._client} {suffix}")
        except self._rtmidi.SystemError as error:
            raise RequestError(f"there is no MIDI service here: {' '.join(str(error).split())}") from None

    def _others(self, port: Any) -> list[str]:
        return [name for name in port.get_ports() if not name.startswith(self._client)]

    def _opened(self, port: Any, name: str | None) -> Any:
        try:
            if name is None:
                port.open_virtual_port(PORT_NAME)
            else:
                names = port.get_ports()
                if name not in names:
                    raise OSError(f"the MIDI port {name!r} has gone")
                port.open_port(names.index(name), PORT_NAME)
        except (NotImplementedError, self._rtmidi.UnsupportedOperationError):
            raise RequestError("this system has no virtual MIDI ports: choose some with --input and --output") from None
        except self._rtmidi.RtMidiError as error:
            raise OSError(" ".join(str(error).split())) from None
        return port


class _RtMidiInput:
    """An open `Input`.

    RtMidi's own callback would wait for Python's lock in JACK's thread and hold up every program's sound; so RtMidi
    keeps the messages in a queue of its own, and a thread of ours looks there each millisecond.
    """

    def __init__(self, port: Any, on_message: OnMessage) -> None:
        self._port, self._on_message = port, on_message
        self._closed = False
        self._thread = Thread(target=self._listen, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """See `Input.close`."""
        self._closed = True
        self._thread.join()
        self._port.close_port()
        self._port.delete()

    def _listen(self) -> None:
        while not self._closed:
            event = self._port.get_message()
            if event is None:
                time.sleep(LISTEN_SECONDS)
            else:
                self._on_message(event[0], time.monotonic())


class _RtMidiOutput:
    """An open `Output`."""

    def __init__(self, port: Any, error: type[Exception]) -> None:
        self._port, self._error = port, error

    def send(self, data: bytes) -> None:
        """See `Output.send`."""
        try:
            self._port.send_message(data)
        except self._error as error:
            raise OSError(" ".join(str(error).split())) from None

    def close(self) -> None:
        """See `Output.close`."""
        self._port.close_port()
        self._port.delete()


def _api(rtmidi: Any) -> int:
    """The system's MIDI service; on Linux JACK if ALSA has no device, as RtMidi would print an error about that."""
    compiled = rtmidi.get_compiled_api()
    if sys.platform == "linux" and rtmidi.API_UNIX_JACK in compiled and not Path("/dev/snd/seq").exists():
        return int(rtmidi.API_UNIX_JACK)
    return int(compiled[0])
