"""What was begun and not ended: listed, fenced, told, gone on with; from the same machine and from another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations import price
from sidekiq_tui.operations.catalog import Copy, Delete, Enlist, MoveToQueue, OfJobs, Reschedule, Retry, Undo
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.owner import Owner
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import Keys
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, Operator, everywhere, fill, jid, job, lies, reaches

FAR = 4_000_000_000.5
HALVES: dict[str, tuple[Place, Callable[[Whole], OfJobs]]] = {
    "retry": (RETRY, lambda jobs: Retry(jobs=jobs)),
    "delete": (DEAD, lambda jobs: Delete(jobs=jobs)),
    "delete-queue": (MAIL, lambda jobs: Delete(jobs=jobs)),
    "move": (MAIL, lambda jobs: MoveToQueue(jobs=jobs, queue="low")),
    "reschedule": (SCHEDULE, lambda jobs: Reschedule(jobs=jobs, by=1000.5)),
    "copy": (DEAD, lambda jobs: Copy(jobs=jobs)),
}


async def half(operator: Operator, operation: OfJobs | Enlist | Undo) -> str:
    """Begins an operation and leaves it in the middle, as a killed sqtui does; its id."""
    run = await operator.start(operation, rate=800.0)
    await reaches(run, lambda run: run.progress.tally.done >= 200)
    run.leave()
    outcome = await run.wait()
    assert outcome.ending == "stopped", outcome
    assert 0 < outcome.tally.untouched < outcome.tally.done + outcome.tally.untouched
    return run.id


class TestSameMachine:
    @pytest.mark.parametrize("name", HALVES)
    async def test_the_rest_is_done_and_both_parts_are_taken_back(self, anna: Operator, raw: Any, name: str) -> None:
        place, make = HALVES[name]
        await fill(raw, place, 900)
        before = await everywhere(raw)
        id = await half(anna, make(Whole(place)))
        [left] = await anna.operations.unfinished("prod")
        assert (left.id, left.count, left.running, left.can_continue) == (id, 900, False, True)
        assert left.untouched > 0
        late = await fill(raw, place, 5, first=5000)
        plan = await anna.operations.resume("prod", id)
        assert plan.count == left.untouched
        assert await anna.operations.unfinished("prod") == ()
        outcome = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("done", left.untouched, 0), outcome
        for one in late:
            await (raw.lrem("queue:mail", 1, one) if place.kind == "queue" else raw.zrem(place.kind, one))
        assert (await anna.undo(outcome)).tally.done == left.untouched
        first = await anna.do(Undo(operation=id))
        assert first.tally.done == 900 - left.untouched
        after = await everywhere(raw)
        after.pop("queues", None)
        before.pop("queues", None)
        if name in ("delete-queue", "move"):
            assert sorted(after["queue:mail"]) == sorted(before["queue:mail"])
        else:
            assert after == before

    async def test_pushes_go_on_where_they_stopped(self, anna: Operator, raw: Any) -> None:
        payloads = tuple((job(number), "mail", None) for number in range(900))
        id = await half(anna, Enlist(payloads=payloads))
        plan = await anna.operations.resume("prod", id)
        outcome = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
        assert outcome.ending == "done"
        assert await raw.lrange("queue:mail", 0, -1) == [one for one, _, _ in payloads][::-1]

    @pytest.mark.parametrize("name", ["retry", "delete"])
    async def test_an_undo_goes_on(self, anna: Operator, raw: Any, name: str) -> None:
        place, make = HALVES[name]
        await fill(raw, place, 900)
        before = await everywhere(raw)
        done = await anna.do(make(Whole(place)))
        id = await half(anna, Undo(operation=done.id))
        assert id == f"{done.id}u"
        plan = await anna.operations.resume("prod", id)
        outcome = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
        assert outcome.ending == "done", outcome
        assert (outcome.tally.done, outcome.tally.gone) == (plan.count, 0), "what was handled is not tried again"
        assert plan.count < 900
        after = await everywhere(raw)
        after.pop("queues", None)
        assert after == before
        assert await anna.operations.unfinished("prod") == ()

    async def test_leaving_it_ends_it(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 900)
        id = await half(anna, Delete(jobs=Whole(DEAD)))
        said = await anna.operations.leave("prod", id)
        assert said.startswith("ended where it stopped: deleted ")
        assert await anna.operations.unfinished("prod") == ()
        verdict = await anna.operations.verify_audit(["prod"])
        assert verdict.whole, verdict.broken
        assert verdict.open == ()
        await anna.do(Undo(operation=id))
        assert await raw.zcard("dead") == 900

    async def test_what_runs_is_not_resumed(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 900)
        run = await anna.start(Delete(jobs=Whole(DEAD)), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        [found] = await anna.operations.unfinished("prod")
        assert found.running
        with pytest.raises(CannotBeDone):
            await anna.operations.resume("prod", run.id)
        run.stop()
        assert (await run.wait()).ending == "stopped"
        assert await anna.operations.unfinished("prod") == ()


class TestElsewhere:
    async def test_another_process_goes_on_once_the_first_is_dead(
        self, anna: Operator, raw: Any, redis_url: str, tmp_path: Path
    ) -> None:
        await fill(raw, DEAD, 900)
        id = await half(anna, Delete(jobs=Whole(DEAD)))
        journal = anna.operations._desk.journal
        me = journal.owner
        second = Operator(redis_url, tmp_path / "state")
        try:
            second.operations._desk.journal.owner = Owner(me.pid, me.started + 1, me.host)
            with pytest.raises(CannotBeDone, match="is at it"):
                await second.operations.resume("prod", id)
            await journal._write(lambda db: db.execute("UPDATE op SET started=started+7"))
            plan = await second.operations.resume("prod", id)
            outcome = await second.operations.start(plan, second.operations.question(plan).expected).wait()
            assert outcome.ending == "done"
        finally:
            await second.close()
        assert await lies(raw) == {}

    async def test_another_machine_fences_and_tells(
        self, anna: Operator, raw: Any, redis_url: str, tmp_path: Path
    ) -> None:
        await fill(raw, DEAD, 900)
        run = await anna.start(Delete(jobs=Whole(DEAD)), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            [found] = await bob.operations.unfinished("prod")
            assert (found.id, found.who, found.kind, found.can_continue) == (run.id, "anna@ws3", "delete", False)
            said = await bob.operations.leave("prod", run.id)
            assert "delete of anna@ws3 ended after" in said
        finally:
            await bob.close()
        outcome = await run.wait()
        assert outcome.ending == "failed"
        assert "no longer knows this operation" in outcome.words
        assert await raw.zcard("dead") == 900 - outcome.tally.done
        assert outcome.tally.untouched == 900 - outcome.tally.done

    async def test_leaving_parks_nothing(self, anna: Operator, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
        await fill(raw, MAIL, 900)
        await half(anna, MoveToQueue(jobs=Whole(MAIL), queue="low"))
        moved = await raw.llen("queue:low")
        assert 0 < moved < 900
        assert await raw.llen("queue:mail") == 900 - moved
        jids = [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:mail", 0, -1)]
        assert jids == [jid(number) for number in reversed(range(moved, 900))]
        assert not await raw.keys("sqtui:stage:*")

    async def test_parked_jobs_come_back_from_any_machine(
        self, anna: Operator, raw: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
        await fill(raw, MAIL, 900)
        run = await anna.start(MoveToQueue(jobs=Whole(MAIL), queue="low"), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        run.pause()
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            [found] = await bob.operations.unfinished("prod")
            assert found.parked > 0
            # As if anna's sqtui had died: her next batch finds its record closed.
            assert "parked jobs were put back" in await bob.operations.leave("prod", run.id)
            assert await bob.operations.unfinished("prod") == ()
        finally:
            await bob.close()
        run.resume()
        outcome = await run.wait()
        assert outcome.ending == "failed"
        moved = await raw.llen("queue:low")
        assert (await raw.llen("queue:mail"), outcome.tally.done) == (900 - moved, moved)
        assert set((await lies(raw)).values()) == {1}
        assert not await raw.keys("sqtui:stage:*")

    async def test_parked_jobs_are_never_forgotten(
        self, anna: Operator, raw: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
        await fill(raw, MAIL, 900)
        run = await anna.start(MoveToQueue(jobs=Whole(MAIL), queue="low"), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        run.pause()
        [record] = [key for key in await raw.keys("sqtui:op:*") if await raw.hexists(key, "parked")]
        operations = Keys().operation(run.id, 2), Keys().operation_closed(run.id, 2)
        assert record == operations[0]
        await raw.rename(*operations)  # whatever ends it
        run.resume()
        assert (await run.wait()).ending == "failed"
        assert await raw.keys("sqtui:stage:*")
        assert await raw.ttl(operations[1]) == -1
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            [found] = await bob.operations.unfinished("prod")
            assert found.parked > 0
            await bob.operations.leave("prod", run.id)
        finally:
            await bob.close()
        assert await raw.ttl(operations[1]) > 0
        assert set((await lies(raw)).values()) == {1}

    async def test_what_cannot_be_delivered_goes_back_at_once(
        self, anna: Operator, raw: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
        await fill(raw, MAIL, 900)
        before = await everywhere(raw)
        await raw.set("queue:low", "x")
        outcome = await anna.do(MoveToQueue(jobs=Whole(MAIL), queue="low"))
        assert (outcome.ending, outcome.tally.untouched) == ("failed", 900), outcome
        await raw.delete("queue:low")
        assert await everywhere(raw) == before
        assert not await raw.keys("sqtui:stage:*")
        assert [one.failed for one in await anna.operations.unfinished("prod")] == [True]
        assert [await raw.ttl(key) > 0 for key in await raw.keys("sqtui:op:*")] == [True] * 2


async def test_two_who_resume_at_once_put_it_back_once(
    anna: Operator, raw: Any, redis_url: str, tmp_path: Path
) -> None:
    await fill(raw, DEAD, 900)
    id = await half(anna, Delete(jobs=Whole(DEAD)))
    bob = Operator(redis_url, tmp_path / "bob")
    try:
        await asyncio.gather(bob.operations.leave("prod", id), anna.operations.leave("prod", id))
    finally:
        await bob.close()
    outcome = await anna.do(Undo(operation=id))
    assert outcome.ending == "done"
    assert await raw.zcard("dead") == 900
    assert Place("dead") == DEAD
