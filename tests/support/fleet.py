"""A fleet of Sidekiq processes as they stand in Redis, made by hand: what no recording has."""

from __future__ import annotations

import json
from typing import Any

from tests.support.tui import NOW


async def process(raw: Any, name: str, pid: int, *, beat: float = 2.0, ttl: bool = True, **said: Any) -> str:
    """Writes a process as Sidekiq 8 would; `said` overrides fields of hash and info."""
    identity = f"{name}:{pid}:aa"
    info = {
        "hostname": name,
        "pid": pid,
        "tag": said.get("tag", "shop"),
        "started_at": NOW - said.get("up", 90_000),
        "concurrency": said.get("concurrency", 5),
        "queues": list(said.get("queues", {"default": 1})),
        "capsules": {
            "default": {"concurrency": 5, "mode": "weighted", "weights": said.get("queues", {"default": 1})},
            **said.get("capsules", {}),
        },
        "labels": said.get("labels", []),
        "version": said.get("version", "8.1.7"),
        "embedded": said.get("embedded", False),
        "identity": identity,
    }
    fields = {
        "info": json.dumps(info),
        "busy": said.get("busy", 0),
        "concurrency": said.get("concurrency", 5),
        "beat": repr(NOW - beat),
        "quiet": said.get("quiet", "false"),
        "rss": said.get("rss", 480 * 1024),
        "rtt_us": 400,
    }
    await raw.sadd("processes", identity)
    await raw.hset(identity, mapping=fields)
    if ttl:
        await raw.expire(identity, 60)
    for signal in said.get("signals", ()):
        await raw.lpush(f"{identity}-signals", signal)
    return identity


async def working(
    raw: Any, identity: str, tid: str, name: str, runs: float, *args: object, queue: str = "default"
) -> None:
    """Writes a job in progress."""
    payload = json.dumps({"class": name, "args": args, "jid": f"{tid:0>24}", "queue": queue})
    said = {"queue": queue, "payload": payload, "run_at": int(NOW - runs)}
    await raw.hset(f"{identity}:work", tid, json.dumps(said))


async def fleet(raw: Any) -> None:
    """A little of everything."""
    first = await process(raw, "app-1", 5916, busy=3, queues={"critical": 4, "default": 1}, labels=["reliable"])
    await working(raw, first, "3wm", "NightlyReportJob", 15_120, "2026-11", queue="reports")
    await working(raw, first, "3x6", "ThumbnailJob", 0, 240, "img/240.png")
    await working(raw, first, "3yc", "Invoice::ChargeJob", 1, 88, {"currency": "EUR"}, queue="critical")
    serial = {"serial": {"concurrency": 1, "mode": "strict", "weights": {"serial": 0}}}
    second = await process(raw, "app-2", 5920, busy=1, quiet="true", capsules=serial)
    await working(raw, second, "4aa", "ImportJob", 411, "s3://in/2026-11.csv")
    lost = await process(raw, "mail-2", 77, beat=84, queues={"mailers": 0}, busy=5)
    await working(raw, lost, "5aa", "MailJob", 90, 1, queue="mailers")
    await process(raw, "batch-1", 9001, tag="etl", version="7.3.10", signals=["TERM"], queues={"imports": 1})
    await process(raw, "web-1", 12, tag="", embedded=True, queues={"default": 1})
    await process(raw, "old-1", 3, beat=300_000, ttl=False)
    await raw.sadd("processes", "app-9:44:bb")
    await working(raw, "app-9:44:bb", "9aa", "LeftJob", 900, 1)
    await raw.sadd("queues", "exports", "mailers")
    for _ in range(3):
        await raw.lpush("queue:exports", json.dumps({"class": "A", "args": [], "enqueued_at": NOW - 7440}))
