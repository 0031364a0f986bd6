"""Messages on standard input and output: a line of JSON each, of bounded length.

The package's own transport reads a line of any length into memory. Here a line that is too long, or is no message, is
answered with an error of the protocol and skipped.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, cast

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.stdio import stdio_server

from melodysynthesis.apps.web.guard import MAX_BODY_BYTES

MAX_LINE_BYTES = MAX_BODY_BYTES + 4096
"""Length of a message: as large a request as the studio takes, and the envelope."""
_SHOWN = 300
"""Bytes at either end of a line that is too long, among which its number is searched."""
_ID = rb'"id"\s*:\s*(-?\d{1,15}|"[^"\\]{1,64}")'
_ID_FIRST = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?' + _ID)
_ID_LAST = re.compile(_ID + rb'\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')


class _Lines:
    """The messages that come in, and those that go out, as the text streams of `stdio_server`."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._in, self._out, self._lock = incoming, outgoing, anyio.Lock()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Lines that are messages of the protocol."""
        while line := await self._read():
            start, end = line[:_SHOWN], line[-_SHOWN:]
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = await self._read()
                    end = (end + line)[-_SHOWN:]
                reason = f"a message of more than {MAX_LINE_BYTES:,} bytes"
                await self._refuse(types.INVALID_REQUEST, reason, start, end)
                continue
            if not line.strip():
                continue
            try:
                types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                reason = "this line is no message of JSON-RPC 2.0"
                await self._refuse(types.PARSE_ERROR, reason, start, end)
                continue
            yield line.decode("utf-8", "replace")

    async def write(self, text: str) -> None:
        """Write whole lines."""
        async with self._lock:
            await anyio.to_thread.run_sync(self._write, text.encode("utf-8", "replace"))

    async def flush(self) -> None:
        """Nothing is left to be written."""

    async def _read(self) -> bytes:
        return await anyio.to_thread.run_sync(self._in.readline, MAX_LINE_BYTES + 1, abandon_on_cancel=True)

    async def _refuse(self, code: int, reason: str, start: bytes, end: bytes) -> None:
        found = _ID_FIRST.match(start) or _ID_LAST.search(end)
        number = found[1].decode("ascii", "replace") if found else "null"
        await self.write(f'{{"jsonrpc":"2.0","id":{number},"error":{{"code":{code},"message":"{reason}"}}}}\n')

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()


@asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[Any, Any]]:
    """The process's standard streams; what else is printed meanwhile goes to standard error."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    lines = cast(Any, _Lines(sys.stdin.buffer, outgoing))
    async with stdio_server(lines, lines) as streams:
        yield streams
