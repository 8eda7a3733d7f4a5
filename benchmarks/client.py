"""Pushes a second, one by one and in bulk, beside Ruby's in the same run where this machine has it.

Run: python -m benchmarks.client        (SQTUI_RUBY_ROOTS: see tests/support/ruby.py)
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from benchmarks.common import database, plain_client, private_server
from sidekiq_tui.sidekiq.client import Client
from tests.support.ruby import Ruby, rubies

ROUNDS = 7
ONE_BY_ONE = 2000
BULK = 20_000

RUBY = """
def timed
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
end
item = { "class" => "NoOp", "queue" => "default" }
lists = (1..GIVEN["bulk"]).map { |number| [number, "order", { "currency" => "EUR" }] }
Sidekiq::Client.push(item.merge("args" => []))
alone = timed { lists.first(GIVEN["one"]).each { |args| Sidekiq::Client.push(item.merge("args" => args)) } }
bulk = timed { Sidekiq::Client.push_bulk(item.merge("args" => lists)) }
answer([alone, bulk])
"""


async def ours(url: str) -> tuple[float, float]:
    """Seconds for pushes one by one, and for one bulk push."""
    lists = [[number, "order", {"currency": "EUR"}] for number in range(BULK)]
    item = {"class": "NoOp", "queue": "default"}
    async with database(url) as db:
        client = Client(db)
        await client.push({**item, "args": []})

        async def alone() -> None:
            for args in lists[:ONE_BY_ONE]:
                await client.push({**item, "args": args})

        async def bulk() -> None:
            await client.push_bulk({**item, "args": lists})

        return await _seconds(alone), await _seconds(bulk)


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def main() -> None:
    """Prints medians of interleaved rounds, and how they compare."""
    with private_server(tcp=True) as server, plain_client(server) as redis:
        url = server.tcp_url
        assert url is not None

        def python() -> tuple[float, float]:
            return asyncio.run(ours(url))

        def in_ruby(ruby: Ruby) -> Callable[[], tuple[float, float]]:
            return lambda: ruby.run(url, RUBY, one=ONE_BY_ONE, bulk=BULK)

        runs: dict[str, Callable[[], tuple[float, float]]] = {"Python": python}
        runs |= {f"Ruby, {ruby.version}": in_ruby(ruby) for ruby in rubies()}
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                redis.flushall()
                seconds[name].append(run())
        base = [statistics.median(part) for part in zip(*seconds["Python"], strict=True)]
        for name, measured in seconds.items():
            alone, bulk = (statistics.median(part) for part in zip(*measured, strict=True))
            print(
                f"{name:12} {ONE_BY_ONE / alone:9,.0f} pushes/s, {BULK / bulk:9,.0f} jobs/s in bulk;"
                f" Python is {alone / base[0]:.2f} and {bulk / base[1]:.2f} times as fast"
            )
        if len(runs) == 1:
            print("no Ruby Sidekiq on this machine")


if __name__ == "__main__":
    main()
