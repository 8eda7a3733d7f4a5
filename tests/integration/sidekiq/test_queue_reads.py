"""How a queue moves and what is in it, read from a real server: trips, prices, and what a restricted user sees."""

from __future__ import annotations

import json
import random

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.composition import FEWEST_JOBS, SAMPLE_BYTES, SAMPLE_JOBS, count_queue, sample_queue
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.queue_activity import read_activity
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1_800_000_000.0
NAMES = ("MailJob", "ChargeJob", "SearchJob")
WEIGHTS = (6, 3, 1)


def job(name: str, enqueued: float = NOW - 60, **fields: object) -> bytes:
    return json.dumps({"class": name, "args": [], "enqueued_at": int(enqueued * 1000)} | fields).encode()


async def fill(raw: redis.asyncio.Redis, size: int) -> list[str]:
    """Jobs that came one a second, the newest just now; returns their classes, newest first."""
    names = random.Random(7).choices(NAMES, WEIGHTS, k=size)
    for start in range(0, size, 500):
        jobs = (job(name, NOW - start - number) for number, name in enumerate(names[start : start + 500]))
        await raw.rpush("queue:mailers", *jobs)
    return names


async def test_a_small_queue_is_read_whole(db: Database, raw: redis.asyncio.Redis) -> None:
    names = await fill(raw, 800)
    before = db.trips
    found = await sample_queue(db, "mailers", 800)
    assert db.trips - before == 1
    assert found.complete
    assert {one.name: one.jobs for one in found.classes} == {name: names.count(name) for name in NAMES}


async def test_a_long_one_is_sampled_in_one_trip(db: Database, raw: redis.asyncio.Redis) -> None:
    names = await fill(raw, 12_000)
    before = db.trips
    found = await sample_queue(db, "mailers", 12_000)
    assert db.trips - before == 1
    assert (found.read, found.size, found.complete, found.even) == (SAMPLE_JOBS, 12_000, False, True)
    for one in found.classes:
        assert one.name is not None
        assert one.margin is not None
        assert abs(one.share - names.count(one.name) / 12_000) <= one.margin
    assert await sample_queue(db, "mailers", 12_000) == found  # nothing changed, and nothing is left to luck


