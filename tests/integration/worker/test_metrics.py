"""What our worker writes for the metrics, read back by the reader that is checked against Ruby's."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.metrics import Metrics, for_job, top_jobs
from sidekiq_tui.sidekiq.worker.metrics import ExecutionTracker
from tests.support.workers import quick, running, until

NOW = 1_795_313_166.0  # 2026-11-22 02:06:06 UTC


class Good(Job):
    async def perform(self, *args: Any) -> None:
        await asyncio.sleep(0.05)


class Bad(Job):
    def perform(self, *args: Any) -> None:
        raise ValueError("no")


async def _read(db: Database, now: float, *, minutes: int | None = None, hours: int | None = None) -> Metrics:
    return await top_jobs(db, now, minutes=minutes, hours=hours)


@pytest.mark.parametrize(
    ("major", "minute", "histogram", "rollups"),
    [
        (8, b"j|261122|2:06", b"h|A::B-22-2:6", {b"j|261122|2:06", b"j|261122|2:0"}),
        (7, b"j|20261122|2:6", b"A::B-22-02:6", {b"j|20261122|2:6"}),
    ],
)
async def test_keys_fields_and_lives(
    db: Database, raw: Any, major: int, minute: bytes, histogram: bytes, rollups: set[bytes]
) -> None:
    tracker = ExecutionTracker(Keys(), major, clock=lambda: NOW)
    for seconds in (0.0195, 0.020, 0.0299, 400.0):
        tracker.track("A::B", seconds, True)
    tracker.track("A::B", 9.0, False)
    tracker.track("C", 1.0, False)
    tracker.track("D|E", 0.0001, True)
    commands = tracker.flush()
    await db.read(commands)
    assert tracker.flush() == []
    wanted = {b"A::B|p": b"5", b"A::B|f": b"1", b"A::B|ms": b"400068"}
    wanted |= {b"C|p": b"1", b"C|f": b"1", b"D|E|p": b"1", b"D|E|ms": b"0"}
    assert await raw.hgetall(minute) == wanted
    keys = {key async for key in raw.scan_iter("*")}
    other = b"h|D|E-22-2:6" if major == 8 else b"D|E-22-02:6"
    assert keys == {histogram, other, *rollups}
    assert await raw.bitfield_ro(histogram, "u16", "#0", [("u16", "#1"), ("u16", "#25")]) == [1, 2, 1]
    for key in keys:
        assert 0 <= (72 if key.endswith(b"2:0") else 8) * 3600 - await raw.ttl(key) < 10
    job = (await for_job(db, "A::B", NOW, minutes=5)).jobs["A::B"]
    assert (job.processed, job.failed, job.ms) == (5, 1, 400_068)
    assert [counts[:3] for counts in job.histogram.values()] == [(1, 2, 0)]


async def test_counts_add_up_and_stop_at_the_most_a_counter_holds(db: Database, raw: Any) -> None:
    tracker = ExecutionTracker(Keys(), 8, clock=lambda: NOW)
    for _ in range(2):
        for _ in range(40_000):
            tracker.track("A", 0.001, True)
        await db.read(tracker.flush())
    assert await raw.bitfield_ro("h|A-22-2:6", "u16", "#0") == [65_535]
    assert (await _read(db, NOW, hours=1)).jobs["A"].processed == 80_000


@pytest.mark.parametrize("version", ["8.1.7", "7.3.10"])
async def test_a_worker_counts_what_it_runs_under_the_wrapped_class(
    redis_url: str, db: Database, raw: Any, version: str
) -> None:
    client = Client(db, time_form="seconds")
    await client.push_bulk({"class": "Good", "args": [[]] * 3})
    await client.push({"class": "Good", "args": [], "wrapped": "Inner"})
    await client.push({"class": "Bad", "args": []})
    await client.push({"class": "NoSuch", "args": []})
    async with running(redis_url, Good, Bad, config=quick(version=version)):
        await until(lambda: _done(raw))
    found = await _read(db, time.time(), minutes=5)
    counted = {name: (job.processed, job.failed, job.ms >= 50) for name, job in found.jobs.items()}
    assert counted == {"Good": (3, 0, True), "Inner": (1, 0, True), "Bad": (1, 1, False)}
    histograms = (await for_job(db, "Good", time.time(), minutes=5)).jobs["Good"].histogram
    assert sum(sum(counts) for counts in histograms.values()) == 3
    assert all(sum(counts[:3]) == 0 for counts in histograms.values())  # 50 ms are more than 45


async def _done(raw: Any) -> bool:
    return bool(await raw.get("stat:processed") == b"6")
