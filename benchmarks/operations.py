"""Jobs a second of bulk operations with the undo journal on, beside Ruby's own API, and who waits meanwhile.

Run: python -m benchmarks.operations [JOBS]              (SQTUI_RUBY_ROOTS: see tests/support/ruby.py)
     python -m benchmarks.operations queue [SIZE]        a tenth of a queue taken out by a filter, while it runs
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.common import fill, plain_client, private_server, server_seconds
from benchmarks.search import neighbour
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import Delete, Kill, MoveToQueue, OfJobs, Operation, Retry, Undo
from sidekiq_tui.operations.export import export_to
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.support import live_queue
from tests.support.ruby import Ruby, rubies

JOBS = 20_000
RUBY_JOBS = 4000
ROUNDS = 3
SIZE = 1_000_000
EVERY = 10
REMOVED_ALONE = 100
RETRY, DEFAULT = Place("retry"), Place("queue", "default")
INVOICES = parse_filter("class:Invoice")
MICRO = 1e6

TIMED = """
def spent
  [Process.clock_gettime(Process::CLOCK_MONOTONIC), Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)]
end
before = spent
%s
answer(spent.zip(before).map { |after, was| after - was })
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """One operation: where its jobs lie, how many must lie there for so many to be acted on, and how Ruby does it."""

    place: Place
    operation: Callable[[], OfJobs]
    ruby: str
    share: int = 1


