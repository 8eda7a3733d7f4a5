"""Histograms of many classes at once, and how long classes usually take."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.histogram import Form, add_up, read_histograms
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.metrics import for_job, top_jobs
from sidekiq_tui.sidekiq.usual_times import usual_times

NOW = 1_795_313_190.0
MINUTE = 1_795_313_160.0
KEYS = Keys()
ONLY_8: frozenset[Form] = frozenset((8,))


def counters(**runs: int) -> bytes:
    """A histogram: `b3=7` are seven runs in the fourth bucket."""
    values = [runs.get(f"b{index}", 0) for index in range(26)]
    return struct.pack(">26H", *values)


async def write(raw: redis.asyncio.Redis, name: str, at: float, counts: bytes, ms: int = 0, *, form: int = 8) -> None:
    """What a process of that version leaves in a minute."""
    when = datetime.fromtimestamp(at, UTC)
    runs = sum(struct.unpack(">26H", counts))
    fields = {f"{name}|p": runs, f"{name}|ms": ms}
    if form == 8:
        await raw.set(KEYS.histogram(name, when), counts)
        for key in (KEYS.metrics_minute(when), KEYS.metrics_ten_minutes(when)):
            for field, by in fields.items():
                await raw.hincrby(key, field, by)
    else:
        await raw.set(KEYS.histogram_v7(name, when), counts)
        for field, by in fields.items():
            await raw.hincrby(KEYS.metrics_minute_v7(when), field, by)


async def test_many_classes_in_one_trip(raw: redis.asyncio.Redis, db: Database) -> None:
    await write(raw, "A", MINUTE, counters(b0=1))
    await write(raw, "A", MINUTE, counters(b0=2), form=7)
    await write(raw, "B", MINUTE - 60, counters(b25=9))
    found = await read_histograms(db, {"A": [MINUTE, MINUTE - 60], "B": [MINUTE, MINUTE - 60], "C": [MINUTE]})
    assert {name: {at: sum(counts) for at, counts in minutes.items()} for name, minutes in found.items()} == {
        "A": {MINUTE: 3},
        "B": {MINUTE - 60: 9},
    }
    assert db.trips == 1
    only_new = await read_histograms(db, {"A": [MINUTE]}, ONLY_8)
    assert add_up(only_new["A"].values())[0] == 1


async def test_trips_are_bounded_by_what_is_asked(db: Database) -> None:
    minutes = [MINUTE - 60 * age for age in range(60)]
    await read_histograms(db, {f"C{number}": minutes for number in range(40)}, ONLY_8)
    assert db.trips == 1
    db.trips = 0
    await read_histograms(db, {})
    assert db.trips == 0


async def test_what_may_not_be_read_is_said(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", "nopass", "~j|*", "~*-marks", "+@all")  # type: ignore[no-untyped-call]
    await write(raw, "A", MINUTE, counters(b0=5))
    await raw.execute_command("AUTH", "narrow", "x")  # type: ignore[no-untyped-call]
    assert (await top_jobs(db, NOW)).jobs["A"].processed == 5
    with pytest.raises(Forbidden):
        await read_histograms(db, {"A": [MINUTE]})
    assert await usual_times(db, ["A"], NOW) == {}
    alone = await for_job(db, "A", NOW)
    assert (alone.jobs["A"].processed, alone.jobs["A"].histogram) == (5, {})
    assert alone.histograms_denied == "this user may not run MGET here (NOPERM)"


async def test_minutes_worth_reading(raw: redis.asyncio.Redis, db: Database) -> None:
    for age in range(30):
        await write(raw, "A", MINUTE - 60 * age, counters(b0=1))
    metrics = await top_jobs(db, NOW)
    assert metrics.minutes("A", 60) == tuple(MINUTE - 60 * age for age in reversed(range(30)))
    some = metrics.minutes("A", 10)
    assert len(some) == 10
    assert some[1] - some[0] == 180
    assert metrics.minutes("unknown", 10) == ()
    by_hours = await top_jobs(db, NOW, hours=24)
    assert set(metrics.minutes("A", 60)) <= set(by_hours.minutes("A", 60))
    assert len(by_hours.minutes("A", 480)) <= 40


async def test_usual_times_of_all_classes_in_two_trips(raw: redis.asyncio.Redis, db: Database) -> None:
    await write(raw, "Quick", MINUTE - 600, counters(b2=100), ms=3000)
    await write(raw, "Rare", MINUTE - 6 * 3600, counters(b10=20), ms=20_000)
    await write(raw, "Once", MINUTE, counters(b0=1), ms=10)
    await write(raw, "Long", MINUTE - 1800, counters(b25=10), ms=20_000_000)
    times = await usual_times(db, ["Quick", "Rare", "Once", "Long", "Never", "Quick"], NOW)
    assert db.trips == 2
    assert set(times) == {"Quick", "Rare", "Long"}
    assert 0.03 < times["Quick"] < 0.045
    assert 0.75 < times["Rare"] < 1.1
    assert times["Long"] > 2000


async def test_usual_times_of_version_7(raw: redis.asyncio.Redis, db: Database) -> None:
    await write(raw, "Quick", MINUTE - 600, counters(b2=100), ms=3000, form=7)
    await write(raw, "Slow", MINUTE - 600, counters(b25=100), ms=90_000_000, form=7)
    times = await usual_times(db, ["Quick", "Slow"], NOW)
    assert set(times) == {"Quick"}  # by how much the other goes over 335 s is known of version 8 alone
    assert db.trips == 2


async def test_usual_times_where_there_are_none(db: Database) -> None:
    assert await usual_times(db, [], NOW) == {}
    assert db.trips == 0
    assert await usual_times(db, ["A"], NOW) == {}
