"""What the merged screens cost on the wire: trips and bytes of each server, whatever the lengths of its lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.screens.merged_queue import MergedQueueScreen
from sidekiq_tui.tui.widgets.rows import PAGE_SIZE
from tests.support.across import SERVERS, across_app, interleaved
from tests.support.fleets import client, fill_sets
from tests.support.job_lists import NOW, job, listed, ready, shown
from tests.support.live import Live
from tests.support.proxy import FaultProxy

JOBS = 6000
PAGE_BYTES = 4 * PAGE_SIZE * len(job(JOBS))
"""Of one server, for one page: its part may be all of it, and some are read besides to find a place."""


class Counted:
    """The app, and what goes between it and each server."""

    def __init__(self, live: Live, proxies: dict[str, FaultProxy]) -> None:
        self.live = live
        self.proxies = proxies

    def reset(self) -> None:
        for proxy in self.proxies.values():
            proxy.reset()

    @property
    def trips(self) -> list[int]:
        return [proxy.wire.trips for proxy in self.proxies.values()]

    @property
    def received(self) -> int:
        return max(proxy.wire.received for proxy in self.proxies.values())

    async def quiet(self) -> None:
        """Nothing is being read, and nothing is wanted."""
        screen = listed(self.live)
        await self.live.until(lambda: not screen._reading and self.live.table.wanted is None)  # type: ignore[attr-defined]


@pytest.fixture
def long_lists(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """Thousands of jobs in all three sets and one queue, in turns on each server."""
    data = interleaved(JOBS)
    fill_sets(many_databases, "retry", data)
    for database, jobs in enumerate(data):
        with client(many_databases, database) as raw:
            raw.zadd("schedule", jobs)
            raw.zadd("dead", jobs)
            raw.sadd("queues", "default")
            numbers = range(database, JOBS, len(SERVERS))
            raw.lpush("queue:default", *(job(one, enqueued_at=int((NOW - JOBS + one) * 1000)) for one in numbers))
    return many_databases


@asynccontextmanager
async def counted(server: EmbeddedRedis, folder: Path, view: str) -> AsyncIterator[Counted]:
    """The app with a proxy before each server; polls are an hour apart."""
    async with AsyncExitStack() as stack:
        proxies = {}
        for name in SERVERS:
            (folder / name).mkdir()
            proxies[name] = await stack.enter_async_context(FaultProxy(server.socket, folder / name))
        sockets = {name: proxy.socket for name, proxy in proxies.items()}
        app = across_app(server, view=view, sockets=sockets, poll_interval=3600)
        live = await stack.enter_async_context(app)
        await live.until(lambda: all(name in live.state.unfinished for name in SERVERS))  # asked once, at the start
        yield Counted(live, proxies)


@pytest.mark.parametrize("chord", ["r", "s", "x"], ids=["retries", "scheduled", "dead"])
async def test_a_page_of_a_merged_set_costs_a_page_of_each(
    long_lists: EmbeddedRedis, tmp_path: Path, chord: str
) -> None:
    async with counted(long_lists, tmp_path, "servers") as wire:
        wire.reset()
        await wire.live.pilot.press("g", chord)
        await ready(wire.live)
        await wire.quiet()
        assert wire.trips == [1, 1, 1]
        assert wire.received <= PAGE_BYTES
        wire.reset()
        await wire.live.pilot.press("G")
        await wire.live.until(lambda: len(shown(wire.live)) > 10 and shown(wire.live)[-1] in (0, JOBS - 1))
        await wire.quiet()
        assert all(one <= 2 for one in wire.trips), wire.trips
        assert wire.received <= 2 * PAGE_BYTES
        wire.reset()
        await wire.live.pilot.press(*["pageup"] * 4)
        await wire.quiet()
        assert all(one <= 4 for one in wire.trips), wire.trips
        assert wire.received <= 4 * PAGE_BYTES


async def test_a_page_of_a_merged_queue_costs_a_page_of_each(long_lists: EmbeddedRedis, tmp_path: Path) -> None:
    async with counted(long_lists, tmp_path, "queues") as wire:
        await wire.live.sees("Queues 3")
        await wire.live.pilot.press("l")
        await wire.live.sees("Queues 1")
        wire.reset()
        await wire.live.pilot.press("enter")
        await wire.live.until(lambda: isinstance(wire.live.app.screen, MergedQueueScreen))
        await ready(wire.live)
        await wire.quiet()
        assert wire.trips == [1, 1, 1]
        assert wire.received <= PAGE_BYTES
        wire.reset()
        await wire.live.pilot.press("G")
        await wire.live.until(lambda: shown(wire.live)[-1:] == [0])
        await wire.quiet()
        assert all(one <= 3 for one in wire.trips), wire.trips
        wire.reset()
        listed(wire.live).table.place(JOBS // 2)
        await wire.live.until(lambda: wire.live.table.current is not None)
        await wire.quiet()
        assert all(one <= 4 for one in wire.trips), wire.trips
        middle = shown(wire.live)
        assert middle == sorted(middle, reverse=True)
        assert abs(middle[0] - JOBS // 2) < 2 * PAGE_SIZE


@pytest.mark.parametrize("view", ["retries", "workers", "errors", "metrics", "search", "dashboard"])
async def test_a_screen_that_is_not_seen_costs_nothing(long_lists: EmbeddedRedis, tmp_path: Path, view: str) -> None:
    async with counted(long_lists, tmp_path, view) as wire:
        await wire.live.until(lambda: "reading" not in wire.live.body)
        await wire.live.pilot.press("g", "v")
        await wire.live.sees("as configured")
        await wire.live.pilot.pause()
        wire.reset()
        for name in SERVERS:
            await wire.live.until(lambda: wire.live.server(name)._database is not None)  # noqa: B023
            wire.live.state.registry.refresh(name)
        await wire.live.until(lambda: all(wire.trips))
        await wire.live.pilot.pause(0.3)
        assert wire.trips == [1, 1, 1]


async def test_the_boards_cost_their_polls_alone(long_lists: EmbeddedRedis, tmp_path: Path) -> None:
    async with counted(long_lists, tmp_path, "servers") as wire:
        await wire.live.sees("as configured")
        wire.reset()
        await wire.live.pilot.press("g", "d")
        await wire.live.sees("Servers 3")
        await wire.live.pilot.press("j", "o", "g", "q", "l", "h", "g", "v", "o")
        await wire.live.sees("worst first")
        assert wire.trips == [0, 0, 0]
