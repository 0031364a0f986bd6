"""The jobs of a worker. A job takes JSON and yields JSON: events, of which the last is the answer."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from cachetools import LRUCache

from melodysynthesis import api, formats
from melodysynthesis.apps import baselines
from melodysynthesis.apps.originality import open_index
from melodysynthesis.apps.studio.analysis import analyse
from melodysynthesis.apps.studio.engraving import engrave
from melodysynthesis.apps.studio.limits import MAX_OPENED, MAX_OPENED_MODELS, check_melody
from melodysynthesis.encodings import encoding_from
from melodysynthesis.errors import CorpusError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.formats import render
from melodysynthesis.generation import output
from melodysynthesis.generation.batch import Generated, Partial, Refused
from melodysynthesis.generation.filling import with_metadata
from melodysynthesis.generation.generate import generate_distinct, generate_streaming, pool, ranked
from melodysynthesis.generation.request import Request
from melodysynthesis.live import ModelImproviser
from melodysynthesis.music import DEFAULT_TEMPO, TICKS_PER_QUARTER, Melody, Note
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.loading import ModelSource, open_model

JobEvent = dict[str, Any]
Stopped = Callable[[], bool]
SOUND_SECONDS = 4.0
"""Length of a single note's sound; longer notes fade out as strings do."""


class _JobStoppedError(Exception):
    """Ends a generation whose client has gone."""


