"""Servers as the boards draw them, made up: what no poll needs to bring."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.series import Rates, Series, SeriesView
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.history import Day, History
from sidekiq_tui.sidekiq.overview import QueueSummary
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.tui.app import SqtuiApp
from tests.support.tui import (
    NOW,
    FakeRegistry,
    make_overview,
    make_process,
    make_queue,
    make_snapshot,
    make_state,
    offline,
)


class Answering:
    """A server whose days are known."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[int] = []

    async def history(self, days: int) -> History:
        """The days."""
        self.asked.append(days)
        today = datetime.fromtimestamp(NOW, UTC).date()
        return History(tuple(Day(today - timedelta(days=back), 900_000 + 20_000 * back, 4_000) for back in range(days)))


class Registry(FakeRegistry):
    """Servers that can be read for their days."""

    def __init__(self, *snapshots: ServerSnapshot) -> None:
        super().__init__(*snapshots)
        self.handles = {name: Answering(name) for name in self.servers}

    def server(self, name: str) -> Any:
        """The handle."""
        return self.handles[name]


def history(rate: float, queues: tuple[QueueSummary, ...], seconds: int = 1800) -> SeriesView:
    """What half an hour of polls left behind."""
    series, chance = Series(), random.Random(7)
    waiting = sum(queue.size or 0 for queue in queues)
    for back in range(seconds, -1, -5):
        wave = 0.75 + 0.25 * math.sin(back / 400)
        at = NOW - back
        series.add(at, "processed", rate * wave)
        series.add(at, "failed", rate * 0.004 * wave * chance.uniform(0.5, 1.5))
        series.add(at, "enqueued", waiting * (1 - back / 4000))
        series.add(at, "latency", max((queue.latency or 0.0 for queue in queues), default=0.0) * wave)
        series.add_queues(at, _readings(queues, wave))
    return series.view


def _readings(queues: tuple[QueueSummary, ...], wave: float) -> Iterator[tuple[str, float | None, float | None]]:
    return ((queue.name, (queue.size or 0) * wave, (queue.latency or 0.0) * wave) for queue in queues)


QUEUES = (
    make_queue("critical", 0, 0.0, processes=12),
    make_queue("default", 1702, 3.0, processes=12),
    make_queue("exports", 3, 7440.0, processes=0),
    make_queue("imports", 12, 90.0, processes=2, paused=True),
    make_queue("low", 199, 9.0, processes=4),
    make_queue("mailers", 2310, 42.0, processes=2),
)
REDIS = RedisInfo(
    version="7.2.4",
    server="redis",
    used_memory=1_200_000_000,
    used_memory_peak=1_500_000_000,
    maxmemory=4_294_967_296,
    maxmemory_policy="noeviction",
    clients=41,
    uptime=86400 * 31,
)
SERVED = tuple(queue.name for queue in QUEUES if queue.processes)
PROCESSES = (
    make_process(40, 50, queues=SERVED),
    make_process(50, 50, queues=SERVED, identity="app-3:118:b", hostname="app-3", pid=118, rss=1_288_490_188),
    make_process(
        28,
        50,
        queues=SERVED,
        identity="app-4:9:c",
        hostname="app-4",
        pid=9,
        quiet=True,
        status="quiet",
        version="7.3.10",
    ),
)


def prod() -> ServerSnapshot:
    """Busy, and well."""
    overview = make_overview(*QUEUES, redis=REDIS, processes=PROCESSES, retries=932, scheduled=12_100, dead=41)
    return make_snapshot("prod", label="production", overview=overview, series=history(812.0, QUEUES))


def shop() -> ServerSnapshot:
    """In trouble."""
    queues = (make_queue("default", 88_000, 840.0, processes=5), make_queue("low", 51, 9.0))
    reasons = (
        Reason("bad", "failures", "9.1% of jobs, Net::ReadTimeout leads with 61%"),
        Reason("warn", "dead set", "9,912 of 10,000: the oldest are lost next"),
    )
    overview = make_overview(*queues, busy=10, redis=REDIS, retries=12_400, dead=9_912, rtt=0.081)
    return make_snapshot(
        "shop-eu",
        "bad",
        label="production",
        reasons=reasons,
        overview=overview,
        rates=Rates(140.0, 12.7),
        series=history(140.0, queues),
    )


def world() -> Registry:
    """These, a quiet one, and one that is away."""
    away = offline("dev", ServerUnreachable("connection refused by 10.0.0.7:6379", hint="is it running?"))
    staging = make_snapshot("staging", label="staging", rates=Rates(11.0, 0.0), series=history(11.0, ()))
    return Registry(prod(), staging, shop(), away)


def app_of(registry: FakeRegistry, view: str, scope: str | None = None) -> SqtuiApp:
    """The app over them."""
    return SqtuiApp(make_state(registry, scope=scope), start_view=view)
