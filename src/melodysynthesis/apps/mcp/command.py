"""`melody mcp`: tools for other programs, over standard input and output."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from melodysynthesis import __version__
from melodysynthesis.apps.console import note
from melodysynthesis.apps.studio.command import offered
from melodysynthesis.errors import FormatError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from melodysynthesis.apps.mcp.tools import Tools

INSTRUCTIONS = (
    "Writes melodies with trained models. Rules such as chords, range, cadence or form are kept by every melody, and a "
    "certificate checks them. A melody is given as JSON from an earlier answer, as ABC, or as notes such as "
    '"G4:1 A4:1/2 B4:1/2" (pitch, and duration in quarters).'
)


def command(
    *,
    model: Annotated[
        list[str] | None, typer.Option(help="A model to offer first: name, file or run's folder; may be repeated.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder in which files are read and written; without it none are.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=8)] = 1,
) -> None:
    """Serve the Model Context Protocol on standard input and output, for assistants and other programs.

    It ends with its input. Sizes and times of requests are limited as in the studio.
    """
    import mcp  # noqa: F401 (so that the message names what to install)

    if folder is not None and not folder.is_dir():
        raise FormatError("there is no such folder", str(folder), "can't serve")
    models, cards = offered(model or [])
    if os.isatty(0):
        note("melody mcp is started by a program that speaks the Model Context Protocol; Ctrl-C ends it")
    from melodysynthesis.apps.mcp.tools import Tools
    from melodysynthesis.apps.mcp.transport import standard_streams
    from melodysynthesis.apps.studio.limits import Seconds
    from melodysynthesis.apps.studio.service import Studio

    async def serve() -> None:
        server = server_of(Tools(Studio(models, cards, workers, Seconds()), folder))
        async with standard_streams() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())


def server_of(tools: Tools) -> Server[None]:
    """The protocol's server for these tools; their workers run as long as it does."""
    import mcp_types as types
    from mcp.server.lowlevel import Server

    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # a client's mistake is for the client

    async def list_tools(context: Any, parameters: Any) -> types.ListToolsResult:
        del context, parameters
        return types.ListToolsResult(tools=tools.listed())

    async def call_tool(context: Any, parameters: types.CallToolRequestParams) -> types.CallToolResult:
        del context
        return await tools.call(parameters.name, parameters.arguments or {})

    @asynccontextmanager
    async def lifespan(server: Server[None]) -> AsyncIterator[None]:
        del server
        await tools.open()
        try:
            yield
        finally:
            await tools.close()

    return Server(
        "melodysynthesis",
        version=__version__,
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
