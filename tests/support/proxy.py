"""A proxy between sqtui and Redis that counts what crosses the wire, and can delay, cut and swallow it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType


@dataclass
class Wire:
    """What was seen so far. A trip begins when the client sends after the server has spoken (or at the start)."""

    trips: int = 0
    sent: int = 0
    received: int = 0
    connections: int = 0
    commands: list[tuple[bytes, ...]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the commands sent, upper-cased, in order."""
        return [command[0].decode("latin-1").upper() for command in self.commands if command]


class FaultProxy:
    """Listens on a Unix socket of its own, in front of another one."""

    def __init__(self, target: Path | str, folder: Path) -> None:
        self.target = str(target)
        self.socket = folder / "proxy.sock"
        self.wire = Wire()
        self.delay = 0.0  # seconds, before each chunk of a reply
        self.swallow = False  # replies vanish: a black hole
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address to give to what is under test."""
        return f"unix://{self.socket}?db=0"

    async def __aenter__(self) -> FaultProxy:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def listen(self) -> None:
        """Starts, or starts again after `close`."""
        self.socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self.socket))

    async def close(self) -> None:
        """Refuses new connections and cuts the open ones, as a dead server would."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.socket.unlink(missing_ok=True)
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Closes every open connection."""
        for writer in list(self._writers):
            writer.close()

    def reset(self) -> Wire:
        """Starts counting anew and returns what was counted until now."""
        before, self.wire = self.wire, Wire()
        return before

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wire.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self.target)
            self._writers.add(server_writer)
            state = _Link()
            await asyncio.gather(
                self._requests(reader, server_writer, state), self._replies(server_reader, writer, state)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, *([server_writer] if "server_writer" in locals() else [])):
                end.close()
                self._writers.discard(end)
            self._tasks.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        while data := await reader.read(65536):
            if not link.waiting:
                self.wire.trips += 1
                link.waiting = True
            self.wire.sent += len(data)
            self.wire.commands.extend(link.parse(data))
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        while data := await reader.read(1 << 20):
            if self.delay:
                await asyncio.sleep(self.delay)
            link.waiting = False
            self.wire.received += len(data)
            if not self.swallow:
                writer.write(data)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
        writer.close()


class _Link:
    """One connection's state: whose turn it is, and the bytes of a command not yet complete."""

    def __init__(self) -> None:
        self.waiting = False
        self._rest = b""

    def parse(self, data: bytes) -> list[tuple[bytes, ...]]:
        self._rest += data
        commands: list[tuple[bytes, ...]] = []
        while (parsed := parse_command(self._rest)) is not None:
            command, length = parsed
            commands.append(command)
            self._rest = self._rest[length:]
        return commands


def parse_command(data: bytes) -> tuple[tuple[bytes, ...], int] | None:
    """One RESP array of bulk strings at the start of `data`, and its length; None while it is incomplete."""
    if not data.startswith(b"*") or b"\r\n" not in data:
        return None
    head, _, _ = data.partition(b"\r\n")
    position, parts = len(head) + 2, []
    for _ in range(int(head[1:])):
        end = data.find(b"\r\n", position)
        if end < 0:
            return None
        size = int(data[position + 1 : end])
        position = end + 2
        if len(data) < position + size + 2:
            return None
        parts.append(data[position : position + size])
        position += size + 2
    return tuple(parts), position
