"""Emptying a whole queue or set, and putting it back: exact, once, whoever else is at it, however often it is sent."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.clearing import (
    QUEUE_ARRIVALS,
    SET_ARRIVALS,
    TRASH_EXPIRES,
    Cleared,
    Restored,
    clear,
    clear_when_full,
    place_key,
    read_end,
    take_out,
    undo_clear,
)
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.trash import restore_step
from tests.support.records import open_record

QUEUE = Place("queue", "mails")
DEAD = Place("dead")
PLACES = pytest.mark.parametrize("place", [QUEUE, DEAD], ids=["queue", "set"])
MANY = 1 << 40


def entry(number: int) -> bytes:
    return b'{"class":"Mail","args":[%d],"jid":"%024x"}' % (number, number)


async def fill(raw: Any, place: Place, numbers: range, queues: bool = True) -> None:
    """Pushes in that order: the last one is a queue's head; scores are odd fractions."""
    for start in range(0, len(numbers), 1000):
        some = numbers[start : start + 1000]
        if place.kind == "queue":
            await raw.lpush("queue:mails", *[entry(one) for one in some])
        else:
            await raw.zadd("dead", {entry(one): one / 3 + 0.1 for one in some})
    if queues and place.kind == "queue":
        await raw.sadd("queues", "mails")


async def content(raw: Any, place: Place) -> list[Any]:
    if place.kind == "queue":
        return list(await raw.lrange("queue:mails", 0, -1))
    return list(await raw.zrange("dead", 0, -1, withscores=True))


async def emptied(db: Database, place: Place, id: str = "op", **options: Any) -> Cleared:
    record = await open_record(db, id)
    return await clear(db, record, place, **{"bound": MANY, "trash": db.keys.trash(id), "now": time.time(), **options})


@PLACES
async def test_clearing_is_undone_to_the_byte(raw: Any, db: Database, place: Place) -> None:
    await fill(raw, place, range(500))
    before = await content(raw, place)
    assert await emptied(db, place) == Cleared("ok", 500)
    assert await content(raw, place) == []
    assert not await raw.sismember("queues", "mails")
    assert TRASH_EXPIRES - 5 < await raw.ttl("sqtui:trash:op") <= TRASH_EXPIRES
    assert await raw.zrange("sqtui:trash", 0, -1) == [b"sqtui:trash:op"]
    assert await undo_clear(db, await open_record(db, "opu"), place, db.keys.trash("op")) == Restored("ok", 500)
    assert await content(raw, place) == before
    assert await raw.ttl(place_key(db, place)) == -1
    assert await raw.sismember("queues", "mails") == (place.kind == "queue")
    assert await raw.exists("sqtui:trash:op", "sqtui:trash") == 0


@PLACES
async def test_each_call_sent_again_tells_what_it_did_and_does_nothing(raw: Any, db: Database, place: Place) -> None:
    await fill(raw, place, range(10))
    record, undo = await open_record(db, "op"), await open_record(db, "opu")
    trash = db.keys.trash("op")
    for _ in range(2):
        assert await clear(db, record, place, bound=MANY, trash=trash, now=0) == Cleared("ok", 10)
        await fill(raw, place, range(20, 22))
    for _ in range(2):
        assert await undo_clear(db, undo, place, trash) == Restored("ok", 10)
    assert len(await content(raw, place)) == (14 if place.kind == "queue" else 12)
    await clear(db, record, place, bound=MANY, trash=trash, now=0)
    assert len(await content(raw, place)) == (14 if place.kind == "queue" else 12)


@PLACES
@pytest.mark.parametrize("spoil", ["closed", "done", "never begun"])
async def test_without_an_open_record_nothing_happens(raw: Any, db: Database, place: Place, spoil: str) -> None:
    await fill(raw, place, range(3))
    record = await open_record(db, "op") if spoil != "never begun" else db.keys.operation("op")
    if spoil == "done":
        await raw.hset(record, "state", "done")
    elif spoil == "closed":
        await raw.rename(record, db.keys.operation_closed("op"))
    trash = db.keys.trash("op")
    assert (await clear(db, record, place, bound=MANY, trash=trash, now=0)).status == "closed"
    assert (await undo_clear(db, record, place, trash)).status == "closed"
    assert len(await content(raw, place)) == 3


