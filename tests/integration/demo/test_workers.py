"""The demo's workers are real: what they run is done, what fails is retried, and signals in Redis take effect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from sidekiq_tui.demo import hosts
from sidekiq_tui.demo.apps.shop import JOBS
from sidekiq_tui.demo.arrivals import Arrival
from sidekiq_tui.demo.crew import database
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.demo.hosts import Host
from sidekiq_tui.demo.plans import ServerPlan, plans
from sidekiq_tui.demo.producer import Producer
from sidekiq_tui.demo.scenarios import BROKEN, Deploy, Scenario, Trouble
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.deploy import read_marks
from sidekiq_tui.sidekiq.extras import read_extras
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.process import Process, read_processes
from sidekiq_tui.sidekiq.replies import natural

PATIENCE = 60.0  # seconds, on a busy machine
QUIET_SHOP = Scenario(tells="")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are looked for, and successors come, more often than in the demo."""
    for name, seconds in (("BEAT", 0.05), ("BOOT", 0.05), ("RESTART", 0.05), ("LOOK", 0.0), ("SIGNS", 0.05)):
        monkeypatch.setattr(hosts, name, seconds)


@pytest.fixture
def server(redis_server: EmbeddedRedis, redis_url: str) -> EmbeddedRedis:
    return redis_server


