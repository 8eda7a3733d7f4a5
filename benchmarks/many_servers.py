"""What watching many servers costs: CPU, round trips and bytes of 1, 10 and 50 at an interval of two seconds; a merge.

Each server is a database of one of a few Redis programs: what is measured is sqtui's part.

Run: python -m benchmarks.many_servers
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

import redis

from benchmarks.common import payload, private_server
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.merged import MergedCut, MergedSet
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.timeline import Timeline
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place

DATABASES: Final = 50
WARM_UP: Final = 12.0
SECONDS: Final = 20.0
SHAPES: Final = ((5, 2), (20, 10), (100, 50))
"""Queues and processes of each server."""


def client(server: EmbeddedRedis, database: int) -> redis.Redis:
    """For filling."""
    return redis.Redis(unix_socket_path=str(server.socket), db=database)


def profiles(server: EmbeddedRedis, count: int) -> list[Profile]:
    """The first databases as servers."""
    return [Profile(name=f"s{n:02}", socket=str(server.socket), database=n) for n in range(count)]


def fill(server: EmbeddedRedis, queues: int, processes: int) -> None:
    """Queues and processes as of now in each database; nothing else."""
    for database in range(DATABASES):
        with client(server, database) as one:
            one.flushdb()
            pipe = one.pipeline()
            now = time.time()
            for number in range(queues):
                pipe.sadd("queues", f"queue-{number}")
                pipe.lpush(f"queue:queue-{number}", payload(number))
            for number in range(processes):
                identity = f"app-{number}:17:abcdef012345"
                info = {
                    **{"hostname": f"app-{number}", "pid": 17, "started_at": now, "labels": [], "version": "8.1.7"},
                    **{"queues": ["queue-1", "queue-2"], "weights": [{"queue-1": 2, "queue-2": 1}], "concurrency": 10},
                }
                pipe.sadd("processes", identity)
                state = {"info": json.dumps(info), "busy": 3, "concurrency": 10, "beat": now, "rss": 500_000}
                pipe.hset(identity, mapping=state)
                pipe.expire(identity, 600)
            pipe.execute()


async def watch(server: EmbeddedRedis, count: int) -> None:
    """CPU of a registry over some seconds, all servers in view, with a timeline that listens."""
    registry = Registry(profiles(server, count))
    Timeline().watch(registry)
    polls = 0

    def counted(_: object) -> None:
        nonlocal polls
        polls += 1

    registry.subscribe(counted)
    registry.start()
    await asyncio.sleep(WARM_UP)
    polls, used, began = 0, cpu(), time.monotonic()
    trips = sum(registry.server(name).trips for name in registry.servers)
    latest = 0.0
    while time.monotonic() - began < SECONDS:
        asked = time.monotonic()
        await asyncio.sleep(0.05)
        latest = max(latest, time.monotonic() - asked - 0.05)
    took, spent = time.monotonic() - began, cpu() - used
    trips = sum(registry.server(name).trips for name in registry.servers) - trips
    await registry.stop()
    print(
        f"  {count:3} servers: {100 * spent / took:5.1f}% of a core, {polls / took:5.1f} polls/s, "
        f"{trips / max(1, polls):.2f} trips a poll, {1000 * spent / max(1, polls):.2f} ms CPU a poll, "
        f"the loop was late by {1000 * latest:.0f} ms at most"
    )


@contextlib.asynccontextmanager
async def fleet(server: EmbeddedRedis, count: int) -> AsyncIterator[Fleet]:
    """Servers to read from."""
    servers = [Server(profile) for profile in profiles(server, count)]
    try:
        yield Fleet(servers, patience=30.0)
    finally:
        for one in servers:
            await one.close()


async def merge(server: EmbeddedRedis, count: int, entries: int) -> None:
    """Pages of retries of several servers as one list."""
    for database in range(count):
        with client(server, database) as one:
            one.flushdb()
            for start in range(0, entries, 10_000):
                jobs = range(start, min(start + 10_000, entries))
                one.zadd("retry", {payload(n * count + database): time.time() + n for n in jobs})
    async with fleet(server, count) as servers:
        merged = MergedSet(servers, Place("retry"))
        page = await merged.read(merged.first, after=50)
        middle = MergedCut(time.time() + entries / 2)
        reads = {"first": merged.first, "next": page.end, "middle": middle, "last": merged.last}
        for name, cut in reads.items():
            trips = [one.trips for one in servers.servers.values()]
            seconds = []
            used = cpu()
            for _ in range(20):
                began = time.perf_counter()
                before, after = (50, 0) if name == "last" else (0, 50)
                await merged.read(cut, before=before, after=after)
                seconds.append(time.perf_counter() - began)
            spent = (cpu() - used) / 20
            more = max(one.trips - old for one, old in zip(servers.servers.values(), trips, strict=True)) / 20
            print(
                f"  {name:6} {sorted(seconds)[10] * 1000:6.1f} ms, {spent * 1000:6.1f} ms CPU, {more:.0f} trip a server"
            )


async def search(server: EmbeddedRedis, count: int, entries: int, filters: Sequence[str]) -> None:
    """A filter over the retries of several servers at once, filled by `merge`."""
    async with fleet(server, count) as servers:
        for text in filters:
            looking = FleetSearch(servers, parse_filter(text), place=Place("retry"))
            began, first = time.perf_counter(), 0.0
            async for part in looking.slices():
                if not first and part.slice is not None and part.slice.jobs:
                    first = time.perf_counter() - began
            took = time.perf_counter() - began
            found = looking.summary.found
            print(f"  {text:28} {took:5.2f} s, first found after {first:.2f} s, {found:,} of {count * entries:,}")


def cpu() -> float:
    """Seconds this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main() -> None:
    """Prints what was seen."""
    with private_server(config=(f"databases {DATABASES}",)) as server:
        for queues, processes in SHAPES:
            fill(server, queues, processes)
            print(f"{queues} queues, {processes} processes each, polled every 2 s:")
            for count in (1, 10, 50):
                await watch(server, count)
        for count, entries in ((1, 100_000), (20, 100_000)):
            print(f"a page of 50 of the merged retries of {count} x {entries:,}:")
            await merge(server, count, entries)
        print("a filter over 10 x 100,000 retries:")
        await search(server, 10, 100_000, ("nowhere", "jid:1869f", "class:Invoice error:Timeout"))


if __name__ == "__main__":
    asyncio.run(main())
