"""What do groups of errors cost: reading all failed jobs once, keeping up with what is new, and memory?

Run: python -m benchmarks.errors [ENTRIES]
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
import tracemalloc

import redis

from benchmarks.common import NOW, database, fill, payload, plain_client, private_server, server_seconds
from sidekiq_tui.servers.error_book import ErrorBook
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.error_index import ErrorIndex
from sidekiq_tui.sidekiq.job import JobRecord, Place

REFRESHES = 20
NEW = (0, 10, 100)
MEMORY_ENTRIES = 1_000_000


class Clock:
    """A time that moves when it is moved, long before the retries are due. Unix seconds."""

    def __init__(self) -> None:
        self.now = NOW - 3600

    def __call__(self) -> float:
        return self.now


async def main(entries: int) -> None:
    """Prints a full read, refreshes with none, ten and a hundred new failures, and bytes an entry."""
    with private_server() as server, plain_client(server) as client:
        fill(client, "retry", entries)
        async with database(server.url) as db:
            await db.command("PING")
            clock = Clock()
            book = ErrorBook(clock)
            before, sent, started = server_seconds(client), sent_bytes(client), time.perf_counter()
            async for _ in book.read(db, None):
                pass
            elapsed, cpu = time.perf_counter() - started, server_seconds(client) - before
            megabytes = (sent_bytes(client) - sent) / 1e6
            groups = len(book.board.groups) if book.board is not None else 0
            print(
                f"{entries:,} retries, {groups} groups: {elapsed:.2f} s, server {cpu:.2f} s CPU, "
                f"{megabytes:.0f} MB, {db.trips - 1} trips"
            )
            first = entries
            for new in NEW:
                await refreshes(db, client, book, clock, first, new)
                first += REFRESHES * new
    memory(MEMORY_ENTRIES)


async def refreshes(db: Database, client: redis.Redis, book: ErrorBook, clock: Clock, first: int, new: int) -> None:
    """Prints the price of keeping up with `new` first failures each five seconds, which run again 15 to 25 s later."""
    seconds, bytes_sent, trips = [], [], db.trips
    for turn in range(REFRESHES):
        clock.now += 5
        numbers = range(first + turn * new, first + (turn + 1) * new)
        if new:
            client.zadd("retry", {payload(n): clock.now + 15 + 10 * (n % new) / new for n in numbers})
        sent, started = sent_bytes(client), time.perf_counter()
        await book.refresh(db)
        seconds.append(time.perf_counter() - started)
        bytes_sent.append(sent_bytes(client) - sent)
    print(
        f"  {new:4} new failures: {statistics.median(seconds) * 1000:6.1f} ms, "
        f"{statistics.median(bytes_sent) / 1000:6.1f} kB, {(db.trips - trips) / REFRESHES:.0f} trips"
    )


def sent_bytes(client: redis.Redis) -> int:
    """Bytes that the server has sent until now."""
    return int(client.info("stats")["total_net_output_bytes"])


def memory(entries: int) -> None:
    """Prints what an index of so many entries takes, whatever the payloads."""
    place = Place("retry")
    index = ErrorIndex()
    raws = [payload(number) for number in range(1000)]
    gc.collect()
    tracemalloc.start()
    for start in range(0, entries, len(raws)):
        index.add("retry", (JobRecord(raw, place, NOW + start) for raw in raws), NOW)
    index.sets["retry"].seal()
    index.sets["retry"].split(NOW)
    gc.collect()
    taken, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"{entries:,} entries: {taken / 1e6:.0f} MB, {taken / entries:.0f} bytes an entry, {peak / 1e6:.0f} MB at most"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
