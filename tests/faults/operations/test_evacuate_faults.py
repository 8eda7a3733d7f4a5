"""All of a server goes to another, and a queue is made to hold what another does, while links break or sqtui dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import Evacuate, Operation, Synchronise
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import Place
from tests.support.carrying import SOURCE, TARGET, Carrier, own_keys, payloads
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, fill

POINTS: Final = int(os.environ.get("SQTUI_TRANSFER_POINTS", "0")) or 4
LOW: Final = Place("queue", "low")
PLACES: Final = ((MAIL, 17), (LOW, 6), (RETRY, 11), (SCHEDULE, 5), (DEAD, 8))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


@pytest.fixture
def source_link(redis_url: str, tmp_path: Path) -> FaultLink:
    (tmp_path / "ls").mkdir()
    return FaultLink(redis_url.removeprefix("unix://").partition("?")[0], tmp_path / "ls")


@pytest.fixture
def target_link(redis_url: str, tmp_path: Path) -> FaultLink:
    (tmp_path / "lt").mkdir()
    return FaultLink(redis_url.removeprefix("unix://").partition("?")[0], tmp_path / "lt")


async def filled(raw: Any) -> dict[Place, list[bytes]]:
    """Something in every place."""
    return {
        place: await fill(raw, place, count, first=1000 * at)
        for at, (place, count) in enumerate(PLACES)
    }  # fmt: skip


async def carried_out(carrier: Carrier, operation: Operation, server: str, link: FaultLink, at: int, fault: Fault,
                      *, dies: bool) -> tuple[str, Outcome | None]:  # fmt: skip
    """The operation with one fault, at which sqtui may be killed; the id, and the outcome unless it was."""
    plan = await carrier.plan(operation, server)
    struck = asyncio.Event()
    link.seen.clear()
    link.faults = {at: fault}
    link.on_command = lambda number, _: struck.set() if number == at else None
    run = carrier.start(plan)
    if not dies:
        return run.id, await asyncio.wait_for(run.wait(), 60)
    waiting = [asyncio.create_task(struck.wait()), asyncio.create_task(run.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert run._task is not None
    carrier.operations._runs.clear()
    run._task.cancel()
    await asyncio.gather(run._task, return_exceptions=True)
    for task in waiting:
        task.cancel()
    return run.id, None


async def late(link: FaultLink, database: int) -> None:
    """What was held arrives, and all that was ever sent arrives again, each on a connection of its own."""
    for command in (*link.held, *link.seen):
        client = redis.asyncio.Redis(unix_socket_path=link.target, db=database, protocol=2, legacy_responses=False)
        with contextlib.suppress(redis.exceptions.RedisError):
            await client.execute_command(*command)  # type: ignore[no-untyped-call]
        await client.aclose()


@pytest.mark.parametrize("seed", range(POINTS))
async def test_all_of_a_server_goes_whatever_happens(
    raw: Any, redis_url: str, tmp_path: Path, source_link: FaultLink, target_link: FaultLink, seed: int
) -> None:
    random = Random(seed)
    there = raw.__class__.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    jobs = await filled(raw)
    everything = Counter(one for each in jobs.values() for one in each)
    scores = {place: await raw.zrange(place.kind, 0, -1, withscores=True) for place in (RETRY, SCHEDULE, DEAD)}
    async with source_link, target_link:
        other = target_link.url.replace("db=0", "db=1")
        link, last = random.choice([(source_link, 26), (target_link, 13)])
        at, dies = random.randrange(1, last), random.random() < 0.6
        fault = random.choice([Fault.DROP, Fault.LOSE, Fault.HOLD, Fault.TEAR])
        anna = Carrier(source_link.url, other, tmp_path / "anna", timeout=1.0)
        _, outcome = await carried_out(anna, Evacuate(target=TARGET), SOURCE, link, at, fault, dies=dies)
        source_link.faults = target_link.faults = {}
        same = random.random() < 0.5
        ben = anna if same else Carrier(source_link.url, other, tmp_path / "ben")
        for left in await ben.operations.unfinished(SOURCE):
            plan = await ben.operations.resume(SOURCE, left.id)
            outcome = await asyncio.wait_for(ben.start(plan).wait(), 60)
        if outcome is None:  # it had not begun
            assert await payloads(raw) == everything
            outcome = await ben.do(Evacuate(target=TARGET))
        assert outcome.ending == "done", outcome
        await late(source_link, 0)
        await late(target_link, 1)
        await anna.close()
        await ben.close()
    assert await payloads(there) == everything
    assert await payloads(raw) == Counter()
    for place in (MAIL, LOW):
        assert await there.lrange(f"queue:{place.queue}", 0, -1) == jobs[place][::-1]
    for place, was in scores.items():
        assert await there.zrange(place.kind, 0, -1, withscores=True) == was
    compared = outcome.details["comparison"]
    assert isinstance(compared, list)
    sizes = {place: count for place, count in PLACES}
    for row in compared:  # of the places from which this part of it took something
        place = Place(row["place"], row["queue"])
        assert (row["left"], row["there"]) == (0, sizes[place])
        assert row["moved"] <= sizes[place]
    assert await own_keys(raw) == set()
    await there.aclose()


@pytest.mark.parametrize("seed", range(POINTS))
async def test_a_queue_holds_what_the_other_does_whatever_happens(
    raw: Any, redis_url: str, tmp_path: Path, source_link: FaultLink, target_link: FaultLink, seed: int
) -> None:
    random = Random(seed)
    there = raw.__class__.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    place = random.choice([MAIL, DEAD])
    jobs = await fill(raw, place, 33)
    some = random.sample(jobs, 9)
    if place is MAIL:
        await there.lpush("queue:mail", *some)
    else:
        await there.zadd("dead", {one: 1_750_000_000.25 + jobs.index(one) for one in some})
    async with source_link, target_link:
        anna = Carrier(source_link.url, target_link.url.replace("db=0", "db=1"), tmp_path / "anna", timeout=1.0)
        operation = Synchronise(jobs=Whole(place), source=SOURCE)
        fault = random.choice([Fault.DROP, Fault.LOSE, Fault.HOLD, Fault.TEAR])
        at = random.randrange(1, 7)
        _, outcome = await carried_out(anna, operation, TARGET, target_link, at, fault, dies=random.random() < 0.6)
        target_link.faults = {}
        if outcome is None or outcome.ending != "done":
            for left in await anna.operations.unfinished(TARGET):
                await anna.operations.leave(TARGET, left.id)
            again = await anna.plan(operation, TARGET)
            if not again.nothing:
                assert (await anna.start(again).wait()).ending == "done"
        await late(target_link, 1)
        assert (await anna.plan(operation, TARGET)).nothing
        await anna.close()
    assert await payloads(there) == Counter(jobs)
    assert await payloads(raw) == Counter(jobs)
    await there.aclose()
