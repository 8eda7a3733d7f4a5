"""Items that are alike run together: each is still answered for by itself, and a failure takes all of them back."""

from __future__ import annotations

from typing import Final

import pytest

from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromSet,
    Item,
    Move,
    MoveInSets,
    Prune,
    Push,
    Reschedule,
    RestoreToSet,
)
from sidekiq_tui.sidekiq.batch_wire import batch_command
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.operation_record import BatchReply, begin, run_batch
from tests.support.batch_cases import KEYS, NOW, TRASH, State, case_of, put, seen
from tests.support.rights import RECORD, rights, unasked

A, B, C, D, E = b"a", b"b", b"c", b"d", b"e"
RETRY: Final[State] = {b"retry": {A: 1.0, B: 2.0, C: 3.0, D: 4.0}}


async def run(db: Database, *items: Item, seq: int = 0) -> BatchReply:
    return await run_batch(db, RECORD, seq, "first", items, now=NOW)


async def test_entries_that_are_gone_or_twice_are_told_apart_in_a_run(db: Database) -> None:
    runs: dict[str, tuple[list[Item], State, State, str]] = {
        "move": (
            [Move("retry", old, "q", old + b"!") for old in (A, E, B, A, C)],
            RETRY,
            {b"retry": {D: 4.0}, b"queue:q": [b"c!", b"b!", b"a!"], b"queues": frozenset({b"q"})},
            "10101",
        ),
        "kill": (
            [
                MoveInSets("retry", old, "dead", new, 9.0)
                for old, new in ((A, A), (E, E), (B, B), (A, A), (C, A), (D, D))
            ],
            {**RETRY, b"dead": {B: 5.0}},
            {b"retry": {B: 2.0, C: 3.0}, b"dead": {B: 5.0, A: 9.0, D: 9.0}},
            "10x0x1",
        ),
        "edit in a set": (
            [MoveInSets("retry", old, "retry", new, 9.0) for old, new in ((A, E), (E, A), (B, C), (D, D))],
            RETRY,
            {b"retry": {A: 9.0, B: 2.0, C: 3.0, D: 9.0}},
            "11x1",
        ),
        "delete": (
            [DeleteFromSet("retry", old, TRASH) for old in (E, A, A, D)],
            RETRY,
            {b"retry": {B: 2.0, C: 3.0}, TRASH: {A: 1.0, D: 4.0}},
            "0101",
        ),
        "delete for good": (
            [DeleteFromSet("retry", old, None) for old in (A, A, E, D)],
            RETRY,
            {b"retry": {B: 2.0, C: 3.0}},
            "1001",
        ),
        "reschedule": (
            [Reschedule("retry", old, known, 9.5) for old, known in ((A, 1.0), (B, 1.0), (E, 1.0), (A, 9.5), (D, 4.0))],
            RETRY,
            {b"retry": {A: 9.5, B: 2.0, C: 3.0, D: 9.5}},
            "10001",
        ),
        "push": (
            [Push(new, queue="q") for new in (A, B, A)],
            {},
            {b"queue:q": [A, B, A], b"queues": frozenset({b"q"})},
            "111",
        ),
    }
    for name, (items, before, after, results) in runs.items():
        await put(db, before)
        await begin(db, RECORD, {}, NOW)
        assert await run(db, *items) == BatchReply("ok", results), name
        assert await seen(db) == after, name


@pytest.mark.parametrize("name", ["move", "kill", "delete from a set"])
async def test_a_run_that_fails_is_taken_back_whole(db: Database, restricted: Database, name: str) -> None:
    jobs = [b"job %d" % number for number in range(5)]
    chosen = [case_of(name, job, job + b"!").item for job in jobs]
    source = {"move": b"retry", "kill": b"retry"}.get(name, b"dead")
    before: State = {source: {job: 1.0 for job in jobs[:2] + jobs[3:]}}
    add, remove, back = ("LPUSH", "ZREM", "LPOP") if name == "move" else ("ZADD", "ZREM", "ZREM")
    for denied, results in (((add,), "--0--"), ((remove,), "--0--"), ((remove, back), "DD0DD")):
        await put(db, before)
        await begin(db, RECORD, {}, NOW)
        await rights(db, *[f"-{command}" for command in denied])
        reply = await restricted.command(*unasked(chosen))
        assert isinstance(reply, list)
        wanted = "DD0DD" if add == "ZADD" and remove in denied else results
        assert reply[1] == wanted.encode()
        after = await seen(db)
        assert after[source] == before[source]
        others = [value for key, value in after.items() if key not in (source, KEYS.queues)]
        assert [len(value) for value in others] == ([4] if "D" in wanted else [])


async def test_alike_is_only_what_has_the_same_keys(db: Database) -> None:
    await put(db, {**RETRY, b"dead": {E: 5.0}})
    await begin(db, RECORD, {}, NOW)
    items: list[Item] = [
        Move("retry", A, "q", A),
        Move("retry", B, "r", B),
        Move("dead", E, "r", E),
        Move("retry", C, "r", C),
        DeleteFromSet("retry", D, None),
    ]
    assert await run(db, *items) == BatchReply("ok", "11111")
    assert await seen(db) == {b"queue:q": [A], b"queue:r": [C, E, B], b"queues": frozenset({b"q", b"r"})}
    words = batch_command(KEYS, RECORD.record, 0, "first", [Move("retry", A, "q", A)] * 3, now=NOW)
    assert words.count("M") == 1


async def test_a_run_longer_than_a_stack_is_cut(db: Database) -> None:
    jobs = [b"job %d" % number for number in range(2500)]
    await put(db, {b"retry": {job: float(at) for at, job in enumerate(jobs)}})
    await begin(db, RECORD, {}, NOW)
    items: list[Item] = [MoveInSets("retry", job, "dead", job, 1.0) for job in jobs]
    assert await run(db, *items) == BatchReply("ok", "1" * 2500)
    pushes: list[Item] = [Push(job, queue="q") for job in jobs]
    assert await run(db, *pushes, seq=1) == BatchReply("ok", "1" * 2500)
    assert await db.command("LRANGE", "queue:q", 0, -1) == jobs[::-1]


async def test_trash_is_listed_lives_nine_days_and_leaves_when_empty(db: Database) -> None:
    await put(db, RETRY)
    await begin(db, RECORD, {}, NOW)
    await run(db, DeleteFromSet("retry", A, TRASH))
    nine_days, seven_days = 9 * 86400, 7 * 86400
    life = await db.command("TTL", TRASH)
    assert isinstance(life, int)
    assert nine_days - 60 < life <= nine_days
    assert await db.command("ZRANGE", KEYS.trash_index, 0, -1, "WITHSCORES") == [TRASH, str(NOW + seven_days).encode()]
    await db.command("EXPIRE", TRASH, 100)
    await run(db, RestoreToSet(TRASH, A, "retry", 1.0), seq=1)
    assert await db.command("EXISTS", TRASH, KEYS.trash_index) == 0
    await run(db, DeleteFromSet("retry", B, TRASH), RestoreToSet(TRASH, B, "retry", 2.0), seq=2)
    assert await db.command("EXISTS", TRASH, KEYS.trash_index) == 0


async def test_a_process_that_lives_is_not_pruned_beside_one_that_does_not(db: Database) -> None:
    await put(db, {b"processes": frozenset({b"x", b"y"}), b"x": {b"info": b"{}"}})
    await begin(db, RECORD, {}, NOW)
    assert await run(db, Prune("x"), Prune("y"), Prune("z")) == BatchReply("ok", "010")
