"""Following a job from place to place: what is found, what it costs, what cannot be told."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.presentation.job_trail import moved_words, spot_words
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_follow import MOST_PLACES, Spot, find_again

NOW = 1_795_314_150.0
PROCESS = "app-1:1:aa"
QUEUE = Place("queue", "low")


def payload(**fields: object) -> bytes:
    return json.dumps({"class": "A", "args": [], "jid": "abc", "queue": "low", "retry": True} | fields).encode()


def running(entry: bytes) -> str:
    return json.dumps({"queue": "low", "payload": entry.decode(), "run_at": 5})


async def at(db: Database, job: JobRecord, identities: tuple[str, ...] = ()) -> Spot | None:
    return await find_again(db, job, identities, NOW)


async def test_what_stays_where_it_is_costs_one_trip(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {payload(retry_count=0): NOW + 20})
    await raw.lpush("queue:low", b"other", payload())
    job = JobRecord(payload(retry_count=0), Place("retry"), NOW + 20)
    found = await at(db, job, (PROCESS,))
    assert found is not None
    assert (found.job.identity, found.job.score, found.sure) == (job.identity, NOW + 20, True)
    assert db.trips == 1
    found = await at(db, JobRecord(payload(), QUEUE))
    assert found is not None
    assert (found.place, found.sure, db.trips) == (QUEUE, True, 2)


async def test_it_is_found_in_its_queue_by_its_jid_after_the_poller_took_it_from_retries(
    db: Database, raw: redis.asyncio.Redis
) -> None:
    await raw.lpush("queue:low", payload(retry_count=0, enqueued_at=5), *(b"later" for _ in range(40)))
    job = JobRecord(payload(retry_count=0), Place("retry"), NOW)
    after = await at(db, job)
    assert after is not None
    assert after.job.raw == payload(retry_count=0, enqueued_at=5)
    assert moved_words(Spot(job), after) == "moved from retry to low"
    assert db.trips == 2


async def test_it_runs_fails_and_dies(db: Database, raw: redis.asyncio.Redis) -> None:
    waiting = JobRecord(payload(), QUEUE)
    await raw.hset(f"{PROCESS}:work", "t1", running(payload()))
    runs = await at(db, waiting, (PROCESS,))
    assert runs is not None
    assert runs.work is not None
    assert moved_words(Spot(waiting), runs) == spot_words(runs) == f"running on {PROCESS}"
    await raw.delete(f"{PROCESS}:work")
    await raw.zadd("retry", {payload(retry_count=0, jid="other"): NOW + 16, payload(retry_count=0): NOW + 20})
    failed = await at(db, runs.job, (PROCESS,))
    assert failed is not None
    assert (failed.place, failed.job.retry_count) == (Place("retry"), 0)
    assert moved_words(runs, failed) == f"moved from {PROCESS} to retry"
    await raw.delete("retry")
    await raw.zadd("dead", {payload(retry_count=25): NOW, b"x": NOW - 1})
    died = await at(db, failed.job)
    assert died is not None
    assert moved_words(failed, died) == "moved from retry to dead"


@pytest.mark.parametrize("count", [3, 10, 24])
async def test_a_late_try_is_looked_for_at_its_own_time(db: Database, raw: redis.asyncio.Redis, count: int) -> None:
    """Thousands of other retries lie before it."""
    job = JobRecord(payload(retry_count=count - 1), Place("work"))
    for number in range(2000):
        await raw.zadd("retry", {f"{number}".encode(): NOW - 60 + number / 1000})
    await raw.zadd("retry", {payload(retry_count=count): NOW + count**4 + 15 + 10 * count})
    found = await at(db, job)
    assert found is not None
    assert found.job.retry_count == count


async def test_what_is_nowhere_is_gone_and_the_depth_of_a_long_queue_is_not_known(
    db: Database, raw: redis.asyncio.Redis
) -> None:
    job = JobRecord(payload(), QUEUE)
    assert await at(db, job) is None
    assert moved_words(Spot(job), None).startswith("gone from low: done or deleted")
    await raw.lpush("queue:low", *(f"{number}" for number in range(2 * MOST_PLACES + 1)))
    deep = await at(db, job)
    assert deep == Spot(job, sure=False)
    assert moved_words(Spot(job), deep) == ""
    assert await at(db, JobRecord(payload(), Place("retry"), NOW)) is None


async def test_work_that_may_not_be_read_stops_nothing_and_a_set_of_a_wrong_type_is_told(
    db: Database, raw: redis.asyncio.Redis
) -> None:
    await raw.set(f"{PROCESS}:work", "x")
    await raw.lpush("queue:low", payload())
    found = await at(db, JobRecord(payload(), QUEUE), (PROCESS,))
    assert found is not None
    assert found.place == QUEUE
    await raw.set("dead", "x")
    with pytest.raises(WrongType):
        await at(db, JobRecord(payload(), QUEUE))
