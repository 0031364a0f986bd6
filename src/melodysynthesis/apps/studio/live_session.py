"""A live session behind a WebSocket: the session that plays over MIDI ports, with a page in place of the ports.

Messages to a page take some milliseconds, and not always the same number. So the clock of the session runs `AHEAD` of
the real one: each message is due only then, and a page that has received it by then plays it in time to the sample.
The session also decides sooner that a phrase is over, and has the answer written; if the person plays on, the answer is
cancelled. The model runs in a process of its own, like all work on untrusted input.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from melodysynthesis.apps.ports import OnMessage
from melodysynthesis.apps.session import Session, SessionEvent, WriterThread
from melodysynthesis.apps.studio.pool import PATIENCE, Worker, WorkerFailedError
from melodysynthesis.errors import MelodyError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.live import LiveSettings, Player
from melodysynthesis.live.messages import NoteOn, parse
from melodysynthesis.live.music_clock import JUMP_SECONDS
from melodysynthesis.music import Melody, Note

AHEAD = 0.15
"""Seconds: what a busy machine takes to hand a message to the page, and the page to its loudspeaker (some 40 ms)."""

T = TypeVar("T")
Json = dict[str, Any]
Tell = Callable[[Json], None]
"""Sends a message to the page; may be called from any thread."""


class LookaheadClock:
    """A clock that is ahead of `time`, and stops at each awaited moment until everything due then is done.

    A reading is therefore the planned time, however late a busy machine wakes.
    """

    def __init__(self, ahead: float = AHEAD, time: Callable[[], float] = monotonic) -> None:
        self._ahead, self._time = ahead, time
        self._now, self._planned = self._horizon(), True

    def now(self) -> float:
        """See `session.SessionClock.now`."""
        return self._now

    @property
    def at_once(self) -> float:
        """The time at which a note-off is due: the planned time, or the real time if an event has caused it."""
        return self._now if self._planned else self._time()

    def next(self, inbox: SimpleQueue[SessionEvent], seconds: float) -> SessionEvent | None:
        """See `session.SessionClock.next`."""
        wake = self._now + seconds
        wait = wake - self._horizon()
        try:
            event = inbox.get(timeout=wait) if wait > 0 else _already(inbox, seconds <= 0)
        except Empty:
            if seconds > 0:
                horizon = self._horizon()
                self._now, self._planned = (wake if horizon - wake <= JUMP_SECONDS else horizon), True
            return None
        self._now, self._planned = max(self._now, min(wake, self._horizon())), False
        return event

    def _horizon(self) -> float:
        return self._time() + self._ahead


def _already(inbox: SimpleQueue[SessionEvent], wanted: bool) -> SessionEvent:
    """An event that is there already; not `wanted` while something is due before it."""
    if not wanted:
        raise Empty
    return inbox.get_nowait()


class WebSocketPorts:
    """`Ports`, one each way: sends each MIDI message to a page, with the second at which it is due."""

    def __init__(self, tell: Tell, clock: LookaheadClock) -> None:
        self.receive: OnMessage | None = None
        self._tell, self._clock = tell, clock

    def inputs(self) -> list[str]:
        """See `Ports.inputs`."""
        return []

    outputs = inputs

    def open_input(self, name: str | None, on_message: OnMessage) -> WebSocketPorts:
        """See `Ports.open_input`."""
        self.receive = on_message
        return self

    def open_output(self, name: str | None) -> WebSocketPorts:
        """See `Ports.open_output`."""
        return self

    def send(self, data: bytes) -> None:
        """See `Output.send`."""
        at = self._clock.now() if isinstance(parse(data), NoteOn) else self._clock.at_once
        self._tell({"type": "midi", "data": list(data), "at": at})

    def close(self) -> None:
        """See `Input.close` and `Output.close`."""
        self.receive = None


class RemoteImproviser:
    """An `Improviser` whose model is in a worker. Called from a thread; the worker runs in the event loop.

    Args:
        worker: used by this improviser only.
        request: fields of the checked request.
        seconds: longest time that a note may take.
        tell: receives how long each answer's first note took.
    """

    def __init__(self, worker: Worker, request: Json, seconds: float, tell: Tell) -> None:
        self._worker, self._request, self._seconds, self._tell = worker, request, seconds, tell
        self._loop = asyncio.get_running_loop()

    async def rehearse(self, seconds: float) -> None:
        """Make the model ready.

        Raises:
            TimeoutError: if it takes longer than these seconds; the worker can't be used then.
            MelodyError: if it can't play by the request.
            WorkerFailedError: if it fails for another reason.
        """
        async with asyncio.timeout(seconds):
            async for _ in self._worker.events("rehearse", {"request": self._request}):
                pass

    def improvise(self, played: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        start, first, whole = monotonic(), True, False
        fields = {"request": self._request, "heard": melody_json.to_dict(played), "bars": bars, "turn": turn}
        events = self._worker.events("improvise", fields)
        try:
            while (event := self._wait(_next(events, self._seconds))) is not None:
                if first:
                    self._tell({"type": "written", "turn": turn, "seconds": monotonic() - start})
                first = False
                yield Note(*event["note"])
            whole = True
        except MelodyError:
            whole = True
            raise
        finally:
            self._wait(events.aclose())
            if not whole:
                self._wait(self._settle())

    async def _settle(self) -> None:
        """Stop the worker's job. A worker that does not stop is ended; its next job raises an error."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._worker.settle()
        except (TimeoutError, WorkerFailedError):
            await self._worker.end()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(self._seconds + PATIENCE)


async def _next(events: AsyncGenerator[Json], seconds: float) -> Json | None:
    async with asyncio.timeout(seconds):
        return await anext(events, None)


class LiveSession:
    """A live session with a page.

    Args:
        setting: how to play.
        improviser: a rehearsed one.
        threads: runs the session in one of its threads.
        tell: sends a message to the page.
    """

    def __init__(
        self, setting: LiveSettings, improviser: RemoteImproviser, threads: ThreadPoolExecutor, tell: Tell
    ) -> None:
        self.player, clock = Player(setting), LookaheadClock()
        self._ports = WebSocketPorts(tell, clock)
        self._session = Session(
            self.player, self._ports, None, None, say=lambda text: tell({"type": "said", "text": text}), clock=clock
        )
        writer = WriterThread(improviser, self._session)
        self.over = asyncio.get_running_loop().run_in_executor(threads, self._session.run, writer)

    def hear(self, data: Sequence[int], at: float) -> None:
        """A MIDI message that was played at a second of `time.monotonic`."""
        receive = self._ports.receive
        if receive is not None:
            receive(data, at)

    def panic(self) -> None:
        """Silence."""
        self._session.panic()

    def quit(self) -> None:
        """End it soon."""
        self._session.quit()

    async def close(self) -> None:
        """End what sounds, and the threads."""
        self.quit()
        await asyncio.wait({self.over})
