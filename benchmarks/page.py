"""Does opening a page cost the same in a set of ten entries and of a million?

Run: python -m benchmarks.page
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from benchmarks.common import database, fill, milliseconds, plain_client, private_server, timed
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.queue import Queue
from tests.support.proxy import FaultProxy

SIZES = (10, 10_000, 1_000_000)
PAGE = 50


async def main() -> None:
    """Prints trips, bytes and time of the first, middle and last page, per size."""
    with private_server() as server, plain_client(server) as client, tempfile.TemporaryDirectory() as folder:
        have = 0
        for size in SIZES:
            fill(client, "retry", size - have, first=have)
            fill(client, "default", size - have, first=have)
            have = size
            print(f"\n{size:,} entries")
            async with FaultProxy(server.socket, Path(folder)) as proxy, database(proxy.url) as db:
                await db.command("PING")
                for name, read in (("retry", JobSet(db, "retry").page), ("queue", Queue(db, "default").page)):
                    for place, offset in (
                        ("first", 0),
                        ("middle", max(0, size // 2 - PAGE)),
                        ("last", max(0, size - PAGE)),
                    ):
                        await _measure(proxy, f"{name:6}{place:7}", partial(read, offset, PAGE))


async def _measure(proxy: FaultProxy, label: str, read: Callable[[], Awaitable[object]]) -> None:
    proxy.reset()
    await read()
    wire = proxy.reset()
    seconds = await timed(read, 30)
    print(f"  {label} {wire.trips} trip, {wire.received:8,} bytes, {milliseconds(seconds)}")


if __name__ == "__main__":
    asyncio.run(main())
