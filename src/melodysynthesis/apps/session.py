"""A live session: ports, clock and threads around the player.

One thread owns the player and the ports. It sleeps until the player has something to play, or until an event arrives in
its inbox. Events come from other threads: MIDI messages from the MIDI library's thread, with the time of their arrival;
notes of the model from a thread that only runs the model; ports that come and go from a thread that lists them.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Protocol

from melodysynthesis.apps.ports import Input, Output, Ports
from melodysynthesis.errors import MelodyError
from melodysynthesis.live.commands import AnswerRequest, Cancel, Notice
from melodysynthesis.live.improviser import Improviser
from melodysynthesis.live.messages import OutgoingMessage, parse
from melodysynthesis.live.player import Player
from melodysynthesis.music import Note

MAX_INBOX = 10_000
"""Events that may wait in the inbox; MIDI messages beyond that are lost."""
EVENTS_PER_TURN = 100
"""Events that are handled before the player plays what is due, so that a flood of messages can't delay it."""
WATCH_SECONDS = 0.5
SWITCH_SECONDS = 0.0005
"""How long the model's thread may hold Python's lock while the player waits for it; Python's default is 5 ms."""

SessionEvent = Callable[[], None]
"""Tells the player what happened when it is called, in the player's thread."""


class SessionClock(Protocol):
    """The time, and a sleep that an event ends."""

    def now(self) -> float:
        """The time in seconds."""

    def next(self, inbox: SimpleQueue[SessionEvent], seconds: float) -> SessionEvent | None:
        """Wait for an event, for at most so many seconds; None if there was none."""


class SystemClock:
    """The time of `time.monotonic`."""

    def now(self) -> float:
        """See `SessionClock.now`."""
        return time.monotonic()

    def next(self, inbox: SimpleQueue[SessionEvent], seconds: float) -> SessionEvent | None:
        """See `SessionClock.next`."""
        try:
            return inbox.get(timeout=seconds) if seconds > 0 else inbox.get_nowait()
        except Empty:
            return None


class Writer(Protocol):
    """Runs the model to write answers."""

    def ask(self, ask: AnswerRequest) -> None:
        """Begin to write this answer, in place of any other."""

    def drop(self, turn: int) -> None:
        """Stop writing the answer of this number."""

    def close(self) -> None:
        """Stop writing, and end."""