class Jobs:
    """The table of jobs, for the models on offer: their files by name."""

    def __init__(self, models: dict[str, str]) -> None:
        self._files = models
        self._opened: LRUCache[str, tuple[Engine, ModelSource]] = LRUCache(MAX_OPENED_MODELS)
        self.table: dict[str, Callable[[dict[str, Any], Stopped], Iterator[JobEvent]]] = {
            "warm": self.warm,
            "generate": self.generate,
            "read": read,
            "engrave": draw_score,
            "convert": convert,
            "harmonise": harmonise,
            "judge": self.judge,
            "count": count,
            "index": index,
            "sound": sound,
            "rehearse": self.rehearse,
            "improvise": self.improvise,
        }
        self._rehearsed: tuple[dict[str, Any], ModelImproviser] | None = None

    def warm(self, fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
        """Open the first model and engrave a note, so that no client waits for either."""
        del fields, stopped
        engine, _ = self._open(next(iter(self._files)))
        list(generate_streaming(engine, Request(model="warm", bars=1, seed=1)))
        engrave(Melody((Note(0, 96, 67),), 96), 800)
        yield {"type": "warm"}

    def generate(self, fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
        """Notes as they are drawn, and each melody once it is whole; with `rank` once all are drawn."""
        request = Request(**fields["request"])
        engine, model = self._open(request.model, fields.get("file"))

        def advance(ended: int) -> None:
            del ended
            if stopped():
                raise _JobStoppedError

        rank, unlike = fields.get("rank", False), fields.get("unlike")
        known = melody_json.from_dict(unlike) if unlike else None
        made: list[Generated] = []
        refused: list[Refused] = []
        try:
            many = generate_streaming(engine, pool(request), advance, drafts=False) if rank else None
            for drawn in many or generate_distinct(engine, request, advance, drafts=True):
                if isinstance(drawn, Generated):
                    made.append(drawn)
                    if not rank:
                        yield _whole(drawn.index, drawn, model)
                elif isinstance(drawn, Refused):
                    refused.append(drawn)
                else:
                    yield _notes(drawn)
        except _JobStoppedError:
            return
        if not made:
            raise refused[0].error
        if not rank:
            yield from ({"type": "refused", "number": one.index + 1, "message": str(one.error)} for one in refused)
            return
        made.sort(key=lambda one: one.index)
        for number, one in enumerate(ranked(made, request.count, known)):
            melody = with_metadata(one.melody, known, request) if known else one.melody
            yield _whole(number, replace(one, melody=melody), model)

    def judge(self, fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
        """Analyse any melodies, generated or changed by hand; see `analysis`."""
        del stopped
        melodies = [melody_json.from_dict(melody) for melody in fields["melodies"]]
        request = Request(**fields["request"]) if fields.get("request") else None
        engine, _ = self._open(request.model if request else next(iter(self._files)), fields.get("file"))
        for number, found in enumerate(analyse(melodies, request, engine, searched=fields["searched"])):
            yield {"type": "judged", "index": number, **found}

    def rehearse(self, fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
        """Prepare a model to play live by a request, or raise why it can't."""
        del stopped
        self._improviser(fields["request"])
        yield {"type": "rehearsed"}

    def improvise(self, fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
        """The notes of an answer as they are written; see `live.Improviser`."""
        played = melody_json.from_dict(fields["heard"])
        for note in self._improviser(fields["request"]).improvise(played, fields["bars"], fields["turn"]):
            if stopped():
                return
            yield {"type": "note", "note": note}

    def _improviser(self, fields: dict[str, Any]) -> ModelImproviser:
        if self._rehearsed is None or self._rehearsed[0] != fields:
            request = Request(**fields)
            self._rehearsed = fields, ModelImproviser(self._open(request.model)[0], request)
        return self._rehearsed[1]

    def _open(self, name: str, file: str | None = None) -> tuple[Engine, ModelSource]:
        """A model on offer, or a baseline, whose file was made since."""
        found = self._opened.get(name)
        if found is None:
            engine, model = open_model(file or self._files[name])
            found = self._opened[name] = engine, ModelSource(name, model.sha256, model.card)
        return found


def _whole(number: int, made: Generated, model: ModelSource) -> JobEvent:
    melody = melody_json.to_dict(made.melody)
    return {"type": "melody", "index": number, "melody": melody, "provenance": output.provenance(made, model)}


def _notes(partial: Partial) -> JobEvent:
    """The notes of a melody that changed since its latest event; with all of its notes also its header."""
    melody, kept = partial.melody, partial.kept
    event: JobEvent = {"type": "notes", "index": partial.index, "keep": kept, "notes": melody.notes[kept:]}
    if kept == 0:
        key = {"tonic": melody.key.tonic, "mode": melody.key.mode} if melody.key else None
        event |= {"key": key, "meters": melody.meters, "pickup": melody.pickup}
    return event


def count(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """The baselines of a corpus, as they become ready."""
    for counted in baselines.count(fields["corpus"], encoding_from(fields["encoding"])):
        if stopped():
            return
        yield {"name": counted.name, "value": str(counted.file)}


def index(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """Open the index of each corpus in which melodies are searched; a missing corpus is skipped."""
    for corpus in fields["corpora"]:
        with contextlib.suppress(CorpusError):
            open_index(corpus)
        if stopped():
            return
        yield {"name": corpus, "value": True}


def read(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """The melodies of a file's bytes. Its name tells the format; without a known suffix the bytes do."""
    del stopped
    data, name = base64.b64decode(fields["data"]), fields["name"]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    reading = formats.read_bytes(data, suffix or formats.sniff(data) or "unknown", name, fields["part"])
    melodies = reading.melodies[:MAX_OPENED]
    for melody in melodies:
        check_melody(melody)
    notices = [*reading.notices, *map(str, reading.problems[:10])]
    if len(reading.melodies) > MAX_OPENED:
        notices.append(f"{name}: the first {MAX_OPENED} of {len(reading.melodies):,} melodies")
    taken = re.search(r"(\d+) parts; took part (\d+)", " ".join(reading.notices))
    parts = {"count": int(taken[1]), "taken": int(taken[2])} if taken and len(melodies) == 1 else None
    opened = [melody_json.to_dict(melody) for melody in melodies]
    yield {"type": "opened", "melodies": opened, "notices": notices, "parts": parts}


def draw_score(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """The engraved score of a melody; see `engraving`."""
    del stopped
    yield {"type": "score", **engrave(melody_json.from_dict(fields["melody"]), fields["width"])}


def convert(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """A melody as the bytes of a file."""
    del stopped
    data = formats.to_bytes(melody_json.from_dict(fields["melody"]), fields["format"], fields.get("backing", False))
    yield {"type": "file", "data": base64.b64encode(data).decode()}


def harmonise(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """A melody with chords, in some ways; the fields are the arguments of `api.harmonise`."""
    del stopped
    found = api.harmonise(melody_json.from_dict(fields["melody"]), **fields["options"])
    yield {"type": "harmonised", "melodies": [melody_json.to_dict(melody) for melody in found]}


def sound(fields: dict[str, Any], stopped: Stopped) -> Iterator[JobEvent]:
    """A single note as it sounds: WAV, mono."""
    del stopped
    ticks = round((SOUND_SECONDS - render.TAIL_SECONDS) * DEFAULT_TEMPO / 60) * TICKS_PER_QUARTER
    data = render.mono(render.wav(Melody((Note(0, ticks, fields["pitch"]),), ticks)))
    yield {"type": "file", "data": base64.b64encode(data).decode()}
