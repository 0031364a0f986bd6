"""What the page asks for, and anybody's program may: documented at `/api/openapi.json`.

    GET  /api/models               the models on offer, with their cards
    GET  /api/terms                what can be asked for: keys, modes, scales, chords, formats
    GET  /api/study                the report of a study, if one was given
    GET  /api/people               in which descriptors people's melodies lie where
    POST /api/generate             a `generation.request.Request` -> its melodies
    WS   /api/generate             the same; notes as they are drawn: see `stream`
    WS   /api/live                 to play with a model: see below
    POST /api/judge                certificate, originality, and bits per note of any melody
    POST /api/score                an engraved score, and which of its elements show which note
    POST /api/convert/{format}     a melody as a file
    POST /api/open?name=tune.abc   a file's bytes -> its melodies
    GET  /api/sounds/{pitch}.wav   one note, as the SoundFont's piano plays it

A mistake is answered with 422 and ``{"message": ...}``, one line for people. Melodies are as `formats.json` says.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import FastAPI, Path, Query, WebSocket, WebSocketDisconnect
from fastapi import Request as HttpRequest
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from melodysynthesis import __version__, formats, theory
from melodysynthesis.apps.baselines import BASELINES
from melodysynthesis.apps.studio import live
from melodysynthesis.apps.studio.documented import (
    ANY_BYTES,
    ASKING,
    DOCUMENTED,
    DOWNLOADS,
    MISTAKES,
    Drawn,
    Json,
    Judged,
    Mistake,
    Tune,
    of_type,
)  # fmt: skip
from melodysynthesis.apps.studio.limits import MAX_REPORT_BYTES, Seconds, check_melody
from melodysynthesis.apps.studio.pool import TooBusyError, TooSlowError, WorkerFailedError
from melodysynthesis.apps.studio.service import Studio
from melodysynthesis.apps.studio.waiting import gathered, while_awaited
from melodysynthesis.apps.web.answers import ALWAYS_ASK, Page, add_mistakes
from melodysynthesis.apps.web.guard import FRAMED, LOCAL, MAX_BODY_BYTES, Guard
from melodysynthesis.errors import FormatError, MelodyError
from melodysynthesis.evaluation.people import known
from melodysynthesis.formats import files as score_files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import MODES
from melodysynthesis.runtime.base import Card

log = logging.getLogger(__name__)

FOR_A_YEAR = {"cache-control": "public, max-age=31536000, immutable"}


def application(
    models: Mapping[str, str],
    cards: Mapping[str, Card],
    *,
    workers: int = 2,
    hosts: tuple[str, ...] = LOCAL,
    seconds: Seconds = Seconds(),  # noqa: B008 (a frozen value)
    report: FilePath | None = None,
) -> ASGIApp:
    """The studio as an ASGI application.

    Args:
        models: files of the models on offer, by name; the first is the one that is offered first.
        cards: of the same.
        workers: number of processes.
        hosts: names that it may be reached by.
        seconds: how long each kind of job may take.
        report: page of a study's report, complete in itself.
    """
    studio = Studio(models, cards, workers, seconds, report)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        await studio.pool.open()
        studio.indexing.begin()
        try:
            yield
        finally:
            await studio.counting.close()
            await studio.indexing.close()
            await studio.pool.close()

    app = FastAPI(
        title="MelodySynthesis studio", version=__version__, lifespan=lifespan,
        description=f"{__doc__}\n{live.__doc__}", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        responses=MISTAKES,
    )  # fmt: skip
    statuses: dict[type[Exception], int] = {
        MelodyError: 422, TooBusyError: 503, TooSlowError: 504, WorkerFailedError: 500,
    }  # fmt: skip
    add_mistakes(app, statuses, _words)
    _add_lists(app, studio)
    _add_generation(app, studio)
    _add_melodies(app, studio)
    live.add_live(app, studio)
    app.mount("/", Page("melodysynthesis.apps.studio"))
    return Guard(app, hosts)


def _words(error: Exception) -> str:
    """What people are told of an error; what they need not know is logged."""
    if isinstance(error, TooBusyError):
        return "too many are waiting already: try again in a moment"
    if isinstance(error, WorkerFailedError):
        log.error("%s", error)
        return "the studio has failed at this; it is no fault of what you asked for"
    return str(error)


def _add_lists(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/models", summary="The models on offer")
    def models() -> list[Json]:
        """Each with its card: architecture, corpus, licence, figures on held-out data.

        After the trained ones stand the baselines, which are counted when one is first asked for: seconds, once.
        """
        trained = [{"name": name, "card": asdict(studio.cards[name])} for name in studio.models]
        corpus = studio.baselines.corpus
        counted = [
            {"name": name, "card": asdict(Card(BASELINES[name], name, "", corpus, "", 0, 0, "", {})), "baseline": True}
            for name in studio.baselines.names
        ]
        return trained + counted

    @app.get("/api/people", summary="People's melodies in figures")
    def people() -> Json:
        """Of each named corpus the held-out `tunes`, and by descriptor where 95 % of them lie: low, median, high."""
        return {name: found._asdict() for name, found in known().items()}

    page = of_type("text/html") | {404: {"model": Mistake, "description": "None was given"}}

    @app.get("/api/study", summary="The report of a study", response_class=Response, responses=page)
    def study() -> Response:
        """The page that `melody studio --study FOLDER` was given: it may show and sound, but run nothing."""
        if studio.report is None:
            raise StarletteHTTPException(404, "no study was given: melody studio --study FOLDER")
        data = score_files.load(studio.report, MAX_REPORT_BYTES)
        return Response(data, media_type="text/html", headers=ALWAYS_ASK | FRAMED)

    @app.get("/api/terms", summary="What can be asked for")
    def terms() -> Json:
        """Modes, scales and chord suffixes with their semitones above tonic or root, and formats."""
        readable = [suffix for format in formats.FORMATS.values() if format.read for suffix in format.suffixes]
        return {
            "modes": list(MODES),
            "scales": theory.NAMED_SCALES,
            "chords": theory.CHORDS,
            "downloads": list(DOWNLOADS),
            "readable": readable,
            "max_bytes": MAX_BODY_BYTES,
            "no_baselines": studio.baselines.missing,
            "study": studio.report is not None,
        }


def _add_generation(app: FastAPI, studio: Studio) -> None:
    @app.post("/api/generate", summary="Generate melodies", openapi_extra=DOCUMENTED)
    async def generate(http: HttpRequest, request: Annotated[Json, ASKING]) -> Json:
        """The fields are those of `melodysynthesis.generation.request.Request`; without a seed one is drawn.

        A model is named as in `/api/models`; `count` is at most 8 and `bars` at most 64.
        """
        asked = studio.checked(request)
        return {"request": asked, "melodies": await while_awaited(http, gathered(studio.written(asked)))}

    @app.websocket("/api/generate")
    async def stream(socket: WebSocket) -> None:
        """Send one request; it is answered with messages, each an object with a `type`:

        request     the request, complete with its seed
        waiting     for what it waits: `message`
        notes       of melody `index` the notes from number `keep` on, in place of any there were; with `keep` 0 also
                    its key, meters and pickup. With rules these are drafts
        melody      melody `index` whole: `melody`, `provenance`
        judged      what is found of melody `index`: `certificate`, `originality`, `statistics`, and
                    `surprise`, the bits of each note under the model, and `descriptors`, the study's 17
        done        all are there
        mistake     why there are none: `message`

        Closing the socket stops the work.
        """
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await _streamed(studio, socket)


async def _streamed(studio: Studio, socket: WebSocket) -> None:
    try:
        fields = await socket.receive_json()
        if not isinstance(fields, dict):
            raise MelodyError("expected the fields of a request, as an object")
        asked = studio.checked(fields)
    except (ValueError, KeyError, TypeError, RecursionError, MelodyError) as error:
        await _mistake(socket, error if isinstance(error, MelodyError) else MelodyError("no JSON of a request"))
        return

    async def send() -> None:
        await socket.send_json({"type": "request", "request": asked})
        try:
            async with contextlib.aclosing(studio.written(asked)) as events:
                async for event in events:
                    await socket.send_json(event)
            await socket.send_json({"type": "done"})
            await socket.close()
        except (MelodyError, TooBusyError, WorkerFailedError) as error:
            await _mistake(socket, error)

    sending, leaving = asyncio.create_task(send()), asyncio.create_task(socket.receive())
    await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (sending, leaving):
        task.cancel()
    for result in await asyncio.gather(sending, leaving, return_exceptions=True):
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | RuntimeError):
            raise result


async def _mistake(socket: WebSocket, error: Exception) -> None:
    await socket.send_json({"type": "mistake", "message": _words(error)})
    await socket.close()


def _add_melodies(app: FastAPI, studio: Studio) -> None:
    pool, seconds = studio.pool, studio.seconds

    @app.post("/api/judge", summary="Certificate and originality of a melody")
    async def judge(http: HttpRequest, asked: Judged) -> Json:
        """The certificate checks the melody by every rule of the request; without one there is none."""
        request = None if asked.request is None else studio.checked(asked.request)
        return (await while_awaited(http, gathered(studio.judged([_melody(asked)], request))))[0]

    @app.post("/api/score", summary="An engraved score")
    async def score(http: HttpRequest, asked: Drawn) -> Json:
        """SVG, and for each note the names of the elements that show it."""
        return await while_awaited(
            http, pool.one("engrave", {"melody": _melody(asked), "width": asked.width}, seconds.engrave)
        )

    file = of_type(*DOWNLOADS.values())

    @app.post("/api/convert/{format}", summary="A melody as a file", response_class=Response, responses=file)
    async def convert(http: HttpRequest, format: str, asked: Tune) -> Response:
        """One of `downloads` in `/api/terms`."""
        if format not in DOWNLOADS:
            raise FormatError(f"format {format[:20]!r} is not one of {', '.join(DOWNLOADS)}")
        work = pool.one("convert", {"melody": _melody(asked), "format": format}, seconds.convert)
        answer = await while_awaited(http, work)
        named = {"content-disposition": f'attachment; filename="melody.{format}"'}
        return Response(base64.b64decode(answer["data"]), media_type=DOWNLOADS[format], headers=named)

    @app.post("/api/open", summary="The melodies of a file", openapi_extra=ANY_BYTES)
    async def open_file(http: HttpRequest, name: Annotated[str, Query(min_length=1, max_length=200)]) -> Json:
        """The body is the file's bytes; its name says the format, and is used for nothing else."""
        data = await http.body()
        asked = {"name": name, "data": base64.b64encode(data).decode()}
        return await while_awaited(http, pool.one("read", asked, seconds.read))

    wav = of_type("audio/wav")

    @app.get("/api/sounds/{pitch}.wav", summary="The sound of a note", response_class=Response, responses=wav)
    async def sound(pitch: Annotated[int, Path(ge=0, le=127)]) -> Response:
        """By its MIDI number; cached by the server, and for long by the browser."""
        return Response(await studio.sound(pitch), media_type="audio/wav", headers=FOR_A_YEAR)


def _melody(asked: Tune) -> Json:
    """The melody that was sent, looked through: what a worker gets is a melody."""
    melody = melody_json.from_dict(asked.melody)
    check_melody(melody)
    return melody_json.to_dict(melody)
