"""Operations on sets without scripts: the same effects as with them, each entry once, whatever gets lost or late."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq import claims, operation_record
from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromSet,
    Item,
    Move,
    MoveFromQueue,
    MoveInSets,
    Push,
    Reschedule,
    RestoreToSet,
)
from sidekiq_tui.sidekiq.database import Database, _wire
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.operation_record import BatchReply, ClosedRecord, RecordKeys
from tests.support.fault_link import Fault, FaultLink


def entry(number: int, at: str = "old") -> bytes:
    return b'{"class":"Mail","args":[%d],"at":"%s"}' % (number, at.encode())


@pytest.fixture
async def plain(raw: Any, redis_url: str) -> AsyncIterator[Database]:
    """The data layer for a user who may not run scripts."""
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+@all", "-@scripting", "-function")
    client = redis.asyncio.Redis.from_url(redis_url, username="ops", password="pw", protocol=2)
    yield Database(client)
    await client.aclose()


def keys_of(db: Database, id: str = "op", generation: int = 1) -> RecordKeys:
    return RecordKeys(db.keys, id, generation)


async def begun(db: Database, id: str = "op", generation: int = 1) -> RecordKeys:
    keys = keys_of(db, id, generation)
    assert await claims.begin(db, keys, {"kind": "test", "who": "ann"}, 5.0) == "ok"
    return keys


async def state(raw: Any) -> dict[bytes, Any]:
    """All that is no record of ours."""
    found: dict[bytes, Any] = {}
    for key in await raw.keys("*"):
        if key.startswith(b"sqtui:op"):
            continue
        match await raw.type(key):
            case b"zset":
                found[key] = await raw.zrange(key, 0, -1, withscores=True)
            case b"list":
                found[key] = await raw.lrange(key, 0, -1)
            case b"set":
                found[key] = sorted(await raw.smembers(key))
            case other:
                found[key] = other
    return found


TRASH = b"sqtui:trash:op:0"
ITEMS: dict[str, list[Item]] = {
    "move": [Move("retry", entry(at), f"q{at % 2}", entry(at, "new")) for at in range(8)],
    "kill": [MoveInSets("retry", entry(at), "dead", entry(at), 9.25) for at in range(8)],
    "edit": [MoveInSets("retry", entry(at), "retry", entry(at, "new"), at / 3) for at in range(8)],
    "edit of what has its own time": [MoveInSets("retry", entry(at), "retry", entry(at, "new")) for at in range(8)],
    "reschedule": [Reschedule("retry", entry(at), at / 3 if at % 2 else 99.0, 77.5) for at in range(8)],
    "delete": [DeleteFromSet("retry", entry(at), TRASH) for at in range(8)],
    "delete for good": [DeleteFromSet("retry", entry(at), None) for at in range(8)],
    "restore": [RestoreToSet(TRASH, entry(at), "dead", at / 7) for at in range(20, 26)],
    "push": [
        Push(entry(1, "new"), queue="q"),
        Push(entry(2, "new"), score=5.5),
        Push(entry(30), score=5.5, into="dead"),
        Push(entry(3, "new"), score=0.1, into="retry"),
        Push(entry(4, "new"), score=0.1, into="retry"),
    ],
    "mixed": [
        Move("retry", entry(1), "q", entry(1, "new")),
        MoveInSets("schedule", entry(11), "dead", entry(11), 3.0),
        DeleteFromSet("dead", entry(31), TRASH),
        Push(entry(3, "new"), queue="q"),
    ],
}


async def seed(raw: Any) -> None:
    await raw.flushall()
    await raw.zadd("retry", {entry(at): at / 3 for at in range(6)})
    await raw.zadd("retry", {entry(3, "new"): 1.5})
    await raw.zadd("schedule", {entry(at): at / 3 for at in range(10, 13)})
    await raw.zadd("dead", {entry(at): at / 3 for at in (2, 4, 22, 30, 31)})
    await raw.zadd(TRASH, {entry(at): at / 7 for at in range(20, 24)})
    await raw.zadd("sqtui:trash", {TRASH: 604_805})


@pytest.mark.parametrize("name", ITEMS)
async def test_effects_and_answers_are_those_of_the_script(raw: Any, db: Database, plain: Database, name: str) -> None:
    items = ITEMS[name]
    await seed(raw)
    keys = keys_of(db)
    await operation_record.begin(db, keys, {}, 5.0)
    expected = await operation_record.run_batch(db, keys, 0, "b", items, now=5.0)
    with_script = await state(raw)
    await seed(raw)
    keys = await begun(plain)
    answer = await claims.run_batch(plain, keys, 0, "b", items, now=5.0)
    assert answer == expected
    without = await state(raw)
    assert without == with_script
    assert await claims.run_batch(plain, keys, 0, "b", items, now=5.0) == BatchReply("done", answer.results)
    assert await state(raw) == without


async def test_the_record_is_the_one_that_scripts_keep(raw: Any, db: Database, plain: Database) -> None:
    await raw.zadd("retry", {entry(1): 1})
    keys = await begun(plain)
    assert await claims.begin(plain, keys, {}, 5.0) == "exists"
    items = [Move("retry", entry(1), "q", entry(1, "new"))]
    assert (await claims.run_batch(plain, keys, 1, "b", items, now=5.0)).status == "gap"
    assert await claims.run_batch(plain, keys, 0, "b", items, now=5.0) == BatchReply("ok", "1")
    assert (await claims.run_batch(plain, keys, 0, "c", items, now=5.0)).who == "ann"
    (listed,) = await operation_record.read_operations(db)
    assert (listed.state, listed.next, listed.results[0].results, listed.kind) == ("open", 1, "1", "test")
    assert await claims.finish(plain, keys)
    assert (await claims.run_batch(plain, keys, 1, "b", items, now=5.0)).status == "closed"
    assert (await claims.run_batch(plain, keys, 0, "b", items, now=5.0)).status == "done"
    other = await begun(plain, "other")
    for _ in range(2):
        closed = await claims.close(plain, other)
        assert isinstance(closed, ClosedRecord)
        assert closed.next == 0
    assert (await claims.run_batch(plain, other, 0, "b", items, now=5.0)).status == "closed"
    assert await claims.begin(plain, other, {}, 5.0) == "exists"
    assert not await claims.finish(plain, other)
    assert await claims.close(plain, keys_of(plain, "unknown")) is None


@pytest.mark.parametrize("wrong", ["retry", "queue:q", "queues"])
async def test_a_key_of_another_type_is_told_before_anything_is_written(raw: Any, plain: Database, wrong: str) -> None:
    if wrong != "retry":
        await raw.zadd("retry", {entry(1): 1})
    await raw.set(wrong, "a text")
    keys = await begun(plain)
    before = await raw.hgetall(keys.record)
    answer = await claims.run_batch(plain, keys, 0, "b", [Move("retry", entry(1), "q", b"new")], now=5.0)
    assert answer == BatchReply("type", error=wrong)
    assert await raw.hgetall(keys.record) == before
    assert await raw.keys("sqtui:stage*") == []


@pytest.mark.parametrize("denied", ["zunionstore", "zrem", "lpush", "hset", "watch", "multi"])
async def test_a_right_that_is_missing_loses_nothing(raw: Any, plain: Database, denied: str) -> None:
    await raw.zadd("retry", {entry(at): at for at in range(3)})
    keys = await begun(plain)
    await raw.execute_command("ACL", "SETUSER", "ops", f"-{denied}")
    items = [Move("retry", entry(at), "q", entry(at, "new")) for at in range(3)]
    with pytest.raises(SidekiqError):
        await claims.run_batch(plain, keys, 0, "b", items, now=5.0)
    parked = await raw.zcard("sqtui:stage:op:b:retry")
    assert parked + await raw.zcard("retry") == 3
    assert await raw.llen("queue:q") == 0
    await raw.execute_command("ACL", "SETUSER", "ops", f"+{denied}")
    await claims.close(plain, keys)
    assert await claims.return_claims(plain, "op", "b") == parked
    assert await raw.zrange("retry", 0, -1, withscores=True) == [[entry(at), float(at)] for at in range(3)]
    assert await raw.keys("sqtui:stage*") == []


async def test_a_full_server_refuses_and_nothing_is_parked(embedded: Any) -> None:
    server = embedded("full")
    async with redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2) as raw:
        db = Database(raw)
        await raw.zadd("retry", {entry(1): 1})
        keys = await begun(db)
        await raw.config_set("maxmemory", 1)
        with pytest.raises(ReplyError, match=r"OOM|memory"):
            await claims.run_batch(db, keys, 0, "b", [Move("retry", entry(1), "q", b"new")], now=5.0)
        await raw.config_set("maxmemory", 0)
        assert await raw.zcard("retry") == 1
        assert await raw.keys("sqtui:stage*") == []


async def test_what_takes_a_script_is_refused(plain: Database) -> None:
    with pytest.raises(ValueError, match="scripts"):
        await claims.run_batch(plain, keys_of(plain), 0, "b", [MoveFromQueue("q", b"", b"")], now=5.0)


class LateDatabase(Database):
    """Keeps its transactions back, and its connections open: they arrive when the test says so."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.holding = False
        self.held: list[tuple[Any, Any, bytes]] = []

    async def _converse(self, connection: Any, commands: Sequence[Any]) -> list[Any]:
        if self.holding and commands[0] == ("MULTI",):
            packed = b"".join(connection.pack_commands([_wire(command) for command in (*commands, ("PING",))]))
            self.held.append((connection._reader, connection._writer, packed))
            connection._reader = connection._writer = None  # whoever closes it now closes nothing
            raise RedisConnectionError("lost")
        return await super()._converse(connection, commands)

    async def arrive(self) -> None:
        """Everything that was under way comes at last."""
        for reader, writer, packed in self.held:
            writer.write(packed)
            await reader.readuntil(b"PONG")
            writer.close()


