"""What the studio answers with: models, workers, baselines, and what is known of corpora."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from melodysynthesis.apps import baselines
from melodysynthesis.apps.baselines import BASELINES
from melodysynthesis.apps.studio.documented import Json
from melodysynthesis.apps.studio.errand import Errand
from melodysynthesis.apps.studio.limits import Seconds, check_request
from melodysynthesis.apps.studio.pool import Pool
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.base import Card


class Studio:
    """The models on offer, the workers, and what is answered with them.

    Args:
        models: files of the models on offer, by name; the first is the one that is offered first.
        cards: of the same.
        workers: number of processes.
        seconds: how long each kind of job may take.
        report: page of a study's report, if there is one.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        cards: Mapping[str, Card],
        workers: int,
        seconds: Seconds,
        report: Path | None = None,
    ) -> None:
        self.models, self.cards, self.seconds, self.files = tuple(models), cards, seconds, dict(models)
        self.pool = Pool(models, workers)
        self.baselines = baselines.offer(models)
        told = {"corpus": self.baselines.corpus, "encoding": self.baselines.encoding.description()}
        self.counting = Errand("count", told, BASELINES, seconds.errand)
        self.corpora = sorted({card.corpus for card in cards.values()})
        self.indexing = Errand("index", {"corpora": self.corpora}, self.corpora, seconds.errand)
        self.report = report
        self._sounds: dict[int, bytes] = {}

    def checked(self, fields: Json) -> Json:
        """A request of the studio, complete with its seed.

        Raises:
            RequestError: if it contradicts itself, or asks for more than the studio gives at a time.
        """
        request = Request(**{"model": self.models[0]} | fields)
        check_request(request, (*self.models, *self.baselines.names))
        return request.model_dump(mode="json", exclude_none=True)

    async def written(self, asked: Json) -> AsyncGenerator[Json]:
        """The messages of `stream` about the melodies of a request: first of their notes, then what is found of them.

        Raises:
            MelodyError, TooBusyError, WorkerFailedError: as `Pool.events`.
        """
        corpus, melodies = self._corpus_of(asked), list[Json]()
        if "max_copy" in asked and corpus in self.corpora and not self.indexing.is_done(corpus):
            yield {"type": "waiting", "message": f"reading {corpus} …"}
            await self.indexing.value(corpus)
        if asked["model"] in self.baselines.names and not self.counting.is_done(asked["model"]):
            yield {"type": "waiting", "message": f"counting the baselines on {corpus} …"}
        job = {"request": asked, "file": await self._file_of(asked)}
        async with contextlib.aclosing(self.pool.events("generate", job, self.seconds.generate)) as events:
            async for event in events:
                if event["type"] == "melody":
                    melodies.append(event["melody"])
                yield event
        async with contextlib.aclosing(self.judged(melodies, asked)) as events:
            async for event in events:
                yield event

    async def judged(self, melodies: list[Json], request: Json | None) -> AsyncGenerator[Json]:
        """What is found of melodies; raises as `written`."""
        searched = self.indexing.is_done(self._corpus_of(request))
        job = {"melodies": melodies, "request": request, "file": await self._file_of(request), "searched": searched}
        async with contextlib.aclosing(self.pool.events("judge", job, self.seconds.judge)) as events:
            async for event in events:
                yield event

    def _corpus_of(self, request: Json | None) -> str:
        """The corpus of the model that a request names; without one of the first."""
        model = request["model"] if request else self.models[0]
        return self.cards[model].corpus if model in self.cards else self.baselines.corpus

    async def _file_of(self, request: Json | None) -> str | None:
        """The file of the baseline that a request names, once it is counted; None for a model."""
        if request is None or request["model"] not in self.baselines.names:
            return None
        await self.indexing.value(self.baselines.corpus)  # the corpus is read once, not by two at a time
        return str(await self.counting.value(request["model"]))

    async def sound(self, pitch: int) -> bytes:
        """The sound of a pitch, rendered once."""
        if pitch not in self._sounds:
            answer = await self.pool.one("sound", {"pitch": pitch}, self.seconds.sound)
            self._sounds[pitch] = base64.b64decode(answer["data"])
        return self._sounds[pitch]
