"""Who may ask, how much, and what every answer says to the browser.

A server listens on this machine, but any page in any tab can send requests here. So each request must name a host
that the server has (a stranger's name that resolves to this machine is none: DNS rebinding), and one that a browser
sends for a page must come from the server's own page. That holds for WebSockets too, which browsers open to anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 * 2**20
"""Of any request; a file that is opened too."""
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
"""Of a page that was made elsewhere, and is shown within one of ours: it runs nothing and asks for nothing."""
FOREIGN = 4403
"""Why a WebSocket is closed that a stranger's page has opened."""


class TooLargeError(HTTPException):
    """A body of more bytes than are taken."""

    def __init__(self) -> None:
        super().__init__(413, f"more than {MAX_BODY_BYTES:,} bytes")


class Guard:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOCAL) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif (reason := self._refusal(scope)) is not None:
            await _refuse(scope, send, reason)
        else:
            await self._guarded(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        """Why it is refused; None where it is not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if _hostname(f"//{host}") not in self._hosts:
            return "this host name is none that is known here: open it as http://localhost"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "this request comes from another page"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and scope["path"].startswith("/api/"):
            return "this request comes from another page"
        return None

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if taken > MAX_BODY_BYTES:
                raise TooLargeError
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


async def _refuse(scope: Scope, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": FOREIGN, "reason": reason})
        return
    body = json.dumps({"message": reason}).encode()
    headers = [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in HEADERS.items())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
