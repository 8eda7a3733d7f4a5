"""A link to Redis that goes wrong at a chosen command: lost before or after it, torn, late, repeated, or dead.

It counts the commands that can write. Faults happen by that count, so that a test can go through every one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import hiredis

from tests.support.proxy import parse_command

Command = tuple[bytes, ...]

WRITES: Final = frozenset(
    (
        b"EVAL", b"EVALSHA", b"EXEC", b"MULTI", b"ZADD", b"ZREM", b"LPUSH", b"RPUSH", b"LREM", b"SADD", b"SREM",
        b"HSET", b"DEL", b"UNLINK", b"RENAME", b"EXPIRE", b"SET", b"LTRIM", b"ZUNIONSTORE", b"ZINTERSTORE",
    )
)  # fmt: skip


class Fault(enum.Enum):
    """What happens at the command."""

    DROP = "cut before it is delivered"
    LOSE = "delivered, the reply is lost and the link cut"
    TEAR = "cut in the middle of it"
    HOLD = "kept back and the link cut; delivered when the test releases it"
    HOLE = "swallowed with all that follows on its connection: no answer, the link stays"
    STALL = "it and the rest of its transaction arrive on their own connection when the test releases them; link cut"


@dataclass
class FaultLink:
    """Listens on a socket of its own in front of another one. `faults`: by the number of a counted command, from 1.

    `on_command` is called with each counted command's number before it is passed on: a test may kill somebody there.
    """

    target: str
    folder: Path
    faults: Mapping[int, Fault] = field(default_factory=dict)
    on_command: Callable[[int, Command], Any] | None = None
    seen: list[Command] = field(default_factory=list)
    """The counted commands, in the order in which they arrived."""
    held: list[Command] = field(default_factory=list)
    happened: list[tuple[int, Fault]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = self.folder / "faults.sock"
        self.down = False
        self._stalled: list[_Pair] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address to give to what is under test."""
        return f"unix://{self.socket}?db=0"

    async def __aenter__(self) -> FaultLink:
        self.socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self.socket), limit=1 << 26)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.socket.unlink(missing_ok=True)

    async def release(self) -> list[object]:
        """Delivers what was held, as commands that were under way for a long time would be; their replies."""
        held, self.held = self.held, []
        stalled, self._stalled = self._stalled, []
        for pair in stalled:
            await pair.go_on()
        return [await self.deliver(command) for command in held]

    async def deliver(self, command: Command) -> object:
        """Sends a command on a connection of its own, past every fault: a replay of what was ever seen."""
        reader, writer = await asyncio.open_unix_connection(self.target)
        parser = hiredis.Reader()
        try:
            writer.write(_wire(command))
            while (reply := parser.gets()) is False:
                parser.feed(await reader.read(65536))
            return reply
        finally:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.down:
                await _Pair(self, reader, writer).run()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    def strike(self, command: Command) -> Fault | None:
        """Counts a command, and says what happens to it."""
        if command[0].upper() not in WRITES:
            return None
        self.seen.append(command)
        number = len(self.seen)
        if self.on_command is not None:
            self.on_command(number, command)
        fault = self.faults.get(number)
        if fault is not None:
            self.happened.append((number, fault))
        return fault


class _Pair:
    """One client's connection and its own one to the server."""

    def __init__(self, link: FaultLink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._link = link
        self._reader, self._writer = reader, writer
        self._expected = self._answered = 0
        self._mute = False
        self._caught_up = asyncio.Event()
        self._in_transaction = False
        self._kept: list[bytes] = []
        self._hole = False
        self._released = asyncio.Event()
        self._gone_on = asyncio.Event()

    async def run(self) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._link.target, limit=1 << 26)
        replies = asyncio.create_task(self._replies(server_reader))
        try:
            await self._requests(server_writer)
            if self._kept:
                self._writer.close()
                self._link._stalled.append(self)
                await self._released.wait()
                for whole in self._kept:
                    await self._send(whole, server_writer)
                await self._all_answered()
        finally:
            self._gone_on.set()
            server_writer.close()
            replies.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await replies

    async def go_on(self) -> None:
        """What was stalled arrives now."""
        self._released.set()
        await self._gone_on.wait()

    async def _requests(self, server: asyncio.StreamWriter) -> None:
        rest = b""
        while data := await self._reader.read(1 << 20):
            rest += data
            while (parsed := parse_command(rest)) is not None:
                command, length = parsed
                whole, rest = rest[:length], rest[length:]
                if not await self._pass(command, whole, server):
                    return

    def _stall(self, whole: bytes) -> bool:
        """Keeps a command; False when it was the last one to be kept."""
        self._mute = True
        self._kept.append(whole)
        return self._in_transaction

    async def _pass(self, command: Command, whole: bytes, server: asyncio.StreamWriter) -> bool:
        """Passes one command on; False when the link is to be cut."""
        fault = self._link.strike(command)
        name = command[0].upper()
        self._in_transaction = name == b"MULTI" or (self._in_transaction and name != b"EXEC")
        if self._kept:
            return self._stall(whole)
        if self._hole:
            return True
        match fault:
            case Fault.STALL:
                return self._stall(whole)
            case Fault.DROP:
                return False
            case Fault.TEAR:
                server.write(whole[: len(whole) // 2])
                await server.drain()
                return False
            case Fault.HOLD:
                self._link.held.append(command)
                return False
            case Fault.HOLE:
                self._hole = True
                return True
            case Fault.LOSE:
                await self._all_answered()
                self._mute = True
                await self._send(whole, server)
                await self._all_answered()
                return False
        await self._send(whole, server)
        return True

    async def _send(self, whole: bytes, server: asyncio.StreamWriter) -> None:
        self._expected += 1
        server.write(whole)
        await server.drain()

    async def _all_answered(self) -> None:
        while self._answered < self._expected:
            self._caught_up.clear()
            await self._caught_up.wait()

    async def _replies(self, reader: asyncio.StreamReader) -> None:
        parser = hiredis.Reader()
        while data := await reader.read(1 << 20):
            if not self._mute:
                self._writer.write(data)
                with contextlib.suppress(ConnectionError):
                    await self._writer.drain()
            parser.feed(data)
            while parser.gets() is not False:
                self._answered += 1
            self._caught_up.set()


def _wire(command: Command) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)
    return b"*%d\r\n%s" % (len(command), parts)
