"""Whole queues change while workers run their jobs and clients push: each job runs once, or is where it was put."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import pytest

from sidekiq_tui.sidekiq.clearing import clear, undo_clear
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.shadow import Chooser, Rebuild, rebuild
from tests.support.records import open_record
from tests.support.workers import quick, running, until

PLACE = Place("queue", "default")


class CountJob(Job):
    """Tells that it ran."""

    ran: ClassVar[Counter[int]] = Counter()

    async def perform(self, number: int) -> None:
        self.ran[number] += 1


@pytest.fixture(autouse=True)
def none_ran() -> None:
    CountJob.ran.clear()


def even() -> Chooser:
    def choose(window: Sequence[bytes]) -> Collection[int]:
        return [at for at, raw in enumerate(window) if number_of(raw) in range(0, 4_000, 2)]

    return choose


def number_of(raw: bytes) -> int:
    args = JobRecord(raw, PLACE).args
    assert isinstance(args, list)
    return int(args[0])


async def push(db: Database, numbers: range) -> None:
    await Client(db).push_bulk({"class": CountJob.class_name(), "args": [[one] for one in numbers]})


async def pushing(db: Database, stop: asyncio.Event, first: int) -> int:
    """Pushes one job after another until told to stop; the number after the last."""
    while not stop.is_set():
        await push(db, range(first, first + 3))
        first += 3
        await asyncio.sleep(0.005)
    return first


async def go_on(read: int, total: int, found: int) -> bool:
    return True


@pytest.mark.parametrize("reliable", [False, True], ids=["plain", "reliable"])
async def test_taking_out_half_of_a_queue_that_runs(raw: Any, redis_url: str, db: Database, reliable: bool) -> None:
    await push(db, range(4_000))
    stop = asyncio.Event()
    async with running(redis_url, CountJob, config=quick(reliable=reliable)):
        pusher = asyncio.create_task(pushing(db, stop, 10_001))
        await until(lambda: CountJob.ran.total() > 50)
        what = Rebuild("op", await open_record(db, "op"), "default", db.keys.trash("op"), True, "ann", 1_000.0)
        result = await rebuild(db, what, even, go_on)
        stop.set()
        last = await pusher
        await until(lambda: _drained(raw))
    out = Counter(map(number_of, await raw.lrange("sqtui:trash:op", 0, -1)))
    assert result.status in ("ok", "nothing")
    assert out.total() == result.out
    assert CountJob.ran + out == Counter([*range(4_000), *range(10_001, last)])
    assert out.keys() <= set(range(0, 4_000, 2))


async def test_clearing_and_putting_back_a_queue_that_runs(raw: Any, redis_url: str, db: Database) -> None:
    await push(db, range(1_000))
    stop = asyncio.Event()
    async with running(redis_url, CountJob):
        pusher = asyncio.create_task(pushing(db, stop, 10_000))
        for turn in range(5):
            trash = db.keys.trash(f"op{turn}")
            cleared = await clear(db, await open_record(db, f"op{turn}"), PLACE, bound=1 << 40, trash=trash, now=1.0)
            await asyncio.sleep(0.02)
            if cleared.count:
                restored = await undo_clear(db, await open_record(db, f"op{turn}u"), PLACE, trash)
                assert (restored.status, restored.restored) == ("ok", cleared.count)
        stop.set()
        last = await pusher
        await until(lambda: _drained(raw))
    assert CountJob.ran == Counter([*range(1_000), *range(10_000, last)])


async def _drained(raw: Any) -> bool:
    """Whether nothing waits, and nothing runs."""
    waiting = await raw.llen("queue:default")
    ran = CountJob.ran.total()
    await asyncio.sleep(0.1)
    return not waiting and ran == CountJob.ran.total()
