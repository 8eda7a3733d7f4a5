"""A worker on a real Redis: what runs, what it says of itself, and what is left when it ends."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.process import read_processes
from sidekiq_tui.sidekiq.work import read_work
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from sidekiq_tui.sidekiq.worker.poller import Poller
from tests.support.workers import QUICK, quick, running, until


class Done(Job):
    ran: list[Any] = []  # noqa: RUF012  # what has run in this test

    async def perform(self, *args: Any) -> None:
        Done.ran.append((self.jid, list(args)))


class InThread(Job):
    def perform(self, *args: Any) -> None:
        Done.ran.append(threading.current_thread().name)


class Fails(Job):
    async def perform(self, *args: Any) -> None:
        raise ValueError("no")


class Waits(Job):
    go: asyncio.Event

    async def perform(self, *args: Any) -> None:
        await Waits.go.wait()
        Done.ran.append("waited")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Done.ran.clear()
    Waits.go = asyncio.Event()


@pytest.fixture
def client(db: Database) -> Client:
    return Client(db, time_form="milliseconds")


async def test_jobs_run_with_their_arguments(redis_url: str, client: Client) -> None:
    async with running(redis_url, Done, InThread):
        args = [1, 2.5, "ü", None, {"a": []}]
        jid = await client.push({"class": "Done", "args": args})
        assert await until(lambda: Done.ran) == [(jid, args)]
        await client.push({"class": "InThread", "args": []})
        await until(lambda: len(Done.ran) == 2)
    assert Done.ran[1].startswith("sidekiq")


async def test_what_fails_waits_in_retry_and_what_is_unknown_too(redis_url: str, client: Client, raw: Any) -> None:
    async with running(redis_url, Fails):
        await client.push({"class": "Fails", "args": []})
        await client.push({"class": "No::Such", "args": []})
        await until(lambda: _count(raw, "retry", 2))
    found = {json.loads(one)["error_class"]: json.loads(one) for one in await raw.zrange("retry", 0, -1)}
    assert found["NameError"]["error_message"] == "uninitialized constant No::Such"
    assert found["ValueError"]["retry_count"] == 0
    assert (await raw.get("stat:processed"), await raw.get("stat:failed")) == (b"2", b"2")


async def _count(raw: Any, name: str, count: int) -> bool:
    return bool(await raw.zcard(name) == count)


async def test_what_is_no_json_is_dead_byte_for_byte(redis_url: str, raw: Any) -> None:
    for broken in (b"\xff{", b"[]", b'{"class":"Done","args":5}'):
        await raw.lpush("queue:default", broken)
    async with running(redis_url, Done):
        await until(lambda: _count(raw, "dead", 2))
        await until(lambda: _count(raw, "retry", 1))
    assert set(await raw.zrange("dead", 0, -1)) == {b"\xff{", b"[]"}
    assert await raw.get("stat:processed") == b"1"


async def test_what_it_says_of_itself(redis_url: str, client: Client, db: Database, raw: Any) -> None:
    capsules = (CapsuleConfig("default", 3, (("low", 1), ("high", 5))), CapsuleConfig("single", 1, (("one", 0),)))
    async with running(redis_url, Waits, config=quick(capsules=capsules, tag="shop")) as worker:
        jid = await client.push({"class": "Waits", "args": [], "queue": "one"})
        (process,) = await until(lambda: read_processes(db, time.time()))
        assert process.identity == worker.identity
        assert (process.concurrency, process.tag, process.version) == (4, "shop", "8.1.7")
        assert [(one.name, one.mode, dict(one.weights)) for one in process.capsules] == [
            ("default", "weighted", {"low": 1, "high": 5}),
            ("single", "strict", {"one": 0}),
        ]
        assert process.rss is not None
        assert process.rss > 1 << 20
        (work,) = await until(lambda: read_work(db, [worker.identity]))
        assert (work.queue, work.job.jid) == ("one", jid)
        Waits.go.set()
        await until(lambda: Done.ran)
    assert await raw.smembers("processes") == set()
    assert await raw.exists(f"{worker.identity}:work") == 0


async def test_quiet_from_redis_takes_no_more_and_stop_ends_it(redis_url: str, client: Client, raw: Any) -> None:
    async with running(redis_url, Waits, Done) as worker:
        await client.push({"class": "Waits", "args": []})
        await until(lambda: worker._counters.work)
        await raw.lpush(f"{worker.identity}-signals", "TSTP")
        await until(lambda: _quiet(raw, worker.identity))
        await client.push({"class": "Done", "args": []})
        Waits.go.set()
        await until(lambda: Done.ran)
        await raw.lpush(f"{worker.identity}-signals", "KILL")  # not one of Sidekiq's: nothing happens
        await raw.lpush(f"{worker.identity}-signals", "TERM")
        await until(lambda: worker._stop.is_set())
    assert Done.ran == ["waited"]
    assert await raw.llen("queue:default") == 1


async def _quiet(raw: Any, identity: str) -> bool:
    return bool(await raw.hget(identity, "quiet") == b"true")


async def test_what_does_not_end_in_time_is_given_back_as_it_was(redis_url: str, raw: Any) -> None:
    payloads = [b'{"class":"Waits", "args":[%d],"n":1.50}' % number for number in range(3)]
    await raw.lpush("queue:default", *payloads)
    async with running(redis_url, Waits, config=quick(timeout=0.05)) as worker:
        await until(lambda: len(worker._counters.work) == 3)
    assert await raw.lrange("queue:default", 0, -1) == list(reversed(payloads))
    assert Done.ran == []
    assert await raw.zcard("retry") == 0


async def test_due_jobs_go_to_their_queues_and_the_rest_stays(redis_url: str, client: Client, raw: Any) -> None:
    async with running(redis_url, Done):
        await client.push_in(0.2, {"class": "Done", "args": ["soon"]})
        await client.push_in(600, {"class": "Done", "args": ["later"]})
        await until(lambda: Done.ran)
    assert [args for _, args in Done.ran] == [["soon"]]
    assert await raw.zcard("schedule") == 1


async def test_the_poller_loses_nothing_that_it_cannot_run(db: Database, client: Client, raw: Any) -> None:
    await raw.set("queue:broken", "a text")
    entries = {
        b'{"class":"Done","args":[1],"queue":"q","x":1.50}': 1.0,
        b"\xff": 2.0,
        b'{"class":"Done","args":{}}': 3.0,
        b'{"class":"Done","args":[],"queue":"broken"}': 4.0,
        **{b'{"class":"Done","args":[],"queue":"broken","n":%d}' % number: 5.0 for number in range(60)},
        b'{"class":"Done","args":[],"queue":"last"}': 6.0,
    }
    await raw.zadd("retry", entries)
    assert await Poller(QUICK, db, client).enqueue_due() == 2
    (first,) = await raw.lrange("queue:q", 0, -1)
    assert first.startswith(b'{"class":"Done","args":[1],"queue":"q","x":1.50,"retry":true,"enqueued_at":')
    assert await raw.llen("queue:last") == 1
    assert set(await raw.zrange("dead", 0, -1)) == {b"\xff", b'{"class":"Done","args":{}}'}
    assert await raw.zcard("retry") == 61
    assert await raw.smembers("queues") == {b"q", b"last"}


async def test_two_pollers_at_once_push_each_job_once(db: Database, client: Client, raw: Any) -> None:
    entries = {b'{"class":"Done","args":[%d],"jid":"%024d"}' % (number, number): 1.0 for number in range(500)}
    await raw.zadd("schedule", entries)
    pollers = [Poller(QUICK, db, client) for _ in range(4)]
    moved = await asyncio.gather(*(poller.enqueue_due() for poller in pollers))
    assert sum(moved) == await raw.llen("queue:default") == 500
    assert await raw.zcard("schedule") == 0


@pytest.mark.parametrize(
    ("queues", "mode"),
    [((("a", 0), ("b", 0)), "strict"), ((("a", 1), ("b", 1)), "random"), ((("a", 3), ("b", 1)), "weighted")],
)
async def test_every_mode_drains_all_queues(
    redis_url: str, client: Client, queues: tuple[tuple[str, int], ...], mode: str
) -> None:
    capsule = CapsuleConfig("default", 2, queues)
    assert capsule.mode == mode
    for queue in ("a", "b"):
        await client.push_bulk({"class": "Done", "args": [[queue]] * 20, "queue": queue})
    async with running(redis_url, Done, config=quick(capsules=(capsule,))):
        await until(lambda: len(Done.ran) == 40)
    order = [args[0] for _, args in Done.ran]
    if mode == "strict":
        assert order == ["a"] * 20 + ["b"] * 20
    assert order.count("a") == order.count("b") == 20


async def test_middleware_stands_round_every_job(redis_url: str, client: Client) -> None:
    seen: list[Any] = []

    async def watch(job: Job, payload: Any, queue: str, call_next: Any) -> object:
        seen.append((type(job).__name__, payload["args"], queue))
        return await call_next()

    from sidekiq_tui.sidekiq.job_class import ServerChain

    async with running(redis_url, Done, middleware=ServerChain(watch)):
        await client.push({"class": "Done", "args": [7]})
        await until(lambda: Done.ran)
    assert seen == [("Done", [7], "default")]
