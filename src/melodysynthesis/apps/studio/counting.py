"""The baselines on offer, counted when somebody first asks for one, in a process that gives way to all others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from melodysynthesis.apps import baselines
from melodysynthesis.apps.baselines import BASELINES
from melodysynthesis.apps.opening import read_label
from melodysynthesis.apps.studio.pool import TooSlowError, Worker, WorkerFailedError
from melodysynthesis.errors import MelodyError

Start = Callable[[Mapping[str, str]], Awaitable[Worker]]


class Counting:
    """Baselines of one corpus in one encoding.

    Args:
        corpus: its name.
        encoding: as `Encoding.description` says it.
        taken: names that models have already.
        seconds: that the counting may take.
        start: starts a worker.
    """

    def __init__(
        self, corpus: str, encoding: Mapping[str, Any], taken: tuple[str, ...] = (), seconds: float = 600,
        start: Start = Worker.start,
    ) -> None:  # fmt: skip
        self.corpus, self._encoding, self._seconds, self._start = corpus, dict(encoding), seconds, start
        self.missing = baselines.missing(corpus)
        self.names = () if self.missing else tuple(name for name in BASELINES if name not in taken)
        self._files: dict[str, asyncio.Future[str]] = {}
        self._work: asyncio.Task[None] | None = None

    @classmethod
    def beside(cls, models: Mapping[str, str], seconds: float) -> Counting:
        """Baselines for models, given their files by name: of the first that learned from a named corpus."""
        labels = [read_label(file) for file in models.values()]
        label = next((label for label in labels if baselines.missing(label.model.card.corpus) is None), labels[0])
        return cls(label.model.card.corpus, label.encoding.description(), tuple(models), seconds)

    def is_ready(self, name: str) -> bool:
        """Whether a baseline is counted."""
        return name in self._files and self._files[name].done()

    async def file(self, name: str) -> str:
        """The model file of a baseline, once it is counted. Who stops waiting does not stop the counting.

        Raises:
            MelodyError: if the corpus can't be read; the next who asks begins anew.
            WorkerFailedError: if the counting fails.
        """
        if not self._files:
            loop = asyncio.get_running_loop()
            self._files = {each: loop.create_future() for each in BASELINES}
            self._work = asyncio.create_task(self._count())
        return await asyncio.shield(self._files[name])

    async def close(self) -> None:
        """Stop counting."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _count(self) -> None:
        files = self._files
        try:
            worker = await self._start({})
            try:
                async with asyncio.timeout(self._seconds):
                    async for event in worker.events("count", {"corpus": self.corpus, "encoding": self._encoding}):
                        files[event["name"]].set_result(event["file"])
            finally:
                await worker.end()
        except TimeoutError:
            self._fail(TooSlowError(f"counting the baselines took longer than {self._seconds:g} seconds"))
        except (MelodyError, WorkerFailedError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        for file in self._files.values():
            if not file.done():
                file.set_exception(error)
                with contextlib.suppress(type(error)):  # nobody may be waiting for it
                    file.result()
        self._files = {}
