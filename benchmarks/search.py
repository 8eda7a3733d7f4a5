"""How fast is a filter over 100,000 retries, what does it cost the server and its other clients, beside ZSCAN MATCH?

Run: python -m benchmarks.search [ENTRIES]
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path

import redis

from benchmarks.common import NOW, database, fill, plain_client, private_server, server_seconds
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import scan

WORDS = (
    "nowhere",
    "jid:00000000000000000001869f",
    "deadlocked",
    "class:=ThumbnailJob",
    "class:Invoice error:Timeout retry>2",
)
RUNS = 3
KILO = 1000.0


def _ping(socket: Path, ends: Connection) -> None:
    """Another client, in a process of its own: pings every millisecond until told to end, then gives its waits."""
    waits = []
    with redis.Redis(unix_socket_path=str(socket)) as client:
        client.ping()
        ends.send(None)
        while not ends.poll():
            started = time.perf_counter()
            client.ping()
            waits.append(time.perf_counter() - started)
            time.sleep(0.001)
    ends.send(waits)


@contextlib.contextmanager
def neighbour(server: EmbeddedRedis) -> Iterator[list[float]]:
    """Fills the list with the seconds that another client's pings took meanwhile."""
    waits: list[float] = []
    ours, theirs = Pipe()
    process = Process(target=_ping, args=(server.socket, theirs), daemon=True)
    process.start()
    ours.recv()
    yield waits
    ours.send(None)
    waits += sorted(ours.recv())
    process.join()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way took: the best run's seconds, bytes to us, the longest command, and what a neighbour waited."""

    found: int
    seconds: float
    server: float
    sent: int
    longest: float
    late: float
    worst: float

    def __str__(self) -> str:
        return (
            f"{self.found:7,} found {self.seconds:6.2f} s, server {self.server:5.2f} s CPU, {self.sent / 1e6:6.1f} MB,"
            f" longest call {self.longest * KILO:4.1f} ms,"
            f" PING p99 {self.late * KILO:4.1f}, worst {self.worst * KILO:4.1f} ms"
        )


async def main(entries: int) -> None:
    """Prints matches, seconds here and CPU seconds of the server, for ours and for ZSCAN."""
    with private_server() as server, plain_client(server) as client:
        fill(client, "retry", entries)
        client.config_set("slowlog-log-slower-than", 0)
        client.config_set("slowlog-max-len", 5000)
        async with database(server.url) as db:
            await db.command("PING")
            print(f"{entries:,} retries, best of {RUNS}; PING is another client's")
            print(f"  {'idle':48} PING worst {await _idle(server) * KILO:.1f} ms")
            for count in (100, 1000):
                cost = await _cost(server, client, lambda count=count: _zscan(db, "*nowhere*", count))  # type: ignore[misc]
                print(f"  ZSCAN MATCH COUNT {count:<5} {'*nowhere*':24}{cost}")
            for words in WORDS:
                for way in ("read", "script"):
                    cost = await _cost(server, client, lambda words=words, way=way: _scan(db, words, way))  # type: ignore[misc]
                    print(f"  {way:8}{words:40}{cost}")


async def _cost(server: EmbeddedRedis, client: redis.Redis, work: Callable[[], Awaitable[int]]) -> Cost:
    """Measured alone for its price, and again beside a neighbour, whose pings cost time themselves."""
    costs = []
    for _ in range(RUNS):
        client.slowlog_reset()
        sent, before, started = _sent(client), server_seconds(client), time.perf_counter()
        found = await work()
        seconds, used = time.perf_counter() - started, server_seconds(client) - before
        sent = _sent(client) - sent
        longest = max(entry["duration"] for entry in client.slowlog_get(5000)) / 1e6
        with neighbour(server) as waits:
            await work()
        costs.append(Cost(found, seconds, used, sent, longest, waits[int(len(waits) * 0.99)], waits[-1]))
    best = min(costs, key=lambda cost: cost.seconds)
    least = min(cost.server for cost in costs), min(cost.longest for cost in costs)
    late, worst = min(cost.late for cost in costs), min(cost.worst for cost in costs)
    return Cost(best.found, best.seconds, least[0], best.sent, least[1], late, worst)


async def _idle(server: EmbeddedRedis) -> float:
    with neighbour(server) as waits:
        await asyncio.sleep(0.5)
    return waits[-1]


def _sent(client: redis.Redis) -> int:
    return int(client.info("stats")["total_net_output_bytes"])


async def _scan(db: Database, words: str, way: str) -> int:
    """`read`: all bytes come over and are matched here; `script`: as sqtui does where it may."""
    db.scripts = way == "script"
    return sum([len(part.jobs) async for part in scan(db, Place("retry"), parse_filter(words), now=NOW)])


async def _zscan(db: Database, pattern: str, count: int) -> int:
    found, cursor = 0, b"0"
    while True:
        reply = await db.command("ZSCAN", "retry", cursor, "MATCH", pattern, "COUNT", count)
        assert isinstance(reply, list)
        cursor, entries = reply  # type: ignore[assignment]
        found += len(entries) // 2  # type: ignore[arg-type]
        if cursor == b"0":
            return found


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