@pytest.mark.parametrize("settled", ["closed", "tried again", "by the next batch"])
@pytest.mark.parametrize("phase", ["claim", "delivery"])
async def test_a_transaction_that_comes_late_does_nothing(raw: Any, redis_url: str, settled: str, phase: str) -> None:
    client = redis.asyncio.Redis.from_url(redis_url, protocol=2)
    late, db = LateDatabase(client), Database(raw)
    await raw.zadd("retry", {entry(at): at for at in range(4)})
    keys = await begun(db)
    items: list[Item] = [Move("retry", entry(at), "q", entry(at, "new")) for at in range(3)]
    if phase == "delivery":
        claim_only = late.transaction

        async def once(*args: Any) -> Any:
            done = await claim_only(*args)
            late.holding = True
            return done

        late.transaction = once  # type: ignore[method-assign,assignment]
    else:
        late.holding = True
    with pytest.raises(SidekiqError):
        await claims.run_batch(late, keys, 0, "b", items, now=5.0)
    assert len(late.held) == 1
    if settled == "closed":
        await claims.close(db, keys)
        await claims.return_claims(db, "op", "b")
    else:
        assert (await claims.run_batch(db, keys, 0, "b", items, now=5.0)).results == "111"
    if settled == "by the next batch":
        next_one: list[Item] = [Move("retry", entry(3), "q", entry(3, "new"))]
        assert (await claims.run_batch(db, keys, 1, "c", next_one, now=5.0)).results == "1"
    if settled != "closed":
        await raw.zadd("retry", {entry(0): 0})  # as an undo would
    before = await state(raw)
    await late.arrive()
    assert await state(raw) == before
    await client.aclose()


