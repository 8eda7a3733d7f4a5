"""What keeps a late, refused or second step of a move from doing anything, step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq import transfer_steps as steps
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import RecordKeys, begin, finish
from sidekiq_tui.sidekiq.transfer_steps import Chosen, Staged
from tests.support.operating import DEAD, MAIL, fill, job

PLACES: Final = pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])


def record(db: Database) -> RecordKeys:
    return RecordKeys(db.keys, "f0")


@pytest.fixture
async def db(raw: Any) -> Database:
    """A server with an open record."""
    found = Database(raw)
    assert await begin(found, record(found), {"kind": "transfer"}, 1.0) == "ok"
    return found


@pytest.fixture
async def poor(raw: Any, redis_url: str) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """The same server for a user who may not run some commands."""
    if not await raw.eval("return redis.acl_check_cmd and 1 or 0", 0):
        pytest.skip("this server does not tell scripts what a user may do")
    clients: list[Any] = []

    async def connect(denied: str) -> Database:
        rules = [f"-{name}" for name in denied.split()]
        await raw.execute_command("ACL", "SETUSER", "poor", "reset", "on", "nopass", "~*", "&*", "+@all", *rules)
        clients.append(
            redis.asyncio.Redis.from_url(redis_url, username="poor", password="x", protocol=2, legacy_responses=False)
        )
        return Database(clients[-1])

    yield connect
    for client in clients:
        await client.aclose()


async def everything(raw: Any) -> dict[bytes, bytes]:
    return {key: await raw.dump(key) for key in await raw.keys("*")}


@PLACES
async def test_an_ended_record_parks_nothing_and_gets_nothing(raw: Any, db: Database, place: Place) -> None:
    """A step that was under way when the move ended: what it parks would be forgotten with the record."""
    jobs = await fill(raw, place, 3)
    assert await steps.end_transfer(db, record(db)) == "ok"
    before = await everything(raw)
    assert (await steps.take_end(db, record(db), 0, "b0", place, expected=0, count=2)).status == "closed"
    chosen = [Chosen(jobs[0])]
    assert (await steps.take_these(db, record(db), 0, "b0", place, chosen, expected=0)).status == "closed"
    assert (await steps.put(db, record(db), 0, "b0", place, [Staged(b"{}", 1.0)], expected=0)).status == "closed"
    assert await everything(raw) == before


@pytest.mark.parametrize("tail", [False, True], ids=["head", "tail"])
async def test_of_equal_jobs_the_one_goes_that_was_chosen(raw: Any, db: Database, tail: bool) -> None:
    await raw.rpush("queue:mail", job(1), job(2), job(3), job(1))
    taken = await steps.take_these(db, record(db), 0, "b0", MAIL, [Chosen(job(1), tail=tail)], expected=0)
    assert taken.results == "1"
    left = [job(1), job(2), job(3)] if tail else [job(2), job(3), job(1)]
    assert await raw.lrange("queue:mail", 0, -1) == left


async def test_records_count_up_whatever_comes_first(raw: Any, db: Database) -> None:
    """Two who go on with a move may deliver its batches in any order: neither record may seem to go back."""
    await fill(raw, MAIL, 6)
    for seq in range(3):
        await steps.take_end(db, record(db), seq, f"b{seq}", MAIL, expected=seq, count=2)
    for seq, gone in ((1, 2), (0, 1), (2, 0)):
        back = range(gone, 2)
        assert (await steps.acknowledge(db, record(db), seq, f"b{seq}", MAIL, gone=gone, back=back))[0] == "ok"
        state = await steps.transfer_state(db, record(db))
        assert state is not None
        assert (state.acked, state.moved) == (2, 2 if seq == 1 else 3)
    assert await raw.llen("queue:mail") == 3


async def test_the_record_of_a_target_counts_up_whatever_comes_first(raw: Any, db: Database) -> None:
    for seq, reached in ((1, 2), (0, 2), (2, 3)):
        put = await steps.put(db, record(db), seq, f"b{seq}", DEAD, [Staged(job(seq), 1.0)], expected=0)
        assert (put.status, put.next) == ("ok", reached)
        again = await steps.put(db, record(db), seq, f"b{seq}", DEAD, [Staged(job(seq), 1.0)], expected=0)
        assert (again.status, again.next) == ("done", reached)
    state = await steps.transfer_state(db, record(db))
    assert state is not None
    assert (state.next, state.put, state.ids) == (3, 3, {0: "b0", 1: "b1", 2: "b2"})


@pytest.mark.parametrize("how", ["acknowledged", "given back"])
async def test_a_queue_to_which_jobs_come_back_is_known_again(raw: Any, db: Database, how: str) -> None:
    await fill(raw, MAIL, 2)
    await steps.take_end(db, record(db), 0, "b0", MAIL, expected=0, count=2)
    await raw.delete("queues")
    if how == "acknowledged":
        await steps.acknowledge(db, record(db), 0, "b0", MAIL, gone=1, back=[0])
    else:
        await steps.give_back(db, record(db), 0, "b0", MAIL)
    assert await raw.smembers("queues") == {b"mail"}


async def test_each_state_of_a_batch_arrives_as_it_was(raw: Any, db: Database) -> None:
    for number, (known, ttl) in enumerate((({"ex": "1"}, 900), ({"ex": "2", "c": "x"}, 0), ({"rt": "3"}, 5000))):
        await raw.hset(f"it-{number}", mapping=known)
        if ttl:
            await raw.expire(f"it-{number}", ttl)
    states = await steps.read_iterations(db, ["0", "1", "2"])
    await raw.delete("it-0", "it-1", "it-2")
    staged = [Staged(job(number)) for number in range(3)]
    put = await steps.put(db, record(db), 0, "b0", MAIL, staged, expected=0, iterations=states)
    assert (put.status, put.error) == ("ok", "")
    found = [await raw.hgetall(f"it-{number}") for number in range(3)]
    assert found == [{b"ex": b"1"}, {b"ex": b"2", b"c": b"x"}, {b"rt": b"3"}]
    first, second, third = [await raw.ttl(f"it-{number}") for number in range(3)]
    assert 800 < first <= 900
    assert second == -1
    assert 4900 < third <= 5000


async def test_a_move_ends_on_a_full_server(raw: Any, db: Database) -> None:
    await fill(raw, MAIL, 2)
    await raw.config_set("maxmemory", 1)
    try:
        assert await steps.end_transfer(db, record(db)) == "ok"
    finally:
        await raw.config_set("maxmemory", 0)
    state = await steps.transfer_state(db, record(db))
    assert state is not None
    assert state.state in ("done", "closed")
    assert [await raw.ttl(key) > 0 for key in await raw.keys("sqtui:op:*")] == [True]
    assert (await steps.take_end(db, record(db), 0, "b0", MAIL, expected=0, count=2)).status == "closed"


async def test_a_record_that_was_done_gets_nothing(raw: Any, db: Database) -> None:
    assert await finish(db, record(db))
    assert (await steps.put(db, record(db), 0, "b0", MAIL, [Staged(b"{}")], expected=0)).status == "closed"
    assert await raw.exists("queue:mail") == 0


@pytest.mark.parametrize(
    ("place", "denied"),
    [
        (MAIL, "lpush"),
        (MAIL, "lrem"),
        (MAIL, "lmove"),
        (MAIL, "unlink"),
        (DEAD, "zadd"),
        (DEAD, "zrem"),
        (DEAD, "unlink"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.kind,
)
async def test_nothing_is_parked_without_all_rights(
    raw: Any, db: Database, poor: Any, place: Place, denied: str
) -> None:
    jobs = await fill(raw, place, 3)
    before = await everything(raw)
    user = await poor(denied)
    taken = await steps.take_end(user, record(db), 0, "b0", place, expected=0, count=2)
    assert taken.status == "refused"
    assert taken.error.startswith(f"NOPERM {denied.upper()} ")
    taken = await steps.take_these(user, record(db), 0, "b0", place, [Chosen(jobs[1])], expected=0)
    assert taken.status == "refused"
    assert await everything(raw) == before


@pytest.mark.parametrize(
    ("place", "denied"),
    [(MAIL, "lpush"), (MAIL, "sadd"), (DEAD, "zadd")],
    ids=lambda one: one if isinstance(one, str) else one.kind,
)
async def test_nothing_is_put_without_all_rights(raw: Any, db: Database, poor: Any, place: Place, denied: str) -> None:
    before = await everything(raw)
    put = await steps.put(await poor(denied), record(db), 0, "b0", place, [Staged(job(1), 1.0)], expected=0)
    assert put.status == "refused"
    assert put.error.startswith(f"NOPERM {denied.upper()} ")
    assert await everything(raw) == before


@PLACES
async def test_no_stage_ends_that_could_not_be_freed(raw: Any, db: Database, poor: Any, place: Place) -> None:
    await fill(raw, place, 3)
    await steps.take_end(db, record(db), 0, "b0", place, expected=0, count=2)
    before = await everything(raw)
    user = await poor("unlink del")
    status, error = await steps.acknowledge(user, record(db), 0, "b0", place, gone=1, back=[1])
    assert (status, error.partition(" sqtui")[0]) == ("refused", "NOPERM UNLINK")
    assert await everything(raw) == before
    assert (await steps.acknowledge(await poor("unlink"), record(db), 0, "b0", place, gone=2))[0] == "ok"
    assert await raw.keys("sqtui:stage:*") == []
