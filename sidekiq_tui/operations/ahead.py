"""Reads the next slice while the last one is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, TypeVar

_AHEAD: Final = 2
"""Slices that are read before they are asked for."""
T = TypeVar("T")


async def read_ahead(slices: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """What `slices` gives, in its order; raises what it raises, in its place. It is closed with this one."""
    ready: asyncio.Queue[T | _End] = asyncio.Queue(_AHEAD)

    async def read() -> None:
        end = _End(None)
        try:
            async with aclosing(slices) as opened:
                async for one in opened:
                    await ready.put(one)
        except Exception as error:
            end = _End(error)
        await ready.put(end)

    task = asyncio.create_task(read())
    try:
        while not isinstance(one := await ready.get(), _End):
            yield one
        if one.error is not None:
            raise one.error
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _End:
    """After the last slice; `error`: why there are no more."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
