"""Reads that an operation cannot do without, and a link that breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sidekiq_tui.sidekiq.errors import ServerUnreachable

BREAKS: Final = 6
"""So often a link may break at one read."""
_PAUSE: Final = 0.05
T = TypeVar("T")


async def pause_after(breaks: int) -> None:
    """Waits before the next try, twice as long each time."""
    await asyncio.sleep(_PAUSE * 2**breaks)


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """Reads, again when the link breaks, for some seconds. Raises SidekiqError."""
    for breaks in range(1, BREAKS):
        try:
            return await read()
        except ServerUnreachable:
            await pause_after(breaks)
    return await read()