class Session:
    """Connects a player with ports and a model, until `quit`.

    Args:
        player: the player.
        ports: where it listens and plays.
        source: name of the port to listen to; None for a virtual one.
        target: name of the port to play on; None for a virtual one.
        say: prints a line for people.
        clock: the time.
    """

    def __init__(
        self,
        player: Player,
        ports: Ports,
        source: str | None,
        target: str | None,
        *,
        say: Callable[[str], None],
        clock: SessionClock,
    ) -> None:
        self.inbox: SimpleQueue[SessionEvent] = SimpleQueue()
        self._player, self._ports, self._say, self._clock = player, ports, say, clock
        self._source, self._target = source, target
        self._input: Input | None = None
        self._output: Output | None = None
        self._writer: Writer | None = None
        self._lost = 0
        self._quit = False

    def run(self, writer: Writer, greeting: str = "") -> None:
        """Play until `quit`. However it ends, sounding notes are ended and the ports are closed.

        Args:
            writer: writes the answers.
            greeting: is printed when the ports are open.

        Raises:
            OSError: if a port can't be opened.
            RequestError: if a virtual port can't be made.
        """
        self._writer = writer
        try:
            self._open_output()
            self._open_input()
            if greeting:
                self._say(greeting)
            while not self._quit:
                self._turn()
        finally:
            self._player.stop(self._clock.now())
            self._do(self._player.poll(self._clock.now()))
            writer.close()
            for port in (self._input, self._output):
                if port is not None:
                    port.close()

    def quit(self) -> None:
        """End the session; from any thread, or a signal."""
        self.inbox.put(self._end)

    def panic(self) -> None:
        """End all sounding notes; from any thread."""
        self.inbox.put(lambda: self._player.panic(self._clock.now()))

    def present(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Take note of which ports there are now; from any thread."""
        self.inbox.put(lambda: self._look_after(inputs, outputs))

    def wrote(self, turn: int, note: Note) -> None:
        """Take a note that the model has written; from any thread."""
        self.inbox.put(lambda: self._write(turn, note))

    def failed(self, turn: int, reason: str) -> None:
        """Take note that the model can't go on; from any thread."""
        self.inbox.put(lambda: self._player.fail(turn, reason, self._clock.now()))

    def _turn(self) -> None:
        now = self._clock.now()
        self._do(self._player.poll(now))
        wake = self._player.wake(now)
        for _ in range(EVENTS_PER_TURN):
            event = self._clock.next(self.inbox, wake - self._clock.now())
            if event is None:
                return
            event()
            wake = -1.0  # from here on only events that are waiting already

    def _do(self, outs: Sequence[OutgoingMessage | AnswerRequest | Cancel | Notice]) -> None:
        assert self._writer is not None
        for out in outs:
            match out:
                case AnswerRequest():
                    self._writer.ask(out)
                case Cancel(turn):
                    self._writer.drop(turn)
                case Notice(text):
                    self._say(text)
                case _:
                    self._send(out)

    def _send(self, message: OutgoingMessage) -> None:
        if self._output is None:
            return
        try:
            self._output.send(message.to_bytes())
        except OSError as error:
            self._lose_output(str(error))

    def _write(self, turn: int, note: Note) -> None:
        assert self._writer is not None
        if not self._player.write(turn, note, self._clock.now()):
            self._writer.drop(turn)

    def _receive(self, data: Sequence[int], now: float) -> None:
        """Take a MIDI message; called in the MIDI library's thread."""
        message = parse(data)
        if message is None:
            return
        if self.inbox.qsize() < MAX_INBOX:
            self.inbox.put(lambda: self._player.hear(message, now))
        else:
            self._lost += 1

    def _look_after(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        if self._source is not None and (self._source in inputs) != (self._input is not None):
            self._lose_input() if self._input is not None else self._found(self._open_input, self._source)
        if self._target is not None and (self._target in outputs) != (self._output is not None):
            self._lose_output("") if self._output is not None else self._found(self._open_output, self._target)
        if self._lost:
            self._say(f"{self._lost} messages came too fast and were lost")
            self._lost = 0
            self._player.unplugged(self._clock.now())  # note-offs may be among them

    def _found(self, open_again: Callable[[], None], name: str) -> None:
        try:
            open_again()
        except OSError:
            return  # it has gone again
        self._say(f"MIDI port {name!r} is back")
        self._player.panic(self._clock.now())  # it may still sound notes from before

    def _lose_input(self) -> None:
        assert self._input is not None
        self._input.close()
        self._input = None
        self._say(f"MIDI input {self._source!r} has gone: waiting for it")
        self._player.unplugged(self._clock.now())

    def _lose_output(self, reason: str) -> None:
        assert self._output is not None
        self._output.close()
        self._output = None
        self._say(f"MIDI output {self._target!r} has gone: waiting for it{f' ({reason})' if reason else ''}")
        self._player.panic(self._clock.now())

    def _open_input(self) -> None:
        self._input = self._ports.open_input(self._source, self._receive)

    def _open_output(self) -> None:
        self._output = self._ports.open_output(self._target)

    def _end(self) -> None:
        self._quit = True


class WriterThread:
    """A `Writer` in a thread of its own."""

    def __init__(self, improviser: Improviser, session: Session) -> None:
        self._improviser, self._session = improviser, session
        self._asks: SimpleQueue[AnswerRequest | None] = SimpleQueue()
        self._wanted = 0
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def ask(self, ask: AnswerRequest) -> None:
        """See `Writer.ask`."""
        self._wanted = ask.turn
        self._asks.put(ask)

    def drop(self, turn: int) -> None:
        """See `Writer.drop`."""
        if self._wanted == turn:
            self._wanted = 0

    def close(self) -> None:
        """See `Writer.close`; waits for the note that is being written."""
        self._wanted = 0
        self._asks.put(None)
        self._thread.join()

    def _run(self) -> None:
        for ask in iter(self._asks.get, None):
            if ask.turn != self._wanted:
                continue
            try:
                self._write(ask)
            except MelodyError as error:
                self._session.failed(ask.turn, str(error))
            except Exception as error:  # a bug: the player's thread raises it, so that the session ends in order
                self._session.inbox.put(_raiser(error))

    def _write(self, ask: AnswerRequest) -> None:
        for note in self._improviser.improvise(ask.played, ask.bars, ask.turn):
            if self._wanted != ask.turn:
                return
            self._session.wrote(ask.turn, note)


def _raiser(error: Exception) -> SessionEvent:
    def happen() -> None:
        raise error

    return happen


@contextmanager
def repeated(act: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
    """Do something every so many seconds, in a thread of this name, while the block runs."""
    over = Event()

    def repeat() -> None:
        while not over.wait(seconds):
            act()

    thread = Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def punctual() -> Iterator[None]:
    """Keep Python's threads and garbage collection from delaying notes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # models and libraries stay; the collector need not look through them
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
