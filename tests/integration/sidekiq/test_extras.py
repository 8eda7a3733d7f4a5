"""What paid editions and gems leave in Redis: found where it is, absent where it is not, refused in words."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.extras import BATCHES_READ, read_extras
from tests.conftest import LoadDump
from tests.support.hostile import HOSTILE_TEXTS

NOW = 1_800_000_000.0


async def batch(raw: redis.asyncio.Redis, bid: str, **fields: object) -> None:
    await raw.zadd("batches", {bid: NOW + 2_000_000 - len(bid)})
    if fields:
        await raw.hset(f"b-{bid}", mapping={name: str(value) for name, value in fields.items()})


async def test_open_source_has_no_signs(db: Database, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    await db.command("DEL", b"paused", b"dear-leader")
    before = db.trips
    found = await read_extras(db, NOW, {})
    assert db.trips - before == 1
    assert found.edition is None, dict(found.job_fields)
    assert (found.leader, found.batches, found.super_processes, found.cron, found.schedules) == (None, (), (), (), ())
    assert found.denied == {}


async def test_an_empty_server_takes_one_trip(db: Database) -> None:
    found = await read_extras(db, NOW, {})
    assert db.trips == 1
    assert found.edition is None
    assert (found.batch_count, found.keys, found.names_read, found.jobs_read) == (0, 0, 0, 0)


async def test_batches_newest_first(db: Database, raw: redis.asyncio.Redis) -> None:
    callbacks = json.dumps({"success": [{"A": {}}], "death": []})
    await batch(raw, "aaaaaaaaaaaaaa", created_at=NOW - 60, total=10, pending=4, description="d", callbacks=callbacks)
    await batch(raw, "bbbbbbbbbbbbb", created_at=int((NOW - 5) * 1000), total=5, pending=9, kids=2, parent="p")
    await batch(raw, "cccccccccccc")
    await raw.sadd("batch-died", "aaaaaaaaaaaaaa")
    found = await read_extras(db, NOW, {})
    assert db.trips == 2
    first, second, third = found.batches
    assert [one.bid[0] for one in found.batches] == ["c", "b", "a"]
    assert first.gone
    assert (second.created_at, second.done, second.kids, second.parent) == (NOW - 5, 0.0, 2, "p")
    assert (third.created_at, third.done, third.died, third.callbacks) == (NOW - 60, 0.6, True, ("success", "death"))
    assert found.died_count == 1
    assert found.edition == ("Pro", "likely")


async def test_a_batch_is_only_gone_where_nothing_is_there(db: Database, raw: redis.asyncio.Redis) -> None:
    await batch(raw, "aaaaaaaaaaaaaa")
    await batch(raw, "bbbbbbbbbbbbb")
    await raw.set("b-bbbbbbbbbbbbb", "no hash")
    await batch(raw, "cccccccccccc")
    await raw.sadd("batch-died", "aaaaaaaaaaaaaa", "bbbbbbbbbbbbb")
    found = await read_extras(db, NOW, {})
    assert [(one.bid[0], one.gone, one.died) for one in found.batches] == [
        ("c", True, False),
        ("b", False, True),
        ("a", True, True),
    ]


async def test_no_more_than_a_page_of_batches(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("batches", {f"bid{number:04}": number for number in range(3_000)})
    found = await read_extras(db, NOW, {})
    assert (len(found.batches), found.batch_count) == (BATCHES_READ, 3_000)
    assert found.batches[0].bid == "bid2999"


async def test_private_lists_of_processes(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("super_processes", "a:1:x", "gone:2:y")
    await raw.hset("a:1:x", "info", "{}")
    await raw.sadd("a:1:x:super_queues", "queue:sq|a:1:x|default", "queue:sq|a:1:x|low")
    await raw.lpush("queue:sq|a:1:x|default", "1", "2")
    found = await read_extras(db, NOW, {"a:1:x": ["default", "low"]})
    alive, gone = found.super_processes
    assert (alive.alive, alive.lists, alive.held) == (True, 2, 2)
    assert (gone.alive, gone.lists, gone.held) == (False, 0, None)


async def test_the_leader_and_signs_in_jobs(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("dear-leader", "a:1:x", px=15_000)
    job = {"class": "A", "args": [], "unique_for": 60, "encrypt": False, "bid": "b"}
    await raw.zadd("retry", {json.dumps(job): 1})
    await raw.set("unique:abc", "jid")
    await raw.set("lmtr-c-stripe", "1")
    found = await read_extras(db, NOW, {})
    assert found.leader == "a:1:x"
    assert found.leader_ttl == pytest.approx(15, abs=2)
    assert (found.job_fields, found.jobs_read) == ({"unique_for": 1, "bid": 1}, 1)
    assert (found.names["unique lock"], found.names["limiter"]) == (1, 1)
    assert found.edition == ("Enterprise", "likely")


@pytest.mark.parametrize(
    ("job", "edition"),
    [
        ({"unique_for": 5}, ("Enterprise", "perhaps")),
        ({"overrated": 1}, ("Enterprise", "likely")),
        ({"bid": "b"}, ("Pro", "perhaps")),
        ({"tags": ["x"]}, None),
    ],
)
async def test_jobs_alone_are_weak_signs(
    db: Database, raw: redis.asyncio.Redis, job: dict[str, object], edition: object
) -> None:
    await raw.zadd("dead", {json.dumps({"class": "A", "args": []} | job): 1})
    assert (await read_extras(db, NOW, {})).edition == edition


async def test_schedules_of_gems(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("cron_jobs:default", "cron_job:default:nightly")
    await raw.sadd("cron_jobs", "cron_job:old")
    said = {"name": "nightly", "klass": "A", "cron": "0 3 * * *", "status": "disabled"}
    said["last_enqueue_time"] = "2027-01-15 07:00:00 +0000"
    for name, value in said.items():
        await raw.hset("cron_job:default:nightly", name, value)
    await raw.hset("schedules", "tick", json.dumps({"class": "TickJob", "every": ["30s", {"first_in": "5s"}]}))
    await raw.hset("schedules", "bad", "no json")
    await raw.hset("sidekiq-scheduler:states", "tick", '{"enabled":false}')
    found = await read_extras(db, NOW, {})
    assert found.cron_count == 2
    cron = {one.name: one for one in found.cron}
    assert (cron["nightly"].klass, cron["nightly"].every, cron["nightly"].enabled) == ("A", "0 3 * * *", False)
    assert cron["nightly"].last_at == 1_799_996_400.0
    assert cron["old"].enabled is None
    bad, tick = found.schedules
    assert (tick.klass, tick.every, tick.enabled) == ("TickJob", "30s", False)
    assert (bad.klass, bad.every) == (None, None)


async def test_keys_of_other_types_and_hostile_values(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("batches", "text")
    await raw.set("schedules", "text")
    for number, text in enumerate(HOSTILE_TEXTS):
        data = text.encode("utf-8", "surrogatepass")
        await raw.sadd("super_processes", data)
        await raw.sadd("cron_jobs", b"cron_job:" + data)
        await raw.hset(b"cron_job:" + data, mapping={"name": data, "klass": data, "cron": data, "status": data})
        await raw.set(b"key %d" % number + data, "x")
    found = await read_extras(db, NOW, {})
    assert found.batch_count is None
    assert "WRONGTYPE" in found.denied["batch count"]
    assert found.batches == ()


async def test_a_user_who_may_read_nothing(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">secret", "~*", "+ping")  # type: ignore[no-untyped-call]
    client = redis.asyncio.Redis.from_url(
        redis_url, username="reader", password="secret", protocol=2, legacy_responses=False
    )
    with pytest.raises(Forbidden):
        await read_extras(Database(client), NOW, {})
    await client.aclose()


async def test_a_restricted_user_reads_all_of_it(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await batch(raw, "aaaaaaaaaaaaaa", total=1)
    await raw.hset("schedules", "tick", "{}")
    rules = ("reset", "on", ">secret", "~*", "+@read", "+@connection", "-@dangerous", "+info")
    await raw.execute_command("ACL", "SETUSER", "reader", *rules)  # type: ignore[no-untyped-call]
    client = redis.asyncio.Redis.from_url(
        redis_url, username="reader", password="secret", protocol=2, legacy_responses=False
    )
    found = await read_extras(Database(client), NOW, {})
    assert found.denied == {}
    assert found.batch_count == 1
    await client.aclose()