async def until(done: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await done():  # noqa: ASYNC110 (Redis tells nobody)
            await asyncio.sleep(0.02)


def shop(scenario: Scenario = QUIET_SHOP, **changes: object) -> ServerPlan:
    """Production with jobs that take no time."""
    fast = {
        name: type(job.__name__, (job,), {"kind": replace(job.kind, mean=0.001), "sidekiq_class": name})
        for name, job in JOBS.items()
    }
    return replace(plans(1)[0], scenario=scenario, jobs=fast, **changes)  # type: ignore[arg-type]


def connector(server: EmbeddedRedis) -> Callable[[], Database]:
    return partial(database, str(server.socket), server.password or "")


@asynccontextmanager
async def living(plan: ServerPlan, server: EmbeddedRedis, number: int = 0) -> AsyncIterator[asyncio.Task[None]]:
    host = Host(plan, number, connector(server), seed="7", began=time.time())
    task = asyncio.create_task(host.live())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def push(plan: ServerPlan, db: Database, name: str, count: int, delay: float | None = None) -> None:
    (kind,) = (kind for kind in plan.kinds if kind.name == name)
    await Producer(plan, db, "7").push([Arrival(kind, count, delay)])


async def number(db: Database, *command: str | bytes) -> int:
    return natural(await db.command(*command)) or 0


async def processed(db: Database) -> int:
    return await number(db, "GET", db.keys.stat_processed)


async def alive(db: Database, host: str) -> list[Process]:
    found = await read_processes(db, time.time())
    return [process for process in found if process.hostname == host]


async def failures(db: Database, key: bytes) -> list[JobRecord]:
    raws = await db.command("ZRANGE", key, 0, -1)
    assert isinstance(raws, list)
    return [JobRecord(raw, Place("retry")) for raw in raws if isinstance(raw, bytes)]


@pytest.mark.parametrize("name", ["Checkout::ChargeCardJob", "OrderMailer", "Inventory::SyncStockJob"])
async def test_jobs_of_every_shape_are_done(name: str, db: Database, server: EmbeddedRedis) -> None:
    plan = shop()
    await push(plan, db, name, 30)
    async with living(plan, server):
        await until(lambda: _at_least(db, 30))
    assert await processed(db) == 30


async def _at_least(db: Database, count: int) -> bool:
    return await processed(db) >= count


async def test_what_is_pushed_for_later_is_scheduled(db: Database) -> None:
    plan = shop()
    await push(plan, db, "CartMailer", 3, delay=500.0)
    assert await number(db, "ZCARD", db.keys.schedule) == 3


async def test_what_fails_is_retried_with_a_believable_error(db: Database, server: EmbeddedRedis) -> None:
    errors = (("Payments::GatewayTimeout", "504 from acquirer"),)
    plan = shop(Scenario(tells="", troubles=(Trouble(service="acquirer", fails=1.0, errors=errors),)))
    await push(plan, db, "Checkout::ChargeCardJob", 5)
    async with living(plan, server):
        await until(lambda: _full(db, db.keys.retry, 5))
    for job in await failures(db, db.keys.retry):
        assert (job.error_class, job.error_message) == errors[0]
        assert job.retry_count == 0
        assert any("app/services/payments/acquirer.rb:88" in line for line in job.error_backtrace or ())
        assert not any("sidekiq_tui" in line for line in job.error_backtrace or ())


async def _full(db: Database, key: bytes, count: int) -> bool:
    return await number(db, "ZCARD", key) == count


async def test_quiet_through_redis_ends_fetching_for_good(db: Database, server: EmbeddedRedis) -> None:
    plan = shop()
    async with living(plan, server):
        await until(lambda: alive(db, "shop-app-1"))
        (process,) = await alive(db, "shop-app-1")
        await db.command("LPUSH", db.keys.signals(process.identity), "TSTP")
        await until(lambda: _quiet(db))
        await push(plan, db, "Checkout::ChargeCardJob", 5)
        beat = (await alive(db, "shop-app-1"))[0].beat
        await until(lambda: _later(db, beat))
        assert await number(db, "LLEN", db.keys.queue("critical")) == 5
        assert [one.identity for one in await alive(db, "shop-app-1")] == [process.identity]


async def _quiet(db: Database) -> bool:
    return any(process.quiet for process in await alive(db, "shop-app-1"))


async def _later(db: Database, beat: float | None) -> bool:
    return all((one.beat or 0.0) > (beat or 0.0) + 0.3 for one in await alive(db, "shop-app-1"))


@pytest.mark.parametrize("restarts", [True, False])
async def test_stop_through_redis_ends_it_and_the_scenario_says_what_follows(
    restarts: bool, db: Database, server: EmbeddedRedis
) -> None:
    plan = shop(Scenario(tells="", restarts=restarts))
    async with living(plan, server) as life:
        await until(lambda: alive(db, "shop-app-1"))
        (process,) = await alive(db, "shop-app-1")
        await db.command("LPUSH", db.keys.signals(process.identity), "TERM")
        if restarts:
            await until(lambda: _successor(db, process))
        else:
            async with asyncio.timeout(PATIENCE):
                await life
            assert process.identity.encode() not in await _names(db)


async def _names(db: Database) -> list[object]:
    names = await db.command("SMEMBERS", db.keys.processes)
    assert isinstance(names, list)
    return list(names)


async def _successor(db: Database, before: Process) -> bool:
    names = await _names(db)
    return bool(names) and before.identity.encode() not in names


async def test_a_paused_queue_is_left_alone_where_a_pause_is_honoured(db: Database, server: EmbeddedRedis) -> None:
    plan = shop()
    await db.command("SADD", db.keys.paused, "low")
    await push(plan, db, "Search::ReindexProductJob", 4)
    await push(plan, db, "Checkout::ChargeCardJob", 4)
    async with living(plan, server):
        await until(lambda: _at_least(db, 4))
        assert await number(db, "LLEN", db.keys.queue("low")) == 4
        await db.command("SREM", db.keys.paused, "low")
        await until(lambda: _at_least(db, 8))


async def test_a_deploy_restarts_the_worker_as_another_version_and_breaks_a_class(
    db: Database, server: EmbeddedRedis
) -> None:
    deploy = Deploy(at=0.2, roll=0.0, breaks="PriceCalculationJob", version="8.1.7")
    plan = shop(Scenario(tells="", deploys=(deploy,)))
    plan = replace(plan, processes=(replace(plan.processes[0], version="8.0.9"), *plan.processes[1:]))
    producer = Producer(plan, db, "7")
    pushing = asyncio.create_task(producer.run(0.0))
    try:
        async with living(plan, server):
            await until(lambda: _version(db, "8.1.7"))
            pushing.cancel()
            await push(plan, db, "PriceCalculationJob", 3)
            await until(lambda: _broken(db))
    finally:
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
    marks = await read_marks(db, time.time() - 3_600, time.time() + 60)
    assert any("PriceCalculationJob" in mark.label for mark in marks)


async def _version(db: Database, version: str) -> bool:
    return any(process.version == version for process in await alive(db, "shop-app-1"))


async def _broken(db: Database) -> bool:
    return any((job.error_class, job.error_message) == BROKEN for job in await failures(db, db.keys.retry))


async def test_a_host_with_signs_of_pro_shows_and_removes_them(db: Database, server: EmbeddedRedis) -> None:
    plan = shop()
    async with living(plan, server):
        await until(lambda: alive(db, "shop-app-1"))
        await until(lambda: _signs(db))
    found = await read_extras(db, time.time(), {})
    assert not found.super_processes


async def _signs(db: Database) -> bool:
    found = await read_extras(db, time.time(), {})
    return bool(found.super_processes) and bool(found.leader)


async def test_an_embedded_process_ignores_signals(db: Database, server: EmbeddedRedis) -> None:
    plan = shop()
    number = next(at for at, process in enumerate(plan.processes) if process.embedded)
    host = plan.processes[number].host
    async with living(plan, server, number):
        await until(lambda: alive(db, host))
        (process,) = await alive(db, host)
        await db.command("LPUSH", db.keys.signals(process.identity), "TERM")
        await until(lambda: _taken(db, process))
        await push(plan, db, "Checkout::ChargeCardJob", 2)
        await until(lambda: _at_least(db, 2))


async def _taken(db: Database, process: Process) -> bool:
    return await number(db, "LLEN", db.keys.signals(process.identity)) == 0
