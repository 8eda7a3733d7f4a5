"""Workers that are killed, stopped and cut off under load: what is lost, and what runs twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job
from tests.conftest import StartRedis
from tests.support import worker_process
from tests.support.proxy import FaultProxy
from tests.support.workers import quick, running, until

KILLS = int(os.environ.get("SQTUI_KILLS", "8"))
CONCURRENCY = 5

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes; all are killed at the end. What they log is in a file, for who looks for a cause."""
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:

        def start(**settings: Any) -> subprocess.Popen[bytes]:
            return stack.enter_context(worker_process.started(redis_url, log=log, concurrency=CONCURRENCY, **settings))

        yield start


@pytest.fixture
def client(db: Database) -> Client:
    return Client(db, time_form="milliseconds")


async def _push(client: Client, count: int) -> set[str]:
    """Jobs that take a moment, and as many that fail once or twice before they are done."""
    slow = await client.push_bulk({"class": "SlowJob", "args": [[number] for number in range(count)]})
    fleet = await client.push_bulk({"class": "FleetJob", "args": [[number, number % 3] for number in range(count)]})
    return {str(jid) for jid in (*slow, *fleet)}


async def _done(raw: Any) -> set[str]:
    return {jid.decode() for jid in (*await raw.hkeys("ended"), *await raw.lrange("done", 0, -1))}


async def _runs(raw: Any) -> int:
    counts = [*await raw.hvals("begun"), *await raw.hvals("runs")]
    return sum(int(count) for count in counts)


async def _let_retries_be_due(raw: Any) -> None:
    if waiting := await raw.zrange("retry", 0, -1):
        await raw.zadd("retry", dict.fromkeys(waiting, 0), xx=True)


async def _kill(raw: Any, process: subprocess.Popen[bytes]) -> None:
    """As `kill -9`; and Redis forgets the process, as it would a minute later."""
    process.kill()
    process.wait()
    for identity in await raw.smembers("processes"):
        if identity.split(b":")[1] == str(process.pid).encode():
            await raw.unlink(identity)


async def test_a_killed_worker_with_reliable_fetch_loses_nothing(
    start: Start, raw: Any, db: Database, client: Client
) -> None:
    """Kills one worker after the other at any moment. SQTUI_KILLS is how many (8); 200 take some minutes."""
    chance = random.Random(7)
    pushed: set[str] = set()
    worker = start(reliable=True)
    for _ in range(KILLS):
        pushed |= await _push(client, 15)
        runs = await _runs(raw)
        await until(partial(_more_than, raw, runs + chance.randrange(10)))
        following = start(reliable=True)
        await asyncio.sleep(chance.random() * 0.05)
        await _kill(raw, worker)
        await _let_retries_be_due(raw)
        worker = following
    await _kill(raw, worker)
    start(reliable=True)
    start(reliable=True)
    left, since = len(pushed), time.monotonic()
    while missing := len(pushed - await _done(raw)):
        if missing < left:
            left, since = missing, time.monotonic()
        assert time.monotonic() - since < 30, f"{missing} of {len(pushed)} are lost"
        await _let_retries_be_due(raw)
        await asyncio.sleep(0.1)
    await until(lambda: _nothing_left(raw))
    # What a killed worker was running, and what it had done but not yet said so, runs again; nothing else.
    again = sum(int(count) - 1 for count in await raw.hvals("begun"))
    print(  # noqa: T201
        f"{KILLS} kills, {len(pushed)} jobs, {again} runs of {await raw.hlen('begun')} slow ones begun again"
    )
    assert again <= (KILLS + 1) * 4 * CONCURRENCY


async def _more_than(raw: Any, runs: int) -> bool:
    return await _runs(raw) > runs


async def _nothing_left(raw: Any) -> bool:
    await _let_retries_be_due(raw)
    private = [key async for key in raw.scan_iter("sqtui:fetch:*")]
    left = await raw.llen("queue:default") + await raw.zcard("retry")
    return not private and not left


