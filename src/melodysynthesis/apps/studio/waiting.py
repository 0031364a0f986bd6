"""Work that somebody waits for: gathered for one answer, and given up when they have gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException

from melodysynthesis.apps.studio.documented import Json
from melodysynthesis.apps.web.guard import TooLargeError

T = TypeVar("T")


async def gathered(events: AsyncGenerator[Json]) -> list[Json]:
    """Each melody with all that is known of it."""
    found: dict[int, Json] = {}
    async with contextlib.aclosing(events):
        async for event in events:
            if event.pop("type") in ("melody", "judged"):
                found.setdefault(event["index"], {}).update(event)
    return [found[index] for index in sorted(found)]


async def while_awaited(http: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, which is given up when the client is gone."""
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
    with contextlib.suppress(TooLargeError):
        while (await http.receive())["type"] != "http.disconnect":
            pass
