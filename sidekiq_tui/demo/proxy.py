"""Stands between a client and a server's socket, and makes trouble: a long way, or no way at all for a while."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from random import Random
from typing import Final

from sidekiq_tui.demo.plans import Outage

CHUNK: Final = 65_536  # bytes
JITTER: Final = 0.15  # share of the delay by which it varies


class Proxy:
    """Listens on `path` for the server behind `target`. Each request takes `delay` seconds to arrive."""

    def __init__(self, path: Path, target: Path, *, delay: float = 0.0, seed: str = "") -> None:
        self.path = path
        self.target = target
        self.delay = delay
        self._rng = Random(seed)
        self._server: asyncio.Server | None = None
        self._silent: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> bool:
        """Whether clients get through."""
        return self._server is not None

    async def listen(self) -> None:
        """Let clients through, for the first time or again."""
        if self._silent is not None:
            self._silent.close()
            self._silent = None
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, str(self.path))
        self.path.chmod(0o700)

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones, like a machine whose Redis is gone."""
        await self.close()
        # A socket that is bound but does not listen gives "connection refused"; without one the file is missing.
        self._silent = socket.socket(socket.AF_UNIX)
        self._silent.bind(str(self.path))

    async def close(self) -> None:
        """Stop for good: no socket, no connection, no task is left."""
        if self._silent is not None:
            self._silent.close()
            self._silent = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    async def keep(self, outage: Outage) -> None:
        """Go away and come back by the clock, for ever."""
        await asyncio.sleep(outage.first)
        while True:
            await self.refuse()
            await asyncio.sleep(outage.lasts)
            await self.listen()
            await asyncio.sleep(outage.every - outage.lasts)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except OSError:
            pass  # the server behind is gone, and so is this connection
        except asyncio.CancelledError:
            pass  # cut by `close`; a cancelled handler would be reported by asyncio as an error
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self.target))
        ways = (
            asyncio.create_task(self._pump(reader, back, self.delay)),
            asyncio.create_task(self._pump(there, writer, 0)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if delay:
                    await asyncio.sleep(delay * self._rng.uniform(1 - JITTER, 1 + JITTER))
                sink.write(data)
                await sink.drain()