async def test_without_it_a_killed_worker_loses_what_it_was_running(
    start: Start, raw: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ruby's does (protocol 15.4): a job leaves Redis when it is fetched."""
    monkeypatch.setenv("SLOW_SECONDS", "0.3")
    jids = {str(jid) for jid in await client.push_bulk({"class": "SlowJob", "args": [[n] for n in range(20)]})}
    worker = start()
    await until(lambda: _size(raw.hlen("begun"), CONCURRENCY))
    await _kill(raw, worker)
    start()
    await until(lambda: _size(raw.hlen("ended"), len(jids) - CONCURRENCY))
    assert await raw.llen("queue:default") == await raw.zcard("retry") == 0
    missing = jids - await _done(raw)
    assert missing == {jid.decode() for jid, _ in await _interrupted(raw)}, "nobody runs them again"


async def _interrupted(raw: Any) -> list[tuple[bytes, bytes]]:
    ended = await raw.hgetall("ended")
    return [(jid, count) for jid, count in (await raw.hgetall("begun")).items() if jid not in ended]


async def _size(asked: Any, size: int) -> bool:
    return bool(await asked == size)


@pytest.mark.parametrize("reliable", [False, True])
@pytest.mark.parametrize("timeout", [5.0, 0.0])
async def test_a_stopped_worker_loses_and_doubles_nothing(
    start: Start, raw: Any, client: Client, reliable: bool, timeout: float
) -> None:
    """Only what it gives back, because it did not end in time, begins a second time."""
    jids = {str(jid) for jid in await client.push_bulk({"class": "SlowJob", "args": [[n] for n in range(120)]})}
    stops = 3
    for turn in range(stops):
        worker = start(reliable=reliable, timeout=timeout)
        await until(partial(_begun, raw, 10 + 20 * turn))
        worker.send_signal(signal.SIGTERM)
        await until(partial(_over, worker))
        assert worker.returncode == 0
        assert await raw.scard("processes") == 0
    start(reliable=reliable)
    await until(lambda: _size(raw.hlen("ended"), len(jids)))
    await until(lambda: _nothing_left(raw))
    assert await _done(raw) == jids
    again = sum(int(count) - 1 for count in await raw.hvals("begun"))
    assert sum(int(count) - 1 for count in await raw.hvals("ended")) <= again
    assert again <= (0 if timeout else stops * CONCURRENCY)
    if not timeout:
        assert again > 0


def _over(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


async def _begun(raw: Any, count: int) -> bool:
    return bool(await raw.hlen("begun") > count)


class Notes(Job):
    """Notes in this process that it ran."""

    ran: list[str] = []  # noqa: RUF012

    async def perform(self, number: int) -> None:
        await asyncio.sleep(0.002)
        Notes.ran.append(self.jid)


def _all_ran(jids: set[str]) -> bool:
    return jids <= set(Notes.ran)


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> Any:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        yield proxy


async def test_a_cut_connection_loses_no_job_with_reliable_fetch(proxy: FaultProxy, raw: Any, client: Client) -> None:
    """Redis does what it was asked, and the answer never comes: the jobs of that answer run all the same."""
    Notes.ran.clear()
    chance = random.Random(7)
    jids: set[str] = set()
    async with running(proxy.url, Notes, config=quick(reliable=True)):
        for _ in range(12):
            jids |= {str(jid) for jid in await client.push_bulk({"class": "Notes", "args": [[n] for n in range(50)]})}
            await asyncio.sleep(0.02 + chance.random() * 0.05)
            proxy.swallow = True  # what is asked now is done, and never answered
            await asyncio.sleep(0.02)
            proxy.cut()
            await asyncio.sleep(0.01)
            proxy.swallow = False
        await until(partial(_all_ran, jids))
    assert await raw.llen("queue:default") == await raw.zcard("retry") == await raw.zcard("dead") == 0
    assert len(Notes.ran) == len(jids), "nothing ran twice"
    assert [key async for key in raw.scan_iter("sqtui:fetch:*")] == []


async def test_a_restarted_redis_is_waited_for(
    redis_server: EmbeddedRedis, embedded: StartRedis, tmp_path: Path
) -> None:
    """The jobs are in a new server under the same address; the worker goes on as if nothing had happened."""
    Notes.ran.clear()
    first, second = embedded("first"), embedded("second")
    async with FaultProxy(first.socket, tmp_path) as proxy, running(proxy.url, Notes) as worker:
        for server in (first, second):
            proxy.target = str(server.socket)
            await proxy.listen()
            connection = worker_process.connect(server.url)
            client = Client(Database(connection), time_form="milliseconds")
            Notes.ran.clear()
            jids = {str(jid) for jid in await client.push_bulk({"class": "Notes", "args": [[1]] * 20})}
            await until(partial(_all_ran, jids))
            await until(partial(connection.exists, worker.identity))
            await until(partial(_counted, connection, 20))
            await connection.aclose()
            await proxy.close()
            server.stop()
        proxy.target = str(redis_server.socket)
        await proxy.listen()


async def _counted(connection: Any, count: int) -> bool:
    return int(await connection.get("stat:processed") or 0) >= count
