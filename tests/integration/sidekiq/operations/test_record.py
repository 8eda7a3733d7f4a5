"""The record of an operation: begun once, batch by batch in order, fenced for good, found again, forgotten in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import pytest
import redis.asyncio

from sidekiq_tui.servers.read_only import check
from sidekiq_tui.sidekiq.batch_items import Item, Push
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import (
    AuthenticationFailed,
    CommandRefused,
    Forbidden,
    ReplyError,
    ServerTimeout,
    ServerUnreachable,
    SidekiqError,
)
from sidekiq_tui.sidekiq.operation_record import (
    KEPT,
    ORPHANED,
    PARKED,
    BatchReply,
    BatchResult,
    RecordKeys,
    begin,
    classify,
    close,
    finish,
    prune,
    read_operations,
    run_batch,
)

ID: Final = "0123456789abcdef0123"
NOW: Final = 1795400000.25
FIELDS: Final[Mapping[str, str | int | float]] = {"v": 1, "kind": "retry", "who": "anna@ws3", "at": NOW, "n": 400}


@pytest.fixture
def keys(db: Database) -> RecordKeys:
    return RecordKeys(db.keys, ID)


def push(name: str) -> list[Item]:
    return [Push(name.encode(), queue="low")]


async def run(db: Database, keys: RecordKeys, seq: int, bid: str = "aa") -> BatchReply:
    return await run_batch(db, keys, seq, bid, push(f"{seq} {bid}"), now=NOW)


async def low(db: Database) -> Reply:
    return await db.command("LRANGE", "queue:low", 0, -1)


@pytest.mark.parametrize("end", [finish, close])
async def test_a_record_that_names_parked_jobs_stays(
    db: Database, raw: redis.asyncio.Redis, keys: RecordKeys, end: Callable[[Database, RecordKeys], Awaitable[object]]
) -> None:
    await begin(db, keys, {**FIELDS, PARKED: "sqtui:stage:x:y"}, NOW)
    await raw.rpush("sqtui:stage:x:y", "a job")
    await end(db, keys)
    await end(db, keys)
    [record] = await raw.keys("sqtui:op:*")
    assert await raw.ttl(record) == -1
    await raw.delete("sqtui:stage:x:y")
    await end(db, keys)
    assert 0 < await raw.ttl(record) <= KEPT


async def test_an_operation_begins_once(db: Database, keys: RecordKeys) -> None:
    assert await begin(db, keys, FIELDS, NOW) == "ok"
    assert await begin(db, keys, FIELDS, NOW) == "exists"
    assert await db.command("TTL", keys.record) == -1, "an open record stays"
    await close(db, keys)
    assert await begin(db, keys, FIELDS, NOW) == "exists", "nor after it was fenced"
    assert await db.command("EXISTS", keys.record) == 0


async def test_a_begin_that_arrives_after_the_end_changes_nothing(db: Database, keys: RecordKeys) -> None:
    await begin(db, keys, FIELDS, NOW)
    await run(db, keys, 0)
    assert await finish(db, keys)
    assert await begin(db, keys, FIELDS, NOW) == "exists"
    assert await run(db, keys, 0) == BatchReply("done", "1")
    assert await low(db) == [b"0 aa"]


async def test_batches_come_in_order_each_number_once(db: Database, keys: RecordKeys) -> None:
    assert (await run(db, keys, 0)).status == "closed", "nothing runs without a record"
    await begin(db, keys, FIELDS, NOW)
    assert await run(db, keys, 1) == BatchReply("gap", next=0)
    assert await run(db, keys, 0) == BatchReply("ok", "1")
    assert await run(db, keys, 0) == BatchReply("done", "1")
    assert await run(db, keys, 0, "bb") == BatchReply("taken", who="anna@ws3")
    assert await run(db, keys, 0, "a") == BatchReply("taken", who="anna@ws3"), "an id that another begins with"
    assert await run(db, keys, 2) == BatchReply("gap", next=1)
    assert await run(db, keys, 1, "bb") == BatchReply("ok", "1")
    assert await low(db) == [b"1 bb", b"0 aa"]


async def test_the_results_of_the_last_batches_are_known(db: Database, keys: RecordKeys) -> None:
    await begin(db, keys, FIELDS, NOW)
    for seq in range(28):
        assert await run(db, keys, seq) == BatchReply("ok", "1")
    assert (await run(db, keys, 3)).status == "taken", "forgotten, but not carried out again"
    closed = await close(db, keys)
    assert closed is not None
    assert closed.next == 28
    assert closed.results == {seq: BatchResult("aa", "1") for seq in range(4, 28)}


async def test_after_the_fence_nothing_of_the_generation_acts(db: Database, keys: RecordKeys) -> None:
    await begin(db, keys, FIELDS, NOW)
    await run(db, keys, 0)
    first = await close(db, keys)
    assert first is not None
    assert first.fields["kind"] == b"retry"
    assert await close(db, keys) == first, "as often as it is sent"
    for seq in range(3):
        assert await run(db, keys, seq) == BatchReply("closed")
    assert not await finish(db, keys)
    assert await db.command("TTL", keys.closed) == KEPT
    second = RecordKeys(db.keys, ID, 2)
    assert await begin(db, second, FIELDS, NOW) == "ok"
    assert await run(db, keys, 0) == BatchReply("closed"), "nor in the next one's name"
    assert await run(db, second, 0) == BatchReply("ok", "1")


async def test_what_the_server_does_not_know_cannot_be_closed(db: Database, keys: RecordKeys) -> None:
    assert await close(db, keys) is None
    assert not await finish(db, keys)
    assert await db.command("DBSIZE") == 0


async def test_an_end_can_be_said_twice_and_is_kept_for_nine_days(db: Database, keys: RecordKeys) -> None:
    await begin(db, keys, FIELDS, NOW)
    assert await finish(db, keys)
    assert await finish(db, keys)
    assert await db.command("TTL", keys.record) == KEPT
    assert (await run(db, keys, 0)).status == "closed"


async def test_operations_are_found_with_reads_alone(db: Database, raw: redis.asyncio.Redis) -> None:
    for number, generation in enumerate((1, 2, 3)):
        keys = RecordKeys(db.keys, ID, generation)
        await begin(db, keys, FIELDS, NOW + number)
        await run(db, keys, 0, "ab" + str(generation))
        if generation == 1:
            await close(db, keys)
        elif generation == 2:
            await finish(db, keys)
    reader = _Reader(raw)
    found = await read_operations(reader)
    assert reader.trips == 2
    assert [(one.id, one.generation, one.state, one.begun) for one in found] == [
        (ID, 3, "open", NOW + 2),
        (ID, 2, "done", NOW + 1),
        (ID, 1, "closed", NOW),
    ]
    assert (found[0].kind, found[0].who, found[0].count, found[0].next) == ("retry", "anna@ws3", 400, 1)
    assert found[2].results == {0: BatchResult("ab1", "1")}


class _Reader(Database):
    """Lets through what a connection for reading does."""

    async def pipeline(self, commands: list[Command]) -> list[Reply]:  # type: ignore[override]
        for command in commands:
            check(command)
        return await super().pipeline(commands)


async def test_a_second_generation_is_found_when_the_first_has_expired(db: Database, keys: RecordKeys) -> None:
    await begin(db, keys, FIELDS, NOW)
    await close(db, keys)
    await begin(db, RecordKeys(db.keys, ID, 2), FIELDS, NOW)
    await db.command("DEL", keys.closed)
    assert [(one.generation, one.state) for one in await read_operations(db)] == [(2, "open")]


async def test_what_is_over_and_what_never_began_is_forgotten(db: Database) -> None:
    kinds = {kind: RecordKeys(db.keys, kind) for kind in ("expired", "orphan", "young", "begun", "closed")}
    for kind, keys in kinds.items():
        await begin(db, keys, FIELDS, NOW if kind == "young" else NOW - ORPHANED - 1)
    await db.command("DEL", kinds["expired"].record)
    await run(db, kinds["begun"], 0)
    await close(db, kinds["closed"])
    assert await prune(db, NOW) == 2
    assert {one.id for one in await read_operations(db)} == {"young", "begun", "closed"}
    assert await db.command("EXISTS", kinds["orphan"].record) == 0
    assert (await run(db, kinds["orphan"], 0)).status == "closed"
    assert await prune(db, NOW) == 0


async def test_records_hide_behind_the_namespace(raw: redis.asyncio.Redis) -> None:
    db = Database(raw, "app")
    keys = RecordKeys(db.keys, ID)
    assert await begin(db, keys, FIELDS, NOW) == "ok"
    assert await run(db, keys, 0) == BatchReply("ok", "1")
    assert sorted(await raw.keys("*")) == sorted(
        (b"app:queue:low", b"app:queues", b"app:sqtui:ops", f"app:sqtui:op:{ID}:1".encode())
    )
    assert [one.id for one in await read_operations(db)] == [ID]


def test_only_answers_that_come_before_anything_runs_say_that_nothing_ran() -> None:
    for code in ("NOSCRIPT", "BUSY", "LOADING", "READONLY", "OOM", "MISCONF", "NOREPLICAS", "MOVED", "CLUSTERDOWN"):
        assert classify(coded(ReplyError("no"), code)) == "not executed"
    for error in (Forbidden("no", command="EVAL"), AuthenticationFailed("who?"), CommandRefused("not ours")):
        assert classify(error) == "not executed"
    for unsettling in (
        ServerTimeout("late"),
        ServerUnreachable("gone"),
        coded(ReplyError("odd"), "ERR"),
        coded(ReplyError("odd"), "WRONGTYPE"),
        ReplyError("odd"),
        TimeoutError(),
    ):
        assert classify(unsettling) == "unknown"


def coded(error: SidekiqError, code: str) -> SidekiqError:
    error.code = code
    return error


async def test_errors_of_the_server_have_their_code(db: Database) -> None:
    for command, code in (
        (("EVALSHA", "0" * 40, 0), "NOSCRIPT"),
        (("EVAL", "return redis.error_reply('MISCONF no')", 0), "MISCONF"),
    ):
        with pytest.raises(SidekiqError) as caught:
            await db.command(*command)
        assert caught.value.code == code
        assert classify(caught.value) == "not executed"
    with pytest.raises(SidekiqError) as caught:
        await db.command("EVAL", "return redis.error_reply('Something else')", 0)
    assert classify(caught.value) == "unknown"
