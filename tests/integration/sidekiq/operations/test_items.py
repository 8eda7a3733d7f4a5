"""What each item of a batch does when all is well: its effect, once, and nothing when the entry is not as expected."""

from __future__ import annotations

from typing import Final

import pytest

from sidekiq_tui.sidekiq.batch_items import DeleteFromQueue, Item, Move, MoveFromQueue, MoveInSets, MoveToFront, Push
from sidekiq_tui.sidekiq.batch_wire import LARGEST_ITEM, MOST_BYTES, batch_command, batches, item_bytes
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.operation_record import BatchReply, begin, close, finish, run_batch
from tests.support.batch_cases import DUE, KEYS, NOW, OF_JOBS, TRASH, case_of, names, put, seen
from tests.support.rights import RECORD

ODD: Final = {
    "empty": b"",
    "one byte": b"\x00",
    "no text": b"\xff\xfe\r\n$3\r\n*1\r\n\x00",
    "looks like an option": b"COUNT",
    "looks like a number": b"-1",
    "words": '{"args":["zażółć \U0001f980", "\\u0000"]}'.encode(),
    "two kilobytes": b'{"class":"Big","args":["' + b"x" * 2000 + b'"]}',
    "a megabyte": b'{"class":"Huge","args":["' + bytes(range(256)) * 4096 + b'"]}',
}


async def run(db: Database, *items: Item, seq: int = 0, bid: str = "first") -> BatchReply:
    return await run_batch(db, RECORD, seq, bid, items, now=NOW)


@pytest.mark.parametrize("name", names())
async def test_it_does_what_it_says_and_only_once(db: Database, name: str) -> None:
    case = case_of(name)
    await put(db, case.before)
    assert await begin(db, RECORD, {"kind": "test"}, NOW) == "ok"
    assert await run(db, case.item) == BatchReply("ok", "1")
    after = await seen(db)
    assert after == case.after
    assert await run(db, case.item) == BatchReply("done", "1")
    assert (await run(db, case.item, bid="other")).status == "taken"
    assert await finish(db, RECORD)
    assert await run(db, case.item) == BatchReply("done", "1")
    assert (await run(db, case.item, seq=1)).status == "closed"
    assert await seen(db) == after


@pytest.mark.parametrize("name", names())
async def test_without_a_record_it_does_the_same(db: Database, name: str) -> None:
    case = case_of(name)
    await put(db, case.before)
    if TRASH in case.after or TRASH in case.before:
        with pytest.raises(ValueError, match="no trash"):
            await run_batch(db, RECORD, 0, "first", [case.item], now=NOW, mode="B")
        return
    assert await run_batch(db, RECORD, 0, "first", [case.item], now=NOW, mode="B") == BatchReply("ok", "1")
    assert await seen(db) == case.after
    assert not await db.command("EXISTS", KEYS.operations, RECORD.record)


@pytest.mark.parametrize("name", names())
async def test_it_leaves_alone_what_is_not_there_and_what_is_there_already(db: Database, name: str) -> None:
    case = case_of(name)
    for state, result in ((case.gone, "0"), (case.exists, "x")):
        if state is None:
            continue
        await put(db, state)
        await begin(db, RECORD, {}, NOW)
        assert await run(db, case.item) == BatchReply("ok", result)
        assert await seen(db) == state


@pytest.mark.parametrize("name", names())
async def test_an_empty_server_answers_for_every_item(db: Database, name: str) -> None:
    case = case_of(name)
    await begin(db, RECORD, {}, NOW)
    reply = await run(db, case.item)
    assert reply.status == "ok"
    assert reply.results in "01"
    assert reply.error == ""
    assert not await db.command("ZCARD", KEYS.trash_index), "a trash that nothing is in is listed nowhere"


@pytest.mark.parametrize("name", names())
async def test_every_key_of_another_type_stops_it_before_anything_is_written(db: Database, name: str) -> None:
    case = case_of(name)
    command = batch_command(KEYS, RECORD.record, 0, "first", [case.item], now=NOW)
    count = command[2]
    assert isinstance(count, int)
    for key in command[4 : 3 + count]:
        assert isinstance(key, bytes)
        if key.startswith(b"sqtui:lock:"):
            continue
        await put(db, {other: value for other, value in case.before.items() if other != key})
        await begin(db, RECORD, {}, NOW)
        await db.command("XADD", key, "*", "a", "b")
        before = await db.read([("DUMP", one) for one in sorted(case.before)])
        assert await run(db, case.item) == BatchReply("type", error=key.decode())
        assert await db.read([("DUMP", one) for one in sorted(case.before)]) == before
        closed = await close(db, RECORD)
        assert closed is not None
        assert closed.next == 0, "the batch was not begun"


@pytest.mark.parametrize("odd", ODD)
async def test_bytes_come_out_as_they_went_in(db: Database, odd: str) -> None:
    old, new = ODD[odd], ODD[odd] + b"~"
    for name in names()[:OF_JOBS]:
        case = case_of(name, old, new)
        await put(db, case.before)
        await begin(db, RECORD, {}, NOW)
        assert (await run(db, case.item)).results == "1", name
        assert await seen(db) == case.after, name


