"""Jobs a second from one server to another: a queue, a set, chosen jobs, copies, all of a server; and who waits.

Run: python -m benchmarks.moves [JOBS]
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import redis

from benchmarks.common import fill, plain_client, private_server, server_seconds
from benchmarks.search import neighbour
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import CopyAcross, Evacuate, Operation, Synchronise, Transfer
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place

JOBS: Final = 100_000
SOURCE, TARGET = "prod", "staging"
DEFAULT, RETRY = Place("queue", "default"), Place("retry")
INVOICES: Final = parse_filter("class:Invoice")
QUARTERS: Final = ("default", "retry", "dead", "low")
MICRO: Final = 1e6


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done, on which server it is planned, and where its jobs lie. `share`: how many lie there for each."""

    operation: Callable[[], Operation]
    places: Sequence[str]
    on: str = SOURCE
    share: int = 1


DEEDS: Final[Mapping[str, Deed]] = {
    "move a queue": Deed(lambda: Transfer(jobs=Whole(DEFAULT), target=TARGET), ["default"]),
    "move a set": Deed(lambda: Transfer(jobs=Whole(RETRY), target=TARGET), ["retry"]),
    "move by filter": Deed(lambda: Transfer(jobs=Matching((RETRY,), INVOICES), target=TARGET), ["retry"], share=2),
    "evacuate": Deed(lambda: Evacuate(target=TARGET), QUARTERS),
    "copy a set": Deed(lambda: CopyAcross(jobs=Matching((RETRY,), INVOICES), source=SOURCE), ["retry"], TARGET, 2),
    "synchronise a queue": Deed(lambda: Synchronise(jobs=Whole(DEFAULT), source=SOURCE), ["default"], TARGET),
}


@contextlib.asynccontextmanager
async def operator(urls: Mapping[str, str], home: Path) -> AsyncIterator[Operations]:
    """Somebody at two servers."""
    servers = {name: Server(Profile.from_url(url, name)) for name, url in urls.items()}
    operations = Operations(servers.__getitem__, home=home, who=Who("anna", "ws3"))
    try:
        yield operations
    finally:
        await operations.close()
        for server in servers.values():
            await server.close()


class Meters:
    """Clocks and counters here and on both servers."""

    def __init__(self, clients: Sequence[redis.Redis]) -> None:
        self._clients = clients

    def read(self) -> list[float]:
        """Wall, own CPU; then of each server its CPU seconds, script calls, bytes to it and from it."""
        seen = [time.perf_counter(), time.process_time()]
        for client in self._clients:
            said: Any = client.info("all")
            calls = sum(said.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
            seen += [server_seconds(client), calls, said["total_net_input_bytes"], said["total_net_output_bytes"]]
        return seen


async def once(servers: Sequence[EmbeddedRedis], clients: Sequence[redis.Redis], deed: Deed, jobs: int) -> None:
    """Prints what one deed took."""
    for client in clients:
        client.flushall()
    for place in deed.places:
        fill(clients[0], place, jobs * deed.share // len(deed.places))
    urls = {name: server.tcp_url or "" for name, server in zip((SOURCE, TARGET), servers, strict=True)}
    meters = Meters(clients)
    with tempfile.TemporaryDirectory() as home:
        async with operator(urls, Path(home)) as operations:
            started = time.perf_counter()
            plan = await operations.plan(deed.on, deed.operation())
            planned = time.perf_counter() - started
            with neighbour(servers[0]) as here, neighbour(servers[1]) as there:
                before = meters.read()
                outcome = await operations.start(plan, operations.question(plan).expected).wait()
                took = [after - was for after, was in zip(meters.read(), before, strict=True)]
    assert (outcome.ending, outcome.tally.done) == ("done", jobs), outcome
    each = [took[at] / jobs * MICRO for at in (1, 2, 6)]
    thousand = [took[at] / jobs * 1000 for at in (3, 7)]
    kilo = [took[at] / jobs for at in (4, 5, 8, 9)]
    print(
        f"plan {planned:5.1f} s, run {took[0]:5.1f} s: {jobs / took[0]:7,.0f} jobs/s; CPU µs a job: own {each[0]:5.1f},"
        f" source {each[1]:5.1f}, target {each[2]:5.1f}; per 1,000 jobs: scripts {thousand[0]:.1f} + {thousand[1]:.1f},"
        f" kB to and from source {kilo[0]:,.0f}, {kilo[1]:,.0f}, target {kilo[2]:,.0f}, {kilo[3]:,.0f};"
        f" PING p99, worst: source {_late(here)}, target {_late(there)} ms"
    )


def _late(waits: list[float]) -> str:
    return f"{waits[int(len(waits) * 0.99)] * 1000:.1f}, {waits[-1] * 1000:.1f}"


async def main(jobs: int) -> None:
    """Prints one line a deed."""
    with (
        private_server(tcp=True) as one,
        private_server(tcp=True) as other,
        plain_client(one) as source,
        plain_client(other) as target,
    ):
        print(f"{jobs:,} jobs of about 390 bytes between two servers; load {os.getloadavg()[0]:.1f}")
        for name, deed in DEEDS.items():
            print(f"{name:20}", end=" ", flush=True)
            await once((one, other), (source, target), deed, jobs)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else JOBS))
