"""A live session behind a socket: the one that plays over MIDI ports, with somebody's page for its ports.

A page is a few milliseconds away, and not always as many. So the session's clock goes `AHEAD` of everybody's: what it
gives out is due only then, and whoever gets it until then can play it in time to the sample. It takes a phrase to be
over sooner, too, and has the answer written before that is sure; who plays on takes it back. The model writes in a
process of its own, as everything does that strangers have a hand in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from melodysynthesis.apps.ports import OnMessage
from melodysynthesis.apps.session import Happening, Session, WriterThread
from melodysynthesis.apps.studio.pool import PATIENCE, Worker, WorkerFailedError
from melodysynthesis.errors import MelodyError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.live import Player, Setting
from melodysynthesis.live.messages import NoteOn, parse
from melodysynthesis.live.timeline import JUMP_SECONDS
from melodysynthesis.music import Melody, Note

AHEAD = 0.15
"""Seconds: what a busy machine takes to hand a message to the page, and the page to its loudspeaker (some 40 ms)."""

T = TypeVar("T")
Json = dict[str, Any]
Tell = Callable[[Json], None]
"""Is told messages for the page; from any thread."""


class EarlyClock:
    """A clock that is ahead of `time`, and stops at each moment that was waited for until all is done that is due then.

    Whoever reads it therefore reads what was planned, however late a busy machine wakes.
    """

    def __init__(self, ahead: float = AHEAD, time: Callable[[], float] = monotonic) -> None:
        self._ahead, self._time = ahead, time
        self._now, self._planned = self._horizon(), True

    def now(self) -> float:
        """See `session.Clock.now`."""
        return self._now

    @property
    def at_once(self) -> float:
        """When silence is due that is ordered now: as planned, or at once if something has happened that orders it."""
        return self._now if self._planned else self._time()

    def next(self, inbox: SimpleQueue[Happening], seconds: float) -> Happening | None:
        """See `session.Clock.next`."""
        wake = self._now + seconds
        wait = wake - self._horizon()
        try:
            happening = inbox.get(timeout=wait) if wait > 0 else _already(inbox, seconds <= 0)
        except Empty:
            if seconds > 0:
                horizon = self._horizon()
                self._now, self._planned = (wake if horizon - wake <= JUMP_SECONDS else horizon), True
            return None
        self._now, self._planned = max(self._now, min(wake, self._horizon())), False
        return happening

    def _horizon(self) -> float:
        return self._time() + self._ahead


def _already(inbox: SimpleQueue[Happening], wanted: bool) -> Happening:
    """What has happened already. Unwanted while something is due that was to be before it."""
    if not wanted:
        raise Empty
    return inbox.get_nowait()


class PagePorts:
    """`Ports`, one each way: what is played is told to a page, with the second at which it is due."""

    def __init__(self, tell: Tell, clock: EarlyClock) -> None:
        self.receive: OnMessage | None = None
        self._tell, self._clock = tell, clock

    def inputs(self) -> list[str]:
        """See `Ports.inputs`."""
        return []

    outputs = inputs

    def open_input(self, name: str | None, on_message: OnMessage) -> PagePorts:
        """See `Ports.open_input`."""
        self.receive = on_message
        return self

    def open_output(self, name: str | None) -> PagePorts:
        """See `Ports.open_output`."""
        return self

    def send(self, data: bytes) -> None:
        """See `Output.send`."""
        at = self._clock.now() if isinstance(parse(data), NoteOn) else self._clock.at_once
        self._tell({"type": "midi", "data": list(data), "at": at})

    def close(self) -> None:
        """See `Input.close` and `Output.close`."""
        self.receive = None


class FarImproviser:
    """An `Improviser` whose model is in a worker. Called from a thread; the worker is talked to in the event loop.

    Args:
        worker: that does nothing else meanwhile.
        request: what is asked of the model, checked.
        seconds: that a note may take at most.
        tell: is told how long each answer's first note took.
    """

    def __init__(self, worker: Worker, request: Json, seconds: float, tell: Tell) -> None:
        self._worker, self._request, self._seconds, self._tell = worker, request, seconds, tell
        self._loop = asyncio.get_running_loop()

    async def rehearse(self, seconds: float) -> None:
        """Make the model ready.

        Raises:
            TimeoutError: if it is not within these seconds; the worker is of no use then.
            MelodyError: if it can't play what is asked for.
            WorkerFailedError: if it fails for no fault of that.
        """
        async with asyncio.timeout(seconds):
            async for _ in self._worker.events("rehearse", {"request": self._request}):
                pass

    def improvise(self, heard: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        began, first, whole = monotonic(), True, False
        asked = {"request": self._request, "heard": melody_json.to_dict(heard), "bars": bars, "turn": turn}
        events = self._worker.events("improvise", asked)
        try:
            while (event := self._wait(_next(events, self._seconds))) is not None:
                if first:
                    self._tell({"type": "written", "turn": turn, "seconds": monotonic() - began})
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
        """Have the worker stop. One that can't is ended, as whoever asks it next will find out."""
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


class Stage:
    """A session that plays.

    Args:
        setting: how.
        improviser: that has rehearsed.
        threads: to take one from.
        tell: is told messages for the page.
    """

    def __init__(self, setting: Setting, improviser: FarImproviser, threads: ThreadPoolExecutor, tell: Tell) -> None:
        self.player, clock = Player(setting), EarlyClock()
        self._ports = PagePorts(tell, clock)
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
