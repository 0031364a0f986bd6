"""Which requests are answered, how large they may be, and the security headers of every answer.

A server listens on this machine, but any page in any tab can send requests here. So each request must name a host
of this server (against DNS rebinding, where a foreign name resolves to this machine), and a request that a browser
sends for a page must come from the server's own page. That holds for WebSockets too, which browsers open to anywhere.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 * 2**20
"""Size of any request, also of a file that is opened."""
LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names of this machine."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FRAMED = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups"
    ),
    "x-frame-options": "SAMEORIGIN",
}
"""Headers of a foreign page that is shown in a frame: it runs no scripts and loads nothing."""
BODY_SECONDS = 20.0
"""Time that a client has to send the next piece of a body."""
MAX_REQUESTS_EACH = 48
"""Requests of one address that are under way at a time, fewer than wait for workers in all."""
FOREIGN = 4403
"""Close code of a WebSocket that a foreign page has opened."""


class BodyTooLargeError(HTTPException):
    """The body of a request is too large."""

    def __init__(self) -> None:
        super().__init__(413, f"more than {MAX_BODY_BYTES:,} bytes")


class TooSlowlySentError(HTTPException):
    """The body of a request does not come."""

    def __init__(self) -> None:
        super().__init__(408, f"nothing came for {BODY_SECONDS:g} seconds, and the request is not whole")


class Guard:
    """ASGI middleware that refuses foreign requests and adds the security headers."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOCAL) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif (reason := self._refusal(scope)) is not None:
            await _refuse(scope, send, reason, 403)
        elif self._under_way[client := (scope.get("client") or [""])[0]] >= MAX_REQUESTS_EACH:
            await _refuse(scope, send, "too many requests at a time: wait for the others", 429)
        else:
            self._under_way[client] += 1
            try:
                await self._guarded(scope, receive, send)
            finally:
                self._under_way[client] -= 1
                if not self._under_way[client]:
                    del self._under_way[client]

    def _refusal(self, scope: Scope) -> str | None:
        """The reason to refuse a request; None for one that is allowed."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if _hostname(f"//{host}") not in self._hosts:
            return "unknown host name: open the page as http://localhost"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "this request comes from another page"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and scope["path"].startswith("/api/"):
            return "this request comes from another page"
        return None

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, more = 0, scope["type"] == "http"

        async def bounded() -> Message:
            nonlocal taken, more
            try:
                message = await asyncio.wait_for(receive(), BODY_SECONDS if more else None)
            except TimeoutError:
                raise TooSlowlySentError from None
            more = message["type"] == "http.request" and message.get("more_body", False)
            taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if taken > MAX_BODY_BYTES:
                raise BodyTooLargeError
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in there)]
            await send(message)

        await self._app(scope, bounded, headed)


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _refuse(scope: Scope, send: Send, reason: str, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": FOREIGN, "reason": reason})
        return
    body = json.dumps({"message": reason}).encode()
    headers = [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in HEADERS.items())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