async def test_identical_entries_are_taken_one_by_one(db: Database) -> None:
    twin = b'{"jid":"twin"}'
    await put(db, {b"queue:mail": [twin, b"a", twin, b"b", twin]})
    await begin(db, RECORD, {}, NOW)
    both: list[Item] = [DeleteFromQueue("mail", twin, TRASH, tail=tail) for tail in (True, False)]
    reply = await run(db, *both)
    assert reply.results == "11"
    assert await seen(db) == {b"queue:mail": [b"a", twin, b"b"], TRASH: [twin, twin]}
    again: list[Item] = [
        DeleteFromQueue("mail", twin, TRASH),
        MoveFromQueue("mail", twin, twin, target_set="dead", score=1.0),
    ]
    assert (await run(db, *again, seq=1)).results == "10"


async def test_what_runs_next_anyway_stays(db: Database) -> None:
    await put(db, {b"queue:mail": [b"a", b"b", b"a"]})
    await begin(db, RECORD, {}, NOW)
    assert (await run(db, MoveToFront("mail", b"a"))).results == "0"
    assert await seen(db) == {b"queue:mail": [b"a", b"b", b"a"]}


async def test_items_of_one_batch_see_what_those_before_them_did(db: Database) -> None:
    await put(db, {b"retry": {b"a": 1.0}})
    await begin(db, RECORD, {}, NOW)
    items: list[Item] = [
        MoveInSets("retry", b"a", "dead", b"a", DUE),
        MoveInSets("retry", b"a", "dead", b"a", DUE),
        Move("dead", b"a", "low", b"b"),
        MoveFromQueue("low", b"b", b"c", target_queue="high"),
    ]
    assert (await run(db, *items)).results == "1011"
    assert await seen(db) == {b"queue:high": [b"c"], b"queues": frozenset({b"low", b"high"})}


async def test_many_moves_keep_their_order_and_the_name_of_the_queue_is_added_once(db: Database) -> None:
    jobs = [b"job %d" % number for number in range(200)]
    await put(db, {b"retry": {job: float(at) for at, job in enumerate(jobs)}})
    await begin(db, RECORD, {}, NOW)
    items: list[Item] = [Move("retry", job, "low", job) for job in jobs]
    reply = await run(db, *items)
    assert reply.results == "1" * 200
    assert await seen(db) == {b"queue:low": jobs[::-1], b"queues": frozenset({b"low"})}


async def test_scores_keep_every_bit(db: Database) -> None:
    scores = [5e-324, 1.7954004709334693e9, 0.1 + 0.2, 2.0**53 + 2, 1e300, -0.0, float("inf")]
    jobs = [b"job %d" % at for at in range(len(scores))]
    await put(db, {b"dead": dict(zip(jobs, scores, strict=True))})
    await begin(db, RECORD, {}, NOW)
    items: list[Item] = [MoveInSets("dead", job, "retry", job, score) for job, score in zip(jobs, scores, strict=True)]
    assert (await run(db, *items)).results == "1" * len(scores)
    assert await seen(db) == {b"retry": dict(zip(jobs, scores, strict=True))}
    edits: list[Item] = [MoveInSets("retry", job, "retry", job + b"!") for job in jobs]
    assert (await run(db, *edits, seq=1)).results == "1" * len(scores)
    assert await seen(db) == {b"retry": {job + b"!": score for job, score in zip(jobs, scores, strict=True)}}


def test_batches_keep_within_their_bounds() -> None:
    small: list[Item] = [Push(b"x" * 100, queue="q")] * 450
    assert [len(batch) for batch in batches(small)] == [200, 200, 50]
    large: list[Item] = [Push(b"x" * 200_000, queue="q")] * 5
    assert [len(batch) for batch in batches(large)] == [2, 2, 1]
    huge: list[Item] = [small[0], Push(b"x" * (MOST_BYTES + 1), queue="q"), small[0]]
    assert [len(batch) for batch in batches(huge)] == [1, 1, 1]
    assert item_bytes(Move("retry", b"12345", "q", b"1234567")) - 12 < 100
    with pytest.raises(ValueError, match="too large"):
        list(batches([Push(bytes(LARGEST_ITEM), queue="q")]))


@pytest.mark.parametrize(
    "item",
    [
        MoveInSets("retry", b"a", "dead", b"a", float("nan")),
        MoveFromQueue("q", b"a", b"a"),
        MoveFromQueue("q", b"a", b"a", target_queue="r", target_set="dead", score=1.0),
        MoveFromQueue("q", b"a", b"a", target_set="dead"),
        Push(b"a"),
        Push(b"a", queue="q", score=1.0),
    ],
    ids=["no number", "nowhere", "to two places", "no score", "to nowhere", "now and later"],
)
def test_items_without_sense_never_reach_the_wire(item: Item) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        batch_command(KEYS, RECORD.record, 0, "first", [item], now=NOW)
