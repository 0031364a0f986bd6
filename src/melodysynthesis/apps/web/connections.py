"""Connections without a request: they are closed after a while, and one client has few of them.

uvicorn waits for the headers of a request for as long as a client likes. Such connections count as load, so some
hundred of them, which cost their sender nothing, would have everybody else answered with 503.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""Time for the headers of a connection's first request."""
IDLE_SECONDS = 30.0
"""Time between the end of a response and the headers of the next request."""
MAX_SILENT_EACH = 64
"""Connections of one address that wait for a request. Browsers open six at a time."""


class TimedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with the limits above."""

    _silent: ClassVar[Counter[str]] = Counter()
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if self._silent[self._address] >= MAX_SILENT_EACH:
            transport.close()
        else:
            self._wait(HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        if self._busy:
            self._wait(None)

    def on_response_complete(self) -> None:
        """Called at the end of a response, after which a next request may come."""
        super().on_response_complete()
        if not self._busy and not self.transport.is_closing():
            self._wait(IDLE_SECONDS)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection is no longer one of HTTP."""
        self._wait(None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._wait(None)
        super().connection_lost(exc)

    @property
    def _busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _wait(self, seconds: float | None) -> None:
        """Give the client this long for its next request; None to wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._silent[self._address] -= 1
            if not self._silent[self._address]:
                del self._silent[self._address]
        if seconds is not None:
            self._silent[self._address] += 1
            self._timer = self.loop.call_later(seconds, self.transport.close)
