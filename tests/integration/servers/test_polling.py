"""Pollers on a real server: what a poll costs on the wire, and what its snapshots say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.registry import Registry
from tests.support.proxy import FaultProxy
from tests.support.watch import Watched, eventually


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        yield proxy


def profile(proxy: FaultProxy, name: str = "a", **changes: Any) -> Profile:
    return replace(Profile.from_url(proxy.url, name), poll_interval=0.05, **changes)


async def test_a_poll_is_one_round_trip_and_news_cost_one_more_once(
    proxy: FaultProxy, raw: Any, load_dump: Any
) -> None:
    load_dump("8.1.7", ttl=True)
    async with Watched(profile(proxy)) as watched:
        await watched.until(lambda snapshot: snapshot.overview is not None)
        for _ in range(2):
            await watched.until(lambda snapshot: True)
        proxy.reset()
        start = len(watched.seen)
        for _ in range(5):
            await watched.until(lambda snapshot: True)
        trips, polls = proxy.wire.trips, len(watched.seen) - start
        assert trips in (polls, polls + 1)  # the next poll may be on the wire already
        await raw.sadd("queues", "brand-new")
        await raw.lpush("queue:brand-new", b"{}")
        found = await watched.until(lambda s: any(q.name == "brand-new" and q.size == 1 for q in s.overview.queues))
        assert found.error is None
        for _ in range(3):
            await watched.until(lambda snapshot: True)
        trips, polls = proxy.wire.trips, len(watched.seen) - start
        assert trips in (polls + 1, polls + 2)
        assert proxy.wire.connections == 0
        assert "MULTI" not in proxy.wire.names


async def test_a_snapshot_tells_state_series_and_rates(proxy: FaultProxy, raw: Any) -> None:
    await raw.mset({"stat:processed": 1000, "stat:failed": 10})
    async with Watched(profile(proxy)) as watched:
        assert watched.registry.snapshot("a").health.state == "connecting"
        first = await watched.until(lambda snapshot: snapshot.overview is not None)
        assert first.rates is None
        assert first.taken_at is not None
        assert not first.stale(first.taken_at)
        for total in range(1100, 2000, 100):
            await raw.set("stat:processed", total)
            last = await watched.until(lambda s, total=total: s.overview.processed == total)  # type: ignore[misc]
        assert last.rates is not None
        assert last.rates.processed is not None
        assert last.rates.processed > 0
        assert last.rates.failed == 0
        points = last.series.points("processed", 60, 10, last.taken_at or 0.0)
        assert points[-1] is not None
        assert points[0] is None
        assert last.series.last("enqueued") == 0
        await raw.set("stat:processed", 5)
        reset = await watched.until(lambda s: s.overview.processed == 5)
        assert reset.rates is None


async def test_pause_resume_refresh_and_view(proxy: FaultProxy) -> None:
    slow = replace(profile(proxy), poll_interval=3600.0)
    async with Watched(slow) as watched:
        await watched.until(lambda snapshot: snapshot.overview is not None)
        before = len(watched.seen)
        watched.registry.refresh("a")
        await watched.until(lambda snapshot: True)
        watched.registry.pause()
        watched.registry.refresh()
        await watched.until(lambda snapshot: True)
        watched.registry.resume()
        await watched.until(lambda snapshot: True)
        assert len(watched.seen) == before + 3
        assert watched.registry.snapshot("a").interval == 3600.0
        watched.registry.view([])
        watched.registry.refresh()
        assert (await watched.until(lambda snapshot: True)).interval == 3 * 3600.0
    now = 1_700_000_000.0
    later = Registry([slow], clock=lambda: now)
    later.start()
    try:
        await eventually(lambda: later.snapshot("a").overview is not None)
        later.view([])
        now += 3601.0  # older than its interval in view, younger than the one out of view
        later.view(["a"])
        await eventually(lambda: later.snapshot("a").taken_at == now)
    finally:
        await later.stop()


async def test_a_paused_registry_asks_nothing(proxy: FaultProxy) -> None:
    async with Watched(profile(proxy)) as watched:
        await watched.until(lambda snapshot: snapshot.overview is not None)
        watched.registry.pause()
        watched.registry.refresh()  # the poll under way ends, then this one
        await watched.until(lambda snapshot: True)
        await asyncio.sleep(0.2)
        proxy.reset()
        await asyncio.sleep(0.3)
        assert proxy.wire.commands == []


async def test_names_order_and_unsubscribing(proxy: FaultProxy) -> None:
    profiles = [profile(proxy, "a"), profile(proxy, "b", favorite=True), profile(proxy, "c")]
    registry = Registry(profiles)
    assert registry.servers == ("b", "a", "c")
    heard: list[str] = []
    forget = registry.subscribe(lambda snapshot: heard.append(snapshot.server))
    forget()
    forget()
    registry.start()
    registry.start()
    await eventually(lambda: all(registry.snapshot(name).overview is not None for name in registry.servers))
    await registry.stop()
    await registry.stop()
    assert heard == []
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("poll", "read"))]
    with pytest.raises(ValueError, match="same name"):
        Registry([profiles[0], profiles[0]])


async def test_warnings_of_a_server_that_is_not_well(proxy: FaultProxy, raw: Any) -> None:
    await raw.sadd("queues", "mailers")
    await raw.lpush("queue:mailers", b"{}", b"{}")
    async with Watched(profile(proxy)) as watched:
        found = await watched.until(lambda snapshot: snapshot.overview is not None)
    assert found.health.state == "bad"
    assert found.health.warnings[0] == "no process: is alive while 2 jobs wait"
