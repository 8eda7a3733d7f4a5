"""What lies in the trash: found without a scan, read, restored, and freed in time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.trash import BUDGET, budget, read_part, read_trash, reap, restore_step, walk_part
from tests.support.records import open_record

WEEK = 7 * 86_400


async def trashed(raw: Any, id: str, part: int | None, entries: dict[bytes, float] | list[bytes], reap_at: int) -> None:
    key = f"sqtui:trash:{id}" if part is None else f"sqtui:trash:{id}:{part}"
    if isinstance(entries, dict):
        await raw.zadd(key, entries)
    else:
        await raw.rpush(key, *entries)
    await raw.zadd("sqtui:trash", {key: reap_at})


async def recorded(raw: Any, id: str, places: list[Any], **more: Any) -> None:
    await raw.hset(f"sqtui:op:{id}:1", mapping={"kind": "delete", "places": json.dumps(places), "r12": "b:1", **more})


async def test_all_of_it_with_where_it_came_from_the_newest_first(raw: Any, db: Database) -> None:
    await recorded(raw, "aa", [["retry", None, 0, 3], ["queue", "q", 1, 12_000]], restored="0")
    await recorded(raw, "bb", [["dead", None, None, 1]])
    await raw.rename("sqtui:op:bb:1", "sqtui:op:bb:1:closed")
    await trashed(raw, "aa", 0, {b"x": 1.5, b"y": 0.5}, 100)
    await trashed(raw, "aa", 1, [b"new", b"old"], 100)
    await trashed(raw, "aa", 2, [b"older"], 100)
    await trashed(raw, "bb", None, {b"z": 7}, 300)
    await trashed(raw, "ccu1", None, [b"unknown"], 200)
    await raw.zadd("sqtui:trash", {"sqtui:trash:gone": 400, "queue:other": 500, b"sqtui:trash:\xff": 600})
    parts = await read_trash(db)
    found = [(part.operation, part.part, part.place, part.count, part.reap_at) for part in parts]
    assert found == [
        ("bb", None, Place("dead"), 1, 300),
        ("ccu1", None, None, 1, 200),
        ("aa", 2, Place("queue", "q"), 1, 100),
        ("aa", 1, Place("queue", "q"), 2, 100),
        ("aa", 0, Place("retry"), 2, 100),
    ]
    assert parts[0].record["kind"] == "delete"
    assert "r12" not in parts[-1].record
    assert parts[-1].record["restored"] == "0"
    assert [job.raw for job in await read_part(db, parts[3], 0, 9)] == [b"new", b"old"]
    assert [(job.raw, job.score, job.place) for job in await read_part(db, parts[4], 1, 1)] == [
        (b"x", 1.5, Place("retry"))
    ]
    assert [job.raw for job in await read_part(db, parts[1], 0, 9)] == [b"unknown"]
    assert [job.raw async for jobs in walk_part(db, parts[4]) for job in jobs] == [b"y", b"x"]


@pytest.mark.parametrize(
    "places", ["", "no json", "{}", '[["retry"]]', '[["moon", null, 0, 1]]', '[["retry", 5, 0, 1]]']
)
async def test_a_record_that_says_nothing_of_use(raw: Any, db: Database, places: str) -> None:
    await raw.hset("sqtui:op:aa:1", "places", places)
    await trashed(raw, "aa", 0, {b"x": 1.5}, 100)
    (part,) = await read_trash(db)
    assert part.place is None


async def test_an_empty_server_has_none(db: Database) -> None:
    assert await read_trash(db) == ()
    assert await reap(db, 1e12) == 0


async def test_what_is_old_is_freed_and_nothing_else(raw: Any, db: Database) -> None:
    await trashed(raw, "aa", 0, {b"x": 1}, WEEK)
    await trashed(raw, "bb", 0, [b"y"], WEEK + 2)
    await raw.lpush("queue:mine", "job")
    await raw.zadd("sqtui:trash", {"queue:mine": 1, "sqtui:trash:gone": 2})
    assert await reap(db, WEEK - 1) == 0
    assert await reap(db, WEEK + 1) == 1
    assert await reap(db, WEEK + 1) == 0
    assert await raw.exists("sqtui:trash:aa:0") == 0
    assert await raw.exists("sqtui:trash:bb:0", "queue:mine") == 2
    assert await raw.zrange("sqtui:trash", 0, -1) == [b"queue:mine", b"sqtui:trash:bb:0"]


async def test_a_clock_that_is_ahead_frees_nothing_early(raw: Any, db: Database) -> None:
    now = int(time.time())
    await trashed(raw, "aa", 0, [b"y"], now + 3600)
    assert await reap(db, now + 2 * WEEK) == 0
    assert await raw.exists("sqtui:trash:aa:0") == 1


async def test_a_restoration_goes_on_where_it_was_and_never_twice(raw: Any, db: Database) -> None:
    entries = [b"%d" % at for at in range(450)]
    await trashed(raw, "aa", 0, entries, WEEK)
    await raw.lpush("queue:q", "live")
    record, key, place = await open_record(db, "aau"), db.keys.trash("aa", 0), Place("queue", "q")
    first = await restore_step(db, record, 0, "b0", key, place)
    assert (first.status, first.restored, first.left) == ("ok", 200, 250)
    assert (await restore_step(db, record, 0, "b0", key, place)).status == "done"
    assert (await restore_step(db, record, 0, "other", key, place)).status == "taken"
    assert (await restore_step(db, record, 2, "b2", key, place)).status == "gap"
    assert (await restore_step(db, db.keys.operation("none"), 0, "b", key, place)).status == "closed"
    assert await raw.lrange("queue:q", 0, -1) == [b"live", *entries[:200]]
    await restore_step(db, record, 1, "b1", key, place)
    last = await restore_step(db, record, 2, "b2", key, place)
    assert (last.restored, last.left) == (50, 0)
    assert await raw.lrange("queue:q", 0, -1) == [b"live", *entries]
    assert await raw.exists(key, "sqtui:trash") == 0
    assert await raw.sismember("queues", "q")
    assert (await restore_step(db, record, 3, "b3", key, place)).restored == 0


async def test_what_is_there_again_stays_as_it_is(raw: Any, db: Database) -> None:
    await trashed(raw, "aa", 0, {b"x": 1.1, b"y": float("inf"), b"z": 0.1 + 0.2}, WEEK)
    await raw.zadd("dead", {b"x": 5})
    step = await restore_step(db, await open_record(db, "aau"), 0, "b", db.keys.trash("aa", 0), Place("dead"))
    assert (step.restored, step.existing, step.left) == (2, 1, 0)
    scores = {bytes(raw_): score for raw_, score in await raw.zrange("dead", 0, -1, withscores=True)}
    assert scores == {b"x": 5.0, b"y": float("inf"), b"z": 0.1 + 0.2}


async def test_large_jobs_come_back_a_few_at_a_time(raw: Any, db: Database) -> None:
    await trashed(raw, "aa", 0, [b"%d" % at + b"x" * 300_000 for at in range(5)], WEEK)
    record, key = await open_record(db, "aau"), db.keys.trash("aa", 0)
    steps = [await restore_step(db, record, seq, f"b{seq}", key, Place("queue", "q")) for seq in range(3)]
    assert [step.restored for step in steps] == [2, 2, 1]


async def test_a_wrong_type_is_told(raw: Any, db: Database) -> None:
    await trashed(raw, "aa", 0, [b"x"], WEEK)
    record, key = await open_record(db, "aau"), db.keys.trash("aa", 0)
    assert (await restore_step(db, record, 0, "b", key, Place("dead"))).status == "type"
    await raw.set("queue:q", "a text")
    assert (await restore_step(db, record, 0, "b", key, Place("queue", "q"))).status == "type"


@pytest.mark.parametrize("denied", ["rpush", "lpop", "zadd", "zrem"])
@pytest.mark.parametrize("place", [Place("queue", "q"), Place("dead")], ids=["queue", "set"])
async def test_a_right_that_is_missing_doubles_nothing(
    raw: Any, redis_url: str, db: Database, denied: str, place: Place
) -> None:
    entries: Any = [b"x", b"y"] if place.kind == "queue" else {b"x": 1.0, b"y": 2.0}
    await trashed(raw, "aa", 0, entries, WEEK)
    record = await open_record(db, "aau")
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+@all", f"-{denied}")
    client = redis.asyncio.Redis.from_url(redis_url, username="ops", password="pw", protocol=2)
    step = await restore_step(Database(client), record, 0, "b", db.keys.trash("aa", 0), place)
    await client.aclose()
    target = "queue:q" if place.kind == "queue" else "dead"
    back = await (raw.llen(target) if place.kind == "queue" else raw.zcard(target))
    assert step.left + back == 2 + step.duplicated
    if step.error:
        assert (step.restored, step.left, step.duplicated) in ((0, 2, 0), (0, 2, 1))


def test_how_much_a_server_is_burdened_with() -> None:
    assert budget(None) == budget(0) == budget(1 << 30) == BUDGET
    assert budget(10 << 30) == (10 << 30) // 50
