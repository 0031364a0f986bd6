"""How often anybody may ask: a bucket for each address, of `BURST` requests, that fills again by `A_SECOND`."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

BURST = 300
"""A page takes some ten requests to open, a question three."""
A_SECOND = 50.0
MOST_ADDRESSES = 10_000
"""That are remembered; when there are more, those that have not asked for long are forgotten."""


class Rate:
    """An ASGI application in front of another, that answers 429 to who asks too often."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = monotonic) -> None:
        self._app, self._clock = app, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # requests left, and when that was counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        client = scope.get("client") or ("", 0)
        if scope["type"] == "http" and not self._takes(client[0]):
            await _refuse(send)
        else:
            await self._app(scope, receive, send)

    def _takes(self, address: str) -> bool:
        now = self._clock()
        left, counted = self._buckets.pop(address, (BURST, now))
        left = min(BURST, left + (now - counted) * A_SECOND)
        self._buckets[address] = max(left - 1, 0), now  # last in the dictionary: the first are the longest silent
        if len(self._buckets) > MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        return left >= 1


async def _refuse(send: Send) -> None:
    body = json.dumps({"message": "too many requests: try again in a moment"}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
