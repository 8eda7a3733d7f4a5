"""Versions, signs of editions and namespaces."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.overview import OverviewReader
from sidekiq_tui.sidekiq.stats import read_stats
from sidekiq_tui.sidekiq.version import detect, find_namespaces
from tests.conftest import LoadDump

NOW = 1_795_314_142.0


async def add_process(raw: redis.asyncio.Redis, identity: str, **info: object) -> None:
    await raw.sadd("processes", identity)
    await raw.hset(identity, "info", json.dumps(info))


async def test_versions_of_live_processes_oldest_first(raw: redis.asyncio.Redis, db: Database) -> None:
    for number, version in enumerate(["8.1.7", "7.3.10", "7.3.9", "8.1.7", "x", None]):
        await add_process(raw, f"a:{number}:x", version=version)
    assert (await detect(db, NOW)).versions == ("x", "7.3.9", "7.3.10", "8.1.7")
    assert (await OverviewReader(db).read(NOW)).sidekiq_versions == ("x", "7.3.9", "7.3.10", "8.1.7")


@pytest.mark.parametrize(
    ("version", "trace"), [("7.3.10", "metrics of 7.x"), ("8.1.7", "metrics of 8.x"), ("6.4.1", None)]
)
async def test_traces_without_processes(
    raw: redis.asyncio.Redis, db: Database, load_dump: LoadDump, version: str, trace: str | None
) -> None:
    load_dump(version)
    await raw.delete("processes")
    found = await detect(db, NOW)
    assert found.versions == ()
    assert (trace in found.traces) if trace else not found.traces


async def test_no_signs_on_open_source(raw: redis.asyncio.Redis, db: Database) -> None:
    await add_process(raw, "a:1:x", labels=["web"])
    assert (await detect(db, NOW)).edition_signs == ()
    assert (await OverviewReader(db).read(NOW)).edition_signs == ()


async def test_signs_of_editions(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.zadd("batches", {"bid": 1})
    await raw.sadd("super_processes", "a:1:x")
    await raw.sadd("paused", "low")
    await raw.set("dear-leader", "a:1:x")
    signs = ("signs of Pro: batches, super_fetch, paused queues", "signs of Enterprise: leader election")
    assert (await detect(db, NOW)).edition_signs == signs
    assert (await OverviewReader(db).read(NOW)).edition_signs == signs


async def test_a_reliable_label_is_a_sign_of_super_fetch(raw: redis.asyncio.Redis, db: Database) -> None:
    await add_process(raw, "a:1:x", labels=["reliable"])
    assert (await detect(db, NOW)).edition_signs == ("signs of Pro: super_fetch",)


async def test_namespaces(raw: redis.asyncio.Redis, db: Database, load_dump: LoadDump) -> None:
    load_dump("6.4.1", prefix="shop")
    await raw.sadd("crm:eu:queues", "default")
    await raw.sadd("idle:processes", "a:1:x")
    await raw.lpush("queue:my:queues", "a list, not a namespace")
    await raw.sadd(":queues", "x")
    assert await find_namespaces(db) == ("crm:eu", "idle", "shop")


async def test_everything_under_a_namespace(raw: redis.asyncio.Redis, load_dump: LoadDump) -> None:
    load_dump("6.4.1", prefix="shop")
    db = Database(raw, "shop")
    overview = await OverviewReader(db).read(NOW)
    assert (overview.processed, overview.enqueued, overview.busy, overview.live_processes) == (1234728, 286, 3, 4)
    assert (await read_stats(db, NOW)).processes_size == 5
    assert (await OverviewReader(Database(raw, "other")).read(NOW)).enqueued == 0