@PLACES
async def test_what_stands_in_the_way_is_told_and_final(raw: Any, db: Database, place: Place) -> None:
    assert await emptied(db, place, "a") == Cleared("none")
    await fill(raw, place, range(3))
    assert await clear(db, db.keys.operation("a"), place, bound=9, trash=db.keys.trash("a"), now=0) == Cleared("none")
    assert await emptied(db, place, "b", bound=2) == Cleared("grown", 3)
    await raw.set("sqtui:trash:c", "taken")
    assert (await emptied(db, place, "c")).status == "exists"
    assert len(await content(raw, place)) == 3
    await raw.delete(place_key(db, place))
    await raw.set(place_key(db, place), "a text")
    assert (await emptied(db, place, "d")).status == "type"
    assert await raw.get(place_key(db, place)) == b"a text"


@PLACES
async def test_freed_at_once_when_nothing_shall_be_kept(raw: Any, db: Database, place: Place) -> None:
    await fill(raw, place, range(5))
    assert await emptied(db, place, trash=None) == Cleared("ok", 5)
    assert sorted(await raw.keys("*")) == [b"sqtui:op:op:1", b"sqtui:ops"]


@PLACES
@pytest.mark.parametrize("arrivals", [0, 1, "limit", "more"])
async def test_undo_after_arrivals(raw: Any, db: Database, place: Place, arrivals: int | str) -> None:
    limit = QUEUE_ARRIVALS if place.kind == "queue" else SET_ARRIVALS
    came = {"limit": limit, "more": limit + 1}.get(str(arrivals), arrivals)
    assert isinstance(came, int)
    await fill(raw, place, range(450))
    old = await content(raw, place)
    await emptied(db, place)
    await fill(raw, place, range(1000, 1000 + came))
    new = await content(raw, place)
    record, trash = await open_record(db, "opu"), db.keys.trash("op")
    answer = await undo_clear(db, record, place, trash)
    if arrivals != "more":
        assert answer == Restored("ok", 450)
    else:
        assert answer.status == "many"
        steps = [await restore_step(db, record, seq, f"b{seq}", trash, place) for seq in range(3)]
        assert [(step.status, step.restored, step.left) for step in steps] == [
            ("ok", 200, 250),
            ("ok", 200, 50),
            ("ok", 50, 0),
        ]
        assert await raw.zcard("sqtui:trash") == 0
    # In a queue what came later stays nearer to the head; in a set the scores say it.
    assert await content(raw, place) == (new + old if place.kind == "queue" else sorted(old + new, key=lambda e: e[1]))
    assert await raw.exists(trash) == 0


async def test_a_member_that_is_there_again_keeps_its_present_score(raw: Any, db: Database) -> None:
    await fill(raw, DEAD, range(5))
    await emptied(db, DEAD)
    await raw.zadd("dead", {entry(2): 99.5})
    assert await undo_clear(db, await open_record(db, "opu"), DEAD, db.keys.trash("op")) == Restored("ok", 4, 1)
    assert await raw.zscore("dead", entry(2)) == 99.5
    assert await raw.zcard("dead") == 5


@PLACES
async def test_a_trash_that_is_gone_or_is_something_else(raw: Any, db: Database, place: Place) -> None:
    await fill(raw, place, range(2))
    await emptied(db, place)
    record, trash = await open_record(db, "opu"), db.keys.trash("op")
    await raw.delete(trash)
    assert (await undo_clear(db, record, place, trash)).status == "gone"
    await raw.set(trash, "x")
    assert (await undo_clear(db, record, place, trash)).status == "type"
    assert await content(raw, place) == []


