"""Playing live over a WebSocket, `/api/live`: the player sends MIDI, and gets the model's MIDI before it is due.

Messages are JSON objects with a `type`. All times are seconds of the server's clock; `ping` asks for it.

Sent to the studio:

    play        begin to play, in place of what was played before. `request` has fields of `POST /api/generate`, such as
                `model`, `key`, `meter`, `temperature`; the other fields are `tempo`, `along`, `pause` (in quarters),
                `trade`, `bars`, `at` and `click`, as `melody live --help` says
    midi        what is played: `data`, the bytes of a MIDI message, and `at`, when
    panic       silence, at once
    stop        play no more; it is answered with the recording
    recording   asks for what has been played so far
    ping        asks for the time; `sent` is any number, such as the sender's clock

Sent by the studio:

    ready       it plays: `request`, complete with its seed, and `ahead`, seconds from a message to its due time
    midi        to be played: `data`, and `at`, when it is due; clicks are on channel 10. A note-off that is due before
                its note-on takes the note back
    written     the model took so many `seconds` for the first note of answer `turn`
    said        a line to show: `text`
    recording   `person` and `model`, their numbers of notes, `midi`, a file in base64, and `melodies`: `Together`,
                `You` and `Model`, as far as there are notes
    pong        with `sent` as it came, and `now`
    mistake     what was wrong with a message: `message`. After one about limits the studio ends the conversation

Closing the socket frees everything. Notes that sound then are the listener's to end.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from time import monotonic
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from melodysynthesis.apps.studio import limits
from melodysynthesis.apps.studio.live_session import AHEAD, LiveSession, RemoteImproviser
from melodysynthesis.apps.studio.pool import PATIENCE, Worker
from melodysynthesis.apps.studio.service import Studio
from melodysynthesis.errors import MelodyError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.request import Request
from melodysynthesis.live import LiveSettings, Player
from melodysynthesis.live.improviser import check_along
from melodysynthesis.live.recording import Recording
from melodysynthesis.live.settings import COMMON_TIME
from melodysynthesis.live.transcript import transcribe

log = logging.getLogger(__name__)
T = TypeVar("T")
Json = dict[str, Any]
Finite = Annotated[float, Field(allow_inf_nan=False)]

REFUSED = 1008
"""Why a socket is closed: RFC 6455, section 7.4.1, a message that violates policy."""
OLDEST = 0.5
"""Seconds. A network does not delay a note by more than this, so an older time is wrong and is raised to it."""
MAX_COMMANDS = 8
"""Commands that wait, each of which takes a moment."""
PLAYED = ("primers", "primer", "held", "pickup", "bars", "count", "within", "rewrite")
"""Fields of a request that live playing itself determines."""


class LimitError(MelodyError):
    """A limit of live playing was exceeded: the connection is closed."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Play(_Message):
    """Begin to play."""

    type: Literal["play"]
    request: Json = Field(default_factory=dict)
    tempo: Finite = 100.0
    along: bool = False
    pause: Finite = 0.5
    trade: int | None = None
    bars: int | None = None
    at: Literal["bar", "beat"] = "bar"
    click: bool = False

    def setting(self, request: Request) -> LiveSettings:
        """How to play in the key and meter of a request; raises as `LiveSettings`."""
        fields = self.model_dump(exclude={"type", "request", "pause"})
        return LiveSettings(pause=Fraction(self.pause), meter=request.meter or COMMON_TIME, key=request.key, **fields)


class Midi(_Message):
    """What is played."""

    type: Literal["midi"]
    data: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1, max_length=3)]
    at: Finite | None = None


class Ping(_Message):
    """Asks for the time."""

    type: Literal["ping"]
    sent: Finite


class SimpleCommand(_Message):
    """A command without arguments."""

    type: Literal["panic", "stop", "recording"]


MESSAGES: TypeAdapter[Play | Midi | Ping | SimpleCommand] = TypeAdapter(
    Annotated[Play | Midi | Ping | SimpleCommand, Field(discriminator="type")]
)


def add_live(app: FastAPI, studio: Studio) -> None:
    """Add the WebSocket of live playing to an application."""
    connections = LiveConnections()

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            try:
                with connections.place(socket.client.host if socket.client else ""):
                    await LiveConnection(studio, socket, connections).run()
            except LimitError as error:
                await _refuse(socket, error)

    live.__doc__ = __doc__


