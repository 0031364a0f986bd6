"""Limits the requests of each address by a token bucket of `BURST` requests that refills by `A_SECOND`."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

BURST = 300
"""The page needs some ten requests to open, a question three."""
A_SECOND = 50.0
MOST_ADDRESSES = 10_000
"""Number of addresses with a bucket; beyond it, the address with the oldest request is dropped."""


class Rate:
    """ASGI middleware that answers 429 to an address with too many requests."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = monotonic) -> None:
        self._app, self._clock = app, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # requests left, and when that was counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        client = scope.get("client") or ("", 0)
        if scope["type"] == "http" and not self._allows(client[0]):
            await _refuse(send)
        else:
            await self._app(scope, receive, send)

    def _allows(self, address: str) -> bool:
        now = self._clock()
        left, counted = self._buckets.pop(address, (BURST, now))
        left = min(BURST, left + (now - counted) * A_SECOND)
        self._buckets[address] = max(left - 1, 0), now  # moves to the end: the first has the oldest request
        if len(self._buckets) > MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        return left >= 1


async def _refuse(send: Send) -> None:
    body = json.dumps({"message": "too many requests: try again in a moment"}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
