"""Taking many jobs out of a big queue: order exact, nothing lost or doubled, whoever pushes, fetches or edits."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.clearing import TRASH_EXPIRES
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.shadow import Chooser, Rebuilt
from tests.support.rebuilding import QUEUE, content, drop, entry, fill, keep, leftovers, mixed, run
from tests.support.records import open_record


@pytest.mark.parametrize("size", [1, 2, 19, 20, 21, 39, 40, 41, 500])
@pytest.mark.parametrize("trash", [True, False], ids=["trash", "stage"])
async def test_exactly_those_are_taken_out(raw: Any, db: Database, size: int, trash: bool) -> None:
    before = await fill(raw, mixed(range(size)))
    result = await run(db, trash=trash)
    assert result == Rebuilt("ok", len(drop(before)))
    assert await content(raw) == keep(before)
    into = "sqtui:trash:op" if trash else "sqtui:stage:op:b0"
    assert await raw.lrange(into, 0, -1) == drop(before)
    ttl = await raw.ttl(into)
    assert TRASH_EXPIRES - 9 < ttl <= TRASH_EXPIRES if trash else ttl == -1
    assert await raw.zrange("sqtui:trash", 0, -1) == ([b"sqtui:trash:op"] if trash else [])
    assert await raw.ttl(QUEUE) in (-1, -2)
    assert await leftovers(raw) == set()


async def test_an_empty_queue_and_one_without_any_of_them_stay_as_they_are(raw: Any, db: Database) -> None:
    assert await run(db) == Rebuilt("nothing")
    before = await fill(raw, keep(mixed(range(50))))
    assert await run(db, "other") == Rebuilt("nothing")
    assert await content(raw) == before
    assert await leftovers(raw) == set()


async def test_a_queue_all_of_which_goes_vanishes(raw: Any, db: Database) -> None:
    before = await fill(raw, [entry(one, "Drop") for one in range(100)])
    assert await run(db) == Rebuilt("ok", 100)
    assert await raw.exists(QUEUE) == 0
    assert await raw.lrange("sqtui:trash:op", 0, -1) == before


@pytest.mark.parametrize("fetches", [0, 1, 7, 25])
@pytest.mark.parametrize("pushes", [0, 1, 7, 1500])
async def test_pushes_and_fetches_between_all_steps(raw: Any, db: Database, fetches: int, pushes: int) -> None:
    queue = await fill(raw, mixed(range(600)))
    fetched: list[bytes] = []
    came: list[bytes] = []

    async def traffic(read: int, total: int, found: int) -> bool:
        if pushes and len(came) < 6000:
            new = mixed(range(10_000 + len(came), 10_000 + len(came) + pushes))
            came.extend(new)
            await raw.lpush(QUEUE, *new)
        if fetches:
            fetched.extend(await raw.rpop(QUEUE, fetches) or [])
        return True

    result = await run(db, between=traffic)
    there = [one for one in queue if one not in set(fetched)]
    # What came later is not touched, even if it looks like those.
    assert result.status == "ok"
    assert result.out == len(drop(there))
    assert await content(raw) == came[::-1] + keep(there)
    assert await raw.lrange("sqtui:trash:op", 0, -1) == drop(there)
    assert await leftovers(raw) == set()


@pytest.mark.parametrize("size", [3, 100])
@pytest.mark.parametrize("traffic", [(0, 0), (3, 5), (5, 3), (70, 1), (1, 70)])
async def test_entries_that_are_all_equal(raw: Any, db: Database, size: int, traffic: tuple[int, int]) -> None:
    await fill(raw, [b"same"] * size)
    pushes, fetches = traffic
    moved = [0, 0]

    def some() -> Chooser:
        left = [size // 2]

        def choose(window: Sequence[bytes]) -> Collection[int]:
            taken = min(left[0], len(window))
            left[0] -= taken
            return range(taken)

        return choose

    async def between(read: int, total: int, found: int) -> bool:
        if pushes:
            await raw.lpush(QUEUE, *[b"same"] * pushes)
            moved[0] += pushes
        if fetches:
            moved[1] += len(await raw.rpop(QUEUE, fetches) or [])
        return True

    result = await run(db, chooser=some, between=between)
    out = await raw.llen("sqtui:trash:op")
    assert result.status in ("ok", "nothing")
    assert out == result.out <= size // 2
    assert await raw.llen(QUEUE) + out == size + moved[0] - moved[1]


async def lrem(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    await raw.lrem(QUEUE, 1, queue[read // 2])
    return [queue[read // 2]]


async def lrem_ahead(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    at = min(read + 5, len(queue) - 2)
    await raw.lrem(QUEUE, 1, queue[at])
    return [queue[at]]


async def linsert(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    await raw.linsert(QUEUE, "before", queue[read // 2], b"foreign")
    return []


async def lset_ahead(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    at = min(read + 3, len(queue) - 1)
    await raw.lset(QUEUE, at, b"foreign")
    return [queue[at]]


async def push_back(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    await raw.rpush(QUEUE, b"foreign")
    return []


async def clear(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    await raw.delete(QUEUE)
    await raw.lpush(QUEUE, b"foreign")
    return queue


async def renamed(raw: Any, queue: list[bytes], read: int) -> list[bytes]:
    await raw.rename(QUEUE, f"queue:elsewhere{time.monotonic_ns()}")
    await raw.lpush(QUEUE, b"foreign")
    return []


EDITS = (lrem, lrem_ahead, linsert, lset_ahead, push_back, clear, renamed)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("phase", [1, 3, 5])
@pytest.mark.parametrize("times", [1, 99])
async def test_foreign_edits_at_each_phase(raw: Any, db: Database, edit: Any, phase: int, times: int) -> None:
    """The sweep is begun again, and given up when that goes on: what the queue then holds is what the edits left."""
    queue = await fill(raw, mixed(range(1, 100)))
    await content(raw)
    calls = [0]
    left = [times]
    removed: list[bytes] = []

    async def foreign(read: int, total: int, found: int) -> bool:
        calls[0] += 1
        if left[0] and (read >= total or calls[0] >= phase):
            calls[0], left[0] = 0, left[0] - 1
            removed.extend(await edit(raw, await content(raw), min(read, total - 1)))
        return True

    result = await run(db, between=foreign)
    now, out = await content(raw), await raw.lrange("sqtui:trash:op", 0, -1)
    elsewhere = [one for key in await raw.keys("queue:elsewhere*") for one in await raw.lrange(key, 0, -1)]
    everything = Counter(now + out + elsewhere)
    assert max(everything[one] for one in queue) <= 1
    assert drop(out) == out
    assert len(out) == result.out
    if result.status == "ok":
        assert not [one for one in now if one in set(queue) and b'"Drop"' in one]
    assert [one for one in now if one in set(queue)] == [one for one in queue if one in set(now)]
    assert {one for one in queue if one not in everything} == {one for one in removed if one in set(queue)}
    assert await leftovers(raw) == set()


async def test_two_do_not_rebuild_one_queue_at_once(raw: Any, db: Database) -> None:
    before = await fill(raw, mixed(range(60)))
    others: list[Rebuilt] = []

    async def other(read: int, total: int, found: int) -> bool:
        if not others:
            others.append(await run(db, "other"))
        return True

    assert (await run(db, between=other)).status == "ok"
    assert others == [Rebuilt("busy", error="op 1 ann@ws3")]
    assert await content(raw) == keep(before)


async def test_a_lock_that_is_lost_and_an_old_queue_that_was_left_stop_nobody(raw: Any, db: Database) -> None:
    before = await fill(raw, mixed(range(60)))
    await raw.lpush(db.keys.replaced("op"), "left")
    lost: list[int] = []

    async def unlocked(read: int, total: int, found: int) -> bool:
        if not lost:
            lost.append(await raw.delete(db.keys.lock(db.keys.queue("big"))))
        return True

    assert (await run(db, between=unlocked)).status == "ok"
    assert lost == [1]
    assert await content(raw) == keep(before)
    assert await leftovers(raw) == set()


async def test_stopped_nothing_has_changed(raw: Any, db: Database) -> None:
    before = await fill(raw, mixed(range(60)))

    async def stop(read: int, total: int, found: int) -> bool:
        return read < 40

    assert await run(db, between=stop) == Rebuilt("stopped")
    assert await content(raw) == before
    assert await leftovers(raw) == set()


@pytest.mark.parametrize("spoil", ["closed", "shadow expired", "lock lost", "into taken", "old taken", "wrong type"])
async def test_what_goes_wrong_meanwhile_leaves_the_queue_whole(raw: Any, db: Database, spoil: str) -> None:
    before = await fill(raw, mixed(range(60)))

    async def spoiled(read: int, total: int, found: int) -> bool:
        match spoil:
            case "closed":
                await raw.rename(db.keys.operation("op"), db.keys.operation_closed("op"))
            case "shadow expired":
                await raw.delete(db.keys.shadow("op"))
            case "lock lost":
                await raw.set(db.keys.lock(db.keys.queue("big")), "another")
            case "into taken":
                await raw.set(db.keys.trash("op"), "x")
            case "old taken":
                await raw.set(db.keys.replaced("op"), "x")
            case "wrong type":
                await raw.rename(QUEUE, "queue:elsewhere")
                await raw.set(QUEUE, "a text")
        return True

    result = await run(db, between=spoiled)
    assert result.status in ("closed", "edited", "busy", "exists", "type", "refused", "nothing")
    place = "queue:elsewhere" if spoil == "wrong type" else QUEUE
    assert await raw.lrange(place, 0, -1) == before


async def test_without_memory_for_a_copy_it_does_not_begin(embedded: Any) -> None:
    server = embedded("small")
    async with redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2) as raw:
        db = Database(raw)
        before = await fill(raw, mixed(range(30_000)))
        used = (await raw.info("memory"))["used_memory"]
        await raw.config_set("maxmemory", used + 500_000)
        assert (await run(db)).status == "memory"
        await raw.config_set("maxmemory", 0)
        assert await content(raw) == before
        assert await leftovers(raw) == set()


@pytest.mark.parametrize("denied", ["rename", "ltrim", "persist", "rpush", "zadd", "lpush", "expire", "unlink"])
async def test_a_right_that_is_missing_changes_nothing(raw: Any, redis_url: str, db: Database, denied: str) -> None:
    before = await fill(raw, mixed(range(60)))
    came = entry(999)
    record = await open_record(db, "op")
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+@all", f"-{denied}")
    client = redis.asyncio.Redis.from_url(redis_url, username="ops", password="pw", protocol=2)

    async def traffic(read: int, total: int, found: int) -> bool:
        if read == total:
            await raw.lpush(QUEUE, came)
            await raw.rpop(QUEUE)
        return True

    result = await run(Database(client), between=traffic, record=record)
    await client.aclose()
    if result.status != "ok":
        assert result.status == "refused"
        assert await content(raw) in (before, [came, *before[:-1]])
        assert await raw.exists("sqtui:trash:op", "sqtui:trash") == 0
    else:
        assert await content(raw) == [came, *keep(before[:-1])]


async def test_every_command_sent_again_at_the_end_changes_nothing(raw: Any, db: Database) -> None:
    await fill(raw, mixed(range(100)))
    sent: list[tuple[Any, ...]] = []
    command = db.command

    async def recorded(*parts: Any) -> Any:
        sent.append(parts)
        return await command(*parts)

    db.command = recorded  # type: ignore[method-assign]
    await run(db)
    db.command = command  # type: ignore[method-assign]
    after = await content(raw)
    again = await fill(raw, mixed(range(200, 300)))
    for parts in random.Random(1).sample(sent, len(sent)) + sent:
        if parts[:1] == ("EVAL",) and b"attempt" in parts[1]:
            await db.command(*parts)
    assert await content(raw) == again + after
    assert await raw.llen("sqtui:trash:op") == 34


async def test_live_pushers_and_workers(raw: Any, db: Database) -> None:
    start = await fill(raw, mixed(range(20_000)))
    fetched: list[bytes] = []
    came: list[bytes] = []
    stop = asyncio.Event()

    async def pusher() -> None:
        while not stop.is_set():
            came.append(entry(100_000 + len(came), "Drop"))
            await raw.lpush(QUEUE, came[-1])

    async def worker() -> None:
        while not stop.is_set():
            found = await raw.rpop(QUEUE)
            if found:
                fetched.append(found)

    tasks = [asyncio.create_task(pusher()), *(asyncio.create_task(worker()) for _ in range(2))]
    result = await run(db, window=200)
    stop.set()
    await asyncio.gather(*tasks)
    out = await raw.lrange("sqtui:trash:op", 0, -1)
    left = await content(raw)
    assert result.status == "ok"
    assert Counter(fetched + out + left) == Counter(start + came)
    assert out == drop([one for one in start if one not in set(fetched)])
    assert left == [one for one in came[::-1] + keep(start) if one not in set(fetched)]
