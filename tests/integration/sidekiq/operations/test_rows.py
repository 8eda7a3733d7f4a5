"""Entries that lie at an end of a list in the order of their items go at once: with the effect that one by one has."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromQueue,
    Item,
    MoveFromQueue,
    RestoreToQueue,
    TakeBack,
)
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.operation_record import begin, run_batch
from tests.support.batch_cases import KEYS, NOW, STAGE, TRASH, State, put, seen
from tests.support.rights import RECORD, rights, unasked

Make = Callable[[bytes], Item]

KINDS: Final[dict[str, tuple[bytes, bool, Make]]] = {
    "move, oldest first": (
        b"queue:mail",
        True,
        lambda old: MoveFromQueue("mail", old, old + b"!", target_queue="low", tail=True),
    ),
    "move to the front": (
        b"queue:mail",
        False,
        lambda old: MoveFromQueue("mail", old, old + b"!", target_queue="low", front=True),
    ),
    "move within": (b"queue:mail", True, lambda old: MoveFromQueue("mail", old, old, target_queue="mail", tail=True)),
    "move out of a stage": (
        STAGE,
        True,
        lambda old: MoveFromQueue("mail", old, old + b"!", target_queue="low", tail=True, stage=STAGE),
    ),
    "kill": (b"queue:mail", False, lambda old: MoveFromQueue("mail", old, old, target_set="dead", score=9.5)),
    "kill, oldest first": (
        b"queue:mail",
        True,
        lambda old: MoveFromQueue("mail", old, old + b"!", target_set="dead", score=9.5, tail=True),
    ),
    "delete": (b"queue:mail", False, lambda old: DeleteFromQueue("mail", old, TRASH)),
    "delete for good": (b"queue:mail", True, lambda old: DeleteFromQueue("mail", old, None, tail=True)),
    "take back": (b"queue:mail", False, lambda old: TakeBack("mail", old, old + b"?", "retry", 4.25)),
    "restore": (TRASH, False, lambda old: RestoreToQueue(TRASH, old, "low")),
}


def of_lists(state: State) -> State:
    return {key: value for key, value in state.items() if key != KEYS.trash_index}


async def carried_out(db: Database, before: State, batches: Sequence[Sequence[Item]]) -> tuple[str, State]:
    await put(db, before)
    await begin(db, RECORD, {}, NOW)
    results = ""
    for number, items in enumerate(batches):
        reply = await run_batch(db, RECORD, number, f"bid {number}", items, now=NOW)
        assert (reply.status, reply.error) == ("ok", "")
        results += reply.results
    return results, of_lists(await seen(db))


@pytest.mark.parametrize("name", list(KINDS))
async def test_a_batch_does_what_its_items_do_one_by_one(db: Database, name: str) -> None:
    source, tail, make = KINDS[name]
    for seed in range(60):
        dice = random.Random(seed)
        jobs = [b"job %d" % dice.randrange(20) if dice.random() < 0.1 else b"job %d" % at for at in range(12)]
        wanted = (jobs[::-1] if tail else list(jobs))[: dice.randint(2, 12)]
        for _ in range(dice.choice([0, 0, 1, 3])):  # some that are gone, others out of their order, one twice
            wanted.insert(dice.randrange(len(wanted)), b"gone %d" % dice.randrange(3))
        if dice.random() < 0.3:
            one, other = dice.randrange(len(wanted)), dice.randrange(len(wanted))
            wanted[one], wanted[other] = wanted[other], wanted[one]
        if dice.random() < 0.2:
            wanted.append(dice.choice(wanted))
        before: dict[bytes, object] = {source: list(jobs), b"queue:low": [b"x"], b"queues": frozenset({b"mail"})}
        if dice.random() < 0.5:
            before |= {b"dead": {b"job 3": 1.0, b"job 5!": 2.0}, b"retry": {b"job 2?": 3.0}}
        items = [make(old) for old in wanted]
        at_once = await carried_out(db, before, [items])  # type: ignore[arg-type]
        one_by_one = await carried_out(db, before, [[item] for item in items])  # type: ignore[arg-type]
        assert at_once == one_by_one, seed


@pytest.mark.parametrize("name", [name for name in KINDS if name != "move within"])
async def test_a_row_takes_few_commands(db: Database, name: str) -> None:
    source, tail, make = KINDS[name]
    jobs = [b"job %d" % at for at in range(200)]
    await put(db, {source: jobs})
    await begin(db, RECORD, {}, NOW)
    await db.command("CONFIG", "RESETSTAT")
    items = [make(old) for old in (jobs[::-1] if tail else jobs)]
    assert (await run_batch(db, RECORD, 0, "first", items, now=NOW)).results == "1" * 200
    said = await db.command("INFO", "commandstats")
    assert isinstance(said, bytes)
    calls = {
        line.split(b":")[0]: int(line.split(b"calls=")[1].split(b",")[0])
        for line in said.split(b"\r\n")
        if b"=" in line
    }
    assert b"cmdstat_lrem" not in calls
    assert calls[b"cmdstat_ltrim"] == 2
    assert sum(calls.values()) < 35


@pytest.mark.parametrize("name", ["move, oldest first", "kill", "delete"])
async def test_where_cutting_is_forbidden_entries_go_one_by_one(db: Database, restricted: Database, name: str) -> None:
    source, tail, make = KINDS[name]
    jobs = [b"job %d" % at for at in range(5)]
    items = [make(old) for old in (jobs[::-1] if tail else jobs)]
    _, after = await carried_out(db, {source: jobs}, [items])
    await put(db, {source: jobs})
    await begin(db, RECORD, {}, NOW)
    await rights(db, "-LTRIM")
    assert (await run_batch(restricted, RECORD, 0, "first", items, now=NOW)).results == "11111"
    assert of_lists(await seen(db)) == after


@pytest.mark.parametrize(
    ("name", "denied"), [("move, oldest first", "LPUSH"), ("kill", "ZADD"), ("delete", "RPUSH"), ("take back", "ZADD")]
)
async def test_a_row_that_cannot_be_added_stays(db: Database, restricted: Database, name: str, denied: str) -> None:
    source, tail, make = KINDS[name]
    jobs = [b"job %d" % at for at in range(5)]
    await put(db, {source: jobs})
    await begin(db, RECORD, {}, NOW)
    await rights(db, f"-{denied}")
    reply = await restricted.command(*unasked([make(old) for old in (jobs[::-1] if tail else jobs)]))
    assert isinstance(reply, list)
    assert reply[:2] == [b"ok", b"-----"]
    assert (await seen(db))[source] == jobs
