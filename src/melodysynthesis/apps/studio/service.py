"""The service behind the studio's interface: models, workers, baselines, and indexes of corpora."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from melodysynthesis.apps import baselines
from melodysynthesis.apps.baselines import BASELINES
from melodysynthesis.apps.studio.background import BackgroundJob
from melodysynthesis.apps.studio.json_schema import Json
from melodysynthesis.apps.studio.limits import Seconds, check_request
from melodysynthesis.apps.studio.pool import Pool
from melodysynthesis.constraints.rules import NEED_TUNES
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.base import ModelCard


class Studio:
    """The models on offer and the workers that answer requests.

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
        cards: Mapping[str, ModelCard],
        workers: int,
        seconds: Seconds,
        report: Path | None = None,
    ) -> None:
        self.models, self.cards, self.seconds, self.files = tuple(models), cards, seconds, dict(models)
        self.pool = Pool(models, workers)
        self.baselines = baselines.offer(models)
        fields = {"corpus": self.baselines.corpus, "encoding": self.baselines.encoding.description()}
        self.counting = BackgroundJob("count", fields, BASELINES, seconds.errand)
        self.corpora = sorted({card.corpus for card in cards.values()})
        self.indexing = BackgroundJob("index", {"corpora": self.corpora}, self.corpora, seconds.errand)
        self.report = report
        self._sounds: dict[int, bytes] = {}

    def checked(self, fields: Json) -> Json:
        """A request of the studio, complete with its seed.

        Raises:
            RequestError: if it contradicts itself, or exceeds the studio's limits.
        """
        request = Request(**{"model": self.models[0]} | fields)
        check_request(request, (*self.models, *self.baselines.names))
        return request.model_dump(mode="json", exclude_none=True)

    async def generate(self, request: Json, *, rank: bool = False, unlike: Json | None = None) -> AsyncGenerator[Json]:
        """The messages of `stream` about the melodies of a request: first their notes, then their analysis.

        Args:
            request: as from `checked`.
            rank: whether three times as many are drawn, and likely ones chosen, each unlike the others. Their notes
                are not sent as they are drawn.
            unlike: with `rank`, a melody that is rewritten or varied, and not chosen again.

        Raises:
            MelodyError, TooBusyError, WorkerFailedError: as `Pool.events`.
        """
        corpus, melodies = self._corpus_of(request), dict[int, Json]()
        if set(NEED_TUNES) & request.keys() and corpus in self.corpora and not self.indexing.is_done(corpus):
            yield {"type": "waiting", "message": f"reading {corpus} …"}
            await self.indexing.value(corpus)
        if request["model"] in self.baselines.names and not self.counting.is_done(request["model"]):
            yield {"type": "waiting", "message": f"counting the baselines on {corpus} …"}
        file = await self._file_of(request)
        job = {"request": request, "file": file, "rank": rank, "unlike": unlike}
        async with contextlib.aclosing(self.pool.events("generate", job, self.seconds.generate)) as events:
            async for event in events:
                if event["type"] == "melody":
                    melodies[event["index"]] = event["melody"]
                yield event
        if not melodies:
            return
        order = sorted(melodies)
        async with contextlib.aclosing(self.judge([melodies[index] for index in order], request)) as events:
            async for event in events:
                yield event | {"index": order[event["index"]]}

    async def judge(self, melodies: list[Json], request: Json | None) -> AsyncGenerator[Json]:
        """The analysis of melodies, a message each; raises as `generate`."""
        searched = self.indexing.is_done(self._corpus_of(request))
        job = {"melodies": melodies, "request": request, "file": await self._file_of(request), "searched": searched}
        async with contextlib.aclosing(self.pool.events("judge", job, self.seconds.judge)) as events:
            async for event in events:
                yield event

    def _corpus_of(self, request: Json | None) -> str:
        """The corpus of the model that a request names; without a request, of the first model."""
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


async def collect_melodies(events: AsyncGenerator[Json]) -> list[Json]:
    """Each melody with all its events merged."""
    found: dict[int, Json] = {}
    async with contextlib.aclosing(events):
        async for event in events:
            if event.pop("type") in ("melody", "judged"):
                found.setdefault(event["index"], {}).update(event)
    return [found[index] for index in sorted(found)]
