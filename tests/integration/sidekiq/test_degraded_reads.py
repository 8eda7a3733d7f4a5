"""What may not be read, or is not what Sidekiq writes, costs its own panel and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden, SidekiqError, WrongType
from sidekiq_tui.sidekiq.history import read_history
from sidekiq_tui.sidekiq.iteration import read_iterations
from sidekiq_tui.sidekiq.metrics import for_job, top_jobs
from sidekiq_tui.sidekiq.overview import Overview, OverviewReader
from sidekiq_tui.sidekiq.process import read_processes
from sidekiq_tui.sidekiq.profiling import read_profile_data, read_profiles
from sidekiq_tui.sidekiq.stats import read_stats
from sidekiq_tui.sidekiq.version import detect, find_namespaces
from sidekiq_tui.sidekiq.work import read_work
from tests.conftest import LoadDump

NOW = 1_795_314_142.1962223
READ_ONLY = ("+@read", "+@connection", "-@dangerous", "+info")

LoginAs = Callable[..., Awaitable[Database]]


@pytest.fixture
async def login_as(raw: redis.asyncio.Redis, redis_url: str) -> AsyncIterator[LoginAs]:
    """A database as a user with only these rights sees it."""
    opened: list[Database] = []

    async def login(*rights: str, keys: str = "~*") -> Database:
        await raw.execute_command("ACL", "SETUSER", "viewer", "reset", "on", ">secret", keys, *rights)  # type: ignore[no-untyped-call]
        client = redis.asyncio.Redis.from_url(
            redis_url, username="viewer", password="secret", protocol=2, legacy_responses=False
        )
        opened.append(Database(client))
        return opened[-1]

    yield login
    for db in opened:
        await db.close()


async def read(db: Database, times: int = 2) -> Overview:
    """The overview of a steady poll, which shows what the first one did."""
    reader = OverviewReader(db)
    for _ in range(times):
        overview = await reader.read(NOW)
    return overview


async def test_a_read_only_user_reads_everything(login_as: LoginAs, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    db = await login_as(*READ_ONLY)
    overview = await read(db)
    assert overview.denied == {}
    assert (overview.processed, overview.live_processes, overview.enqueued, overview.busy) == (1234738, 5, 287, 4)
    assert (await read_stats(db, NOW)).processes_size == 6
    assert len((await read_history(db, 30, date(2026, 11, 22))).days) == 30
    assert len(await read_work(db, [process.identity for process in await read_processes(db, NOW)])) == 4
    assert (await top_jobs(db, NOW, minutes=480)).jobs.keys() == (await top_jobs(db, NOW, hours=72)).jobs.keys()
    assert (await for_job(db, "OrderConfirmationJob", NOW)).jobs["OrderConfirmationJob"].histogram
    profiles = await read_profiles(db, NOW)
    assert len(await read_profile_data(db, profiles[0].key) or b"") == profiles[0].size
    assert (await detect(db, NOW)).versions == ("8.1.7",)
    assert await find_namespaces(db) == ()
    assert len(await read_iterations(db, ["6cab68794ed46f57e30cb9d9"])) == 1


@pytest.mark.parametrize(
    ("right", "panel", "gone"),
    [
        ("-hmget", "processes", lambda overview: overview.live_processes),
        ("-get", "counters", lambda overview: overview.processed),
        ("-zcard", "retries", lambda overview: overview.retries),
        ("-sscan", "queues", lambda overview: overview.enqueued),
        ("-sscan", "processes", lambda overview: overview.concurrency),
        ("-sscan", "paused", lambda overview: overview.worst_queue),
        ("-llen", "queues", lambda overview: overview.enqueued),
        ("-lindex", "queues", lambda overview: overview.latency),
        ("-info", "redis", lambda overview: overview.redis.version),
        ("-exists", "edition", lambda overview: None),
        ("-lrange", "signals", lambda overview: None),
        ("-get", "leader", lambda overview: overview.leader),
    ],
)
async def test_a_forbidden_command_costs_its_panel(
    login_as: LoginAs, load_dump: LoadDump, right: str, panel: str, gone: Callable[[Overview], object]
) -> None:
    load_dump("8.1.7")
    overview = await read(await login_as(*READ_ONLY, right))
    command = right.removeprefix("-").upper()
    assert overview.denied[panel] == f"this user may not run {command} here (NOPERM)"
    assert gone(overview) is None
    assert overview.dead == (None if right == "-zcard" else 43)
    if right not in ("-sscan", "-llen"):
        assert overview.enqueued == 287
    if right not in ("-sscan", "-hmget"):
        assert (overview.live_processes, overview.busy) == (5, 4)


async def test_without_ttl_or_zcount_nothing_else_is_lost(login_as: LoginAs, load_dump: LoadDump) -> None:
    load_dump("8.1.7", ttl=True)
    overview = await read(await login_as(*READ_ONLY, "-ttl", "-zcount"))
    assert overview.denied == {}
    assert (overview.overdue_retries, overview.overdue_scheduled) == (None, None)
    assert [process.stale for process in overview.processes] == [False] * 5


async def test_forbidden_keys_cost_their_panels(login_as: LoginAs, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    overview = await read(await login_as(*READ_ONLY, keys="~queue*"))
    assert overview.enqueued == 287
    assert overview.live_processes is None
    assert {queue.processes for queue in overview.queues} == {None}
    assert {queue.paused for queue in overview.queues} == {None}
    assert overview.denied.keys() >= {"counters", "retries", "scheduled", "dead", "processes", "paused", "leader"}


async def test_everything_forbidden_is_still_an_answer(login_as: LoginAs) -> None:
    db = await login_as("+ping")
    overview = await read(db)
    assert (overview.processed, overview.enqueued, overview.latency, overview.busy) == (None, None, None, None)
    assert overview.redis.version is None
    assert set(vars_of(await read_stats(db, NOW))) == {None, ()}
    for asked in (
        read_history(db, 5, date(2026, 11, 22)),
        read_processes(db, NOW),
        read_work(db, ["a:1:x"]),
        top_jobs(db, NOW),
        for_job(db, "A", NOW),
        read_profiles(db, NOW),
        read_profile_data(db, "x"),
        read_iterations(db, ["x"]),
        find_namespaces(db),
    ):
        with pytest.raises(Forbidden):
            await asked
    assert (await detect(db, NOW)).versions == ()


def vars_of(stats: object) -> tuple[object, ...]:
    return tuple(getattr(stats, name) for name in stats.__slots__)  # type: ignore[attr-defined]


async def test_every_key_of_a_wrong_type(raw: redis.asyncio.Redis, db: Database) -> None:
    for key in ("stat:processed", "stat:failed", "dear-leader"):
        await raw.lpush(key, "x")
    for key in ("retry", "schedule", "dead", "queues", "processes", "paused", "batches", "super_processes", "profiles"):
        await raw.set(key, "x")
    overview = await read(db)
    assert (overview.processed, overview.failed, overview.retries, overview.scheduled, overview.dead) == (None,) * 5
    assert overview.live_processes is None
    assert overview.denied.keys() == {
        *("counters", "retries", "scheduled", "dead", "queues", "processes", "paused", "leader"),
    }
    assert set(overview.denied.values()) == {"the key holds another type of data (WRONGTYPE)"}
    with pytest.raises(WrongType):
        await read_profiles(db, NOW)


async def test_a_counter_that_is_no_number(raw: redis.asyncio.Redis, db: Database) -> None:
    for value in ("many", "-5", "1e9", "9" * 5000, b"\xff"):
        await raw.set("stat:failed", value)
        overview = await read(db)
        assert overview.failed is None
        assert overview.denied == {"counters": "the counter of failed jobs holds no number"}


async def test_one_queue_and_one_process_of_a_wrong_type(
    raw: redis.asyncio.Redis, db: Database, load_dump: LoadDump
) -> None:
    load_dump("8.1.7")
    await raw.sadd("queues", "odd")
    await raw.set("queue:odd", "x")
    await raw.sadd("processes", "odd:1:x", "queue")
    await raw.set("odd:1:x", "x")
    await raw.set("app-1.example.com:5916:058f7ebe7243-signals", "x")
    overview = await read(db)
    assert overview.denied == {
        "queues": "1 of 13 queues: the key holds another type of data (WRONGTYPE)",
        "processes": "1 of 8 processes: the key holds another type of data (WRONGTYPE)",
        "signals": "the key holds another type of data (WRONGTYPE)",
    }
    assert (overview.enqueued, overview.live_processes, overview.busy) == (287, 5, 4)
    odd = next(queue for queue in overview.queues if queue.name == "odd")
    assert (odd.size, odd.latency) == (None, None)
    assert len(await read_processes(db, NOW)) == 5
    stats = await read_stats(db, NOW)
    assert (stats.enqueued, stats.workers_size) == (287, 4)


async def test_every_process_of_a_wrong_type(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.sadd("processes", "odd:1:x")
    await raw.set("odd:1:x", "x")
    overview = await read(db)
    assert overview.live_processes is None
    assert "WRONGTYPE" in overview.denied["processes"]
    with pytest.raises(WrongType):
        await read_processes(db, NOW)


async def test_names_that_are_no_utf8(raw: redis.asyncio.Redis, db: Database) -> None:
    await raw.sadd("queues", b"caf\xe9")
    await raw.lpush(b"queue:caf\xe9", json.dumps({"enqueued_at": NOW - 5}))
    await raw.sadd("paused", b"caf\xe9")
    await raw.sadd("processes", b"h\xf4te:1:x")
    await raw.hset(b"h\xf4te:1:x", mapping={"info": b'{"queues":["caf\xe9"],"hostname":"h\xf4te"}', "busy": 1})
    overview = await read(db)
    queue, process = overview.queues[0], overview.processes[0]
    assert (queue.name, queue.size, queue.paused, queue.processes) == ("caf\udce9", 1, True, 1)
    assert queue.latency == pytest.approx(5)
    assert (process.identity, process.hostname) == ("h\udcf4te:1:x", "h\udcf4te")


async def test_a_server_that_is_gone_raises(embedded: Callable[..., object]) -> None:
    server = embedded("gone")
    client = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2)  # type: ignore[attr-defined]
    reader = OverviewReader(Database(client))
    await reader.read(NOW)
    server.stop()  # type: ignore[attr-defined]
    with pytest.raises(SidekiqError):
        await reader.read(NOW)