async def _refuse(socket: WebSocket, error: LimitError) -> None:
    """Send why the connection ends, if it is still open, and close it."""
    with contextlib.suppress(TimeoutError, RuntimeError):
        async with asyncio.timeout(PATIENCE):
            await socket.send_json(_mistake(error))
            await socket.close(REFUSED)


class LiveConnections:
    """Counts the live connections, in all and of each address, and owns their threads."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(limits.MAX_PLAYERS, "stage")
        self._taken: Counter[str] = Counter()
        self._leaving: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def place(self, address: str) -> Iterator[None]:
        """Count a connection as long as the context is open.

        Raises:
            LimitError: if there are too many.
        """
        if self._taken[address] >= limits.MAX_PLAYERS_EACH:
            raise LimitError(f"you play live {limits.MAX_PLAYERS_EACH} times already: close another page")
        if self._taken.total() >= limits.MAX_PLAYERS:
            raise LimitError(f"{limits.MAX_PLAYERS} people play live already: try again later")
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken -= Counter([address])  # forgets addresses without a place

    def shielded(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Run work to its end, even if the task that awaits it is cancelled."""
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return asyncio.shield(task)


class MessageRateLimit:
    """Limits the rate of messages: a leaky bucket that holds two seconds of them."""

    def __init__(self) -> None:
        self._filled, self._since = 0.0, monotonic()

    def check(self) -> None:
        """Take another message.

        Raises:
            LimitError: if it is one too many.
        """
        now = monotonic()
        most = limits.MAX_MESSAGES_A_SECOND
        self._filled = max(0.0, self._filled - most * (now - self._since)) + 1
        self._since = now
        if self._filled > 2 * most:
            raise LimitError(f"more than {most} messages a second: that is faster than anyone plays")


