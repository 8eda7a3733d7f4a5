"""Moving jobs to another server: each exactly once, in order, as they were but for what was asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import CopyAcross, Evacuate, Synchronise, Transfer, Undo
from sidekiq_tui.operations.errors import AccessDenied, CannotBeDone, NotConfirmed
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.support.carrying import SOURCE, TARGET, Carrier, own_keys, payloads
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, fill, jid, job

LOW: Final = Place("queue", "low")


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[Any]:
    """The other server: another database, whose keys are its own."""
    client = redis.asyncio.Redis.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


@pytest.fixture
async def carrier(redis_url: str, tmp_path: Path) -> AsyncIterator[Carrier]:
    found = Carrier(redis_url, redis_url.replace("db=0", "db=1"), tmp_path / "state")
    yield found
    await found.close()


async def rows(carrier: Carrier, place: Place, count: int = 1000) -> Rows:
    return Rows((await carrier.server(SOURCE).page(place, 0, count)).jobs)


async def test_a_whole_queue_goes_in_its_order_byte_for_byte(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 1234)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("done", 1234, 0), outcome
    assert outcome.words == "moved 1,234"
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
    assert await there.smembers("queues") == {b"mail"}
    assert await raw.exists("queue:mail") == 0
    assert await own_keys(raw) == await own_keys(there) == set()
    for side in (raw, there):
        (record,) = await side.keys("sqtui:op:*")
        assert await side.hget(record, "state") == b"done"
        assert await side.ttl(record) > 8 * 86400
        assert "Invoice" not in str(await side.hgetall(record))


@pytest.mark.parametrize("place", [RETRY, SCHEDULE, DEAD], ids=["retry", "schedule", "dead"])
async def test_a_whole_set_keeps_its_scores(raw: Any, there: Any, carrier: Carrier, place: Place) -> None:
    await fill(raw, place, 450)
    before = await raw.zrange(place.kind, 0, -1, withscores=True)
    outcome = await carrier.do(Transfer(jobs=Whole(place), target=TARGET))
    assert outcome.tally.done == 450
    assert await there.zrange(place.kind, 0, -1, withscores=True) == before
    assert await raw.exists(place.kind) == 0


async def test_rows_of_several_places_go_and_the_rest_stays(raw: Any, there: Any, carrier: Carrier) -> None:
    queued = await fill(raw, MAIL, 6)
    dead = await fill(raw, DEAD, 4, first=100)
    listed = [*(await rows(carrier, MAIL)).jobs, *(await rows(carrier, DEAD)).jobs]
    chosen = tuple(one for one in listed if int(one.jid or "", 16) % 2 == 0)
    outcome = await carrier.do(Transfer(jobs=Rows(chosen), target=TARGET))
    assert outcome.tally.done == 5
    assert await there.lrange("queue:mail", 0, -1) == [queued[4], queued[2], queued[0]]
    assert await there.zrange("dead", 0, -1) == [dead[0], dead[2]]
    assert await raw.lrange("queue:mail", 0, -1) == [queued[5], queued[3], queued[1]]
    assert await raw.zrange("dead", 0, -1) == [dead[1], dead[3]]


async def test_what_a_filter_matches_goes_to_another_queue(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 300)
    await fill(raw, RETRY, 50, first=1000, retry_queue="mail")
    await fill(raw, MAIL, 300, first=500, **{"class": "Other"})
    match = Matching((MAIL, RETRY), parse_filter("class:Invoice"))
    plan = await carrier.plan(Transfer(jobs=match, target=TARGET, queue="low"))
    assert (plan.count, plan.refused) == (350, "")
    outcome = await carrier.start(plan).wait()
    assert outcome.tally.done == 350
    arrived = [json.loads(one) for one in await there.lrange("queue:low", 0, -1)]
    assert [one["args"] for one in arrived] == [[number] for number in reversed(range(300))]
    assert {one["queue"] for one in arrived} == {"low"}
    assert {one["enqueued_at"] for one in arrived} == {1_700_000_001.5}
    retries = [json.loads(one) for one in await there.zrange("retry", 0, -1)]
    assert {(one["queue"], one["retry_queue"]) for one in retries} == {("low", "low")}
    assert await raw.llen("queue:mail") == 300
    assert await raw.exists("retry") == 0


async def test_fields_are_edited_and_all_other_bytes_stay(raw: Any, there: Any, carrier: Carrier) -> None:
    odd = b'{"class":"Odd","args":[1.0, 1e3,"\\u00e9"], "jid":"x1","queue":"mail","created_at":1.50,"drop":1}'
    await raw.sadd("queues", "mail")
    await raw.lpush("queue:mail", odd)
    operation = Transfer(jobs=await rows(carrier, MAIL), target=TARGET, fields={"retry": 3}, drop=("drop",))
    assert (await carrier.do(operation)).tally.done == 1
    made = b'{"class":"Odd","args":[1.0, 1e3,"\\u00e9"],"jid":"x1","queue":"mail","created_at":1.50,"retry":3}'
    assert await there.lrange("queue:mail", 0, -1) == [made]


@pytest.mark.parametrize("size", [1, 600_000, 9_000_000])
async def test_payloads_of_any_size(raw: Any, there: Any, carrier: Carrier, size: int) -> None:
    jobs = [job(number, filling="x" * size) for number in range(3)]
    await raw.sadd("queues", "mail")
    await raw.lpush("queue:mail", *jobs)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert outcome.tally.done == 3
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]


async def test_malformed_jobs_stay_and_are_told(raw: Any, there: Any, carrier: Carrier) -> None:
    good = await fill(raw, MAIL, 5)
    bad = [b"no json", b'{"args":1}', b"[]", b"\xff\xfe"]
    await raw.rpush("queue:mail", *bad)
    await raw.lpush("queue:mail", *bad)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done) == ("done", 5), outcome
    assert outcome.tally.malformed + outcome.tally.refused == 8
    assert await there.lrange("queue:mail", 0, -1) == good[::-1]
    assert sorted(await raw.lrange("queue:mail", 0, -1)) == sorted(bad * 2)
    assert await own_keys(raw) == set()


async def test_members_that_are_there_already_are_told(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, DEAD, 10)
    await there.zadd("dead", {jobs[3]: 1.0})
    outcome = await carrier.do(Transfer(jobs=Whole(DEAD), target=TARGET))
    assert (outcome.tally.done, outcome.tally.exists) == (9, 1)
    assert await raw.exists("dead") == 0
    assert await there.zcard("dead") == 10


async def test_what_was_taken_meanwhile_is_gone(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 10)
    plan = await carrier.plan(Transfer(jobs=await rows(carrier, MAIL), target=TARGET))
    assert await raw.rpop("queue:mail") == jobs[0]
    await raw.lpush("queue:mail", job(99))
    outcome = await carrier.start(plan).wait()
    assert (outcome.tally.done, outcome.tally.gone) == (9, 1)
    assert await raw.lrange("queue:mail", 0, -1) == [job(99)]


async def test_the_state_of_iterable_jobs_goes_along_and_leaves_the_source(
    raw: Any, there: Any, carrier: Carrier
) -> None:
    await fill(raw, MAIL, 3)
    await raw.hset(f"it-{jid(1)}", mapping={"ex": 2, "c": "5", "rt": "0.5"})
    await raw.expire(f"it-{jid(1)}", 500)
    await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert await there.hgetall(f"it-{jid(1)}") == {b"ex": b"2", b"c": b"5", b"rt": b"0.5"}
    assert 400 < await there.ttl(f"it-{jid(1)}") <= 500
    assert await raw.keys("it-*") == []


async def test_times_are_written_as_the_other_side_reads_them(raw: Any, there: Any, carrier: Carrier) -> None:
    await raw.zadd("retry", {job(1, created_at=1_700_000_000_500, failed_at=1_700_000_000_250): 5.0})
    info = json.dumps({"hostname": "h", "pid": 1, "version": "7.3.0", "queues": ["mail"], "concurrency": 1})
    now = (await there.time())[0]
    await there.sadd("processes", "h:1:a")
    await there.hset("h:1:a", mapping={"info": info, "beat": now, "busy": 0, "quiet": "false"})
    await there.expire("h:1:a", 60)
    plan = await carrier.plan(Transfer(jobs=Whole(RETRY), target=TARGET))
    await carrier.start(plan).wait()
    (made,) = [json.loads(one) for one in await there.zrange("retry", 0, -1)]
    assert (made["created_at"], made["failed_at"], made["enqueued_at"]) == (1700000000.5, 1700000000.25, 1700000001.5)


async def test_everything_of_a_server_goes_and_both_are_compared(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 300)
    await fill(raw, LOW, 20, first=1000)
    for at, place in enumerate((RETRY, SCHEDULE, DEAD)):
        await fill(raw, place, 50, first=2000 + 100 * at)
    before = await payloads(raw)
    plan = await carrier.plan(Evacuate(target=TARGET))
    assert (plan.count, carrier.operations.question(plan).expected) == (470, SOURCE)
    outcome = await carrier.start(plan).wait()
    assert (outcome.ending, outcome.tally.done) == ("done", 470), outcome
    assert await payloads(there) == before
    assert not await payloads(raw)
    compared = outcome.details["comparison"]
    assert isinstance(compared, list)
    assert {(one["place"], one["queue"], one["moved"], one["left"], one["there"]) for one in compared} == {
        ("dead", None, 50, 0, 50),
        ("queue", "low", 20, 0, 20),
        ("queue", "mail", 300, 0, 300),
        ("retry", None, 50, 0, 50),
        ("schedule", None, 50, 0, 50),
    }


async def test_a_queue_that_clients_still_fill_is_told(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 10)
    plan = await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET))
    await fill(raw, MAIL, 1500, first=100)
    outcome = await carrier.start(plan).wait()
    assert outcome.ending == "failed"
    assert "still being filled by clients" in outcome.words
    assert await raw.llen("queue:mail") + await there.llen("queue:mail") == 1510
    assert await own_keys(raw) == set()


async def test_what_is_asked_and_what_is_refused(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 3)
    some = Transfer(jobs=await rows(carrier, MAIL), target=TARGET)
    assert carrier.operations.question(await carrier.plan(some)).kind == "yes"
    carrier.change(TARGET, guard=True)
    plan = await carrier.plan(some)
    assert (carrier.operations.question(plan).kind, carrier.operations.question(plan).expected) == ("name", TARGET)
    with pytest.raises(NotConfirmed):
        carrier.operations.start(plan, SOURCE)
    carrier.change(TARGET, guard=False, access="read-only")
    with pytest.raises(CannotBeDone, match="staging"):
        carrier.start(await carrier.plan(some))
    carrier.change(TARGET, access="operate")
    carrier.change(SOURCE, access="operate")
    with pytest.raises(AccessDenied, match="full access"):
        carrier.start(await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET)))
    assert (await carrier.do(some)).tally.done == 3


async def test_a_server_is_not_moved_to_itself(raw: Any, redis_url: str, tmp_path: Path) -> None:
    await fill(raw, MAIL, 3)
    same = Carrier(redis_url, redis_url, tmp_path / "same")
    plan = await same.plan(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert plan.refused == "both are the same server and database: move to a queue instead"
    await same.close()


async def test_the_plan_tells_what_stays_behind_and_what_will_be_different(
    raw: Any, there: Any, carrier: Carrier
) -> None:
    await raw.zadd("retry", {job(1, bid="b1"): 5.0, job(2, lock_digest="u"): 6.0, job(3, encrypt=True): 7.0})
    notes = (await carrier.plan(Transfer(jobs=await rows(carrier, RETRY), target=TARGET))).notes
    said = "\n".join(notes)
    assert "1 belongs to a batch, which stays behind and pending" in said
    assert "1 may hold a unique lock, which is not there" in said
    assert "1 encrypted: the other side must have the same key" in said
    assert "staging: no live process takes jobs from mail" in said
    assert "3 jobs due in the past: they run at once on staging" in said


# ---- Back again


async def test_a_move_is_taken_back_as_far_as_nobody_ran_it(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 30)
    dead = await fill(raw, DEAD, 5, first=100)
    before = await raw.zrange("dead", 0, -1, withscores=True)
    match = Matching((MAIL, DEAD), parse_filter("class:Invoice"))
    outcome = await carrier.do(Transfer(jobs=match, target=TARGET))
    assert (outcome.tally.done, outcome.undo_id) == (35, outcome.id)
    assert await there.rpop("queue:mail") == jobs[0]
    plan = await carrier.plan(Undo(operation=outcome.id))
    assert (plan.server, plan.peer.name if plan.peer else "", plan.count) == (TARGET, SOURCE, 35)
    back = await carrier.start(plan).wait()
    assert (back.ending, back.tally.done, back.tally.gone) == ("done", 34, 1), back
    assert await raw.lrange("queue:mail", 0, -1) == jobs[:0:-1]
    assert await raw.zrange("dead", 0, -1, withscores=True) == before
    assert not await payloads(there)
    assert len(dead) == 5
    with pytest.raises(CannotBeDone, match="undone already"):
        await carrier.plan(Undo(operation=outcome.id))


async def test_a_move_to_another_queue_is_taken_back_to_the_old_one(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 5)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET, queue="low"))
    assert outcome.tally.done == 5
    await carrier.start(await carrier.plan(Undo(operation=outcome.id))).wait()
    assert await raw.lrange("queue:mail", 0, -1) == jobs[::-1]


# ---- Copies


async def test_jobs_are_copied_and_stay(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 250)
    dead = await fill(raw, DEAD, 3, first=1000)
    await there.zadd("dead", {dead[0]: 1.0})
    carrier.change(SOURCE, access="read-only")
    match = Matching((MAIL, DEAD), parse_filter("class:Invoice"))
    plan = await carrier.plan(CopyAcross(jobs=match, source=SOURCE), TARGET)
    assert (plan.server, plan.count, plan.refused) == (TARGET, 253, "")
    outcome = await carrier.start(plan).wait()
    assert (outcome.ending, outcome.tally.done, outcome.tally.exists) == ("done", 252, 1), outcome
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1] == await raw.lrange("queue:mail", 0, -1)
    assert await there.zrange("dead", 1, -1, withscores=True) == await raw.zrange("dead", 1, -1, withscores=True)
    assert await raw.keys("sqtui:*") == []
    undone = await carrier.do(Undo(operation=outcome.id), TARGET)
    assert undone.tally.done == 252, undone
    assert await payloads(there) == {dead[0]: 1}


async def test_copies_with_new_jids_in_another_queue(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 3, bid="b")
    operation = CopyAcross(jobs=await rows(carrier, MAIL), source=SOURCE, queue="low", new_jids=True)
    assert (await carrier.do(operation, TARGET)).tally.done == 3
    made = [json.loads(one) for one in await there.lrange("queue:low", 0, -1)]
    assert [one["args"] for one in made] == [[2], [1], [0]]
    assert {one["queue"] for one in made} == {"low"}
    assert not any("bid" in one or int(one["jid"], 16) < 10 for one in made)


async def test_what_must_not_leave_is_replaced(raw: Any, there: Any, carrier: Carrier) -> None:
    args = ["anna@example.com", {"to": ["Bob <bob+1@x.example.org>", 7]}, "n\\u0040m.de"]
    await raw.zadd("dead", {job(1, args=args, error_message="no mailbox anna@example.com"): 5.0, job(2): 6.0})
    plain = job(3, args=[1.0])
    await raw.zadd("dead", {plain: 7.0})
    operation = CopyAcross(jobs=await rows(carrier, DEAD), source=SOURCE, redact=("email", r"\b7\b"))
    plan = await carrier.plan(operation, TARGET)
    assert "redacted (email, \\b7\\b): something is replaced in 1 of 3" in plan.notes
    await carrier.start(plan).wait()
    first, second, third = await there.zrange("dead", 0, -1)
    assert json.loads(first)["args"] == [
        "redacted@example.invalid",
        {"to": ["Bob <redacted@example.invalid>", 7]},
        "n\\u0040m.de",
    ]
    assert json.loads(first)["error_message"] == "no mailbox redacted@example.invalid"
    assert json.loads(first)["jid"] == jid(1)
    assert (second, third) == (job(2), plain)


async def test_a_queue_is_made_to_hold_what_the_other_one_does(raw: Any, there: Any, carrier: Carrier) -> None:
    jobs = await fill(raw, MAIL, 20)
    await there.sadd("queues", "mail")
    await there.lpush("queue:mail", *jobs[5:8], job(6, other="bytes"), job(99))
    plan = await carrier.plan(Synchronise(jobs=Whole(MAIL), source=SOURCE), TARGET)
    assert (plan.count, plan.notes[0] if plan.notes else "") == (17, plan.notes[0])
    assert any("3 of 20 are there already" in note for note in plan.notes)
    outcome = await carrier.start(plan).wait()
    assert outcome.tally.done == 17
    assert {json.loads(one)["jid"] for one in await there.lrange("queue:mail", 0, -1)} == {
        *(jid(number) for number in range(20)),
        jid(99),
    }
    again = await carrier.plan(Synchronise(jobs=Whole(MAIL), source=SOURCE), TARGET)
    assert (again.refused, again.nothing) == ("everything is there already", True)
