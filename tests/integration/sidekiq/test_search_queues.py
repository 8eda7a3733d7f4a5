"""Searching many queues: small ones several in a trip, none that the filter's queue rules out, and nothing missed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidekiq_tui.sidekiq import small_queues
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.search import Slice, find_jid, search

NOW = 1795313200.0
EVERYTHING = parse_filter("")


def payload(number: int, size: int = 0) -> bytes:
    """A job that names itself."""
    return json.dumps({"class": "Job", "jid": f"{number:024x}", "args": [number, "x" * size]}).encode()


async def fill(raw: Any, queues: int, each: int, *, size: int = 0) -> None:
    """Queues of so many jobs."""
    for number in range(queues):
        await raw.execute_command("SADD", "queues", f"q{number:03}")
        jobs = [payload(1000 * number + one, size) for one in range(each)]
        await raw.execute_command("LPUSH", f"queue:q{number:03}", *jobs)


async def collect(slices: AsyncIterator[Slice]) -> list[Slice]:
    return [found async for found in slices]


def found_in(slices: list[Slice]) -> dict[str, list[int]]:
    """Numbers of the jobs found, by queue, as they came."""
    found: dict[str, list[int]] = {}
    for one in slices:
        for job in one.jobs:
            found.setdefault(job.place.queue or job.place.kind, []).append(job.args[0])  # type: ignore[index]
    return found


class Meddling(Database):
    """Runs something between the reads of a search."""

    async def pipeline(self, commands: Any) -> list[Reply]:
        if any(command[0] == "LRANGE" for command in commands):
            await self.meddle()
        return await super().pipeline(commands)

    async def meddle(self) -> None:
        """What others do meanwhile."""


async def test_hundreds_of_small_queues_take_few_trips(db: Database, raw: Any) -> None:
    await fill(raw, 300, 5)
    slices = await collect(search(db, EVERYTHING, now=NOW))
    assert found_in(slices) == {
        f"q{queue:03}": [1000 * queue + one for one in reversed(range(5))] for queue in range(300)
    }
    last = {one.place: one for one in slices}
    assert len(last) == 304
    assert all(one.complete for one in slices)
    assert all((one.read, one.total) == (5, 5) for place, one in last.items() if place.kind == "queue")
    assert db.trips <= 6 + 4  # work, sets, names and lengths; then 500 entries a trip


async def test_a_jid_in_one_of_many_queues(db: Database, raw: Any) -> None:
    await fill(raw, 300, 5)
    slices = await collect(find_jid(db, f"{123_002:024x}", now=NOW))
    assert found_in(slices) == {"q123": [123_002]}
    assert db.trips <= 7 + 4


async def test_large_payloads_make_the_trips_smaller(db: Database, raw: Any) -> None:
    await fill(raw, 60, 10, size=20_000)
    sizes: list[int] = []
    real = Database.pipeline

    async def pipeline(self: Database, commands: list[Command]) -> list[Reply]:
        replies = await real(self, commands)
        sizes.append(sum(len(raw) for reply in replies if isinstance(reply, list) for raw in reply if raw))  # type: ignore[arg-type, misc]
        return replies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "pipeline", pipeline)
        slices = await collect(search(db, EVERYTHING, now=NOW))
    assert sum(len(jobs) for jobs in found_in(slices).values()) == 600
    assert max(sizes) <= small_queues.FIRST_ENTRIES * 20_200
    later = [size for size in sizes if size > 1000][1:]  # what is shorter are names and lengths
    assert later
    assert max(later) < 2 * small_queues.BYTES


async def test_a_queue_that_grew_is_read_like_a_large_one(db: Database, raw: Any, redis_url: str) -> None:
    await fill(raw, 3, 5)

    class Growing(Meddling):
        async def meddle(self) -> None:
            if await raw.execute_command("LLEN", "queue:q001") == 5:
                await raw.execute_command("LPUSH", "queue:q001", *(payload(5000 + one) for one in range(700)))

    growing = Growing(db._redis)
    slices = await collect(search(growing, EVERYTHING, now=NOW))
    found = found_in(slices)
    assert found["q000"] == [4, 3, 2, 1, 0]
    assert sorted(found["q001"]) == [*range(1000, 1005), *range(5000, 5700)]
    assert all([one for one in slices if one.place.queue == queue][-1].complete for queue in ("q000", "q001", "q002"))


async def test_a_small_queue_that_cannot_be_read_is_told(db: Database, raw: Any, redis_url: str) -> None:
    await fill(raw, 3, 5)

    class Breaking(Meddling):
        async def meddle(self) -> None:
            await raw.execute_command("SET", "queue:q001", "text")

    slices = await collect(search(Breaking(db._redis), EVERYTHING, now=NOW))
    assert [one.place.queue for one in slices if not one.complete] == ["q001"]
    assert sorted(found_in(slices)) == ["q000", "q002"]


async def test_only_queues_that_the_filter_allows_are_read(db: Database, raw: Any) -> None:
    await fill(raw, 4, 2)
    await raw.execute_command("ZADD", "dead", 1, json.dumps({"class": "Dead", "queue": "q002", "args": [7]}))
    for text, queues in {
        "queue:=q002": {"q002"},
        "queue:=Q002,q003": {"q002", "q003"},
        "queue:00 -queue:3": {"q000", "q001", "q002"},
        "queue:=none": set(),
        "job": {"q000", "q001", "q002", "q003"},
    }.items():
        slices = await collect(search(db, parse_filter(text), now=NOW))
        assert {one.place.queue for one in slices if one.place.kind == "queue"} == queues, text
        assert [one.place.kind for one in slices][:4] == ["work", "retry", "schedule", "dead"]
        assert set(found_in(slices)) - {"dead"} == queues
    assert found_in(await collect(search(db, parse_filter("queue:=q002"), now=NOW)))["dead"] == [7]


async def test_a_search_stopped_among_small_queues_reads_no_more(db: Database, raw: Any) -> None:
    await fill(raw, 300, 5)
    slices = search(db, EVERYTHING, now=NOW)
    async for found in slices:
        if found.place.kind == "queue":
            break
    trips = db.trips
    await slices.aclose()  # type: ignore[attr-defined]
    assert db.trips == trips
    assert trips <= 7
