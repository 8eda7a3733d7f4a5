"""Metrics of mixed fleets, in odd shapes and amounts; deploy marks."""

from __future__ import annotations

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq import metrics
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.deploy import read_marks
from sidekiq_tui.sidekiq.histogram import decode_histogram
from sidekiq_tui.sidekiq.metrics import JobMetrics, for_job, top_jobs

# 2026-11-22 02:06:30 UTC: a minute that every version pads in another way
NOW = 1_795_313_190.0
MINUTE = 1_795_313_160.0
V7, V8, V8_TEN = "j|20261122|2:6", "j|261122|2:06", "j|261122|2:0"


async def test_a_mixed_fleet_adds_up(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset(V7, mapping={"A|p": 3, "A|f": 1, "A|ms": 200})
    await raw.hset(V8, mapping={"A|p": 2, "A|ms": 100, "B|p": 1})
    job = (await top_jobs(db, NOW)).jobs["A"]
    assert (job.processed, job.failed, job.ms) == (5, 1, 300)
    assert job.series == {"p": {MINUTE: 5}, "f": {MINUTE: 1}, "ms": {MINUTE: 300}}
    assert job.average == 75
    assert (await for_job(db, "A", NOW)).jobs["A"] == job


async def test_hours_come_from_their_own_keys(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset(V8, mapping={"A|p": 2})
    await raw.hset(V8_TEN, mapping={"A|p": 20})
    result = await top_jobs(db, NOW, hours=1)
    assert result.granularity == "hourly"
    assert result.buckets == tuple(MINUTE - 360 - 600 * age for age in reversed(range(6)))
    assert result.jobs["A"].series["p"] == {MINUTE - 360: 20}
    assert (await for_job(db, "A", NOW, hours=1)).jobs["A"].processed == 20


async def test_late_minutes_and_the_edge_of_the_period(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("j|20261122|1:46", mapping={"A|p": 1})
    await raw.hset("j|261122|1:46", mapping={"A|p": 1})
    await raw.hset("j|261122|1:06", mapping={"A|p": 1})
    assert (await top_jobs(db, NOW, minutes=21)).jobs["A"].processed == 2
    assert (await top_jobs(db, NOW, minutes=20)).jobs == {}
    assert (await top_jobs(db, NOW, minutes=61)).jobs["A"].processed == 3


async def test_histograms_of_both_versions_add_up(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.execute_command("BITFIELD", "h|A-22-2:6", "SET", "u16", "#0", 1, "SET", "u16", "#3", 7)  # type: ignore[no-untyped-call]
    await raw.execute_command("BITFIELD", "A-22-02:6", "SET", "u16", "#25", 65535)  # type: ignore[no-untyped-call]
    counts = (await for_job(db, "A", NOW)).jobs["A"].histogram[MINUTE]
    assert (counts[0], counts[3], counts[25], sum(counts)) == (1, 7, 65535, 65543)


def test_histograms_of_any_length() -> None:
    assert decode_histogram(b"\x00\x01\x01") == (1, 256, *[0] * 24)
    assert decode_histogram(b"\xff" * 1000) == (65535,) * 26
    assert decode_histogram(None) == (0,) * 26


async def test_class_names_are_split_at_the_last_bar(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset(V8, mapping={b"A|B::C\xff|p": 4, "|p": 1, "p": 9, "A|p|q": 9, "A|s": 9, "A|p": "many", "A|f": -3})
    jobs = (await top_jobs(db, NOW)).jobs
    assert {name: job.processed for name, job in jobs.items()} == {"A|B::C\udcff": 4, "": 1}
    assert (await for_job(db, "A|B::C\udcff", NOW)).jobs["A|B::C\udcff"].processed == 4


async def test_the_filter_ignores_case_and_patterns(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset(V8, mapping={"Billing::Invoice|p": 1, "Ünicode|p": 1, "Other|p": 1})
    assert (await top_jobs(db, NOW, contains="INVOICE")).jobs.keys() == {"Billing::Invoice"}
    assert (await top_jobs(db, NOW, contains="ü")).jobs.keys() == {"Ünicode"}
    assert (await top_jobs(db, NOW, contains=".*")).jobs.keys() == set()


async def test_periods_are_bounded(db: Database) -> None:
    assert len((await top_jobs(db, NOW, minutes=10_000)).buckets) == metrics.MAX_MINUTES
    assert len((await top_jobs(db, NOW, hours=10_000)).buckets) == metrics.MAX_HOURS * 6
    assert len((await top_jobs(db, NOW, minutes=-5)).buckets) == 1
    assert len((await top_jobs(db, NOW)).buckets) == 60


async def test_classes_are_bounded(raw: redis.asyncio.Redis, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_CLASSES", 3)
    await raw.hset(V8, mapping={f"C{number}|p": 1 for number in range(5)})
    result = await top_jobs(db, NOW)
    assert (len(result.jobs), result.truncated) == (3, True)


async def test_trips_depend_on_what_is_there(raw: redis.asyncio.Redis, db: Database) -> None:
    await top_jobs(db, NOW, minutes=60)
    assert db.trips == 1  # sizes and marks together
    for minute in range(7):
        await raw.hset(f"j|261122|2:0{minute}", mapping={f"C{number}|p": 1 for number in range(300)})
    db.trips = 0
    await top_jobs(db, NOW, minutes=60)
    assert db.trips == 2
    db.trips = 0
    await for_job(db, "C1", NOW, minutes=60)
    assert db.trips == 2  # counts and marks, histograms
    db.trips = 0
    await top_jobs(db, NOW, minutes=480)
    await for_job(db, "C1", NOW, minutes=480)
    assert db.trips == 3 + 3


async def test_one_hash_of_a_wrong_type(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.set(V7, "x")
    await raw.hset("h|A-22-2:6", "x", 1)
    await raw.hset(V8, mapping={"A|p": 2})
    await raw.set("20261122-marks", "x")
    result = await top_jobs(db, NOW)
    assert (result.jobs["A"].processed, result.marks) == (2, ())
    assert (await for_job(db, "A", NOW)).jobs["A"].processed == 2


def test_averages_without_a_successful_run() -> None:
    job = JobMetrics()
    assert job.average == 0.0
    job.add("p", MINUTE, 1)
    job.add("f", MINUTE, 2)
    job.add("ms", MINUTE, 50)
    assert (job.average, job.averages()) == (0.0, {MINUTE: 0.0})


async def test_marks_of_several_days(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("20261120-marks", mapping={"2026-11-20T00:00:00Z": "first", "2026-11-20T23:59:00Z": "last"})
    await raw.hset(
        "20261122-marks", mapping={"2026-11-22T02:06:00Z": b"caf\xe9", "2026-11-22T02:07:00Z": "later", "x": "y"}
    )
    marks = await read_marks(db, NOW - 2 * 86_400, NOW)
    assert [(mark.at, mark.label) for mark in marks] == [(1_795_219_140.0, "last"), (MINUTE, "caf\udce9")]
    assert db.trips == 1


async def test_marks_are_asked_for_90_days_at_most(db: Database) -> None:
    assert await read_marks(db, 0.0, NOW) == ()
    assert await read_marks(db, NOW, NOW - 1) == ()
