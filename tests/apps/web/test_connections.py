"""Clients that open connections and send nothing, or half of a request, don't keep others from being answered."""

import asyncio
import contextlib

import pytest

pytest.importorskip("uvicorn", reason="the studio's extra is not installed")

import uvicorn

from melodysynthesis.apps.web import connections, guard
from melodysynthesis.apps.web.connections import TimedProtocol
from melodysynthesis.apps.web.guard import Guard
from melodysynthesis.apps.web.serving import listening_on

HALF = b"GET / HTTP/1.1\r\nhost: localhost\r\n"
WHOLE = HALF + b"\r\n"
POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf"


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(connections, "MAX_SILENT_EACH", 5)
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)


async def answering(scope, receive, send):
    """Reads the body, takes as long as the path says, and answers."""
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def served(work, app=answering):
    """Run `work(port)` beside a server."""

    async def run():
        listening = listening_on("127.0.0.1", 0)
        config = uvicorn.Config(app, http=TimedProtocol, log_level="critical", lifespan="off", limit_concurrency=20)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        serving = asyncio.create_task(server._serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(20):
                await work(listening.getsockname()[1])
        finally:
            while OPEN:
                OPEN.pop().close()
            server.should_exit = server.force_exit = True
            await serving

    asyncio.run(run())


OPEN = []  # writers, closed at the end of each test


async def connect(port, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    OPEN.append(writer)
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        await writer.drain()
    return reader, writer


async def status(reader):
    return int((await reader.readline()).split()[1])


def test_a_flood_of_half_sent_headers_leaves_others_answered_and_ends():
    async def work(port):
        flood = [await connect(port, HALF) for _ in range(60)]
        reader, _ = await connect(port, WHOLE)  # the address has its share of silent connections
        assert await reader.read() == b""
        ended = await asyncio.gather(*(reader.read() for reader, _ in flood), return_exceptions=True)
        assert all(found == b"" or isinstance(found, ConnectionError) for found in ended)
        reader, _ = await connect(port, WHOLE)
        assert await status(reader) == 200
        assert TimedProtocol._silent.total() <= 1

    served(work)


def test_a_connection_that_is_idle_after_an_answer_is_closed_and_a_slow_answer_is_not_cut_off():
    async def work(port):
        reader, writer = await connect(port, WHOLE.replace(b"GET /", b"GET /0.6"))
        assert await status(reader) == 200
        writer.write(HALF)
        rest = await reader.read()
        assert rest.endswith(b"ok")

    served(work)


def test_a_body_that_does_not_come_is_waited_for_no_longer():
    async def work(port):
        reader, _ = await connect(port, POST)
        assert await status(reader) in (408, 500)

    served(work, Guard(answering))


def test_one_address_has_a_share_of_the_requests_under_way(monkeypatch):
    monkeypatch.setattr(guard, "MAX_REQUESTS_EACH", 2)

    async def work(port):
        slow = WHOLE.replace(b"GET /", b"GET /0.5")
        readers = [(await connect(port, slow))[0] for _ in range(3)]
        assert sorted([await status(reader) for reader in readers]) == [200, 200, 429]
        reader, _ = await connect(port, WHOLE)
        assert await status(reader) == 200

    served(work, Guard(answering))
