"""Servers, queues, jobs and processes as a screen would see them, for tests of how they read."""

from __future__ import annotations

import json
from typing import Any, Final

from sidekiq_tui.servers.health import Health, Reason
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.series import Rates, Series
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.process import Capsule, Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.sidekiq.work import Work

NOW: Final = 1_795_314_142.0


def queue(name: str = "default", size: int | None = 3, latency: float | None = 42.0, **more: Any) -> QueueSummary:
    """A queue that one process serves."""
    values = {"oldest_at": None, "paused": False, "processes": 1} | more
    return QueueSummary(name=name, size=size, latency=latency, **values)


def process(**more: Any) -> Process:
    """A running process of Sidekiq 8.1.7."""
    values: dict[str, Any] = {
        "identity": "app-1:5916:0123456789ab",
        "hostname": "app-1",
        "pid": 5916,
        "tag": "shop",
        "labels": ("reliable",),
        "queues": ("critical", "default"),
        "capsules": (Capsule("default", 4, "weighted", {"critical": 4, "default": 1}),),
        "weights": {},
        "concurrency": 4,
        "busy": 3,
        "rss": 480 * 1024**2,
        "rtt": 0.0012,
        "started_at": NOW - 6 * 86400 - 5 * 3600,
        "beat": NOW - 2,
        "quiet": False,
        "status": "running",
        "stale": False,
        "version": "8.1.7",
        "embedded": False,
        "signals": (),
        "leader": False,
    }
    return Process(**values | more)


def overview(**more: Any) -> Overview:
    """A server with two queues and one process."""
    values: dict[str, Any] = {
        "read_at": NOW - 1,
        "rtt": 0.0014,
        "processed": 1_234_738,
        "failed": 8995,
        "retries": 932,
        "scheduled": 12_100,
        "dead": 41,
        "overdue_retries": 0,
        "overdue_scheduled": 0,
        "queues": (queue("default", 1702, 3.0), queue("mailers", 2310, 42.9)),
        "processes": (process(),),
        "leader": None,
        "redis": RedisInfo(version="7.2.4", used_memory=1_288_490_189, maxmemory=0, clients=41),
        "sidekiq_versions": ("8.1.7",),
        "edition_signs": (),
        "denied": {},
    }
    return Overview(**values | more)


def snapshot(
    server: str = "prod",
    label: str | None = "production",
    state: Any = "ok",
    reasons: tuple[Reason, ...] = (),
    series: Series | None = None,
    **more: Any,
) -> ServerSnapshot:
    """A server that was read a second ago."""
    values: dict[str, Any] = {"taken_at": NOW - 1, "overview": overview(), "rates": Rates(812.4, 3.13)} | more
    return ServerSnapshot(
        server=server,
        profile=Profile(name=server, label=label),
        health=Health(state, reasons),
        state_since=NOW - 660,
        series=(series or Series()).view,
        **values,
    )


def job(
    kind: PlaceKind = "retry",
    score: float | None = NOW + 48,
    raw: bytes | None = None,
    klass: str = "Invoice::ChargeJob",
    **fields: Any,
) -> JobRecord:
    """A job that failed some times; `raw` instead of fields for bytes that are none."""
    payload = {
        "class": klass,
        "args": [42, {"currency": "EUR"}],
        "jid": "e5d1f0a92b7c4410af3391d2",
        "queue": "critical",
        "retry": True,
        "created_at": NOW - 14_520,
        "enqueued_at": NOW - 312,
        "retry_count": 6,
        "error_class": "Payments::GatewayTimeout",
        "error_message": "504 from acquirer",
    } | fields
    return JobRecord(
        json.dumps({key: value for key, value in payload.items() if value is not None}).encode()
        if raw is None
        else raw,
        Place(kind, "critical" if kind == "queue" else None),
        score,
    )


def work(identity: str = "app-1:5916:0123456789ab", **more: Any) -> Work:
    """A job in progress."""
    values: dict[str, Any] = {
        "tid": "3wm",
        "queue": "reports",
        "run_at": NOW - 4 * 3600 - 12 * 60,
        "job": job("work", None),
    }
    return Work(identity=identity, **values | more)
