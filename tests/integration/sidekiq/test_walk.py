"""Walks keep their promise while the list or set changes under them, between any two reads."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.walk import Stretch, containing, scan_set, walk_list, walk_set

LIST, SET = b"queue:q", b"retry"


def entry(number: int) -> bytes:
    return json.dumps({"class": "A", "jid": f"{number:024x}", "args": []}).encode()


async def fill_list(raw: Any, count: int, make: Callable[[int], bytes] = entry) -> list[bytes]:
    """Entries in list order, head first."""
    entries = [make(number) for number in range(count)]
    await raw.execute_command("RPUSH", LIST, *entries)
    return entries


async def walked(
    walk: AsyncIterator[Stretch], meanwhile: Callable[[], Awaitable[object]] | None = None, sure: bool = True
) -> list[bytes]:
    """All that the walk brings, with something happening after each read; checks the progress that it tells."""
    found: list[bytes] = []
    read = 0
    stretch = None
    async for stretch in walk:
        assert read <= stretch.read <= stretch.total
        read = stretch.read
        found += [raw for raw, _ in stretch.entries]
        if meanwhile is not None:
            await meanwhile()
    assert stretch is not None
    assert stretch.complete is sure
    assert stretch.read == stretch.total
    return found


def check(found: list[bytes], before: list[bytes], after: list[bytes]) -> None:
    """What was there all the time came exactly once."""
    always = Counter(before) & Counter(after)
    seen = Counter(found)
    assert {raw: seen[raw] for raw in always} == always


async def list_now(raw: Any) -> list[bytes]:
    entries: list[bytes] = await raw.execute_command("LRANGE", LIST, 0, -1)
    return entries


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 100, 101])
@pytest.mark.parametrize("slice_size", [1, 10, 500])
async def test_a_list_at_rest(db: Database, raw: Any, count: int, slice_size: int) -> None:
    before = await fill_list(raw, count) if count else []
    assert await walked(walk_list(db, LIST, slice_size)) == before


async def test_byte_identical_entries_all_come(db: Database, raw: Any) -> None:
    before = await fill_list(raw, 300, lambda number: entry(number % 3))
    assert await walked(walk_list(db, LIST, 10)) == before


async def test_a_slice_is_one_trip(db: Database, raw: Any) -> None:
    await fill_list(raw, 1000)
    await raw.execute_command("ZADD", SET, *itertools.chain(*((number, entry(number)) for number in range(1000))))
    before = db.trips
    await walked(walk_list(db, LIST, 100))
    assert db.trips - before == 11  # the first asks how long it is
    await walked(walk_set(db, SET, slice_size=101))
    assert db.trips - before == 21  # each slice reads the last one's last entry again


Change = Callable[[Any, random.Random, "itertools.count[int]"], Awaitable[object]]


async def push(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Clients push at the head."""
    await raw.execute_command("LPUSH", LIST, *(entry(next(fresh)) for _ in range(chance.randint(1, 30))))


