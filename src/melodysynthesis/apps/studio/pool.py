"""Worker processes, one job at a time each.

A worker that dies, or takes longer than the limit of its job, is replaced. When the client of a job has gone, its
worker gets a message to stop, and is ended if it does not stop within `PATIENCE`. So no input can hold the studio's
memory or its processors for longer than the limits allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Coroutine, Mapping
from itertools import count
from typing import Any

from melodysynthesis.apps.studio.limits import MAX_WAITING
from melodysynthesis.errors import MelodyError

PATIENCE = 1.0
"""Seconds that a worker has to stop by itself."""
MAX_ANSWER_BYTES = 256 * 2**20
"""Length of one answer: a WAV of half an hour would not fit, but no melody within the limits is as long."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
URGENCY = {"generate": 1, "judge": 2}
"""Order in the queue, lowest first: short jobs (0), then melodies, then their analysis."""


class TooBusyError(Exception):
    """The queue is full."""


class TooSlowError(MelodyError):
    """A job took longer than its limit."""


class WorkerFailedError(Exception):
    """A worker failed or died at a job; the message is for the log, not for clients."""


class Worker:
    """One process."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, models: Mapping[str, str]) -> Worker:
        """A new process for these models, their files by name."""
        command = (sys.executable, "-m", "melodysynthesis.apps.studio.worker", json.dumps(dict(models)))
        environment = {**os.environ, **ONE_THREAD}
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, limit=MAX_ANSWER_BYTES, env=environment
            )
        )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    async def send(self, line: Mapping[str, Any]) -> None:
        """Send a line.

        Raises:
            WorkerFailedError: if the process has ended.
        """
        self._in.write(json.dumps(line).encode() + b"\n")
        try:
            await self._in.drain()
        except OSError:
            raise WorkerFailedError("the worker has died") from None

    async def receive(self) -> dict[str, Any]:
        """The next line.

        Raises:
            WorkerFailedError: if the process has ended.
        """
        line = await self._out.readline()
        if not line.endswith(b"\n"):
            raise WorkerFailedError("the worker has died")
        message: dict[str, Any] = json.loads(line)
        return message

    async def events(self, job: str, fields: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The events of a job."""
        await self.send({"job": job, "fields": fields})
        while "end" not in (message := await self.receive()):
            if "mistake" in message:
                raise MelodyError(message["mistake"])
            if "failed" in message:
                raise WorkerFailedError(f"{job}: {message['failed']}")
            yield message["event"]

    async def settle(self) -> None:
        """Stop the current job and drop the rest of its answer."""
        await self.send({"stop": True})
        while not {"end", "mistake", "failed"} & (await self.receive()).keys():
            pass

    async def end(self) -> None:
        """End the process, whatever it is doing."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()


class Pool:
    """Workers, and the queue of jobs that wait for one."""

    def __init__(self, models: Mapping[str, str], size: int) -> None:
        self._models, self._size, self._waiting = models, size, 0
        self._idle: list[Worker] = []
        self._line: list[tuple[int, int, asyncio.Future[Worker]]] = []  # a heap: urgency, number, who waits
        self._numbers = count()
        self._all: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start the workers; each is free once it is warm."""
        for _ in range(self._size):
            self._later(self._hire())

    async def until_warm(self, seconds: float) -> None:
        """Wait until every worker is warm, at most so many seconds."""
        await asyncio.wait(set(self._tasks), timeout=seconds)

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._all:
            await worker.end()

    async def one(self, job: str, fields: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer of a job that has one event; raises as `events`."""
        found: dict[str, Any] = {}
        async with contextlib.aclosing(self.events(job, fields, seconds)) as events:
            async for event in events:
                found = event
        return found

    async def events(self, job: str, fields: Mapping[str, Any], seconds: float) -> AsyncGenerator[dict[str, Any]]:
        """The events of a job. Closing the iterator stops the job.

        Raises:
            TooBusyError: if too many wait.
            TooSlowError: if it takes longer than these seconds, waiting for a free worker not counted.
            WorkerFailedError: if it fails for no fault of the input.
            MelodyError: for a mistake in the input.
        """
        if self._waiting >= MAX_WAITING:
            raise TooBusyError
        self._waiting += 1
        try:
            worker = await self._next_worker(job)
        finally:
            self._waiting -= 1
        whole, deadline = False, asyncio.get_running_loop().time() + seconds
        try:
            async with contextlib.aclosing(worker.events(job, fields)) as events:
                while (event := await _next(events, deadline)) is not None:
                    yield event
            whole = True
        except MelodyError:
            whole = True
            raise
        except TimeoutError:
            await self._dismiss(worker)
            raise TooSlowError(f"this took longer than {seconds:g} seconds, and was stopped: ask for less") from None
        finally:
            if whole:
                self._release(worker)
            elif worker in self._all:
                self._later(self._settle(worker))

    async def _next_worker(self, job: str) -> Worker:
        if self._idle:
            return self._idle.pop()
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (URGENCY.get(job, 0), next(self._numbers), turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn came as it left
                self._release(turn.result())
            raise

    def _release(self, worker: Worker) -> None:
        """Hand the worker to the next in the queue, if there is one."""
        while self._line:
            _, _, turn = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)

    async def _hire(self) -> None:
        worker = await Worker.start(self._models)
        self._all.add(worker)
        with contextlib.suppress(MelodyError, WorkerFailedError):  # the first request for the model raises it again
            async for _ in worker.events("warm", {}):
                pass
        self._release(worker)

    async def _dismiss(self, worker: Worker) -> None:
        self._all.discard(worker)
        await worker.end()
        self._later(self._hire())

    async def _settle(self, worker: Worker) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await worker.settle()
        except (TimeoutError, WorkerFailedError):
            await self._dismiss(worker)
        else:
            self._release(worker)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _next(events: AsyncGenerator[dict[str, Any]], deadline: float) -> dict[str, Any] | None:
    """The next event, None after the last. The time between two calls counts too."""
    async with asyncio.timeout_at(deadline):
        return await anext(events, None)
