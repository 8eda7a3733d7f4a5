"""Reliable fetch on a real Redis: a job is somewhere at every moment, and in one place when all is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerTimeout, SidekiqError
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.worker import capsule
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from sidekiq_tui.sidekiq.worker.connect import connector
from sidekiq_tui.sidekiq.worker.fetch import Connect, Unit
from sidekiq_tui.sidekiq.worker.launcher import Worker
from sidekiq_tui.sidekiq.worker.reliable_fetch import Recovery, ReliableFetch, entry
from tests.support.workers import quick, running, until

TWO = CapsuleConfig("default", 5, (("high", 0), ("low", 0)))
ME = "host:1:aaaaaaaaaaaa"

Make = Callable[..., ReliableFetch]


class Ran(Job):
    ran: list[Any] = []  # noqa: RUF012  # what has run in this test

    async def perform(self, *args: Any) -> None:
        Ran.ran.append(list(args))


class Breaks(Job):
    async def perform(self, *args: Any) -> None:
        raise ValueError("no")


class Stays(Job):
    async def perform(self, *args: Any) -> None:
        await asyncio.sleep(60)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Ran.ran.clear()


@pytest.fixture
async def fetcher(redis_url: str, raw: Any) -> AsyncIterator[Make]:
    made: list[ReliableFetch] = []

    def make(capsule: CapsuleConfig = TWO, identity: str = ME) -> ReliableFetch:
        made.append(ReliableFetch(connector(redis_url), capsule, identity))
        return made[-1]

    await raw.hset(ME, "busy", 0)
    yield make
    for one in made:
        await one.close()


async def _private(raw: Any, identity: str = ME) -> dict[bytes, list[bytes]]:
    return {key: await raw.lrange(key, 0, -1) async for key in raw.scan_iter(f"sqtui:fetch:{identity}:*")}


async def _gone(raw: Any) -> bool:
    return not [key async for key in raw.scan_iter("sqtui:fetch:*")]


async def test_jobs_move_to_lists_of_the_process_in_the_queues_order(fetcher: Make, raw: Any) -> None:
    await raw.lpush("queue:low", "l1", "l2", "l3")
    await raw.lpush("queue:high", "h1", "h2")
    units = await fetcher().fetch(4)
    assert [(one.queue, one.raw) for one in units] == [("high", b"h1"), ("high", b"h2"), ("low", b"l1"), ("low", b"l2")]
    assert await raw.lrange("queue:low", 0, -1) == [b"l3"]
    assert await _private(raw) == {
        f"sqtui:fetch:{ME}:high".encode(): [b"h2", b"h1"],
        f"sqtui:fetch:{ME}:low".encode(): [b"l2", b"l1"],
    }
    assert await raw.smembers("sqtui:fetches") == {f"{ME}|high".encode(), f"{ME}|low".encode()}


async def test_nothing_is_taken_while_nobody_believes_that_the_process_lives(fetcher: Make, raw: Any) -> None:
    await raw.lpush("queue:high", "h1")
    assert await fetcher(identity="host:2:bbbbbbbbbbbb").fetch(1) == []
    assert await raw.llen("queue:high") == 1


async def test_a_single_queue_is_waited_for(fetcher: Make, raw: Any) -> None:
    waiting = asyncio.create_task(fetcher(CapsuleConfig()).fetch(3))
    await until(lambda: _blocked(raw))
    await raw.lpush("queue:default", b"\xff\x00")
    (unit,) = await waiting
    assert unit.raw == b"\xff\x00"
    assert await _private(raw) == {f"sqtui:fetch:{ME}:default".encode(): [b"\xff\x00"]}
    assert await raw.sismember("sqtui:fetches", entry(ME, "default"))


async def _blocked(raw: Any) -> bool:
    return bool((await raw.info("clients"))["blocked_clients"])


async def test_what_is_done_is_forgotten_one_of_equals_at_a_time(fetcher: Make, raw: Any) -> None:
    await raw.lpush("queue:high", "same", "same", "other")
    fetch = fetcher()
    units = await fetch.fetch(3)
    await fetch.done(units[0])
    await until(lambda: _lists(raw, [b"other", b"same"]))
    await fetch.done(units[1])
    await fetch.done(units[2])
    await fetch.close()
    assert await _gone(raw)


async def _lists(raw: Any, wanted: list[bytes]) -> bool:
    return list((await _private(raw)).values()) == [wanted]


async def test_giving_back_keeps_the_order_and_leaves_out_what_is_elsewhere(fetcher: Make, raw: Any) -> None:
    await raw.lpush("queue:high", "1", "2", "3", "4")
    fetch = fetcher()
    units = await fetch.fetch(3)
    await raw.lrem(f"sqtui:fetch:{ME}:high", 1, "2")
    await fetch.push_back(units)
    assert await raw.lrange("queue:high", 0, -1) == [b"4", b"3", b"1"]
    await fetch.push_back(units)
    assert await raw.llen("queue:high") == 3


async def test_a_queue_that_refuses_loses_nothing(fetcher: Make, raw: Any, db: Database) -> None:
    await raw.lpush("queue:high", "1", "2")
    fetch = fetcher()
    units = await fetch.fetch(2)
    await raw.set("queue:high", "a text")
    await fetch.push_back(units)
    await raw.delete(ME)
    assert await Recovery(db).recover() == 0
    assert await _private(raw) == {f"sqtui:fetch:{ME}:high".encode(): [b"2", b"1"]}
    await raw.delete("queue:high")
    assert await Recovery(db).recover() == 2
    assert await raw.lrange("queue:high", 0, -1) == [b"2", b"1"]


async def test_a_private_list_of_another_type_loses_nothing(fetcher: Make, raw: Any) -> None:
    await raw.set(f"sqtui:fetch:{ME}:low", "a text")
    await raw.lpush("queue:low", "1")
    with pytest.raises(SidekiqError):
        await fetcher().fetch(1)
    assert await raw.lrange("queue:low", 0, -1) == [b"1"]


async def test_only_the_jobs_of_lost_processes_go_back(fetcher: Make, raw: Any, db: Database) -> None:
    lost = "host:2:bbbbbbbbbbbb"
    await raw.hset(lost, "busy", 2)
    queue = "odd|na:me ü"
    capsule = CapsuleConfig("default", 5, ((queue, 0), ("low", 0)))
    await raw.lpush(f"queue:{queue}", b'{"n": 1.50}', b"\xff")
    await raw.lpush("queue:low", "mine")
    await fetcher().fetch(1)
    assert len(await fetcher(capsule, lost).fetch(5)) == 2
    assert await Recovery(db).recover() == 0
    await raw.delete(lost)
    assert sum(await asyncio.gather(*(Recovery(db).recover() for _ in range(5)))) == 2
    assert await raw.lrange(f"queue:{queue}", 0, -1) == [b"\xff", b'{"n": 1.50}']
    assert await raw.smembers("queues") == {queue.encode()}
    assert await raw.smembers("sqtui:fetches") == {f"{ME}|low".encode()}
    assert await _private(raw, lost) == {}


async def test_taking_and_giving_back_go_on_where_memory_has_run_out(fetcher: Make, raw: Any, db: Database) -> None:
    await raw.lpush("queue:default", *(f"{number}" * 100 for number in range(5)))
    fetch = fetcher(CapsuleConfig())
    await raw.config_set("maxmemory", 1)
    try:
        units = await fetch.fetch(2)
        assert len(units) == 2
        await fetch.push_back(units[1:])
        await raw.delete(ME)
        assert await Recovery(db).recover() == 1
        assert await raw.llen("queue:default") == 5
        await raw.delete("queue:default")
        with pytest.raises(SidekiqError):
            await db.command("SET", "something", "more")
    finally:
        await raw.config_set("maxmemory", 0)


async def test_a_worker_keeps_its_jobs_in_redis_until_they_are_done(redis_url: str, raw: Any, db: Database) -> None:
    client = Client(db, time_form="milliseconds")
    async with running(redis_url, Ran, Breaks, config=quick(reliable=True)) as worker:
        await client.push_bulk({"class": "Ran", "args": [[number] for number in range(50)]})
        await client.push({"class": "Breaks", "args": []})
        await client.push({"class": "Breaks", "args": [], "retry": 0})
        await client.push({"class": "Breaks", "args": [], "retry": False})
        await raw.lpush("queue:default", "no json")
        await until(lambda: len(Ran.ran) == 50)
        await until(lambda: _gone(raw))
        assert worker.config.reliable
    assert sorted(Ran.ran) == [[number] for number in range(50)]
    assert (await raw.zcard("retry"), await raw.zcard("dead"), await raw.llen("queue:default")) == (1, 2, 0)


async def test_what_a_lost_process_was_running_runs_in_another_one(redis_url: str, raw: Any, db: Database) -> None:
    payload = b'{"class":"Ran","args":[ 1.50 ],"jid":"a"}'
    await raw.lpush("sqtui:fetch:host:9:cccccccccccc:default", payload)
    await raw.sadd("sqtui:fetches", entry("host:9:cccccccccccc", "default"))
    async with running(redis_url, Ran, config=quick(reliable=True)):
        await until(lambda: Ran.ran)
        await until(lambda: _gone(raw))
    assert Ran.ran == [[1.5]]


async def test_stopping_gives_back_what_runs_once(redis_url: str, raw: Any) -> None:
    payloads = [b'{"class":"Stays", "args":[%d],"n":1.50}' % number for number in range(3)]
    await raw.lpush("queue:default", *payloads)
    async with running(redis_url, Stays, config=quick(reliable=True, timeout=0.05)) as worker:
        await until(lambda: len(worker._counters.work) == 3)
    assert await raw.lrange("queue:default", 0, -1) == list(reversed(payloads))
    assert not [key async for key in raw.scan_iter("sqtui:*")]
    assert await raw.zcard("retry") == 0


class LosesAnAnswer(ReliableFetch):
    """The answer with the first job does not arrive, and just then no more jobs are wanted."""

    quiet: Callable[[], None] | None = None

    async def _take(self, count: int) -> list[Unit]:
        units = await super()._take(count)
        if units and self.quiet is not None:
            self.quiet()
            self.quiet = None
            raise ServerTimeout("lost")
        return units


async def test_quieting_gives_back_what_a_fetch_took_whose_answer_got_lost(
    redis_url: str, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capsule, "PAUSE_SECONDS", 0.0)
    payload = b'{"class":"Ran","args":[ 1.50 ],"jid":"a"}'
    await raw.lpush("queue:default", payload)
    made: list[LosesAnAnswer] = []

    def make(connect: Connect, config: CapsuleConfig) -> LosesAnAnswer:
        made.append(LosesAnAnswer(connect, config, ME))
        return made[-1]

    await raw.hset(ME, "busy", 0)  # without a heartbeat nothing would be taken
    worker = Worker(quick(reliable=True), connector(redis_url), classes={"Ran": Ran}, fetcher=make)
    made[0].quiet = worker.quiet
    task = asyncio.create_task(worker.run())
    try:
        await until(lambda: made[0].quiet is None)
        await until(lambda: raw.llen("queue:default"))
    finally:
        worker.stop()
        await task
    assert await raw.lrange("queue:default", 0, -1) == [payload]
    assert await _gone(raw)
    assert Ran.ran == []


async def test_a_job_in_two_capsules_lists_is_forgotten_once(fetcher: Make, raw: Any) -> None:
    one, other = fetcher(CapsuleConfig()), fetcher(CapsuleConfig("second"))
    await raw.lpush("queue:default", "same", "same")
    first = await one.fetch(1)
    await other.fetch(1)
    await one.done(first[0])
    await one.close()
    assert await _private(raw) == {f"sqtui:fetch:{ME}:default".encode(): [b"same"]}


async def test_the_retry_is_written_together_with_the_forgetting(redis_url: str, raw: Any, db: Database) -> None:
    await raw.set("retry", "no set")
    await Client(db, time_form="milliseconds").push({"class": "Breaks", "args": []})
    async with running(redis_url, Breaks, config=quick(reliable=True)) as worker:
        await until(lambda: worker._counters.failed or _failed(raw))
        await raw.delete("retry")
        await until(lambda: raw.zcard("retry"))
        await until(lambda: _gone(raw))
    (entry_,) = await raw.zrange("retry", 0, -1)
    assert json.loads(entry_)["retry_count"] == 0


async def _failed(raw: Any) -> bool:
    return bool(await raw.get("stat:failed") == b"1")


def test_units_are_told_apart_even_if_their_bytes_are_equal() -> None:
    assert Unit("a", b"1") != Unit("a", b"1")