async def test_large_jobs_make_a_small_sample(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.rpush("queue:mailers", *[job("Big", blob="x" * 20_000)] * 1500)
    activity = await read_activity(db, "mailers", [], NOW)
    assert activity.mean_bytes == pytest.approx(20_060, rel=0.1)
    found = await sample_queue(db, "mailers", 1500, activity.mean_bytes)
    assert FEWEST_JOBS <= found.read <= SAMPLE_BYTES / 20_000


async def test_a_queue_that_shrank_meanwhile(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 300)
    found = await sample_queue(db, "mailers", 50_000)
    assert found.size == 300
    assert found.read < 300
    assert not found.complete


async def test_no_queue(db: Database) -> None:
    assert (await sample_queue(db, "none", 0)).classes == ()
    activity = await read_activity(db, "none", [], NOW)
    assert (activity.size, activity.memory, activity.arrivals, activity.work) == (0, None, (), ())
    counted = [one async for one in count_queue(db, "none")]
    assert [(one.read, one.complete) for one in counted] == [(0, True)]


async def test_a_full_count_tells_how_far_it_is(db: Database, raw: redis.asyncio.Redis) -> None:
    names = await fill(raw, 2_300)
    counted = [one async for one in count_queue(db, "mailers")]
    assert [one.read for one in counted] == sorted(one.read for one in counted)
    assert [one.complete for one in counted] == [False] * (len(counted) - 1) + [True]
    assert counted[0].margin is None, "the newest part says nothing about the rest"
    assert {one.name: one.jobs for one in counted[-1].classes} == {name: names.count(name) for name in NAMES}


async def test_a_count_stays_right_while_workers_and_clients_go_on(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 3_000)
    last = None
    async for counted in count_queue(db, "mailers"):
        last = counted
        await raw.lpush("queue:mailers", *[job("NewJob")] * 40)
        await raw.rpop("queue:mailers", 30)
    assert last is not None
    assert last.complete
    assert 2_700 <= last.read <= 3_000 + 400


async def test_arrivals_are_counted_from_the_head(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 5_000)
    before = db.trips
    activity = await read_activity(db, "mailers", ["a:1:x", "b:2:y"], NOW)
    assert db.trips - before == 1
    assert [(one.jobs, one.seconds) for one in activity.arrivals] == [
        (30, 30.0),
        (300, 300.0),
        (3000, 3000.0),
        (4999, 4999.0),
    ]
    assert {one.rate for one in activity.arrivals} == {1.0}


async def test_what_waits_too_short_says_nothing_about_arrivals(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.rpush("queue:mailers", *(job("A", NOW - number / 100) for number in range(200)))
    assert (await read_activity(db, "mailers", [], NOW)).arrivals == ()


async def test_jobs_without_a_time_and_clocks_ahead(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.rpush("queue:mailers", *[job("A", NOW + 500)] * 100, *[b"no json"] * 250, job("A", NOW - 60))
    found = (await read_activity(db, "mailers", [], NOW)).arrivals
    assert [(one.jobs, one.seconds) for one in found] == [(350, 60.0)]


async def test_work_of_the_queue_alone(db: Database, raw: redis.asyncio.Redis) -> None:
    for tid, queue in (("t1", "mailers"), ("t2", "default"), ("t3", "mailers")):
        said = {"queue": queue, "payload": job("A").decode(), "run_at": int(NOW) - 9}
        await raw.hset("a:1:x:work", tid, json.dumps(said))
    activity = await read_activity(db, "mailers", ["a:1:x"], NOW)
    assert activity.work is not None
    assert [(one.tid, one.run_at) for one in activity.work] == [("t1", NOW - 9), ("t3", NOW - 9)]


async def test_hostile_payloads_have_no_class_or_one(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.rpush("queue:mailers", *HOSTILE_PAYLOADS)
    found = await sample_queue(db, "mailers", len(HOSTILE_PAYLOADS))
    assert found.complete
    assert found.read == len(HOSTILE_PAYLOADS)
    assert any(one.malformed for one in found.classes)
    await read_activity(db, "mailers", [], NOW)


async def test_a_key_of_another_type(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("queue:mailers", "text")
    with pytest.raises(WrongType):
        await read_activity(db, "mailers", [], NOW)
    with pytest.raises(WrongType):
        await sample_queue(db, "mailers", 10)


async def test_a_restricted_user_reads_all_of_it(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await fill(raw, 1_500)
    rules = ("reset", "on", ">secret", "~*", "+@read", "+@connection", "-@dangerous", "+info")
    await raw.execute_command("ACL", "SETUSER", "reader", *rules)  # type: ignore[no-untyped-call]
    client = redis.asyncio.Redis.from_url(
        redis_url, username="reader", password="secret", protocol=2, legacy_responses=False
    )
    limited = Database(client)
    activity = await read_activity(limited, "mailers", ["a:1:x"], NOW)
    assert activity.memory
    assert activity.work == ()
    assert (await sample_queue(limited, "mailers", activity.size, activity.mean_bytes)).even
    await client.aclose()


async def test_what_a_user_may_not_read_is_named(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await fill(raw, 40)
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">secret", "~*", "+llen", "+lindex")  # type: ignore[no-untyped-call]
    client = redis.asyncio.Redis.from_url(
        redis_url, username="reader", password="secret", protocol=2, legacy_responses=False
    )
    activity = await read_activity(Database(client), "mailers", ["a:1:x"], NOW)
    assert (activity.size, activity.memory, activity.work) == (40, None, None)
    assert "HGETALL" in activity.work_problem
    await client.aclose()
