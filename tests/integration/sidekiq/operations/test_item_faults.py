"""Every item where the server says no: nothing is lost, nothing doubled unsaid, and the answer tells what happened."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Final

import pytest

from sidekiq_tui.sidekiq.batch_items import Item, Move, MoveInSets, Push
from sidekiq_tui.sidekiq.batch_wire import batch_command
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden, SidekiqError
from sidekiq_tui.sidekiq.operation_record import BatchReply, RecordKeys, begin, classify, close, finish, run_batch
from tests.conftest import StartRedis
from tests.support.batch_cases import KEYS, NOW, OF_JOBS, Case, State, Value, case_of, names, put, seen
from tests.support.rights import RECORD, opened, rights, unasked

WRITES: Final = (
    "EXPIRE", "HDEL", "HSETNX", "INCRBY", "LPOP", "LPUSH", "LREM", "LSET", "RPOP", "RPUSH", "SADD", "SET", "SREM",
    "UNLINK", "ZADD", "ZREM",
)  # fmt: skip
"""All that batch.lua writes with, its record aside."""


async def run(db: Database, *items: Item, seq: int = 0) -> BatchReply:
    return await run_batch(db, RECORD, seq, "first", items, now=NOW)


def entries(state: Mapping[bytes, Value]) -> Counter[bytes]:
    """All payloads in lists and sorted sets, wherever."""
    found: Counter[bytes] = Counter()
    for value in state.values():
        if isinstance(value, list):
            found.update(value)
        elif isinstance(value, dict) and all(isinstance(score, float) for score in value.values()):
            found.update(value.keys())
    return found


def without_names(state: State) -> State:
    """Without the names of queues, which an empty queue may leave behind."""
    return {key: value for key, value in state.items() if key != KEYS.queues}


@pytest.mark.parametrize("name", names())
async def test_a_missing_right_is_found_before_anything_is_written(
    db: Database, restricted: Database, name: str
) -> None:
    case = case_of(name)
    refused = []
    for command in WRITES:
        await put(db, case.before)
        await begin(db, RECORD, {}, NOW)
        await rights(db, f"-{command}")
        reply = await run(restricted, case.item)
        if reply.status == "refused":
            refused.append(command)
            assert reply.error.startswith(f"NOPERM {command} ")
            assert reply.code == "NOPERM"
            assert await seen(db) == case.before
            await rights(db)
            assert await run(restricted, case.item) == BatchReply("ok", "1"), "the same batch may be sent again"
        else:
            assert reply == BatchReply("ok", "1"), "what was not asked for before was not needed"
        assert await seen(db) == case.after
    assert refused


async def test_a_key_out_of_reach_refuses_the_call(db: Database, restricted: Database) -> None:
    case = case_of("kill")
    await put(db, case.before)
    await begin(db, RECORD, {}, NOW)
    await db.command("ACL", "SETUSER", "ops", "resetkeys", "~sqtui:*", "~retry")
    with pytest.raises(Forbidden) as caught:
        await run(restricted, case.item)
    assert classify(caught.value) == "not executed"
    assert await seen(db) == case.before
    await db.command("ACL", "SETUSER", "ops", "~dead")
    assert await run(restricted, case.item) == BatchReply("ok", "1")


@pytest.mark.parametrize("name", names()[:OF_JOBS])
async def test_where_rights_cannot_be_asked_an_entry_is_put_back_or_called_doubled(
    db: Database, restricted: Database, name: str
) -> None:
    case = case_of(name)
    results: Counter[str] = Counter()
    writes = [
        word for word in WRITES if word in ("LPOP", "LPUSH", "LREM", "LSET", "RPOP", "RPUSH", "SADD", "ZADD", "ZREM")
    ]
    for denied in [(one,) for one in writes] + list(itertools.combinations(writes, 2)):
        await put(db, case.before)
        await begin(db, RECORD, {}, NOW)
        await rights(db, *[f"-{command}" for command in denied])
        reply = await restricted.command(*unasked([case.item]))
        assert isinstance(reply, list)
        status, result, error = reply
        assert status == b"ok"
        assert isinstance(result, bytes)
        results[result.decode()] += 1
        check_after_denial(case, await seen(db), result, error, denied)
    assert results["-"] + results["1"] > 0


def check_after_denial(
    case: Case, after: Mapping[bytes, Value], result: bytes, error: object, denied: tuple[str, ...]
) -> None:
    """What may be left of a case after a command was denied in the middle of it."""
    if result == b"1":
        assert after == case.after, denied
        return
    assert error, denied
    if result == b"-":
        assert without_names(after) == without_names(case.before), denied
        return
    assert result == b"D", denied
    doubled = entries(after) - entries(case.before)
    assert doubled.total() == 1, denied
    assert not entries(case.before) - entries(after), denied
    assert len(denied) == 2 or "ZREM" in denied, (
        "one missing right only doubles where adding and removing need the same"
    )


async def test_it_stops_at_the_first_error_and_says_how_far_it_got(db: Database, restricted: Database) -> None:
    jobs = [b"job %d" % at for at in range(5)]
    await put(db, {b"retry": {job: 1.0 for job in jobs}, b"schedule": {job: 1.0 for job in jobs}})
    await begin(db, RECORD, {}, NOW)
    await rights(db, "-LPUSH")
    items: list[Item] = [MoveInSets("retry", job, "dead", job, 2.0) for job in jobs[:2]]
    items += [Move("schedule", jobs[2], "low", jobs[2]), MoveInSets("retry", jobs[3], "dead", jobs[3], 2.0)]
    reply = await restricted.command(*unasked(items))
    assert isinstance(reply, list)
    assert reply[:2] == [b"ok", b"11--"]
    assert sorted(entries(await seen(db)).elements()) == sorted(jobs + jobs)
    closed = await close(db, RECORD)
    assert closed is not None
    assert closed.next == 1
    assert closed.results[0].results == "11--"


@pytest.fixture
async def full(db: Database) -> AsyncIterator[Database]:
    """A server whose memory limit a test may set; it is lifted at the end."""
    limit = await db.command("CONFIG", "GET", "maxmemory")
    yield db
    assert isinstance(limit, list)
    await db.command("CONFIG", "SET", "maxmemory", limit[1] or b"0")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", names())
async def test_a_full_server_runs_a_batch_whole_or_not_at_all(full: Database, name: str) -> None:
    case = case_of(name)
    await put(full, case.before)
    await begin(full, RECORD, {}, NOW)
    await full.command("CONFIG", "SET", "maxmemory", 1)
    reply = await run(full, case.item)
    assert (reply.status, reply.code) == ("refused", "OOM")
    assert await seen(full) == case.before
    drained = await run_batch(full, RECORD, 0, "first", [case.item], now=NOW, drain=True)
    assert drained == BatchReply("ok", "1"), "an explicit drain runs"
    assert await seen(full) == case.after
    assert await finish(full, RECORD), "and the operation can end"
    assert await run(full, case.item, seq=1) == BatchReply("closed")


async def test_a_full_server_can_still_be_fenced(full: Database) -> None:
    await begin(full, RECORD, {}, NOW)
    await full.command("CONFIG", "SET", "maxmemory", 1)
    assert await close(full, RECORD) is not None
    assert await full.command("TTL", RECORD.closed) == 9 * 24 * 3600
    with pytest.raises(SidekiqError) as caught:
        await begin(full, RecordKeys(KEYS, "another"), {}, NOW)
    assert classify(caught.value) == "not executed"
    assert await full.command("ZCARD", KEYS.operations) == 1


@pytest.mark.parametrize("name", names()[:OF_JOBS])
async def test_without_a_record_a_full_server_loses_nothing_either(full: Database, name: str) -> None:
    case = case_of(name)
    try:
        batch_command(KEYS, None, 0, "first", [case.item], now=NOW)
    except ValueError:
        return
    await put(full, case.before)
    await full.command("CONFIG", "SET", "maxmemory", 1)
    reply = await run_batch(full, RECORD, 0, "first", [case.item], now=NOW, mode="B")
    assert reply.status == "ok"
    if reply.results == "1":
        assert await seen(full) == case.after
    else:
        assert reply.results == "-"
        assert reply.code == "OOM"
        assert await seen(full) == case.before


async def test_a_server_that_would_not_write_says_so_and_keeps_all(embedded: StartRedis) -> None:
    server = embedded("unwilling")
    client = opened(server.url)
    db = Database(client)
    for setting, undo, code in (
        (("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0), "NOREPLICAS"),
        (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE"), "READONLY"),
    ):
        for name in names():
            case = case_of(name)
            await put(db, case.before)
            await begin(db, RECORD, {}, NOW)
            await db.command(*setting)
            reply = await run(db, case.item)
            assert (reply.status, reply.code) == ("refused", code), name
            assert await seen(db) == case.before
            await db.command(*undo)
            assert await run(db, case.item) == BatchReply("ok", "1")
    await client.aclose()


async def test_a_busy_server_has_run_nothing(db: Database, redis_url: str) -> None:
    await db.command("CONFIG", "SET", "busy-reply-threshold", 10)
    busy = opened(redis_url)
    await put(db, {})
    await begin(db, RECORD, {}, NOW)
    endless = asyncio.create_task(Database(busy).command("EVAL", "while true do end", 0))
    while not isinstance(answer := (await answered(db, "EXISTS", "x")), SidekiqError):  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(0.01)
    assert answer.code == "BUSY"
    with pytest.raises(SidekiqError) as caught:
        await run(db, Push(b"new", queue="low"))
    assert classify(caught.value) == "not executed"
    await db.command("SCRIPT", "KILL")
    with pytest.raises(SidekiqError):
        await endless
    await busy.aclose()
    await db.command("CONFIG", "SET", "busy-reply-threshold", 5000)
    assert await run(db, Push(b"new", queue="low")) == BatchReply("ok", "1")


async def answered(db: Database, *command: str) -> object:
    try:
        return await db.command(*command)
    except SidekiqError as error:
        return error


async def test_a_locked_queue_is_not_edited(db: Database) -> None:
    case = case_of("edit in a queue")
    await put(db, case.before)
    await begin(db, RECORD, {}, NOW)
    await db.command("SET", KEYS.lock(KEYS.queue("mail")), "nonce")
    reply = await run(db, case.item)
    assert (reply.status, reply.code) == ("refused", "LOCKED")
    assert await seen(db) == case.before
    await db.command("DEL", KEYS.lock(KEYS.queue("mail")))
    assert await run(db, case.item) == BatchReply("ok", "1")
