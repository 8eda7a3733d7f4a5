"""Jobs that end oddly, and writes that are refused: each still gets one next place."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.middleware import MiddlewareChain
from sidekiq_tui.sidekiq.worker.poller import Poller
from sidekiq_tui.sidekiq.worker.processor import Counters
from sidekiq_tui.sidekiq.worker.writes import transaction
from tests.support.workers import QUICK, quick, running, until


class CancelsItself(Job):
    async def perform(self) -> None:
        inner = asyncio.create_task(asyncio.sleep(60))
        inner.cancel()
        await inner


class Exits(Job):
    async def perform(self) -> None:
        sys.exit(3)


class ExitsInThread(Job):
    def perform(self) -> None:
        sys.exit(3)


class EndsWhenCancelled(Job):
    async def perform(self, how: str) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if how == "fails":
                raise ValueError("cleaning up failed") from None
            if how == "raises":
                raise


class Watches(Job):
    seen: list[bool] = []  # noqa: RUF012  # what was seen in this test

    async def perform(self) -> None:
        Watches.seen.append(self.interrupted)
        await until(lambda: self.interrupted)
        Watches.seen.append(self.interrupted)


@pytest.mark.parametrize("kind", [CancelsItself, Exits, ExitsInThread])
@pytest.mark.parametrize("reliable", [False, True])
async def test_what_ends_by_no_ordinary_error_is_retried(
    redis_url: str, db: Database, raw: Any, kind: type[Job], reliable: bool
) -> None:
    await Client(db, time_form="milliseconds").push({"class": kind.class_name(), "args": []})
    async with running(redis_url, kind, config=quick(reliable=reliable)):
        await until(lambda: raw.zcard("retry"))
    (failed,) = await raw.zrange("retry", 0, -1)
    assert json.loads(failed)["error_class"] == ("CancelledError" if kind is CancelsItself else "SystemExit")


@pytest.mark.parametrize("reliable", [False, True])
async def test_however_it_ends_what_was_given_back_has_one_place(
    redis_url: str, db: Database, raw: Any, reliable: bool
) -> None:
    client = Client(db, time_form="milliseconds")
    await client.push_bulk({"class": "EndsWhenCancelled", "args": [["fails"], ["raises"], ["returns"]]})
    async with running(redis_url, EndsWhenCancelled, config=quick(timeout=0.05, reliable=reliable)) as worker:
        await until(lambda: len(worker._counters.work) == 3)
    assert await raw.llen("queue:default") == 3
    assert await raw.zcard("retry") == 0
    assert not [key async for key in raw.scan_iter("sqtui:*")]


@pytest.mark.parametrize("reliable", [False, True])
async def test_a_retry_that_cannot_be_written_is_given_back(
    redis_url: str, db: Database, raw: Any, reliable: bool
) -> None:
    await raw.set("retry", "no set")
    await Client(db, time_form="milliseconds").push({"class": "Exits", "args": []})
    before = await raw.lrange("queue:default", 0, -1)
    async with running(redis_url, Exits, config=quick(timeout=0.05, reliable=reliable)):
        await until(lambda: raw.get("stat:failed"))
    assert await raw.lrange("queue:default", 0, -1) == before


async def test_a_command_that_is_refused_in_a_transaction_is_an_error(db: Database, raw: Any) -> None:
    await raw.set("retry", "no set")
    with pytest.raises(SidekiqError, match="WRONGTYPE"):
        await transaction(db, [("SET", "a", 1), ("ZADD", "retry", 1, "job")])


async def test_a_plain_job_can_ask_whether_to_end(redis_url: str, db: Database) -> None:
    await Client(db, time_form="milliseconds").push({"class": "Watches", "args": []})
    async with running(redis_url, Watches) as worker:
        await until(lambda: Watches.seen)
        worker.quiet()
        await until(lambda: len(Watches.seen) == 2)
    assert Watches.seen == [False, True]


async def test_middleware_that_fails_leaves_due_jobs_where_they_are(db: Database, raw: Any) -> None:
    async def refuse(name: Any, payload: Any, queue: Any, client: Any, call_next: Any) -> Any:
        if payload["args"] == ["bad"]:
            raise RuntimeError("no")
        return await call_next()

    jobs = {b'{"class":"A","args":["bad"]}': 1.0, b'{"class":"A","args":["good"]}': 2.0}
    jobs[b'{"class":"A","args":[],"queue":"\\ud800"}'] = 3.0  # half of a surrogate pair: no name that Ruby would read
    await raw.zadd("schedule", jobs)
    client = Client(db, time_form="milliseconds", middleware=MiddlewareChain(refuse))
    assert await Poller(QUICK, db, client).enqueue_due() >= 1
    assert b'{"class":"A","args":["bad"]}' in await raw.zrange("schedule", 0, -1)
    assert await raw.llen("queue:default") == 1


async def test_counts_are_not_doubled_where_only_a_part_of_a_beat_is_refused(
    redis_url: str, db: Database, raw: Any
) -> None:
    await Client(db, time_form="milliseconds").push({"class": "ExitsInThread", "args": [], "retry": False})
    await raw.set("processes", "no set")
    async with running(redis_url, ExitsInThread):
        await until(lambda: raw.get("stat:processed"))
        await asyncio.sleep(0.3)  # some more beats
    assert await raw.get("stat:processed") == b"1"


async def test_a_beat_that_is_under_way_as_the_worker_stops_still_counts(
    redis_url: str, db: Database, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go = asyncio.Event(), asyncio.Event()
    take = Counters.take

    def noted(counters: Counters) -> tuple[int, int]:
        counts = take(counters)
        if counts[0]:
            taken.set()
        return counts

    monkeypatch.setattr(Counters, "take", noted)
    await Client(db, time_form="milliseconds").push({"class": "ExitsInThread", "args": [], "retry": False})
    async with running(redis_url, ExitsInThread) as worker:
        command = worker._db.command

        async def held(*parts: Any) -> Any:
            if parts == ("PING",) and taken.is_set():
                await go.wait()
            return await command(*parts)

        monkeypatch.setattr(worker._db, "command", held)
        await asyncio.wait_for(taken.wait(), 30)
        worker.stop()
        await until(worker._ended.is_set)
        go.set()
    assert await raw.mget("stat:processed", "stat:failed") == [b"1", b"1"]
