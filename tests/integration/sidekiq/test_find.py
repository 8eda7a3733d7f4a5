"""The server looks for text by a script: nothing is missed, little crosses the line, and others hardly wait."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.find import Finder
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Slice, find_jid, scan, search
from sidekiq_tui.sidekiq.walk import walk_list, walk_set
from tests.conftest import StartRedis
from tests.integration.sidekiq.test_walk import (
    LIST,
    MIXES,
    SCORES,
    SET,
    check,
    entry,
    fill_list,
    fill_set,
    list_now,
    set_now,
    walked,
)
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1795313200.0
SETS = (Place("retry"), Place("dead"))
HIDDEN = (
    b'{"class":"A","jid":"1","args":["deadlocked"]}',
    b'{"class":"A","jid":"2","args":["DeadLocKed"]}',
    b'{"class":"A","jid":"3","args":["d\\u0065adlocked"]}',
    b'{"class":"A","jid":"4","args":["dead\\u004cocked"]}',
    '{"class":"A","jid":"5","args":["deadloc\u212aed"]}'.encode(),
    b'{"class":"A","jid":"6","args":["deadloc\\u212aed"]}',
    b'{"class":"A","jid":"7","args":["deadloc\\u212Aed"]}',
    b"deadlocked \xff\x00\x1b not JSON",
)
PLAIN = (
    b'{"class":"A","jid":"8","args":["dead locked"]}',
    b'{"class":"A","jid":"9","args":["\\u017cd\\u00e9adlocked"]}',
    '{"class":"A","jid":"10","args":["\u0130d dead lock"]}'.encode(),
)


@pytest.fixture(autouse=True)
async def counted_anew(raw: Any) -> None:
    await raw.config_resetstat()


class Everything(Finder):
    """A finder that never gives up, of what all test entries have."""

    def __init__(self, db: Database, entries: int = 50) -> None:
        super().__init__(db, ((b"jid",),), entries)

    def _weigh(self, found: int, read: int) -> None:
        """However much there is."""


def payload(number: int, **fields: object) -> bytes:
    return json.dumps({"class": "A", "jid": f"{number:024x}", "args": [number]} | fields).encode()


async def collect(slices: AsyncIterator[Slice]) -> list[Slice]:
    return [found async for found in slices]


def raws(slices: list[Slice]) -> list[bytes]:
    return [job.raw for found in slices for job in found.jobs]


async def by_score(raw: Any, key: str, entries: list[bytes]) -> None:
    for start in range(0, len(entries), 1000):
        await raw.zadd(key, {one: start + place for place, one in enumerate(entries[start : start + 1000])})


async def calls(raw: Any, command: str) -> int:
    stats = await raw.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


# ---- It finds what reading finds


@pytest.mark.parametrize("words", ["deadlocked", "arg:deadlocked", "LOCKED", "k", "i"])
async def test_whatever_hides_in_escapes_and_capitals_is_found(db: Database, raw: Any, words: str) -> None:
    await by_score(raw, "retry", [*HIDDEN, *PLAIN])
    await raw.rpush("queue:q", *HIDDEN, *PLAIN)
    wanted = parse_filter(words)
    for place in (Place("retry"), Place("queue", "q")):
        db.scripts = True
        found = raws(await collect(scan(db, place, wanted, now=NOW)))
        db.scripts = False
        assert found == raws(await collect(scan(db, place, wanted, now=NOW)))
        assert found


@pytest.mark.parametrize(
    "words",
    [
        *("hostile", "class:hostile", "error:x arg:y", "jid:0123", "-hostile", "class:a,b,c", "\x1b[31m", "'[/]'"),
        *("漢字", "\x00", "redis.call", "%w+", "return 1 e", "]]", "-retry>3 e", "i", "K"),
    ],
)
async def test_hostile_payloads_and_words_find_the_same(db: Database, raw: Any, words: str) -> None:
    hostile = sorted(set(HOSTILE_PAYLOADS))
    await by_score(raw, "dead", hostile)
    await raw.rpush("queue:q", *hostile)
    wanted = parse_filter(words)
    for place in (Place("dead"), Place("queue", "q")):
        db.scripts = True
        found = raws(await collect(scan(db, place, wanted, now=NOW)))
        assert db.scripts
        db.scripts = False
        assert found == raws(await collect(scan(db, place, wanted, now=NOW)))


async def test_only_what_may_match_crosses_the_line(raw: Any, db: Database) -> None:
    await by_score(raw, "retry", [payload(number, pad="x" * 300) for number in range(5000)])
    await raw.config_resetstat()
    found = await collect(scan(db, Place("retry"), parse_filter(f"jid:{77:024x}"), now=NOW))
    assert len(raws(found)) == 1
    assert found[-1].read == 5000
    assert (await raw.info("stats"))["total_net_output_bytes"] < 20_000
    assert db.trips == 5


# ---- Walks keep their promise


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("entries", [1, 7, 90, 601])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_set_at_rest(db: Database, raw: Any, scores: list[float], entries: int, descending: bool) -> None:
    before = await fill_set(raw, scores) if scores else []
    found = await walked(walk_set(db, SET, descending=descending, finder=Everything(db, entries)))
    assert found == (before[::-1] if descending else before)
    assert await calls(raw, "eval_ro")
    assert not await calls(raw, "zrangebyscore")


@pytest.mark.parametrize("name", ["apart", "equal", "groups"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("seed", range(2))
async def test_a_set_that_changes(db: Database, raw: Any, name: str, descending: bool, seed: int) -> None:
    chance, fresh = random.Random(seed), itertools.count(10_000)
    before = await fill_set(raw, SCORES[name])

    async def meanwhile() -> None:
        now = await set_now(raw)
        gone = {*(now[-40:] if descending else now[:40]), *chance.sample(now, min(30, len(now)))}
        if gone:
            await raw.execute_command("ZREM", SET, *gone)
        for _ in range(chance.randint(0, 30)):
            await raw.execute_command("ZADD", SET, chance.choice(SCORES[name]), entry(next(fresh)))
        if now:  # and some are put off
            await raw.execute_command("ZADD", SET, chance.choice(SCORES[name]) + 1, chance.choice(now))

    found = await walked(walk_set(db, SET, descending=descending, finder=Everything(db)), meanwhile)
    scores = dict(zip(before, sorted(SCORES[name]), strict=True))
    stayed = [one for one in await set_now(raw) if one in scores and await raw.zscore(SET, one) == scores[one]]
    assert [found.count(one) for one in stayed] == [1] * len(stayed)


async def test_where_the_last_entry_of_a_tie_went_the_rest_is_read(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [5.0] * 3000)
    walk = walk_set(db, SET, finder=Everything(db, 1000))
    found = [one for one, _ in (await anext(walk)).entries]
    await raw.zrem(SET, *before[990:1010])
    found += [one async for stretch in walk for one, _ in stretch.entries]
    check(found, before, await set_now(raw))
    assert found[:1000] == before[:1000]


async def test_ten_thousand_of_one_score_in_ten_calls(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [1795313144.5] * 10_000)
    trips = db.trips
    assert await walked(walk_set(db, SET, finder=Everything(db, 1000))) == before
    assert db.trips - trips == 10


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 500])
@pytest.mark.parametrize("entries", [1, 50, 1000])
async def test_a_list_at_rest(db: Database, raw: Any, count: int, entries: int) -> None:
    before = await fill_list(raw, count) if count else []
    assert await walked(walk_list(db, LIST, finder=Everything(db, entries))) == before
    assert await calls(raw, "eval_ro") or not count


async def test_byte_identical_entries_all_come(db: Database, raw: Any) -> None:
    before = await fill_list(raw, 300, lambda number: entry(number % 3))
    assert await walked(walk_list(db, LIST, finder=Everything(db, 40))) == before


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "+".join(change.__name__ for change in mix))
@pytest.mark.parametrize("seed", range(2))
async def test_a_list_that_changes(db: Database, raw: Any, mix: Any, seed: int) -> None:
    chance, fresh = random.Random(seed), itertools.count(10_000)
    before = await fill_list(raw, 1500)

    async def meanwhile() -> None:
        for change in mix:
            await change(raw, chance, fresh)

    found: list[bytes] = []
    complete = True
    async for stretch in walk_list(db, LIST, 50, Everything(db)):
        found += [one for one, _ in stretch.entries]
        complete = stretch.complete
        await meanwhile()
    if complete:
        check(found, before, await list_now(raw))
    else:
        assert {change.__name__ for change in mix} & {"pop_many", "push_back_many", "push_back", "delete_a_block"}


# ---- What it costs others


async def test_huge_payloads_are_looked_at_a_few_at_a_time(db: Database, raw: Any) -> None:
    huge = [payload(number, pad="x" * 1_000_000) for number in range(60)]
    for score, one in enumerate(huge):
        await raw.zadd("retry", {one: score})
        await raw.rpush("queue:q", one)
    wanted = parse_filter(f"jid:={59:024x}")
    for place in (Place("retry"), Place("queue", "q")):
        slices = await collect(scan(db, place, wanted, now=NOW))
        assert len(raws(slices)) == 1
        assert len(slices) >= 3
        assert slices[-1].complete


async def test_another_client_hardly_waits(db: Database, raw: Any) -> None:
    await by_score(raw, "retry", [payload(number, pad="x" * 400) for number in range(30_000)])
    await raw.config_resetstat()
    await collect(scan(db, Place("retry"), parse_filter("nowhere"), now=NOW))
    stats = (await raw.info("commandstats"))["cmdstat_eval_ro"]
    assert stats["usec_per_call"] < 15_000  # some 1.5 ms where nothing else runs; the machine may be busy
    assert stats["calls"] >= 30


# ---- Where it may not


async def test_a_user_without_scripts_reads_instead(raw: Any, redis_url: str) -> None:
    await by_score(raw, "retry", [payload(number) for number in range(3000)])
    await raw.rpush("queue:q", payload(7))
    await raw.sadd("queues", "q")
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", "nopass", "~*", "+@read", "+@connection")
    url = redis_url.replace("unix://", "unix://reader:any@")
    db = Database(redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False))
    found = await collect(search(db, parse_filter(f"class:A jid:{7:024x}"), now=NOW))
    assert [job.place for one in found for job in one.jobs] == [Place("retry"), Place("queue", "q")]
    assert all(one.complete for one in {one.place: one for one in found}.values())
    assert not db.scripts
    assert len(raws(await collect(find_jid(db, f"{7:024x}", now=NOW)))) == 2
    assert await calls(raw, "zscan")
    await db.close()


async def test_a_server_without_the_command_is_read(embedded: StartRedis) -> None:
    server = embedded(config=('rename-command EVAL_RO ""',))
    client = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2)
    db = Database(client)
    await by_score(client, "retry", [payload(number) for number in range(1500)])
    found = await collect(scan(db, Place("retry"), parse_filter(f"jid:{7:024x}"), now=NOW))
    assert len(raws(found)) == 1
    assert found[-1].complete
    assert not db.scripts
    await db.close()


async def test_a_script_that_fails_half_way_is_gone_on_with_by_reading(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [float(number // 30) for number in range(600)])
    found: list[bytes] = []
    async for stretch in walk_set(db, SET, slice_size=50, finder=Everything(db)):
        found += [one for one, _ in stretch.entries]
        db.scripts = len(found) < 200
    assert found == before


async def test_where_most_match_it_is_read(db: Database, raw: Any) -> None:
    await by_score(raw, "retry", [payload(number) for number in range(4000)])
    found = await collect(scan(db, Place("retry"), parse_filter("args"), now=NOW))
    assert len(raws(found)) == 4000
    assert await calls(raw, "eval_ro") == 1


# ---- Leaving it


async def test_a_cancelled_search_sends_nothing_more(db: Database, raw: Any) -> None:
    await by_score(raw, "retry", [payload(number) for number in range(20_000)])
    before, begun = asyncio.all_tasks(), asyncio.Event()

    async def searching() -> None:
        async for found in search(db, parse_filter("nowhere"), now=NOW):
            if found.read >= 3000:
                begun.set()

    task = asyncio.create_task(searching())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    trips = db.trips
    for _ in range(3):  # round trips of another client: time enough for one more
        sent = await calls(raw, "eval_ro")
    assert (db.trips, sent) == (trips, await calls(raw, "eval_ro"))
    assert sent < 20
    assert asyncio.all_tasks() == before