@pytest.mark.parametrize("seed_number", range(40))
async def test_a_quarter_lost_or_failed_against_a_live_poller(
    raw: Any, redis_server: EmbeddedRedis, tmp_path: Path, seed_number: int
) -> None:
    dice = random.Random(seed_number)
    jobs = 60
    await raw.zadd("retry", {entry(at): at for at in range(jobs)})
    polled: list[bytes] = []
    stop = asyncio.Event()

    async def poller() -> None:
        while not stop.is_set():
            for member, _ in await raw.zpopmin("retry", 1):
                polled.append(member)
            await asyncio.sleep(0.002)

    class Dice(dict[int, Fault]):
        def get(self, number: int, default: Any = None) -> Any:
            faults = (Fault.DROP, Fault.LOSE, Fault.TEAR)
            return dice.choice(faults) if link.seen[number - 1][0] == b"EXEC" and dice.random() < 0.25 else default

    async with FaultLink(str(redis_server.socket), tmp_path, faults=Dice()) as link:
        client = redis.asyncio.Redis.from_url(link.url, protocol=2)
        task = asyncio.create_task(poller())
        results = await _retried(Database(client), Database(raw), jobs)
        stop.set()
        await task
        await client.aclose()
    pushed = await raw.lrange("queue:q", 0, -1)
    left = await raw.zrange("retry", 0, -1)
    assert Counter(pushed) == Counter(entry(at, "new") for at, one in enumerate(results) if one == "1")
    assert Counter([*polled, *left]) == Counter(entry(at) for at, one in enumerate(results) if one == "0")
    assert await raw.keys("sqtui:stage*") == []


async def _retried(db: Database, direct: Database, jobs: int) -> str:
    """Moves all jobs in batches of ten, each called again until it is answered."""
    keys = await begun(direct)
    results = ""
    for seq in range(jobs // 10):
        numbers = range(seq * 10, seq * 10 + 10)
        items: list[Item] = [Move("retry", entry(at), "q", entry(at, "new")) for at in numbers]
        while True:
            try:
                answer = await claims.run_batch(db, keys, seq, f"b{seq}", items, now=5.0)
                break
            except SidekiqError:
                continue
        assert answer.status in ("ok", "done")
        results += answer.results
    return results


async def test_two_runners_of_one_operation_do_each_batch_once(raw: Any, plain: Database, db: Database) -> None:
    await raw.zadd("retry", {entry(at): at for at in range(40)})
    keys = await begun(plain)

    async def runner(one: Database, name: str) -> Counter[str]:
        seen: Counter[str] = Counter()
        for seq in range(4):
            numbers = range(seq * 10, seq * 10 + 10)
            items: list[Item] = [Move("retry", entry(at), "q", entry(at, "new")) for at in numbers]
            answer = await claims.run_batch(one, keys, seq, f"{name}{seq}", items, now=5.0)
            seen[answer.status] += 1
        return seen

    first, second = await asyncio.gather(runner(plain, "a"), runner(db, "b"))
    assert first["ok"] + second["ok"] == 4
    assert Counter(await raw.lrange("queue:q", 0, -1)) == Counter(entry(at, "new") for at in range(40))
