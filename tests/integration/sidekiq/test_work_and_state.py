"""Work in progress, iteration state and profiles in the shapes that versions and ports write."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.iteration import read_iterations
from sidekiq_tui.sidekiq.profiling import read_profile_data, read_profiles
from sidekiq_tui.sidekiq.work import Work, read_work
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1_795_314_142.0
JOB = {"class": "A", "jid": "abc", "args": ["żółć"]}


def entry(run_at: object, payload: object = None, queue: str = "default") -> str:
    return json.dumps({"queue": queue, "payload": json.dumps(JOB) if payload is None else payload, "run_at": run_at})


async def one(db: Database) -> Work:
    (work,) = await read_work(db, ["a:1:x"])
    return work


async def test_work_of_all_versions_in_one_trip_oldest_first(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("new:1:x:work", mapping={"t2": entry(NOW - 1), "t1": entry(NOW - 30)})
    await raw.hset("old:1:x:workers", mapping={"t3": entry(int(NOW) - 10, queue="low"), "t4": entry("soon")})
    work = await read_work(db, ["new:1:x", "old:1:x", "idle:1:x"])
    assert db.trips == 1
    assert [(one.identity, one.tid, one.queue, one.run_at) for one in work] == [
        ("new:1:x", "t1", "default", NOW - 30),
        ("old:1:x", "t3", "low", NOW - 10),
        ("new:1:x", "t2", "default", NOW - 1),
        ("old:1:x", "t4", "default", None),
    ]
    assert all((one.job.jid, one.job.display_args, one.job.place.kind) == ("abc", ["żółć"], "work") for one in work)


async def test_the_payload_keeps_its_bytes(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("a:1:x:work", "t", entry(NOW, '{ "jid":"x", "args":[1.0e+20]}'))
    assert (await one(db)).job.raw == b'{ "jid":"x", "args":[1.0e+20]}'


async def test_an_object_as_payload(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("a:1:x:workers", "t", entry(NOW, JOB))
    work = await one(db)
    assert (work.job.jid, work.job.display_args, work.job.malformed) == ("abc", ["żółć"], False)


async def test_capitalised_names(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("a:1:x:work", "t", json.dumps({"Queue": "q", "Payload": json.dumps(JOB), "RunAt": NOW}))
    work = await one(db)
    assert (work.queue, work.run_at, work.job.klass) == ("q", NOW, "A")


@pytest.mark.parametrize("payload", [5, [], True, "", "not json", "\ud800", [[]] * 3])
async def test_a_payload_that_is_no_job(raw: redis.asyncio.Redis, db: Database, payload: object) -> None:
    await raw.hset("a:1:x:work", "t", entry(NOW, payload))
    work = await one(db)
    assert (work.run_at, work.job.malformed, work.job.jid) == (NOW, True, None)


@pytest.mark.parametrize("raw_entry", [*HOSTILE_PAYLOADS[:40], b"", b"\xff", b"[]", b"5", b"[" * 50_000])
async def test_an_entry_that_is_anything(raw: redis.asyncio.Redis, db: Database, raw_entry: bytes) -> None:
    await raw.hset("a:1:x:work", b"\xfft", raw_entry)
    work = await one(db)
    assert work.tid == "\udcfft"
    assert work.job.jid is None or isinstance(work.job.jid, str)


async def test_one_key_of_a_wrong_type_is_left_out(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.set("a:1:x:work", "x")
    await raw.hset("b:1:x:work", "t", entry(NOW))
    assert [work.identity for work in await read_work(db, ["a:1:x", "b:1:x"])] == ["b:1:x"]
    await raw.set("a:1:x:workers", "x")
    with pytest.raises(WrongType):
        await read_work(db, ["a:1:x"])


async def test_many_processes_go_in_slices(db: Database) -> None:
    assert await read_work(db, [f"h:{number}:x" for number in range(450)]) == ()
    assert db.trips == 3
    assert await read_work(db, []) == ()


async def test_iteration_states(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.hset("it-1", mapping={"ex": 2, "c": '{"id":5}', "rt": "1.5", "cancelled": int(NOW)})
    await raw.hset("it-2", mapping={"cancelled": int(NOW)})  # cancelled before it ever ran
    await raw.hset("it-3", mapping={"ex": "x", "c": "{broken", "rt": "nan", "cancelled": "yes"})
    await raw.hset("it-4", mapping={"c": "null"})
    await raw.set("it-5", "x")
    states = await read_iterations(db, ["1", "2", "3", "4", "5", "6", "1"])
    assert db.trips == 1
    assert states.keys() == {"1", "2", "3", "4"}
    first, second, third = states["1"], states["2"], states["3"]
    assert (first.executions, first.cursor, first.runtime, first.cancelled) == (2, {"id": 5}, 1.5, NOW)
    assert (second.executions, second.cursor, second.cursor_text, second.cancelled) == (None, None, None, NOW)
    assert (third.executions, third.cursor, third.cursor_text, third.cancelled) == (None, None, "{broken", None)
    assert (states["4"].cursor, states["4"].cursor_text) == (None, "null")
    with pytest.raises(WrongType):
        await read_iterations(db, ["5"])


async def test_profiles_newest_first_without_expired_and_vanished(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.zadd("profiles", {b"old-1": NOW, b"t-1": NOW + 5, b"t-\xff": NOW + 9, b"gone-1": NOW + 7})
    await raw.hset("old-1", mapping={"jid": "1"})
    await raw.hset(
        "t-1", mapping={"jid": "1", "started_at": 1795314070, "elapsed": "0.25", "size": 4, "data": b"\x1f\x8b\0\xff"}
    )
    await raw.hset(b"t-\xff", mapping={"size": "big", "elapsed": "long", "sid": "abc"})
    profiles = await read_profiles(db, NOW)
    assert db.trips == 2
    assert [profile.key for profile in profiles] == ["t-\udcff", "t-1"]
    assert (profiles[0].size, profiles[0].elapsed, profiles[0].sid) == (None, None, "abc")
    assert (profiles[1].started_at, profiles[1].elapsed, profiles[1].expires_at) == (1795314070.0, 0.25, NOW + 5)
    assert await read_profile_data(db, "t-1") == b"\x1f\x8b\0\xff"
    assert await read_profile_data(db, "gone-1") is None
    assert await raw.zcard("profiles") == 4  # Ruby would have deleted the expired one


async def test_no_profiles_cost_one_trip(db: Database) -> None:
    assert await read_profiles(db, NOW) == ()
    assert db.trips == 1
