"""A server that talks nonsense: on a Unix socket, the same bytes to whatever is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

SOME = (
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"*3\r\n$-7\r\n:abc\r\n",
    b"$99999999999\r\nx",
    b"\x00\xff\xfe garbage \x1b[2J\r\n",
    b"+OK\r\n" * 500,
)


@contextlib.asynccontextmanager
async def talking(folder: Path, words: bytes) -> AsyncIterator[Path]:
    """The socket of such a server, in a folder that is there."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(65536):
                writer.write(words)
                await writer.drain()
        writer.close()

    socket = folder / "nonsense.sock"
    server = await asyncio.start_unix_server(answer, str(socket))
    try:
        yield socket
    finally:
        server.close()