@PLACES
@pytest.mark.parametrize("denied", ["rename", "rpoplpush", "zadd", "zrem"])
async def test_a_right_that_is_missing_changes_nothing(
    raw: Any, redis_url: str, db: Database, place: Place, denied: str
) -> None:
    await fill(raw, place, range(5))
    await emptied(db, place)
    await fill(raw, place, range(10, 13))
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+@all", f"-{denied}")
    client = redis.asyncio.Redis.from_url(redis_url, username="ops", password="pw", protocol=2)
    theirs = Database(client)
    undo = await open_record(db, "opu")
    answer = await undo_clear(theirs, undo, place, db.keys.trash("op"))
    if answer.status == "refused":
        assert len(await content(raw, place)) == 3
        assert len(await raw.keys("sqtui:trash:op")) == 1
        assert await raw.hmget(undo, "restored", "next") == [None, b"0"]
        answer = await undo_clear(db, undo, place, db.keys.trash("op"))
    assert answer == Restored("ok", 5)
    assert len(await content(raw, place)) == 8
    again = await open_record(db, "again")
    cleared = await clear(theirs, again, place, bound=MANY, trash=db.keys.trash("again"), now=0)
    assert len(await content(raw, place)) == (0 if cleared.status == "ok" else 8)
    if cleared.status == "refused":
        assert await raw.zcard("sqtui:trash") == 0
    await client.aclose()


@PLACES
async def test_a_full_server_refuses_and_can_be_freed(embedded: Any, place: Place) -> None:
    server = embedded("full")
    async with redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2) as raw:
        db = Database(raw)
        await fill(raw, place, range(50))
        record = await open_record(db, "op")
        await raw.config_set("maxmemory", 1)
        answer = await clear(db, record, place, bound=MANY, trash=db.keys.trash("op"), now=0)
        assert answer.status == "refused"
        assert "OOM" in answer.error or "memory" in answer.error
        assert len(await content(raw, place)) == 50
        assert await clear_when_full(db, place, bound=49) == Cleared("grown", 50)
        assert await clear_when_full(db, place, bound=MANY) == Cleared("ok", 50)
        await raw.config_set("maxmemory", 0)
        assert await content(raw, place) == []


@PLACES
async def test_taking_out_bit_by_bit_leaves_what_has_changed(raw: Any, db: Database, place: Place) -> None:
    await fill(raw, place, range(10))
    record = await open_record(db, "op")
    first = await read_end(db, place, 4)
    assert (await take_out(db, record, 0, "a", place, first)).results == "1111"
    assert (await take_out(db, record, 0, "a", place, first)).status == "done"
    assert (await take_out(db, record, 0, "b", place, first)).status == "taken"
    second = await read_end(db, place, 4)
    if place.kind == "queue":
        await raw.rpop("queue:mails")
    else:
        await raw.zadd("dead", {second[1][0]: 12345})
    answer = await take_out(db, record, 1, "c", place, second)
    assert answer.results == ("0000" if place.kind == "queue" else "1011")
    assert len(await content(raw, place)) == (5 if place.kind == "queue" else 3)
    assert (await take_out(db, None, 0, "d", place, await read_end(db, place, 2), last=1)).status == "closed"


async def test_cleared_and_put_back_between_live_pushes_and_fetches_nothing_is_lost(raw: Any, db: Database) -> None:
    pushed: list[int] = []
    fetched: list[bytes] = []
    stop = asyncio.Event()

    async def pusher() -> None:
        while not stop.is_set():
            pushed.append(len(pushed))
            await raw.lpush("queue:mails", entry(pushed[-1]))

    async def worker() -> None:
        while not stop.is_set():
            found = await raw.rpop("queue:mails")
            if found:
                fetched.append(found)

    await fill(raw, QUEUE, range(100_000, 100_400))
    tasks = [asyncio.create_task(pusher()), asyncio.create_task(worker())]
    for turn in range(20):
        id = f"op{turn}"
        cleared = await emptied(db, QUEUE, id)
        if cleared.status == "ok":
            answer = await undo_clear(db, await open_record(db, f"{id}u"), QUEUE, db.keys.trash(id))
            assert answer.status == "ok"
            assert answer.restored == cleared.count
    stop.set()
    await asyncio.gather(*tasks)
    left = await raw.lrange("queue:mails", 0, -1)
    assert sorted(fetched + left) == sorted([*map(entry, pushed), *map(entry, range(100_000, 100_400))])
