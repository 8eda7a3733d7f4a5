"""What a poll costs on the wire, and what it keeps bounded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq import polling
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.overview import SLOW_PERIOD, Overview, OverviewReader
from tests.conftest import LoadDump
from tests.support.proxy import FaultProxy, Wire

NOW = 1_795_314_142.0


@dataclass
class Poller:
    """A reader whose every byte passes a counting proxy."""

    reader: OverviewReader
    db: Database
    proxy: FaultProxy
    now: float = NOW

    async def poll(self, after: float = 2.0) -> tuple[Overview, Wire]:
        """One poll, `after` seconds after the last one, and what it put on the wire."""
        self.now += after
        before = self.db.trips
        self.proxy.reset()
        overview = await self.reader.read(self.now)
        wire = self.proxy.reset()
        assert wire.trips == self.db.trips - before
        return overview, wire


@pytest.fixture
async def poller(
    redis_url: str, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Poller]:
    async with FaultProxy(redis_server.socket, tmp_path_factory.mktemp("p")) as proxy:
        client = redis.asyncio.Redis.from_url(proxy.url, protocol=2, legacy_responses=False)
        await client.ping()  # the handshake of the connection is no part of a poll
        db = Database(client)
        yield Poller(OverviewReader(db), db, proxy)
        await db.close()


async def add_queue(raw: redis.asyncio.Redis, name: str, *enqueued_at: float, size: int = 0) -> None:
    await raw.sadd("queues", name)
    for at in enqueued_at:
        await raw.lpush(f"queue:{name}", json.dumps({"class": "A", "enqueued_at": at, "args": ["x" * size]}))


async def add_process(raw: redis.asyncio.Redis, identity: str, **info: object) -> None:
    await raw.sadd("processes", identity)
    await raw.hset(identity, mapping={"info": json.dumps(info), "busy": 1, "beat": NOW, "quiet": "false"})
    await raw.expire(identity, 60)


async def test_a_steady_poll_is_one_trip(poller: Poller, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    _, first = await poller.poll()
    assert first.trips == 2
    for _ in range(3):
        overview, wire = await poller.poll()
        assert wire.trips == 1
        assert len(overview.queues) == 12
        assert len(overview.processes) == 5


async def test_a_new_queue_costs_one_more_trip_once(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "default", NOW)
    assert (await poller.poll())[1].trips == 2
    await add_queue(raw, "mailers", NOW - 8)
    overview, wire = await poller.poll()
    assert wire.trips == 2
    assert {queue.name: queue.size for queue in overview.queues} == {"default": 1, "mailers": 1}
    assert [queue.latency for queue in overview.queues] == pytest.approx([4, 12])
    assert (await poller.poll())[1].trips == 1


async def test_a_new_process_costs_one_more_trip_once(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_process(raw, "a:1:x")
    assert (await poller.poll())[1].trips == 2
    await add_process(raw, "b:2:y", version="8.1.7")
    overview, wire = await poller.poll()
    assert wire.trips == 2
    assert [process.identity for process in overview.processes] == ["a:1:x", "b:2:y"]
    assert overview.sidekiq_versions == ("8.1.7",)
    assert (await poller.poll())[1].trips == 1


async def test_dead_processes_cost_no_more_trips(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("processes", "dead:1:x")
    assert (await poller.poll())[1].trips == 2
    overview, wire = await poller.poll()
    assert wire.trips == 1
    assert overview.processes == ()
    assert overview.live_processes == 0
    assert overview.ghosts == ("dead:1:x",)
    await add_process(raw, "dead:1:x")
    overview, wire = await poller.poll()
    assert wire.trips == 1
    assert overview.live_processes == 1
    assert overview.ghosts == ()


async def test_a_process_that_cannot_be_read_is_no_ghost(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_process(raw, "a:1:x")
    await raw.sadd("processes", "b:2:y")
    await raw.set("b:2:y", "no hash")
    overview, _ = await poller.poll()
    assert overview.denied["processes"].startswith("1 of 2 processes: ")
    assert overview.ghosts == ()


async def test_what_vanishes_is_forgotten(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "default", NOW)
    await add_process(raw, "a:1:x")
    await poller.poll()
    await raw.flushall()
    overview, wire = await poller.poll()
    assert (overview.queues, overview.processes, wire.trips) == ((), (), 1)
    assert (overview.processed, overview.enqueued, overview.latency, overview.worst_queue) == (0, 0, 0.0, None)


async def test_an_empty_queue_that_fills_has_a_latency_at_once(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "default")
    await poller.poll()
    await raw.lpush("queue:default", json.dumps({"created_at": int((NOW - 10) * 1000)}))
    overview, wire = await poller.poll(after=2)
    assert wire.trips == 1
    assert overview.latency == pytest.approx(14)


async def test_info_is_read_now_and_then(poller: Poller) -> None:
    seen = []
    for after in (2.0, 2.0, SLOW_PERIOD - 2, 2.0, -3600.0):
        overview, wire = await poller.poll(after)
        seen.append("INFO" in wire.names)
        assert overview.redis.used_memory
    # the last one after somebody set the clock back
    assert seen == [True, False, True, False, True]


async def test_nothing_but_reads_that_a_restricted_user_may_do(poller: Poller, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    names: set[str] = set()
    for _ in range(3):
        names.update((await poller.poll(after=10))[1].names)
    assert names == {
        *("GET", "ZCARD", "ZCOUNT", "SSCAN", "LLEN", "LINDEX", "HMGET", "LRANGE", "TTL", "INFO", "EXISTS"),
    }


async def test_no_entry_of_a_set_is_ever_read(poller: Poller, raw: redis.asyncio.Redis) -> None:
    for key in ("retry", "schedule", "dead"):
        await raw.zadd(key, {json.dumps({"args": ["x" * 1_000_000]}): NOW - 1000})
    overview, wire = await poller.poll()
    assert wire.received < 20_000
    assert (overview.overdue_retries, overview.overdue_scheduled, overview.dead) == (1, 1, 1)


async def test_overdue_waits_for_pollers_of_a_large_fleet(poller: Poller, raw: redis.asyncio.Redis) -> None:
    for number in range(10):
        await add_process(raw, f"a:{number}:x")
    await raw.zadd("schedule", {"{}": NOW - 100})
    await poller.poll(after=0)  # the number of processes is known from here on
    assert (await poller.poll(after=0))[0].overdue_scheduled == 0
    assert (await poller.poll(after=51))[0].overdue_scheduled == 1


async def test_a_huge_next_job_is_read_seldom(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "big", NOW, size=polling.HUGE_TAIL)
    await poller.poll()
    reads = []
    for poll in range(polling.HUGE_TAIL_POLLS):
        overview, wire = await poller.poll()
        reads.append(wire.names.count("LINDEX") == 2)  # `default` is always asked
        assert overview.queues[0].latency == pytest.approx(4 + 2 * poll)
    assert reads == [*[False] * (polling.HUGE_TAIL_POLLS - 1), True]


async def test_a_huge_job_that_is_gone_leaves_no_latency(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "big", NOW - 100, size=polling.HUGE_TAIL)
    await poller.poll()
    await raw.delete("queue:big")
    assert (await poller.poll())[0].queues[0].latency == 0.0
    await add_queue(raw, "big", NOW)
    assert (await poller.poll())[0].queues[0].latency == pytest.approx(6)


async def test_many_queues_take_turns(poller: Poller, raw: redis.asyncio.Redis) -> None:
    count = polling.LENGTHS_A_POLL + 500
    names = [f"q{number:05}" for number in range(count)]
    await raw.sadd("queues", *names)
    await _push(raw, names, NOW)
    overview, wire = await poller.poll()
    assert wire.trips == 1 + -(-2 * count // polling.COMMANDS_A_TRIP)
    assert overview.enqueued == count
    assert all(queue.latency == pytest.approx(2) for queue in overview.queues)
    await raw.delete(*[f"queue:{name}" for name in names])
    await _push(raw, names, NOW - 100)
    await _push(raw, names, NOW)
    for _ in range(-(-count // polling.TAILS_A_POLL)):
        overview, wire = await poller.poll(after=0)
        assert wire.trips == 1
        assert wire.names.count("LLEN") == polling.LENGTHS_A_POLL
        assert wire.names.count("LINDEX") == polling.TAILS_A_POLL + 1  # and that of `default`
    assert overview.enqueued == 2 * count
    assert all(queue.latency == pytest.approx(102) for queue in overview.queues)


async def _push(raw: redis.asyncio.Redis, names: list[str], at: float) -> None:
    pipe = raw.pipeline(transaction=False)
    for name in names:
        pipe.lpush(f"queue:{name}", json.dumps({"enqueued_at": at}))
    await pipe.execute()


async def test_many_processes_take_turns(poller: Poller, raw: redis.asyncio.Redis) -> None:
    count = polling.PROCESSES_A_POLL + 100
    for number in range(count):
        await add_process(raw, f"host:{number:05}:x", concurrency=2)
    overview, _ = await poller.poll()
    assert (overview.live_processes, overview.concurrency, overview.busy) == (count, 2 * count, count)
    for number in range(count):
        await raw.hset(f"host:{number:05}:x", "busy", 2)
    for _ in range(2):
        overview, wire = await poller.poll()
        assert wire.trips == 1
        assert wire.names.count("HMGET") == polling.PROCESSES_A_POLL
    assert (overview.live_processes, overview.busy) == (count, 2 * count)


async def test_a_set_of_names_without_end_is_read_in_part(poller: Poller, raw: redis.asyncio.Redis) -> None:
    pipe = raw.pipeline(transaction=False)
    for start in range(0, 40_000, 1000):
        pipe.sadd("queues", *[f"tenant-{number}" for number in range(start, start + 1000)])
    await pipe.execute()
    overview, _ = await poller.poll()
    assert 10_000 <= len(overview.queues) < 20_000
    assert overview.denied["queues"] == "more than 10,000 queues: only some are read"


async def test_counters_may_go_backwards(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await raw.set("stat:processed", 100)
    assert (await poller.poll())[0].processed == 100
    await raw.set("stat:processed", 3)
    overview, _ = await poller.poll()
    assert (overview.processed, overview.failed) == (3, 0)


async def test_rtt_is_the_time_of_the_trip(poller: Poller) -> None:
    await poller.poll()
    poller.proxy.delay = 0.05
    overview, _ = await poller.poll()
    assert overview.rtt >= 0.05


async def test_the_default_queue_has_its_latency_listed_or_not(poller: Poller, raw: redis.asyncio.Redis) -> None:
    await add_queue(raw, "default", NOW)
    for listed in (True, False, False, True):
        await (raw.sadd if listed else raw.srem)("queues", "default")
        overview, _ = await poller.poll()
        assert [queue.name for queue in overview.queues] == ["default"] * listed
        assert overview.latency == pytest.approx(overview.read_at - NOW)
    await raw.delete("queues")
    await raw.set("queue:default", "no list")
    for _ in range(2):
        assert (await poller.poll())[0].latency is None