async def push_many(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """More in bulk than a slice holds."""
    await raw.execute_command("LPUSH", LIST, *(entry(next(fresh)) for _ in range(70)))


async def pop(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Workers take from the tail."""
    await raw.execute_command("RPOP", LIST, chance.randint(1, 9))


async def pop_many(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Workers take more than a slice and its overlap."""
    await raw.execute_command("RPOP", LIST, 90)


async def push_back(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """A worker that stops gives its jobs back at the tail."""
    await raw.execute_command("RPUSH", LIST, *(entry(next(fresh)) for _ in range(chance.randint(1, 9))))


async def push_back_many(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Once, more jobs come back at the tail than the overlap can show."""
    if next(fresh) < 10_001:
        await raw.execute_command("RPUSH", LIST, *(entry(next(fresh)) for _ in range(200)))


async def delete(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Somebody deletes jobs anywhere."""
    entries = await list_now(raw)
    for gone in chance.sample(entries, min(5, len(entries))):
        await raw.execute_command("LREM", LIST, 1, gone)


async def delete_a_block(raw: Any, chance: random.Random, fresh: itertools.count[int]) -> None:
    """Somebody deletes many neighbours at once: the overlap may be all gone."""
    entries = await list_now(raw)
    if next(fresh) < 10_002 and entries:
        start = chance.randrange(len(entries))
        pipe = raw.pipeline(transaction=True)
        for gone in entries[start : start + 120]:
            pipe.execute_command("LREM", LIST, 1, gone)
        await pipe.execute()


CHANGES: tuple[Change, ...] = (push, push_many, pop, pop_many, push_back, delete, delete_a_block, push_back_many)
MIXES = [(change,) for change in CHANGES] + [
    (push, pop),
    (push, pop, delete),
    (push_many, pop_many),
    (push, pop, push_back, delete),
]


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "+".join(change.__name__ for change in mix))
@pytest.mark.parametrize("seed", range(2))
async def test_a_list_that_changes(db: Database, raw: Any, mix: tuple[Change, ...], seed: int) -> None:
    chance, fresh = random.Random(seed), itertools.count(10_000)
    before = await fill_list(raw, 1500)

    async def meanwhile() -> None:
        for change in mix:
            await change(raw, chance, fresh)

    # Where each slice is gone before the next is read, the walk can't tell whether it missed something, and says so.
    found = await walked(walk_list(db, LIST, 50), meanwhile, sure=mix != (push_many, pop_many))
    check(found, before, await list_now(raw))


async def test_a_copy_further_on_is_not_taken_for_the_last_entry_read(db: Database, raw: Any) -> None:
    before = await fill_list(raw, 100, lambda number: entry(19 if number == 30 else number))
    walk = walk_list(db, LIST, 20)
    found = [raw for raw, _ in (await anext(walk)).entries]
    await raw.execute_command("LREM", LIST, 1, before[19])  # the first of the two
    found += [raw async for stretch in walk for raw, _ in stretch.entries]
    assert found == before


async def test_a_list_that_vanishes(db: Database, raw: Any) -> None:
    before = await fill_list(raw, 1000)
    walk = walk_list(db, LIST, 100)
    first = await anext(walk)
    await raw.execute_command("DEL", LIST)
    assert [raw for raw, _ in first.entries] == before[:100]
    assert [raw async for stretch in walk for raw, _ in stretch.entries] == []


async def test_a_walk_that_is_left_stops_reading(db: Database, raw: Any) -> None:
    await fill_list(raw, 1000)
    walk = walk_list(db, LIST, 10)
    await anext(walk)
    await walk.aclose()  # type: ignore[attr-defined]
    before = db.trips
    assert await db.command("LLEN", LIST) == 1000
    assert db.trips == before + 1


async def test_a_key_of_another_type_is_an_error(db: Database, raw: Any) -> None:
    await raw.execute_command("SET", LIST, "x")
    for walk in (walk_list(db, LIST), walk_set(db, LIST), scan_set(db, LIST, "*")):
        with pytest.raises(WrongType):
            await anext(walk)


# ---- Sorted sets


async def fill_set(raw: Any, scores: list[float]) -> list[bytes]:
    """One entry for each score; returned in Redis's order."""
    pairs = [(score, entry(number * 7919 % len(scores))) for number, score in enumerate(scores)]
    for start in range(0, len(pairs), 1000):
        await raw.execute_command("ZADD", SET, *itertools.chain(*pairs[start : start + 1000]))
    return [member for _, member in sorted(pairs)]


async def set_now(raw: Any) -> list[bytes]:
    entries: list[bytes] = await raw.execute_command("ZRANGE", SET, 0, -1)
    return entries


SCORES = {
    "apart": [1795313144.1 + number / 7 for number in range(600)],
    "equal": [1795313144.5] * 600,
    "groups": [1795313144.0 + number // 90 for number in range(600)],
    "odd": [float("-inf"), -1.5, 0.0, 5e-324, 1795313144.0999999, 1.7e308, float("inf"), float("inf")] * 3,
    "none": [],
}


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("slice_size", [1, 2, 7, 90, 600, 601])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_set_at_rest(db: Database, raw: Any, scores: list[float], slice_size: int, descending: bool) -> None:
    before = await fill_set(raw, scores) if scores else []
    found = await walked(walk_set(db, SET, descending=descending, slice_size=slice_size))
    assert found == (before[::-1] if descending else before)


async def test_bounds_of_a_set_are_inclusive(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [1.0, 2.0, 2.0, 3.5, 4.0])
    walk = walk_set(db, SET, lowest=2.0, highest=3.5)
    assert [member async for stretch in walk for member, _ in stretch.entries] == before[1:4]
    assert [score async for stretch in walk_set(db, SET) for _, score in stretch.entries] == [1.0, 2.0, 2.0, 3.5, 4.0]


@pytest.mark.parametrize("name", ["apart", "equal", "groups"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("seed", range(2))
async def test_a_set_that_changes(db: Database, raw: Any, name: str, descending: bool, seed: int) -> None:
    chance, fresh = random.Random(seed), itertools.count(10_000)
    before = await fill_set(raw, SCORES[name])

    async def meanwhile() -> None:
        now = await set_now(raw)
        # many at the front, where a rank or offset would slip, and some anywhere
        gone = {*(now[-40:] if descending else now[:40]), *chance.sample(now, min(9, len(now)))}
        if gone:
            await raw.execute_command("ZREM", SET, *gone)
        for _ in range(chance.randint(0, 30)):
            await raw.execute_command("ZADD", SET, chance.choice(SCORES[name]), entry(next(fresh)))

    found = await walked(walk_set(db, SET, descending=descending, slice_size=50), meanwhile)
    check(found, before[::-1] if descending else before, await set_now(raw))


async def test_ten_thousand_of_one_score(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [1795313144.5] * 10_000)
    trips = db.trips
    assert await walked(walk_set(db, SET)) == before
    assert db.trips - trips <= 21


async def test_the_server_looks_for_text(db: Database, raw: Any) -> None:
    texts = ["a*b", "axb", "[x]", "x", "q?", "qq", "back\\slash", "żółw"]
    await raw.execute_command("ZADD", SET, *itertools.chain(*((1, text) for text in texts)))
    for text in texts:
        found = [
            member.decode() async for stretch in scan_set(db, SET, containing(text)) for member, _ in stretch.entries
        ]
        assert sorted(found) == sorted(other for other in texts if text in other)


async def test_the_server_looks_in_small_steps(db: Database, raw: Any) -> None:
    before = await fill_set(raw, [float(number) for number in range(3000)])
    found = await walked(scan_set(db, SET, "*"))
    assert sorted(found) == sorted(before)
    assert await walked(scan_set(db, SET, containing(f"{1234:024x}"))) == [entry(1234)]