class LiveConnection:
    """A connection to one player. Its three tasks receive messages, run the slower commands, and send."""

    def __init__(self, studio: Studio, socket: WebSocket, connections: LiveConnections) -> None:
        self._studio, self._socket, self._connections = studio, socket, connections
        self._loop = asyncio.get_running_loop()
        self._unsent: asyncio.Queue[Json] = asyncio.Queue(limits.MAX_UNSENT)
        self._commands: asyncio.Queue[Play | SimpleCommand] = asyncio.Queue(MAX_COMMANDS)
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._session: LiveSession | None = None
        self._worker: Worker | None = None

    async def run(self) -> None:
        """Run until either side closes the connection, or a limit is exceeded.

        Raises:
            LimitError: if a limit was exceeded.
            WebSocketDisconnect: if the client has gone.
        """
        tasks = [asyncio.create_task(work) for work in (self._listen(), self._conduct(), self._send())]
        try:
            await asyncio.wait([*tasks, self._failed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            found = await self._connections.shielded(self._leave(tasks))
        _raise_first([error for error in found if isinstance(error, Exception)])

    async def _leave(self, tasks: list[asyncio.Task[None]]) -> list[BaseException | None]:
        """Free everything. Returns the errors of the tasks, None for each that had none."""
        if self._session is not None:
            self._session.quit()
        for task in (*tasks, self._failed):
            task.cancel()
        found = await asyncio.gather(*tasks, self._failed, return_exceptions=True)
        if self._worker is not None:  # only the session's thread waits for its answer
            await self._worker.end()
        await self._end()
        return found

    # Listening.

    async def _listen(self) -> None:
        rate, seconds, played = MessageRateLimit(), self._studio.seconds, monotonic()
        while True:
            try:
                async with asyncio.timeout(seconds.silent):
                    text = await self._receive()
            except TimeoutError:
                raise LimitError(f"no message came for {seconds.silent:g} seconds") from None
            rate.check()
            try:
                message = _read(text)
                self._take(message)
            except MelodyError as error:
                self._put(_mistake(error))
                continue
            if isinstance(message, Midi | Play):
                played = monotonic()
            if monotonic() - played > seconds.unplayed:
                raise LimitError(f"no note was played for {seconds.unplayed:g} seconds: begin again when you like")

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return str(message.get("text") or "")

    def _take(self, message: Play | Midi | Ping | SimpleCommand) -> None:
        match message:
            case Ping(sent=sent):
                self._put({"type": "pong", "sent": sent, "now": monotonic()})
            case Midi(data=data, at=at):
                now = monotonic()
                if self._session is not None:
                    self._session.hear(data, now if at is None else min(max(at, now - OLDEST), now))
            case SimpleCommand(type="panic"):
                if self._session is not None:
                    self._session.panic()
            case _ if self._commands.full():
                raise MelodyError("one thing at a time: wait for the answer")
            case _:
                self._commands.put_nowait(message)

    # Doing.

    async def _conduct(self) -> None:
        self._worker = await Worker.start(self._studio.files)
        while True:
            command = await self._commands.get()
            try:
                await (self._play(command) if isinstance(command, Play) else self._record(command.type == "stop"))
            except MelodyError as error:
                self._put(_mistake(error))

    async def _play(self, message: Play) -> None:
        assert self._worker is not None
        for name in PLAYED:
            if name in message.request:
                raise MelodyError(f"{name}: live, the melody is what is played")
        fields = self._studio.checked({"meter": str(COMMON_TIME)} | message.request)
        if fields["model"] not in self._studio.models:
            raise MelodyError(f"model {fields['model']!r} does not play live: one of {', '.join(self._studio.models)}")
        request = Request(**fields)
        setting = message.setting(request)
        if setting.along:
            check_along(request)
        await self._end()
        answers = fields | {"bars": setting.bars or setting.trade}
        improviser = RemoteImproviser(self._worker, answers, self._studio.seconds.improvised_note, self._tell)
        try:
            await improviser.rehearse(self._studio.seconds.rehearse)
        except TimeoutError:
            raise LimitError("the model takes too long to get ready: the machine is busy, try again later") from None
        self._session = LiveSession(setting, improviser, self._connections.threads, self._tell)
        self._session.over.add_done_callback(self._ended)
        self._put({"type": "ready", "request": fields, "ahead": AHEAD})

    async def _record(self, stop: bool) -> None:
        if stop:
            await self._end()
        player = self._session.player if self._session is not None else Player(LiveSettings())
        self._put(await asyncio.to_thread(_recorded, player.recording, player.setting))

    async def _end(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _ended(self, over: asyncio.Future[None]) -> None:
        error = over.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    # Sending.

    async def _send(self) -> None:
        while True:
            await self._socket.send_json(await self._unsent.get())

    def _tell(self, message: Json) -> None:
        self._loop.call_soon_threadsafe(self._put, message)

    def _put(self, message: Json) -> None:
        if not self._unsent.full():
            self._unsent.put_nowait(message)
        elif not self._failed.done():
            self._failed.set_exception(LimitError("the page is too slow to be played with"))


def _raise_first(errors: list[Exception]) -> None:
    """Raise the error that ended a connection; details of a failure go to the log, not to the client."""
    for error in errors:
        if isinstance(error, LimitError | WebSocketDisconnect):
            raise error
        log.error("a live session has failed", exc_info=error)
        raise LimitError("the studio has failed; your playing is not at fault")


def _read(text: str) -> Play | Midi | Ping | SimpleCommand:
    """Parse a message.

    Raises:
        MelodyError: in one line, what is wrong with it.
    """
    if len(text) > limits.MAX_MESSAGE_CHARACTERS:
        raise MelodyError(f"a message of {len(text):,} characters: at most {limits.MAX_MESSAGE_CHARACTERS:,} are read")
    try:
        return MESSAGES.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MelodyError(f"{where}: {first['msg']}" if where else first["msg"]) from None


def _recorded(recording: Recording, setting: LiveSettings) -> Json:
    melodies = {name: melody_json.to_dict(melody) for name, melody in transcribe(recording, setting).items()}
    midi = base64.b64encode(recording.to_bytes(setting)).decode()
    counts = {"person": len(recording.person), "model": len(recording.model)}
    return {"type": "recording", **counts, "midi": midi, "melodies": melodies}


def _mistake(error: Exception) -> Json:
    return {"type": "mistake", "message": " ".join(str(error).split())}
