"""What a worker can be asked to do. A job takes JSON and yields JSON: events, of which the last is the answer."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Any

from melodysynthesis import formats
from melodysynthesis.apps import baselines
from melodysynthesis.apps.opening import open_model
from melodysynthesis.apps.originality import open_index
from melodysynthesis.apps.studio.engraving import engrave
from melodysynthesis.apps.studio.examining import examined
from melodysynthesis.apps.studio.limits import MAX_OPENED, check_melody
from melodysynthesis.apps.studio.streaming import Draft, StoppedError, generate_aloud
from melodysynthesis.encodings import encoding_from
from melodysynthesis.errors import CorpusError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.formats import midi, render
from melodysynthesis.generation import output
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.request import Request
from melodysynthesis.live import ModelImproviser
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Note
from melodysynthesis.runtime.base import Engine

Event = dict[str, Any]
Stopped = Callable[[], bool]
SOUND_SECONDS = 4.0
"""Length of a single note's sound; longer notes fade out as strings do."""


class Jobs:
    """The table of jobs, for the models on offer: their files by name."""

    def __init__(self, models: dict[str, str]) -> None:
        self._files = models
        self._opened: dict[str, tuple[Engine, output.Model]] = {}
        self.table: dict[str, Callable[[dict[str, Any], Stopped], Iterator[Event]]] = {
            "warm": self.warm,
            "generate": self.generate,
            "read": read,
            "engrave": draw_score,
            "convert": convert,
            "judge": self.judge,
            "count": count,
            "index": index,
            "sound": sound,
            "rehearse": self.rehearse,
            "improvise": self.improvise,
        }
        self._rehearsed: tuple[dict[str, Any], ModelImproviser] | None = None

    def warm(self, asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
        """Open the first model and engrave a note, so that nobody waits for either."""
        del asked, stopped
        engine, _ = self._open(next(iter(self._files)))
        generate_aloud(engine, Request(model="warm", bars=1, seed=1), lambda draft: None)
        engrave(Melody((Note(0, 96, 67),), 96), 800)
        yield {"type": "warm"}

    def generate(self, asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
        """Notes as they are drawn, then the melodies."""
        request = Request(**asked["request"])
        engine, model = self._open(request.model, asked.get("file"))
        made: list[Generated] = []
        yield from _aloud(engine, request, stopped, made)
        for one in made:
            melody = melody_json.to_dict(one.melody)
            yield {"type": "melody", "index": one.index, "melody": melody, "provenance": output.provenance(one, model)}

    def judge(self, asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
        """What is found of any melodies, generated or changed by hand; see `examining`."""
        del stopped
        melodies = [melody_json.from_dict(melody) for melody in asked["melodies"]]
        request = Request(**asked["request"]) if asked.get("request") else None
        engine, _ = self._open(request.model if request else next(iter(self._files)), asked.get("file"))
        for number, found in enumerate(examined(melodies, request, engine, searched=asked["searched"])):
            yield {"type": "judged", "index": number, **found}

    def rehearse(self, asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
        """Make a model ready to play live what is asked for, or say why it can't."""
        del stopped
        self._improviser(asked["request"])
        yield {"type": "rehearsed"}

    def improvise(self, asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
        """The notes of an answer as they are written; see `live.Improviser`."""
        heard = melody_json.from_dict(asked["heard"])
        for note in self._improviser(asked["request"]).improvise(heard, asked["bars"], asked["turn"]):
            if stopped():
                return
            yield {"type": "note", "note": note}

    def _improviser(self, fields: dict[str, Any]) -> ModelImproviser:
        if self._rehearsed is None or self._rehearsed[0] != fields:
            request = Request(**fields)
            self._rehearsed = fields, ModelImproviser(self._open(request.model)[0], request)
        return self._rehearsed[1]

    def _open(self, name: str, file: str | None = None) -> tuple[Engine, output.Model]:
        """A model on offer, or a baseline, whose file was made since."""
        if name not in self._opened:
            engine, model = open_model(file or self._files[name])
            self._opened[name] = engine, output.Model(name, model.sha256, model.card)
        return self._opened[name]


def _aloud(engine: Engine, request: Request, stopped: Stopped, made: list[Generated]) -> Iterator[Event]:
    """Drafts of a generation, whose melodies are put into `made`; none if it is stopped.

    It runs in a thread of its own, so that its drafts can be handed on as they come.
    """
    events: SimpleQueue[Event | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            made.extend(generate_aloud(engine, request, lambda draft: events.put(_draft(draft)), stopped))
            events.put(None)
        except StoppedError:
            events.put(None)
        except BaseException as error:  # handed to the thread that waits, which raises it
            events.put(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    while (event := events.get()) is not None:
        if isinstance(event, BaseException):
            raise event
        yield event
    thread.join()


def _draft(draft: Draft) -> Event:
    melody = draft.melody
    event: Event = {"type": "notes", "index": draft.number, "keep": draft.kept, "notes": melody.notes[draft.kept :]}
    if draft.kept == 0:
        key = {"tonic": melody.key.tonic, "mode": melody.key.mode} if melody.key else None
        event |= {"key": key, "meters": melody.meters, "pickup": melody.pickup}
    return event


def count(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """The baselines of a corpus, as they become ready."""
    for counted in baselines.count(asked["corpus"], encoding_from(asked["encoding"])):
        if stopped():
            return
        yield {"name": counted.name, "value": str(counted.file)}


def index(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """Make ready the corpora in which melodies are searched; one that is not there is passed over."""
    for corpus in asked["corpora"]:
        with contextlib.suppress(CorpusError):
            open_index(corpus)
        if stopped():
            return
        yield {"name": corpus, "value": True}


def read(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """The melodies of a file's bytes. Its name says the format; what its bytes look like helps where it does not."""
    del stopped
    data, name = base64.b64decode(asked["data"]), asked["name"]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    reading = formats.read_bytes(data, suffix or formats.sniff(data) or "unknown", name)
    melodies = reading.melodies[:MAX_OPENED]
    for melody in melodies:
        check_melody(melody)
    notices = [*reading.notices, *map(str, reading.problems[:10])]
    if len(reading.melodies) > MAX_OPENED:
        notices.append(f"{name}: the first {MAX_OPENED} of {len(reading.melodies):,} melodies")
    yield {"type": "opened", "melodies": [melody_json.to_dict(melody) for melody in melodies], "notices": notices}


def draw_score(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """The engraved score of a melody; see `engraving`."""
    del stopped
    yield {"type": "score", **engrave(melody_json.from_dict(asked["melody"]), asked["width"])}


def convert(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """A melody as the bytes of a file."""
    del stopped
    data = formats.to_bytes(melody_json.from_dict(asked["melody"]), asked["format"])
    yield {"type": "file", "data": base64.b64encode(data).decode()}


def sound(asked: dict[str, Any], stopped: Stopped) -> Iterator[Event]:
    """A single note as it sounds: WAV, mono."""
    del stopped
    ticks = round((SOUND_SECONDS - render.TAIL_SECONDS) * midi.QUARTERS_PER_MINUTE / 60) * TICKS_PER_QUARTER
    data = render.mono(render.wav(Melody((Note(0, ticks, asked["pitch"]),), ticks)))
    yield {"type": "file", "data": base64.b64encode(data).decode()}
