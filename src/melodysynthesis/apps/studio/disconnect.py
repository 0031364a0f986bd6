"""Work for a client that is cancelled when the client disconnects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException

from melodysynthesis.apps.web.guard import BodyTooLargeError

T = TypeVar("T")


async def cancel_on_disconnect(http: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work; the work is cancelled when the client disconnects."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_gone(http))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(499, "the client has gone")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(http: Request) -> None:
    with contextlib.suppress(BodyTooLargeError):
        while (await http.receive())["type"] != "http.disconnect":
            pass
