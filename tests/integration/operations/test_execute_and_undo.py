"""Every operation on jobs, from plan to outcome, and back: what was done is taken back to the byte."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import (
    Copy,
    Delete,
    Edit,
    Enlist,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Pause,
    Reschedule,
    ResetStatistics,
    Retry,
    ToFront,
    Undo,
)
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, Operator, everywhere, fill, jid, job, lies

FAR = 4_000_000_000.5


def on(kind: type[OfJobs], **options: Any) -> Any:
    return lambda jobs: kind(jobs=jobs, **options)


DEEDS = {
    "retry": (RETRY, on(Retry)),
    "retry-dead": (DEAD, on(Retry)),
    "reset": (DEAD, on(Retry, reset=True)),
    "enqueue": (SCHEDULE, on(Enqueue)),
    "kill": (RETRY, on(Kill)),
    "kill-queue": (MAIL, on(Kill)),
    "delete": (DEAD, on(Delete)),
    "delete-queue": (MAIL, on(Delete)),
    "reschedule-at": (RETRY, on(Reschedule, at=FAR)),
    "reschedule-by": (SCHEDULE, on(Reschedule, by=3600.5)),
    "reschedule-over": (SCHEDULE, on(Reschedule, at=FAR, over=100.0)),
    "edit": (RETRY, on(Edit, fields={"args": [1, "x"]}, drop=("enqueued_at",))),
    "edit-queue": (MAIL, on(Edit, fields={"args": [-1]})),
    "move": (SCHEDULE, on(MoveToQueue, queue="low")),
    "move-queue": (MAIL, on(MoveToQueue, queue="low")),
    "move-front": (MAIL, on(MoveToQueue, queue="low", front=True)),
    "copy": (DEAD, on(Copy)),
    "copy-at": (MAIL, on(Copy, at=FAR)),
}
"""Operations by name: what they are done to, and themselves."""
UNDONE_EXACTLY = [name for name in DEEDS if name not in ("kill-queue", "delete-queue", "move-queue", "move-front")]


def without_new_names(found: dict[str, Any]) -> dict[str, Any]:
    """Queues stay known once something was in them."""
    return {name: value for name, value in found.items() if name != "queues"}


async def test_an_edit_and_its_undo_leave_the_time_that_a_job_was_given_meanwhile(anna: Operator, raw: Any) -> None:
    await fill(raw, SCHEDULE, 3)
    before = await raw.zrange("schedule", 0, -1)
    plan = await anna.operations.plan("prod", Edit(jobs=Whole(SCHEDULE), fields={"args": ["x"]}))
    await raw.zadd("schedule", {one: FAR for one in before})
    outcome = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
    assert (outcome.ending, outcome.tally.done) == ("done", 3), outcome
    edited = await raw.zrange("schedule", 0, -1, withscores=True)
    assert {score for _, score in edited} == {FAR}
    await raw.zadd("schedule", {one: FAR + 60 for one, _ in edited})
    undone = await anna.undo(outcome)
    assert (undone.ending, undone.tally.done) == ("done", 3), undone
    assert await raw.zrange("schedule", 0, -1, withscores=True) == [[one, FAR + 60] for one in sorted(before)]


class TestEveryOperation:
    @pytest.mark.parametrize("name", DEEDS)
    async def test_all_of_a_place_and_back(self, anna: Operator, raw: Any, name: str) -> None:
        place, make = DEEDS[name]
        await fill(raw, place, 450)
        before = await everywhere(raw)
        outcome = await anna.do(make(Whole(place)))
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("done", 450, 0), outcome
        assert without_new_names(await everywhere(raw)) != without_new_names(before)
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 450), undone
        after = await everywhere(raw)
        if name in UNDONE_EXACTLY:
            assert without_new_names(after) == without_new_names(before)
        else:
            key = "queue:mail"
            assert after[key] == before[key], "alone in its queue it comes back in its order"

    @pytest.mark.parametrize("name", DEEDS)
    async def test_some_rows_among_others(self, anna: Operator, raw: Any, name: str) -> None:
        place, make = DEEDS[name]
        await fill(raw, place, 20)
        rows = await anna.rows(place)
        chosen = Rows((rows.jobs[3], rows.jobs[11], rows.jobs[12]))
        before = await everywhere(raw)
        outcome = await anna.do(make(chosen))
        assert (outcome.ending, outcome.tally.done) == ("done", 3), outcome
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 3), undone
        after = await everywhere(raw)
        if name in UNDONE_EXACTLY:
            assert without_new_names(after) == without_new_names(before)
        else:
            assert sorted(after["queue:mail"]) == sorted(before["queue:mail"])

    @pytest.mark.parametrize("name", DEEDS)
    async def test_what_came_later_is_not_touched(self, anna: Operator, raw: Any, name: str) -> None:
        place, make = DEEDS[name]
        jobs = await fill(raw, place, 5)
        plan = await anna.operations.plan("prod", make(Whole(place)))
        late = await fill(raw, place, 5, first=100)
        if place.kind == "queue":
            await raw.lrem("queue:mail", 1, jobs[2])
        else:
            await raw.zrem(place.kind, jobs[2])
        outcome = await anna.operations.start(plan, "prod").wait()
        if name.startswith("copy"):  # what it copies was read when it was planned
            assert outcome.tally.done == 5
        else:
            assert (outcome.tally.done, outcome.tally.gone) == (4, 1), outcome
            assert outcome.words.endswith("1 was no longer there")
        here = await everywhere(raw)
        kept = here["queue:mail"] if place.kind == "queue" else [one for one, _ in here[place.kind]]
        assert set(late) <= set(kept)


class TestOrder:
    async def test_a_queue_that_is_moved_keeps_its_order(self, anna: Operator, raw: Any) -> None:
        await fill(raw, MAIL, 450)
        before = [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:mail", 0, -1)]
        await anna.do(MoveToQueue(jobs=Whole(MAIL), queue="low"))
        assert [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:low", 0, -1)] == before
        await anna.do(MoveToQueue(jobs=Whole(Place("queue", "low")), queue="mail", front=True))
        assert [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:mail", 0, -1)] == before

    async def test_rows_that_are_moved_or_brought_to_the_front_keep_theirs(self, anna: Operator, raw: Any) -> None:
        jobs = await fill(raw, MAIL, 20)
        rows = {JobRecord(one, MAIL).jid: JobRecord(one, MAIL) for one in jobs}
        chosen = Rows(tuple(rows[jid(number)] for number in (7, 12, 3)))
        await anna.do(ToFront(jobs=chosen))
        assert await raw.lrange("queue:mail", -3, -1) == [jobs[12], jobs[7], jobs[3]]
        await anna.do(MoveToQueue(jobs=chosen, queue="low"))
        assert [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:low", 0, -1)] == [jid(12), jid(7), jid(3)]

    async def test_deleted_from_a_queue_they_come_back_at_its_front(self, anna: Operator, raw: Any) -> None:
        jobs = await fill(raw, MAIL, 20)
        rows = Rows(tuple(JobRecord(jobs[number], MAIL) for number in (7, 12, 3)))
        outcome = await anna.do(Delete(jobs=rows))
        await anna.undo(outcome)
        assert await raw.lrange("queue:mail", -3, -1) == [jobs[12], jobs[7], jobs[3]]

    async def test_the_same_bytes_twice_are_two_entries(self, anna: Operator, raw: Any) -> None:
        await fill(raw, MAIL, 3)
        await raw.lpush("queue:mail", job(1))
        outcome = await anna.do(Delete(jobs=Matching((MAIL,), parse_filter(f"jid:{jid(1)}"))))
        assert outcome.tally.done == 2
        assert job(1) not in await raw.lrange("queue:mail", 0, -1)
        await anna.undo(outcome)
        assert (await raw.lrange("queue:mail", 0, -1)).count(job(1)) == 2


class TestUndo:
    async def test_what_a_worker_has_taken_stays_with_it(self, anna: Operator, raw: Any) -> None:
        await fill(raw, RETRY, 50)
        outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        for _ in range(9):
            await raw.rpop("queue:mail")
        undone = await anna.undo(outcome)
        assert (undone.tally.done, undone.tally.gone) == (41, 9)
        assert undone.words == "put back 41, 9 were no longer there"
        assert await raw.zcard("retry") == 41

    async def test_it_begins_once(self, anna: Operator, raw: Any, redis_url: str, tmp_path: Any) -> None:
        await fill(raw, DEAD, 50)
        outcome = await anna.do(Delete(jobs=Whole(DEAD)))
        undo = Undo(operation=outcome.id)
        plan = await anna.operations.plan("prod", undo)
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            others = await bob.operations.plan("prod", undo)
            first, second = await asyncio.gather(
                anna.operations.start(plan, "y").wait(), bob.operations.start(others, "y").wait()
            )
        finally:
            await bob.close()
        assert sorted((first.ending, second.ending)) == ["done", "failed"]
        assert first.tally.done + second.tally.done == 50
        assert await raw.zcard("dead") == 50
        again = await anna.operations.plan("prod", undo)
        assert again.refused

    async def test_a_part_of_the_trash(self, anna: Operator, raw: Any) -> None:
        jobs = await fill(raw, DEAD, 50)
        outcome = await anna.do(Delete(jobs=Whole(DEAD)))
        [entry] = await anna.operations.undoable("prod")
        assert (entry.id, entry.count, entry.whence, entry.words) == (outcome.id, 50, "trash", "delete 50 from dead")
        listed = await anna.operations.trash_jobs("prod", outcome.id, 10, 5)
        assert [one.raw for one in listed] == jobs[10:15]
        part = Undo(operation=outcome.id, only=tuple(digest(one.raw) for one in listed))
        assert (await anna.do(part)).tally.done == 5
        assert await raw.zrange("dead", 0, -1) == jobs[10:15]
        assert (await anna.operations.undoable("prod"))[0].count == 45
        assert (await anna.undo(outcome)).tally.done == 45
        assert await raw.zcard("dead") == 50
        assert await anna.operations.undoable("prod") == ()

    async def test_another_machine_undoes_from_the_trash(
        self, anna: Operator, raw: Any, redis_url: str, tmp_path: Any
    ) -> None:
        await fill(raw, MAIL, 450)
        before = await everywhere(raw)
        outcome = await anna.do(Delete(jobs=Whole(MAIL)))
        assert await raw.exists("queue:mail") == 0
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            [entry] = await bob.operations.undoable("prod")
            assert (entry.id, entry.who, entry.here, entry.count) == (outcome.id, "anna@ws3", False, 450)
            assert bob.operations.last_undoable("prod") is None
            assert (await bob.do(Undo(operation=entry.id))).tally.done == 450
        finally:
            await bob.close()
        assert await everywhere(raw) == before

    async def test_the_last_one_is_what_u_takes_back(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 4)
        rows = await anna.rows(DEAD)
        first = await anna.do(Delete(jobs=Rows(rows.jobs[:1])))
        second = await anna.do(Retry(jobs=Rows(rows.jobs[1:2])))
        last = anna.operations.last_undoable("prod")
        assert last is not None
        assert (last.id, last.whence) == (second.id, "journal")
        await anna.undo(second)
        last = anna.operations.last_undoable("prod")
        assert last is not None
        assert last.id == first.id


class TestOthers:
    async def test_pushing_and_taking_back(self, anna: Operator, raw: Any) -> None:
        payloads = tuple((job(number), "mail", FAR if number % 3 == 0 else None) for number in range(450))
        outcome = await anna.do(Enlist(payloads=payloads))
        assert outcome.tally.done == 450
        assert await raw.llen("queue:mail") == 300
        assert (await anna.undo(outcome)).tally.done == 450
        assert await lies(raw) == {}

    async def test_pause_and_statistics(self, anna: Operator, raw: Any) -> None:
        await raw.mset({"stat:processed": 1200, "stat:failed": 34})
        outcome = await anna.do(ResetStatistics())
        assert await raw.mget("stat:processed", "stat:failed") == [b"0", b"0"]
        await raw.incrby("stat:processed", 5)
        await anna.undo(outcome)
        assert await raw.mget("stat:processed", "stat:failed") == [b"1205", b"34"]
        await fill(raw, MAIL, 1)
        plan = await anna.operations.plan("prod", Pause(queues=("mail",)))
        if not plan.refused:
            outcome = await anna.do(Pause(queues=("mail",)))
            assert await raw.smembers("paused") == {b"mail"}
            await anna.undo(outcome)
            assert await raw.smembers("paused") == set()
