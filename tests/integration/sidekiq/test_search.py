"""Searching a place, and one jid everywhere: results, progress, price, rights."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq import payload as payloads
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden, ServerUnreachable
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Slice, find_jid, scan
from tests.support.hostile import HOSTILE_PAYLOADS
from tests.support.proxy import FaultProxy

NOW = 1795313200.0
JID = "00ff00ff00ff00ff00ff00ff"


def payload(number: int, **fields: object) -> bytes:
    plain = {"class": f"Job{number % 10}", "jid": f"{number:024x}", "args": [number], "queue": "low"}
    return json.dumps(plain | fields, separators=(",", ":")).encode()


async def fill(raw: Any, count: int) -> None:
    """The same jobs in a queue (newest first: the highest number) and in all sets (score: the number)."""
    jobs = [payload(number) for number in range(count)]
    await raw.execute_command("SADD", "queues", "low", "empty")
    await raw.execute_command("LPUSH", "queue:low", *jobs)
    for name in ("retry", "schedule", "dead"):
        await raw.execute_command("ZADD", name, *itertools.chain(*enumerate(jobs)))


async def collect(slices: AsyncIterator[Slice]) -> list[Slice]:
    return [found async for found in slices]


def numbers(slices: list[Slice]) -> list[Any]:
    return [job.args[0] for found in slices for job in found.jobs]  # type: ignore[index]


@pytest.mark.parametrize("place", [Place("queue", "low"), Place("retry"), Place("schedule"), Place("dead")])
async def test_a_scan_yields_what_matches_in_the_places_order(db: Database, raw: Any, place: Place) -> None:
    await fill(raw, 100)
    slices = await collect(scan(db, place, parse_filter("class:=Job3 -13"), now=NOW, slice_size=30))
    expected = [number for number in range(3, 100, 10) if "13" not in payload(number).decode()]
    assert numbers(slices) == (expected[::-1] if place.kind in ("queue", "dead") else expected)
    assert all(found.place == place for found in slices)
    assert all(job.place == place for found in slices for job in found.jobs)
    assert [found.complete for found in slices] == [False] * (len(slices) - 1) + [True]
    assert (slices[-1].read, slices[-1].total) == (100, 100)
    assert 3 < len(slices) <= 5


async def test_an_empty_place_is_complete_at_once(db: Database) -> None:
    for place in (Place("queue", "low"), Place("dead"), Place("work")):
        assert await collect(scan(db, place, parse_filter(""), now=NOW)) == [Slice(place, (), 0, 0, True)]


async def test_scores_and_ages_are_searched(db: Database, raw: Any) -> None:
    await raw.execute_command("ZADD", "dead", NOW - 7300, payload(1), NOW - 10, payload(2))
    assert numbers(await collect(scan(db, Place("dead"), parse_filter("age>2h"), now=NOW))) == [1]
    assert numbers(await collect(scan(db, Place("dead"), parse_filter(f"at>={NOW - 60}"), now=NOW))) == [2]


async def test_only_candidates_are_decoded(db: Database, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(raw, 1000)
    decoded: list[bytes] = []
    real = payloads.decode

    def counting(raw: bytes) -> dict[str, object] | None:
        decoded.append(raw)
        return real(raw)

    monkeypatch.setattr(payloads, "decode", counting)
    found = await collect(scan(db, Place("dead"), parse_filter(f"class:=Job3 jid:={3:024x}"), now=NOW))
    assert len(numbers(found)) == 1
    assert len(decoded) < 20
    decoded.clear()
    assert len(
        [job for one in await collect(scan(db, Place("dead"), parse_filter("Job3"), now=NOW)) for job in one.jobs]
    )
    assert decoded == []


async def test_hostile_payloads_are_searched(db: Database, raw: Any) -> None:
    hostile = sorted(set(HOSTILE_PAYLOADS))
    await raw.execute_command("RPUSH", "queue:low", *hostile)
    await raw.execute_command("ZADD", "dead", *itertools.chain(*((1, one) for one in hostile)))
    for place in (Place("queue", "low"), Place("dead")):
        everything = await collect(scan(db, place, parse_filter(""), now=NOW, slice_size=50))
        assert sorted(job.raw for found in everything for job in found.jobs) == hostile
        for text in ("class:hostile", "error:x arg:y", "age>1h", "-retry>3", "jid:=0123456789abcdef01234567"):
            await collect(scan(db, place, parse_filter(text), now=NOW, slice_size=50))


async def put_everywhere(raw: Any) -> None:
    await fill(raw, 600)
    wanted = payload(999, jid=JID)
    await raw.execute_command("SADD", "queues", "deep", "other")
    await raw.execute_command("RPUSH", "queue:deep", *(payload(number) for number in range(700)), wanted, wanted)
    await raw.execute_command(
        "LPUSH", "queue:other", payload(1, args=[JID]), wanted.replace(b'"00ff', rb'"\u00300ff', 1)
    )
    await raw.execute_command("ZADD", "dead", 5.5, wanted)
    await raw.execute_command("ZADD", "retry", 5.5, payload(1, parent=JID))
    await raw.execute_command("SADD", "processes", "host:1:abc")
    work = {"queue": "low", "run_at": int(NOW), "payload": wanted.decode()}
    await raw.execute_command("HSET", "host:1:abc:work", "tid", json.dumps(work))


async def test_a_jid_is_found_everywhere(db: Database, raw: Any) -> None:
    await put_everywhere(raw)
    slices = await collect(find_jid(db, JID, now=NOW))
    found = [job.place for one in slices for job in one.jobs]
    assert found == [
        Place("work"),
        Place("dead"),
        Place("queue", "other"),
        Place("queue", "deep"),
        Place("queue", "deep"),
    ]
    last = {one.place: one for one in slices}
    assert list(last) == [
        *(Place("work"), Place("retry"), Place("schedule"), Place("dead")),
        *(Place("queue", "other"), Place("queue", "low"), Place("queue", "deep")),
    ]
    assert all(one.complete and one.read == one.total for one in last.values())
    assert last[Place("queue", "deep")].total == 702


@pytest.mark.parametrize("jid", ['odd "one"', "żółw", "back\\slash", "*", "", "a b"])
async def test_odd_jids_are_found_in_any_spelling(db: Database, raw: Any, jid: str) -> None:
    for name, ascii_only in (("dead", True), ("retry", False)):
        text = json.dumps({"class": "A", "jid": jid, "args": []}, ensure_ascii=ascii_only)
        await raw.execute_command("ZADD", name, 1, text)
    await raw.execute_command("ZADD", "schedule", 1, payload(1), 2, payload(2))
    found = [job.place.kind for one in await collect(find_jid(db, jid, now=NOW)) for job in one.jobs]
    assert found == ["retry", "dead"]


async def test_a_jid_search_may_stop_at_the_first(db: Database, raw: Any) -> None:
    await put_everywhere(raw)
    before = db.trips
    async for found in find_jid(db, JID, now=NOW):
        if found.jobs:
            break
    assert db.trips - before <= 5


async def test_a_cancelled_search_leaves_a_usable_database(db: Database, raw: Any) -> None:
    await fill(raw, 2000)

    async def search() -> None:
        while True:
            await collect(scan(db, Place("dead"), parse_filter("class:Job1"), now=NOW, slice_size=10))

    for pause in range(1, 20):
        task = asyncio.create_task(search())
        for _ in range(pause * 3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await db.command("ZCARD", "dead") == 2000
        assert await db.command("GET", "nothing") is None


async def reader(raw: Any, redis_url: str, *rights: str) -> Database:
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", "nopass", *rights)
    url = redis_url.replace("unix://", "unix://reader:any@")
    return Database(redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False))


async def test_a_reader_searches_everything(raw: Any, redis_url: str) -> None:
    await put_everywhere(raw)
    db = await reader(raw, redis_url, "~*", "+@read", "+@connection", "-@dangerous", "+info")
    assert len(numbers(await collect(find_jid(db, JID, now=NOW)))) == 5
    for place in (Place("queue", "low"), Place("retry"), Place("dead")):
        assert numbers(await collect(scan(db, place, parse_filter("class:Job3"), now=NOW)))
    await db.close()


async def test_what_may_not_be_read_is_told_and_the_rest_searched(raw: Any, redis_url: str) -> None:
    await put_everywhere(raw)
    db = await reader(raw, redis_url, "~queue:deep", "~queues", "~retry", "~dead", "+@read")
    slices = await collect(find_jid(db, JID, now=NOW))
    assert [job.place for one in slices for job in one.jobs] == [Place("dead"), *[Place("queue", "deep")] * 2]
    refused = {one.place for one in slices if not one.complete and one.total == 0}
    assert refused == {
        Place("work"),
        Place("schedule"),
        Place("queue", "low"),
        Place("queue", "other"),
        Place("queue", "empty"),
    }
    await db.close()


async def test_one_who_may_read_nothing_is_told_why(raw: Any, redis_url: str) -> None:
    db = await reader(raw, redis_url, "~*", "+ping")
    with pytest.raises(Forbidden):
        await collect(find_jid(db, JID, now=NOW))
    await db.close()


async def test_a_lost_connection_ends_the_search(raw: Any, redis_url: str, tmp_path_factory: Any) -> None:
    await put_everywhere(raw)
    socket = redis_url.removeprefix("unix://").partition("?")[0]
    async with FaultProxy(socket, tmp_path_factory.mktemp("p")) as proxy:
        client = redis.asyncio.Redis.from_url(proxy.url, protocol=2, legacy_responses=False)
        db = Database(client)
        search = find_jid(db, JID, now=NOW)
        await anext(search)
        await proxy.close()
        with pytest.raises(ServerUnreachable):
            await anext(search)
        await db.close()
