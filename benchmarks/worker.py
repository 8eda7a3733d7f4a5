"""Jobs a second that do nothing (one process, concurrency 10) beside Ruby's in one run, and what a heartbeat costs.

Run: python -m benchmarks.worker        (SQTUI_RUBY_ROOTS: see tests/support/ruby.py)
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import redis

from benchmarks.common import database, plain_client, private_server
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.heartbeat import Heartbeat
from sidekiq_tui.sidekiq.worker.processor import Counters
from tests.support import worker_process
from tests.support.proxy import FaultProxy
from tests.support.ruby import Ruby, rubies

ROUNDS = 5
JOBS = 10_000
CONCURRENCY = 10

NO_OP = """
class NoOp
  include JOB
  def perform(*) = nil
end
"""


async def fill(url: str) -> None:
    """The jobs, in the form that all of them read."""
    async with database(url) as db:
        await Client(db, time_form="milliseconds").push_bulk({"class": "NoOp", "args": [[n] for n in range(JOBS)]})


def jobs_a_second(client: redis.Redis, worker: AbstractContextManager[Any]) -> float:
    """From the first tenth of the jobs to the last, as the queue shows: starting does not count."""
    with worker:
        while (first := int(client.llen("queue:default"))) > JOBS * 0.9:
            time.sleep(0.002)
        started = time.perf_counter()
        while client.llen("queue:default"):
            time.sleep(0.002)
        return first / (time.perf_counter() - started)


def throughput(url: str, client: redis.Redis) -> None:
    """Prints medians of interleaved rounds. All log warnings only."""

    def python(**settings: Any) -> Callable[[], AbstractContextManager[Any]]:
        given = {"concurrency": CONCURRENCY, "module": "benchmarks.no_op", "beat_interval": 10.0, **settings}
        return lambda: worker_process.started(url, **given)

    def in_ruby(ruby: Ruby) -> Callable[[], AbstractContextManager[Any]]:
        return lambda: ruby.worker(url, NO_OP, concurrency=CONCURRENCY)

    workers = {"Python": python(), "Python, reliable": python(reliable=True)}
    workers |= {f"Ruby, {ruby.version}": in_ruby(ruby) for ruby in rubies()}
    seen: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            client.flushall()
            asyncio.run(fill(url))
            seen[name].append(jobs_a_second(client, worker()))
    base = statistics.median(seen["Python"])
    for name, measured in seen.items():
        median = statistics.median(measured)
        print(f"{name:18} {median:8,.0f} jobs/s; Python runs {base / median:.2f} times as many")
    if not rubies():
        print("no Ruby Sidekiq on this machine")


async def heartbeat(socket: Path) -> None:
    """Prints what one beat sends, idle and with work, and the bytes."""
    config = WorkerConfig(capsules=(CapsuleConfig(concurrency=CONCURRENCY),))
    with tempfile.TemporaryDirectory() as folder:
        async with FaultProxy(socket, Path(folder)) as proxy, database(proxy.url) as db:
            counters = Counters()
            beating = Heartbeat(config, db, "app-1:17:abcdef012345", counters, quiet=bool)
            await beating.beat()
            for label, processed in (("idle", 0), ("after 1,000 jobs", 1000)):
                counters.processed = processed
                proxy.reset()
                await beating.beat()
                wire = proxy.reset()
                print(
                    f"heartbeat, {label:17} {wire.trips} trips, {len(wire.commands):3} commands,"
                    f" {wire.sent:6,} bytes out, {wire.received:5,} in"
                )


def main() -> None:
    """Prints all of it."""
    with private_server(tcp=True) as server, plain_client(server) as client:
        assert server.tcp_url is not None
        asyncio.run(heartbeat(server.socket))
        with contextlib.suppress(KeyboardInterrupt):
            throughput(server.tcp_url, client)


if __name__ == "__main__":
    main()
