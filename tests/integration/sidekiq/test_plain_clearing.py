"""Emptying a whole queue or set without scripts, and putting it back: as exact, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq import claims
from sidekiq_tui.sidekiq.clearing import Cleared, Restored, place_key
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import RecordKeys
from sidekiq_tui.sidekiq.plain_clearing import clear, restore_step, undo_clear

QUEUE = Place("queue", "mails")
DEAD = Place("dead")
PLACES = pytest.mark.parametrize("place", [QUEUE, DEAD], ids=["queue", "set"])
MANY = 1 << 40


@pytest.fixture
async def plain(raw: Any, redis_url: str) -> AsyncIterator[Database]:
    """The data layer for a user who may not run scripts."""
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+@all", "-@scripting", "-function")
    client = redis.asyncio.Redis.from_url(redis_url, username="ops", password="pw", protocol=2)
    yield Database(client)
    await client.aclose()


def entry(number: int) -> bytes:
    return b'{"class":"Mail","args":[%d],"jid":"%024x"}' % (number, number)


async def fill(raw: Any, place: Place, numbers: range) -> None:
    if place.kind == "queue":
        await raw.sadd("queues", "mails")
        await raw.lpush("queue:mails", *map(entry, numbers))
    else:
        await raw.zadd("dead", {entry(one): one / 3 + 0.1 for one in numbers})


async def content(raw: Any, place: Place) -> list[Any]:
    if place.kind == "queue":
        return list(await raw.lrange("queue:mails", 0, -1))
    return [tuple(one) for one in await raw.zrange("dead", 0, -1, withscores=True)]


async def begun(db: Database, id: str) -> RecordKeys:
    keys = RecordKeys(db.keys, id)
    assert await claims.begin(db, keys, {"kind": "test"}, 5.0) == "ok"
    return keys


@PLACES
async def test_clearing_is_undone_to_the_byte_and_each_call_may_be_sent_again(
    raw: Any, plain: Database, place: Place
) -> None:
    await fill(raw, place, range(500))
    before = await content(raw, place)
    record, trash = (await begun(plain, "op")).record, plain.keys.trash("op")
    for _ in range(2):
        assert await clear(plain, record, place, bound=MANY, trash=trash, now=5.0) == Cleared("ok", 500)
    assert await content(raw, place) == []
    assert not await raw.sismember("queues", "mails")
    assert await raw.ttl(trash) > 0
    undo = (await begun(plain, "opu")).record
    for _ in range(2):
        assert await undo_clear(plain, undo, place, trash) == Restored("ok", 500)
    assert await content(raw, place) == before
    assert await raw.ttl(place_key(plain, place)) == -1
    assert await raw.exists(trash, "sqtui:trash") == 0
    assert await raw.sismember("queues", "mails") == (place.kind == "queue")


@PLACES
async def test_what_stands_in_the_way_is_told(raw: Any, plain: Database, place: Place) -> None:
    async def emptied(id: str, **options: Any) -> Cleared:
        record, trash = (await begun(plain, id)).record, plain.keys.trash(id)
        return await clear(plain, record, place, **{"bound": MANY, "trash": trash, "now": 5.0, **options})

    assert await emptied("a") == Cleared("none")
    await fill(raw, place, range(3))
    assert await emptied("b", bound=2) == Cleared("grown", 3)
    await raw.set("sqtui:trash:c", "taken")
    assert (await emptied("c")).status == "exists"
    closed = await begun(plain, "closed")
    await claims.close(plain, closed)
    assert (await clear(plain, closed.record, place, bound=9, trash=b"sqtui:trash:x", now=5.0)).status == "closed"
    assert (await undo_clear(plain, closed.record, place, b"sqtui:trash:x")).status == "closed"
    assert len(await content(raw, place)) == 3
    assert await emptied("d", trash=None) == Cleared("ok", 3)
    assert await raw.exists(place_key(plain, place)) == 0
    undo = (await begun(plain, "du")).record
    assert (await undo_clear(plain, undo, place, plain.keys.trash("d"))).status == "gone"
    await raw.set(place_key(plain, place), "a text")
    assert (await emptied("e")).status == "type"


@PLACES
@pytest.mark.parametrize("again", [False, True], ids=["once", "each sent again"])
async def test_after_arrivals_it_comes_back_in_steps(raw: Any, plain: Database, place: Place, again: bool) -> None:
    await fill(raw, place, range(450))
    old = await content(raw, place)
    trash = plain.keys.trash("op")
    await clear(plain, (await begun(plain, "op")).record, place, bound=MANY, trash=trash, now=5.0)
    await fill(raw, place, range(1000, 1003))
    if place.kind == "dead":
        await fill(raw, place, range(3, 4))
    new = await content(raw, place)
    undo = await begun(plain, "opu")
    assert (await undo_clear(plain, undo.record, place, trash)).status == "many"
    lefts = []
    for seq in range(3):
        step = await restore_step(plain, undo, seq, f"b{seq}", trash, place, now=5.0)
        assert (step.status, step.error) == ("ok", "")
        lefts.append(step.left)
        if again:
            assert (await restore_step(plain, undo, seq, f"b{seq}", trash, place, now=5.0)).status == "done"
            assert (await restore_step(plain, undo, seq, "other", trash, place, now=5.0)).status == "taken"
    assert lefts == [250, 50, 0]
    expected = new + old if place.kind == "queue" else sorted(set(new + old), key=lambda one: one[1])
    assert await content(raw, place) == expected
    assert await raw.exists(trash) == 0


async def test_what_is_there_again_stays_and_leaves_the_trash(raw: Any, plain: Database) -> None:
    await fill(raw, DEAD, range(5))
    trash = plain.keys.trash("op")
    await clear(plain, (await begun(plain, "op")).record, DEAD, bound=MANY, trash=trash, now=5.0)
    await raw.zadd("dead", {entry(2): 99.5})
    undo = await begun(plain, "opu")
    step = await restore_step(plain, undo, 0, "b", trash, DEAD, now=5.0)
    assert (step.restored, step.existing, step.left) == (4, 1, 0)
    assert await raw.zscore("dead", entry(2)) == 99.5


async def test_between_live_pushes_and_fetches_nothing_is_lost(raw: Any, plain: Database) -> None:
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
    for turn in range(10):
        trash = plain.keys.trash(f"op{turn}")
        record = (await begun(plain, f"op{turn}")).record
        if (await clear(plain, record, QUEUE, bound=MANY, trash=trash, now=5.0)).status == "ok":
            undo = await begun(plain, f"op{turn}u")
            seq = 0
            if (await undo_clear(plain, undo.record, QUEUE, trash)).status == "many":
                while (await restore_step(plain, undo, seq, f"b{seq}", trash, QUEUE, now=5.0)).left:
                    seq += 1
    stop.set()
    await asyncio.gather(*tasks)
    left = await raw.lrange("queue:mails", 0, -1)
    assert sorted(fetched + left) == sorted([*map(entry, pushed), *map(entry, range(100_000, 100_400))])
    assert await raw.exists("sqtui:trash") == 0
