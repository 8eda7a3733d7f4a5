"""Long reads of several servers at once, each piece handed on as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sidekiq_tui.servers.fleet import Fleet, mistake
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerTimeout, SidekiqError

T = TypeVar("T")

WAITING_PIECES: Final = 32
"""Pieces that wait for whoever reads: a slow reader slows the servers' reads, and memory stays flat."""


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """What one server brought: a value; or, as its last piece, an error or None for the end."""

    server: str
    value: T | None = None
    error: SidekiqError | None = None

    @property
    def last(self) -> bool:
        """Whether nothing more comes from this server."""
        return self.value is None


async def stream(
    fleet: Fleet, read: Callable[[Server], AsyncGenerator[T, None]], *, deadline: float | None = None
) -> AsyncGenerator[Piece[T], None]:
    """Reads all servers at once; each ends with a last piece of its own, `deadline` seconds after the start at most.

    Servers known not to answer end at once. Stop iterating to stop all reading. Raises no error of a server's.
    """
    pieces: asyncio.Queue[Piece[T]] = asyncio.Queue(WAITING_PIECES)
    tasks = []
    for name, server in fleet.servers.items():
        known = fleet.trouble(name)
        tasks.append(asyncio.create_task(_run(server, read, pieces, known, deadline), name=f"stream {name}"))
    left = len(tasks)
    try:
        while left:
            piece = await pieces.get()
            left -= piece.last
            yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(
    server: Server,
    read: Callable[[Server], AsyncGenerator[T, None]],
    pieces: asyncio.Queue[Piece[T]],
    known: SidekiqError | None,
    deadline: float | None,
) -> None:
    error = known
    if error is None:
        try:
            async with asyncio.timeout(deadline), aclosing(read(server)) as values:
                async for value in values:
                    await pieces.put(Piece(server.name, value))
        except SidekiqError as trouble:
            error = trouble
        except TimeoutError:
            error = ServerTimeout(f"not done within {deadline:g}s: not all was read")
        except Exception as wrong:  # a mistake of ours on one server's data must not hide the others
            error = mistake(wrong)
    await pieces.put(Piece(server.name, error=error))
