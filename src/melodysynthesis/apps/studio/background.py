"""A background job: it runs once, in a process outside of the pool, and several clients can await its results.

The events of such a job of `jobs` have a `name` and a `value`, such as the name of a baseline and its model file. A
client that awaits a name gets the value as soon as it is known; a client that stops waiting does not stop the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from melodysynthesis.apps.studio.pool import TooSlowError, Worker, WorkerFailedError
from melodysynthesis.errors import MelodyError


class BackgroundJob:
    """One job, started by the first request for one of its values.

    Args:
        job: its name in `jobs`.
        fields: its input.
        names: of the values that it makes.
        seconds: that it may take.
        start: starts a worker.
    """

    def __init__(
        self,
        job: str,
        fields: Mapping[str, Any],
        names: Iterable[str],
        seconds: float,
        start: Callable[[Mapping[str, str]], Awaitable[Worker]] = Worker.start,
    ) -> None:
        self._job, self._fields, self._names = job, dict(fields), tuple(names)
        self._seconds, self._start = seconds, start
        self._values: dict[str, asyncio.Future[Any]] = {}
        self._work: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the job, unless it runs or has ended."""
        if not self._values:
            loop = asyncio.get_running_loop()
            self._values = {name: loop.create_future() for name in self._names}
            self._work = asyncio.create_task(self._run())

    def is_done(self, name: str) -> bool:
        """Whether a value is there."""
        return name in self._values and self._values[name].done()

    async def value(self, name: str) -> Any:
        """A value, once it is there.

        Raises:
            MelodyError: for a mistake in the input, or if it takes too long; the next call starts it again.
            WorkerFailedError: if it fails for no fault of the input.
        """
        self.begin()
        return await asyncio.shield(self._values[name])

    async def close(self) -> None:
        """Stop it."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _run(self) -> None:
        try:
            worker = await self._start({})
            try:
                async with asyncio.timeout(self._seconds):
                    async for event in worker.events(self._job, self._fields):
                        self._values[event["name"]].set_result(event["value"])
            finally:
                await worker.end()
        except TimeoutError:
            self._fail(TooSlowError(f"this took longer than {self._seconds:g} seconds, and was stopped"))
        except (MelodyError, WorkerFailedError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        for value in self._values.values():
            if not value.done():
                value.set_exception(error)
                value.exception()  # marks it as retrieved: no client may be waiting for it
        self._values = {}