DEEDS: Mapping[str, Deed] = {
    "retry all": Deed(RETRY, lambda: Retry(jobs=Whole(RETRY)), "Sidekiq::RetrySet.new.retry_all"),
    "kill all": Deed(RETRY, lambda: Kill(jobs=Whole(RETRY)), "Sidekiq::RetrySet.new.kill_all"),
    "delete by filter": Deed(
        RETRY,
        lambda: Delete(jobs=Matching((RETRY,), INVOICES)),
        'Sidekiq::RetrySet.new.each { |job| job.delete if job.klass.start_with?("Invoice") }',
        share=2,
    ),
    "move": Deed(
        DEFAULT,
        lambda: MoveToQueue(jobs=Whole(DEFAULT), queue="low"),
        'Sidekiq::Queue.new("default").each { |job| '
        'Sidekiq::Client.push(job.item.merge("queue" => "low")); job.delete }',
    ),
}
RUBY_EXPORT = 'File.open("/tmp/export", "w") { |file| Sidekiq::RetrySet.new.each { |job| file.puts(job.value) } }'


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took. Seconds; `scripts` and `sent` (bytes to the server) are counted there."""

    plan: float
    run: float
    planning: float
    own: float
    server: float
    scripts: int
    sent: int
    received: int


class Meter:
    """Reads clocks and counters here and on the server."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def read(self) -> tuple[float, float, float, int, int, int]:
        """Wall, own CPU and server's CPU seconds, script calls, bytes to it and from it."""
        wall, own = time.perf_counter(), time.process_time()
        said: Any = self._client.info("all")
        calls = sum(said.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
        used = server_seconds(self._client)
        return wall, own, used, calls, said["total_net_input_bytes"], said["total_net_output_bytes"]


@contextlib.asynccontextmanager
async def operator(url: str, home: Path) -> AsyncIterator[tuple[Operations, Server]]:
    """Somebody at a server, as commands and screens are."""
    server = Server(Profile.from_url(url, "prod"))
    operations = Operations(lambda name: server, home=home, who=Who("anna", "ws3"))
    try:
        yield operations, server
    finally:
        await operations.close()
        await server.close()


async def carried_out(operations: Operations, plan: Plan) -> str | None:
    """Confirms a plan and waits for its end; what undoes it."""
    outcome = await operations.start(plan, operations.question(plan).expected).wait()
    assert (outcome.ending, outcome.tally.done) == ("done", plan.count), outcome
    return outcome.undo_id


async def cost(operations: Operations, meter: Meter, operation: Operation) -> tuple[Cost, str | None]:
    """One operation from plan to end."""
    first = meter.read()
    plan = await operations.plan("prod", operation)
    second = meter.read()
    undo = await carried_out(operations, plan)
    last = meter.read()
    plan_took, run_took = [
        [after - was for was, after in zip(*pair, strict=True)] for pair in ((first, second), (second, last))
    ]
    return Cost(
        plan_took[0],
        run_took[0],
        plan_took[1],
        run_took[1],
        run_took[2],
        int(run_took[3]),
        int(run_took[4]),
        int(run_took[5]),
    ), undo


async def ours(server: EmbeddedRedis, client: redis.Redis, name: str, jobs: int) -> dict[str, Cost]:
    """One round of an operation and its undo."""
    assert server.tcp_url is not None
    deed = DEEDS[name]
    client.flushall()
    fill(client, deed.place.queue or deed.place.kind, jobs * deed.share)
    with tempfile.TemporaryDirectory() as home:
        async with operator(server.tcp_url, Path(home)) as (operations, _):
            meter = Meter(client)
            done, undo = await cost(operations, meter, deed.operation())
            assert undo is not None
            undone, _ = await cost(operations, meter, Undo(operation=undo))
    return {name: done, f"undo of {name}": undone}


async def waits(server: EmbeddedRedis, client: redis.Redis, name: str, jobs: int) -> dict[str, list[float]]:
    """The seconds that another client's pings took during the operation, and during its undo."""
    assert server.tcp_url is not None
    deed = DEEDS[name]
    client.flushall()
    fill(client, deed.place.queue or deed.place.kind, jobs * deed.share)
    with tempfile.TemporaryDirectory() as home:
        async with operator(server.tcp_url, Path(home)) as (operations, _):
            plan = await operations.plan("prod", deed.operation())
            with neighbour(server) as during:
                undo = await carried_out(operations, plan)
            assert undo is not None
            plan = await operations.plan("prod", Undo(operation=undo))
            with neighbour(server) as after:
                await carried_out(operations, plan)
    return {name: during, f"undo of {name}": after}


def in_ruby(ruby: Ruby, server: EmbeddedRedis, client: redis.Redis, deed: Deed) -> tuple[float, float, float]:
    """Wall, CPU and the server's CPU seconds of Ruby's way, for RUBY_JOBS jobs."""
    assert server.tcp_url is not None
    client.flushall()
    fill(client, deed.place.queue or deed.place.kind, RUBY_JOBS * deed.share)
    used = server_seconds(client)
    wall, own = ruby.run(server.tcp_url, TIMED % deed.ruby)
    return wall, own, server_seconds(client) - used


async def bulk(jobs: int) -> None:
    """Prints medians of rounds that alternate with Ruby's newest."""
    ruby = rubies()[-1] if rubies() else None
    with private_server(tcp=True) as server, plain_client(server) as client:
        client.config_set("save", "")
        print(f"{jobs:,} jobs, medians of {ROUNDS} rounds; Ruby {ruby.version if ruby else 'is not here'}")
        for name, deed in DEEDS.items():
            seen: dict[str, list[Cost]] = {}
            theirs: list[tuple[float, float, float]] = []
            for _ in range(ROUNDS):
                for label, one in (await ours(server, client, name, jobs)).items():
                    seen.setdefault(label, []).append(one)
                if ruby is not None:
                    theirs.append(in_ruby(ruby, server, client, deed))
            late = await waits(server, client, name, jobs)
            for label, costs in seen.items():
                _print(label, costs, jobs, theirs if label == name else [], late[label])
        await _export(server, client, jobs, ruby)


def _print(
    label: str, costs: list[Cost], jobs: int, theirs: list[tuple[float, float, float]], late: list[float]
) -> None:
    def middle(value: Callable[[Cost], float]) -> float:
        return statistics.median(value(one) for one in costs)

    def each(value: Callable[[Cost], float]) -> str:
        return f"{middle(value) / jobs * MICRO:5.1f}"

    run, total = jobs / middle(lambda one: one.run), jobs / middle(lambda one: one.run + one.plan)
    print(
        f"{label:24} {run:8,.0f} jobs/s, {total:8,.0f} with its plan;"
        f" CPU µs a job: plan {each(lambda one: one.planning)}, run {each(lambda one: one.own)},"
        f" server {each(lambda one: one.server)};"
        f" per 1,000 jobs {middle(lambda one: one.scripts) / jobs * 1000:.1f} scripts,"
        f" {middle(lambda one: one.sent) / jobs:,.0f} kB out, {middle(lambda one: one.received) / jobs:,.0f} in;"
        f" PING p99 {late[int(len(late) * 0.99)] * 1000:.1f}, worst {late[-1] * 1000:.1f} ms"
    )
    if theirs:
        wall, own, used = (statistics.median(part) for part in zip(*theirs, strict=True))
        print(
            f"{'  Ruby':24} {RUBY_JOBS / wall:8,.0f} jobs/s; CPU µs a job {own / RUBY_JOBS * MICRO:5.1f},"
            f" server {used / RUBY_JOBS * MICRO:5.1f}; ours is {run * wall / RUBY_JOBS:.1f} times as fast,"
            f" {total * wall / RUBY_JOBS:.1f} with its plan"
        )


async def _export(server: EmbeddedRedis, client: redis.Redis, jobs: int, ruby: Ruby | None) -> None:
    assert server.tcp_url is not None
    client.flushall()
    fill(client, "retry", jobs)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        async with operator(server.tcp_url, Path(home)) as (_, opened):

            async def write(number: int) -> None:
                done = await export_to(opened, Whole(RETRY), Path(home) / f"{number}.ndjson", "ndjson")
                assert done.count == jobs

            for number in range(ROUNDS):
                seconds.append(await _seconds(lambda number=number: write(number)))  # type: ignore[misc]
            with neighbour(server) as late:
                await write(ROUNDS)
    print(f"{'export':24} {jobs / statistics.median(seconds):8,.0f} jobs/s; PING worst {late[-1] * 1000:.1f} ms")
    if ruby is not None:
        wall, _, _ = in_ruby(ruby, server, client, Deed(RETRY, DEEDS["retry all"].operation, RUBY_EXPORT))
        print(f"{'  Ruby':24} {RUBY_JOBS / wall:8,.0f} jobs/s")


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


# ---- Out of a big queue that runs

OUT_OF_QUEUE: Mapping[str, Callable[[Matching], OfJobs]] = {
    "delete": lambda jobs: Delete(jobs=jobs),
    "move": lambda jobs: MoveToQueue(jobs=jobs, queue="low"),
    "kill": lambda jobs: Kill(jobs=jobs),
}


async def big_queue(size: int) -> None:
    """Prints how long each takes, and whether the queue stayed exact."""
    choice = Matching((Place("queue", live_queue.QUEUE),), parse_filter(f"class:{live_queue.CHOSEN}"))
    with private_server(tcp=True) as server, plain_client(server) as client:
        assert server.tcp_url is not None
        client.config_set("save", "")
        print(f"one in {EVERY} of a queue of {size:,} that another process fills and drains, about 1,000 a second each")
        for name, operation in OUT_OF_QUEUE.items():
            client.flushall()
            live_queue.fill(client, size, EVERY)
            with tempfile.TemporaryDirectory() as home:
                async with operator(server.tcp_url, Path(home)) as (operations, _):
                    with live_queue.traffic(server.tcp_url, size, pause=0.001) as seen:
                        started = time.perf_counter()
                        plan = await operations.plan("prod", operation(choice))
                        planned, used = time.perf_counter(), server_seconds(client)
                        with neighbour(server) as late:
                            run = operations.start(plan, operations.question(plan).expected)
                            outcome = await run.wait()
                            ended = time.perf_counter()
                        used = server_seconds(client) - used
            assert outcome.ending == "done", outcome
            out = _taken_out(client, name)
            live_queue.check(seen, client.lrange(live_queue.KEY, 0, -1), out, every=EVERY, ordered=name == "move")
            assert len(out) == outcome.tally.done
            print(
                f"{name:8} {outcome.tally.done:,} of {plan.count:,}: plan {planned - started:.1f} s, run"
                f" {ended - planned:.1f} s, server {used:.1f} s CPU; meanwhile {len(seen.ran):,} ran and"
                f" {seen.end - size:,} came; exact; PING p99 {late[int(len(late) * 0.99)] * 1000:.1f},"
                f" worst {late[-1] * 1000:.1f} ms"
            )
        _one_by_one(server, client, size)


def _taken_out(client: redis.Redis, name: str) -> list[int]:
    found: Any
    if name == "move":
        found = client.lrange("queue:low", 0, -1)
        return live_queue.oldest_first(found)
    keys: Any = client.keys("sqtui:trash:*")
    found = (
        client.zrange("dead", 0, -1) if name == "kill" else [one for key in keys for one in client.lrange(key, 0, -1)]
    )
    return [live_queue.number_of(one) for one in found]


def _one_by_one(server: EmbeddedRedis, client: redis.Redis, size: int) -> None:
    """What Ruby's `job.delete` sends for each, at even distances."""
    client.flushall()
    live_queue.fill(client, size, EVERY)
    step = size // EVERY // REMOVED_ALONE * EVERY
    with neighbour(server) as late:
        started = time.perf_counter()
        for number in range(0, step * REMOVED_ALONE, step):
            client.lrem(live_queue.KEY, 1, live_queue.made(number, EVERY).decode())
        each = (time.perf_counter() - started) / REMOVED_ALONE
    print(
        f"LREM, as Ruby's job.delete: {each * 1000:.0f} ms each, so {each * size / EVERY / 60:,.0f} minutes for all;"
        f" PING worst {late[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["queue"]:
        asyncio.run(big_queue(int(given[1]) if len(given) > 1 else SIZE))
    else:
        asyncio.run(bulk(int(given[0]) if given else JOBS))
