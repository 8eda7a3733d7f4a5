"""Looking at one job again: where it is, what it costs, what does not stop it."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_watch import look_for

RAW = b'{"class":"A","args":[],"jid":"abc"}'
JOB = JobRecord(RAW, Place("retry"), 1.5)
PROCESS = "app-1:1:aa"


def running(payload: bytes) -> str:
    return json.dumps({"queue": "q", "payload": payload.decode(), "run_at": 5})


async def test_nothing_is_anywhere(db: Database) -> None:
    look = await look_for(db, JOB)
    assert (look.sets, look.work, look.asked_work, look.iteration) == ((), None, False, None)
    assert db.trips == 1


async def test_everything_comes_in_one_trip(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {RAW: 1.5})
    await raw.zadd("dead", {RAW: 2})
    await raw.hset("it-abc", "ex", "2")
    await raw.hset(f"{PROCESS}:work", "t1", running(b'{"class":"B","args":[],"jid":"other"}'))
    await raw.hset(f"{PROCESS}:workers", "t2", running(b'{"class":"A","args":[],"jid":"abc","retry_count":1}'))
    look = await look_for(db, JOB, ["gone:1:bb", PROCESS])
    assert look.sets == ((Place("retry"), 1.5), (Place("dead"), 2.0))
    assert look.work is not None
    assert (look.work.identity, look.work.tid, look.asked_work) == (PROCESS, "t2", True)
    assert look.iteration is not None
    assert look.iteration.executions == 2
    assert db.trips == 1


async def test_a_job_without_jid_is_known_by_its_bytes(db: Database, raw: redis.asyncio.Redis) -> None:
    job = JobRecord(b"not json", Place("dead"))
    await raw.zadd("dead", {job.raw: 3})
    await raw.hset(f"{PROCESS}:work", "t1", running(b"{}"))
    look = await look_for(db, job, [PROCESS])
    assert (look.sets, look.work, look.iteration) == (((Place("dead"), 3.0),), None, None)


async def test_work_and_state_of_a_wrong_type_are_left_out(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("it-abc", "x")
    await raw.set(f"{PROCESS}:work", "x")
    await raw.set(f"{PROCESS}:workers", "x")
    look = await look_for(db, JOB, [PROCESS])
    assert (look.work, look.asked_work, look.iteration) == (None, False, None)


async def test_a_set_of_a_wrong_type_is_told(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("schedule", "x")
    with pytest.raises(WrongType):
        await look_for(db, JOB)
