"""The HTTP interface of the studio, for its page and other programs; documented at `/api/openapi.json`.

    GET  /api/models               the models on offer, with their cards
    GET  /api/terms                values of a request's fields: modes, scales, chords, rules, formats
    GET  /api/theory               beats and strong beats of all meters, names of pitches in all keys
    GET  /api/study                the report of a study, if one was given
    GET  /api/people               ranges of the descriptors of human melodies
    POST /api/generate             a `generation.request.Request` -> its melodies
    WS   /api/generate             the same; sends notes as they are drawn: see `stream`
    WS   /api/live                 to play with a model: see below
    POST /api/judge                certificate, originality, and bits per note of any melody
    POST /api/harmonise            a melody with chords, in some ways
    POST /api/chords               when each chord of a chart sounds under a melody
    POST /api/score                an engraved score, and which of its elements show which note
    POST /api/convert/{format}     a melody as a file
    POST /api/open?name=tune.abc   a file's bytes -> its melodies; of a score with several parts, `part` chooses one
    POST /api/vary                 the request for melodies that keep the rhythm or contour of one
    GET  /api/sounds/{pitch}.wav   one note, as the SoundFont's piano plays it

A mistake is answered with 422 and ``{"message": ...}``, one line to show. `formats.json` defines the JSON of melodies.
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
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from melodysynthesis import __version__, formats, theory
from melodysynthesis.apps.baselines import BASELINES
from melodysynthesis.apps.studio import live
from melodysynthesis.apps.studio.disconnect import cancel_on_disconnect
from melodysynthesis.apps.studio.json_schema import DOWNLOADS, Json, basic_fields
from melodysynthesis.apps.studio.limits import MAX_REPORT_BYTES, Seconds, check_melody
from melodysynthesis.apps.studio.pool import TooBusyError, TooSlowError, WorkerFailedError
from melodysynthesis.apps.studio.schemas import (
    ANY_BYTES,
    ERROR_RESPONSES,
    REQUEST_BODY,
    REQUEST_EXAMPLE,
    ErrorMessage,
    MelodyBody,
    MelodyToConvert,
    MelodyToEngrave,
    MelodyToHarmonise,
    MelodyToJudge,
    MelodyToVary,
    MelodyWithChords,
    of_type,
)  # fmt: skip
from melodysynthesis.apps.studio.service import Studio, collect_melodies
from melodysynthesis.apps.studio.theory_table import sounding_chords, theory_table
from melodysynthesis.apps.web.answers import ALWAYS_ASK, Page, add_mistakes
from melodysynthesis.apps.web.guard import FRAMED, LOCAL, MAX_BODY_BYTES, Guard
from melodysynthesis.constraints import rules
from melodysynthesis.errors import FormatError, MelodyError
from melodysynthesis.evaluation.human_bands import known
from melodysynthesis.formats import files as score_files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import MODES, Melody
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.theory.chords import CHORDS, parse_chords

log = logging.getLogger(__name__)

FOR_A_YEAR = {"cache-control": "public, max-age=31536000, immutable"}


def application(
    models: Mapping[str, str],
    cards: Mapping[str, ModelCard],
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
        hosts: host names and addresses under which it may be reached.
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
        responses=ERROR_RESPONSES,
    )  # fmt: skip
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)  # the page's scripts are 230 kB as they are
    statuses: dict[type[Exception], int] = {
        MelodyError: 422, TooBusyError: 503, TooSlowError: 504, WorkerFailedError: 500,
    }  # fmt: skip
    add_mistakes(app, statuses, _message)
    _add_lists(app, studio)
    _add_generation(app, studio)
    _add_melodies(app, studio)
    live.add_live(app, studio)
    app.mount("/", Page("melodysynthesis.apps.studio"))
    return Guard(app, hosts)


def _message(error: Exception) -> str:
    """Word an error for the page; details of failures go to the log only."""
    if isinstance(error, TooBusyError):
        return "too many are waiting already: try again in a moment"
    if isinstance(error, WorkerFailedError):
        log.error("%s", error)
        return "the studio has failed; your request is not at fault"
    return str(error)


def _add_lists(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/models", summary="The models on offer")
    def models() -> list[Json]:
        """Each with its card: architecture, corpus, licence, figures on held-out data.

        The baselines follow the trained models. They are counted at the first request for one, in some seconds.
        """
        trained = [{"name": name, "card": asdict(studio.cards[name])} for name in studio.models]
        corpus = studio.baselines.corpus
        counted = [
            {
                "name": name,
                "card": asdict(ModelCard(BASELINES[name], name, "", corpus, "", 0, 0, "", {})),
                "baseline": True,
            }
            for name in studio.baselines.names
        ]
        return trained + counted

    @app.get("/api/people", summary="Descriptors of human melodies")
    def people() -> Json:
        """For each corpus the number of held-out `tunes`, and by descriptor their 95 % range: low, median, high."""
        return {name: found._asdict() for name, found in known().items()}

    page = of_type("text/html") | {404: {"model": ErrorMessage, "description": "None was given"}}

    @app.get("/api/study", summary="The report of a study", response_class=Response, responses=page)
    def study() -> Response:
        """The page that `melody studio --study FOLDER` was given: it may show and sound, but run nothing."""
        if studio.report is None:
            raise StarletteHTTPException(404, "no study was given: melody studio --study FOLDER")
        data = score_files.load(studio.report, MAX_REPORT_BYTES)
        return Response(data, media_type="text/html", headers=ALWAYS_ASK | FRAMED)

    @app.get("/api/terms", summary="Values of a request's fields")
    def terms() -> Json:
        """Modes, scales and chord suffixes with their semitones above tonic or root; rules, other fields, and formats.

        For each field of a rule: its `name`, `label`, `kind` (flag, number, text or choice), `help`, `guarantee`, an
        `example`, its `default`, `choices`, `min` and `max` where there are any, and `of`, the rule. For each of the
        other `fields` the same without guarantee and example; the `kind` quarters is a length as text, such as 1/2.
        """
        readable = [suffix for format in formats.FORMATS.values() if format.read for suffix in format.suffixes]
        return {
            "modes": list(MODES),
            "scales": theory.NAMED_SCALES,
            "chords": CHORDS,
            "rules": rules.describe(),
            "fields": basic_fields(),
            "downloads": list(DOWNLOADS),
            "readable": readable,
            "max_bytes": MAX_BODY_BYTES,
            "no_baselines": studio.baselines.missing,
            "study": studio.report is not None,
        }

    @app.get("/api/theory", summary="Meters and names of pitches")
    def theory_of_page() -> Json:
        """What the page knows of music theory: see `theory_table.theory_table`."""
        return theory_table()


def _add_generation(app: FastAPI, studio: Studio) -> None:
    @app.post("/api/generate", summary="Generate melodies", openapi_extra=REQUEST_BODY)
    async def generate(http: HttpRequest, request: Annotated[Json, REQUEST_EXAMPLE]) -> Json:
        """The fields are those of `melodysynthesis.generation.request.Request`; without a seed one is drawn.

        A model is named as in `/api/models`; `count` is at most 8 and `bars` at most 64.
        """
        complete = studio.checked(request)
        melodies = await cancel_on_disconnect(http, collect_melodies(studio.generate(complete)))
        return {"request": complete, "melodies": melodies}

    @app.websocket("/api/generate")
    async def stream(socket: WebSocket) -> None:
        """Send one request; with `rank` true beside its fields, three times as many are drawn, and likely melodies
        chosen, each unlike the others. It is answered with messages, each an object with a `type`:

        request     the request, complete with its seed
        waiting     `message` says what it waits for
        notes       of melody `index` the notes from number `keep` on, in place of any there were; with `keep` 0 also
                    its key, meters and pickup. With rules these are drafts
        melody      melody `index` whole: `melody`, `provenance`
        refused     why there is no melody `number`, counted from 1, though there are others: `message`
        judged      the analysis of melody `index`: `certificate`, `originality`, `statistics`, and
                    `surprise`, the bits of each note under the model, and `descriptors`, the study's 17
        done        all melodies are complete
        mistake     why there are none: `message`

        Closing the socket stops the work.
        """
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await _stream(studio, socket)


async def _stream(studio: Studio, socket: WebSocket) -> None:
    try:
        fields = await socket.receive_json()
        if not isinstance(fields, dict):
            raise MelodyError("expected the fields of a request, as an object")
        rank = fields.pop("rank", False) is True
        request = studio.checked(fields)
    except (ValueError, KeyError, TypeError, RecursionError, MelodyError) as error:
        await _mistake(socket, error if isinstance(error, MelodyError) else MelodyError("no JSON of a request"))
        return

    async def send() -> None:
        await socket.send_json({"type": "request", "request": request})
        try:
            async with contextlib.aclosing(studio.generate(request, rank=rank)) as events:
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
    await socket.send_json({"type": "mistake", "message": _message(error)})
    await socket.close()


def _add_melodies(app: FastAPI, studio: Studio) -> None:
    pool, seconds = studio.pool, studio.seconds

    @app.post("/api/judge", summary="Certificate and originality of a melody")
    async def judge(http: HttpRequest, body: MelodyToJudge) -> Json:
        """The certificate checks the melody by every rule of the request; without a request there is no certificate."""
        request = None if body.request is None else studio.checked(body.request)
        return (await cancel_on_disconnect(http, collect_melodies(studio.judge([_melody(body)], request))))[0]

    @app.post("/api/vary", summary="The request for variations of a melody")
    async def vary(body: MelodyToVary) -> Json:
        """`keep` is some of rhythm, contour and strong; `request` has other fields, such as count."""
        wanted = variation(_checked_melody(body), body.keep, **body.request)
        return studio.checked(wanted.model_dump(mode="json", exclude_none=True))

    @app.post("/api/harmonise", summary="Chords for a melody")
    async def harmonise(http: HttpRequest, body: MelodyToHarmonise) -> Json:
        """The `melodies`, each with chords: the likeliest first, each unlike the others."""
        options = body.model_dump(exclude={"melody"})
        work = pool.one("harmonise", {"melody": _melody(body), "options": options}, seconds.convert)
        return await cancel_on_disconnect(http, work)

    @app.post("/api/chords", summary="When each chord of a chart sounds")
    async def chords(body: MelodyWithChords) -> list[Json]:
        """Start and end in ticks, the root and all tones as pitch classes: as the chord rule takes the chart."""
        return sounding_chords(_checked_melody(body), parse_chords(body.chords) if body.chords else None)

    @app.post("/api/score", summary="An engraved score")
    async def score(http: HttpRequest, body: MelodyToEngrave) -> Json:
        """SVG, and for each note the names of the elements that show it."""
        return await cancel_on_disconnect(
            http, pool.one("engrave", {"melody": _melody(body), "width": body.width}, seconds.engrave)
        )

    file = of_type(*DOWNLOADS.values())

    @app.post("/api/convert/{format}", summary="A melody as a file", response_class=Response, responses=file)
    async def convert(http: HttpRequest, format: str, body: MelodyToConvert) -> Response:
        """One of `downloads` in `/api/terms`."""
        if format not in DOWNLOADS:
            raise FormatError(f"format {format[:20]!r} is not one of {', '.join(DOWNLOADS)}")
        fields = {"melody": _melody(body), "format": format, "backing": body.backing}
        work = pool.one("convert", fields, seconds.convert)
        answer = await cancel_on_disconnect(http, work)
        named = {"content-disposition": f'attachment; filename="melody.{format}"'}
        return Response(base64.b64decode(answer["data"]), media_type=DOWNLOADS[format], headers=named)

    @app.post("/api/open", summary="The melodies of a file", openapi_extra=ANY_BYTES)
    async def open_file(
        http: HttpRequest,
        name: Annotated[str, Query(min_length=1, max_length=200)],
        part: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    ) -> Json:
        """The body is the file's bytes; its name says the format, and is used for nothing else.

        `part` is the part, track or tune to take, by name or by number from 1; without it the one most like a melody.
        With the melodies come `notices`, and `parts` where there are several: their `count` and the number `taken`.
        """
        data = await http.body()
        fields = {"name": name, "part": part, "data": base64.b64encode(data).decode()}
        return await cancel_on_disconnect(http, pool.one("read", fields, seconds.read))

    wav = of_type("audio/wav")

    @app.get("/api/sounds/{pitch}.wav", summary="The sound of a note", response_class=Response, responses=wav)
    async def sound(pitch: Annotated[int, Path(ge=0, le=127)]) -> Response:
        """By its MIDI number; cached by the server, and for long by the browser."""
        return Response(await studio.sound(pitch), media_type="audio/wav", headers=FOR_A_YEAR)


def _checked_melody(body: MelodyBody) -> Melody:
    melody = melody_json.from_dict(body.melody)
    check_melody(melody)
    return melody


def _melody(body: MelodyBody) -> Json:
    """The JSON of a melody that was sent, read and checked first: workers get no unchecked melody."""
    return melody_json.to_dict(_checked_melody(body))
