"""Whole queues and sets, and many jobs of big queues: emptied, rebuilt, put back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import execute, execute_clear, price
from sidekiq_tui.operations.catalog import Clear, Delete, Kill, MoveToQueue, OfJobs, Undo
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, Operator, everywhere, fill, job, reaches


class TestClear:
    @pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
    async def test_and_back_in_exact_order(self, anna: Operator, raw: Any, place: Place) -> None:
        await fill(raw, place, 450)
        before = await everywhere(raw)
        outcome = await anna.do(Clear(place=Whole(place)))
        assert (outcome.ending, outcome.tally.done) == ("done", 450)
        assert outcome.words == "cleared 450"
        assert await everywhere(raw) == {}
        [entry] = await anna.operations.undoable("prod")
        assert (entry.count, entry.kind, entry.whence) == (450, "clear", "trash")
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 450)
        assert await everywhere(raw) == before
        assert await anna.operations.undoable("prod") == ()

    async def test_back_after_much_came(self, anna: Operator, raw: Any) -> None:
        old = await fill(raw, MAIL, 450)
        outcome = await anna.do(Clear(place=Whole(MAIL)))
        new = await fill(raw, MAIL, 2500, first=1000)
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 450)
        assert await raw.lrange("queue:mail", 0, -1) == new[::-1] + old[::-1]

    async def test_more_than_confirmed_is_refused(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 10)
        plan = await anna.operations.plan("prod", Clear(place=Whole(DEAD)))
        await fill(raw, DEAD, 2000, first=100)
        outcome = await anna.operations.start(plan, "prod").wait()
        assert (outcome.ending, outcome.tally.done) == ("failed", 0)
        assert "has grown to 2,010" in outcome.words
        assert await raw.zcard("dead") == 2010

    async def test_for_good(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 10)
        outcome = await anna.do(Clear(place=Whole(DEAD), keep=False))
        assert (outcome.tally.done, outcome.undo_id) == (10, None)
        assert not await raw.exists("dead", "sqtui:trash")


class TestClearWithACopyHere:
    @pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
    async def test_nothing_stays_on_the_server_and_all_comes_back(self, anna: Operator, raw: Any, place: Place) -> None:
        await fill(raw, place, 450)
        before = await everywhere(raw)
        plan = await anna.operations.plan("prod", Clear(place=Whole(place), here=True))
        assert "copied to this machine first, bit by bit" in plan.notes
        assert plan.undo == "yes, for 7 days, from this machine, in their exact order"
        outcome = await anna.do(Clear(place=Whole(place), here=True))
        assert (outcome.ending, outcome.tally.done) == ("done", 450), outcome
        assert not await raw.exists(place.kind, "queue:mail", "sqtui:trash")
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 450), undone
        assert await everywhere(raw) == before

    @pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DROP])
    @pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
    async def test_a_link_that_breaks_costs_nothing(
        self, raw: Any, redis_server: EmbeddedRedis, tmp_path: Path, monkeypatch: Any, place: Place, fault: Fault
    ) -> None:
        monkeypatch.setattr(execute_clear, "_BIT", 50)
        await fill(raw, place, 450)
        before = await everywhere(raw)
        async with FaultLink(str(redis_server.socket), tmp_path) as link:
            anna = Operator(link.url, tmp_path / "state")
            plan = await anna.operations.plan("prod", Clear(place=Whole(place), here=True))
            link.faults = {len(link.seen) + number: fault for number in (3, 7, 11)}
            outcome = await anna.operations.start(plan, "prod").wait()
            assert len(link.happened) == 3
            assert (outcome.ending, outcome.tally.done, outcome.tally.unknown) == ("done", 450, 0), outcome
            assert (await anna.undo(outcome)).tally.done == 450
            await anna.close()
        assert await everywhere(raw) == before

    async def test_it_is_named_where_memory_is_short(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 10)
        await raw.config_set("maxmemory", int((await raw.info("memory"))["used_memory"] * 1.1))
        try:
            notes = (await anna.operations.plan("prod", Clear(place=Whole(DEAD)))).notes
            here = (await anna.operations.plan("prod", Clear(place=Whole(DEAD), here=True))).notes
        finally:
            await raw.config_set("maxmemory", 0)
        assert any("a copy on this machine, or none, holds nothing" in note for note in notes)
        assert not any("memory is short" in note for note in here)


CHOSEN = Matching((MAIL,), parse_filter("class:Refund"))
REBUILDS = {
    "delete": Delete(jobs=CHOSEN),
    "delete-for-good": Delete(jobs=CHOSEN, keep=False),
    "kill": Kill(jobs=CHOSEN),
    "move": MoveToQueue(jobs=CHOSEN, queue="low"),
    "move-front": MoveToQueue(jobs=CHOSEN, queue="low", front=True),
}


class TestRebuild:
    @pytest.fixture(autouse=True)
    def _always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)

    async def mixed(self, raw: Any) -> tuple[list[bytes], list[bytes]]:
        """A queue of which every third job is a refund; the others, and these, the newest first."""
        jobs = [job(number, **({"class": "Refund"} if number % 3 == 0 else {})) for number in range(1500)]
        await raw.sadd("queues", "mail")
        await raw.lpush("queue:mail", *jobs)
        refunds = [one for number, one in enumerate(jobs) if number % 3 == 0]
        return [one for one in jobs if one not in set(refunds)][::-1], refunds[::-1]

    @pytest.mark.parametrize("name", REBUILDS)
    async def test_and_back(self, anna: Operator, raw: Any, name: str) -> None:
        kept, chosen = await self.mixed(raw)
        operation: OfJobs = REBUILDS[name]
        outcome = await anna.do(operation)
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("done", 500, 0), outcome
        assert await raw.lrange("queue:mail", 0, -1) == kept
        if name == "kill":
            assert await raw.zcard("dead") == 500
        elif name.startswith("move"):
            jids = [JobRecord(one, MAIL).jid for one in await raw.lrange("queue:low", 0, -1)]
            assert jids == [JobRecord(one, MAIL).jid for one in chosen]
        left = [key for key in await raw.keys("sqtui:*") if b":op" not in key]
        if name == "delete-for-good":
            assert outcome.undo_id is None
            assert left == []
            return
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 500), undone
        after = await raw.lrange("queue:mail", 0, -1)
        if name in ("delete", "move"):
            assert after == kept + chosen
        else:
            assert after == chosen + kept
        assert [key for key in await raw.keys("sqtui:*") if b":op" not in key] == []

    async def test_among_other_places(self, anna: Operator, raw: Any) -> None:
        kept, _ = await self.mixed(raw)
        dead = await fill(raw, DEAD, 30, first=5000, **{"class": "Refund"})
        low = Place("queue", "low")
        await fill(raw, low, 30, first=6000, **{"class": "Refund"})
        before = await everywhere(raw)
        outcome = await anna.do(Delete(jobs=Matching((DEAD, MAIL, low), parse_filter("class:Refund"))))
        assert (outcome.ending, outcome.tally.done) == ("done", 560)
        assert await everywhere(raw) == {"queue:mail": kept, "queues": {b"mail", b"low"}}
        undone = await anna.undo(outcome)
        assert undone.tally.done == 560
        after = await everywhere(raw)
        assert [one for one, _ in after["dead"]] == dead
        assert after["queue:low"] == before["queue:low"]
        assert sorted(after["queue:mail"]) == sorted(before["queue:mail"])

    async def test_what_is_dead_already_goes_back(self, anna: Operator, raw: Any) -> None:
        kept, chosen = await self.mixed(raw)
        await raw.zadd("dead", {chosen[7]: 1.5, chosen[400]: 2.5})
        outcome = await anna.do(Kill(jobs=CHOSEN))
        assert (outcome.ending, outcome.tally.done, outcome.tally.exists) == ("done", 498, 2), outcome
        assert await raw.lrange("queue:mail", 0, -1) == [*kept, chosen[7], chosen[400]]
        assert [key for key in await raw.keys("sqtui:*") if b":op" not in key] == []

    async def test_stopped_while_it_reads_nothing_has_changed(self, anna: Operator, raw: Any) -> None:
        await self.mixed(raw)
        before = await everywhere(raw)
        run = await anna.start(Delete(jobs=CHOSEN))
        run.subscribe(lambda run: run.pause() if run.progress.words.startswith("read") and not run.stopping else None)
        await reaches(run, lambda run: run.paused)
        run.stop()
        outcome = await run.wait()
        assert (outcome.ending, outcome.tally.untouched) == ("stopped", 500), outcome
        assert await everywhere(raw) == before
        assert (await anna.operations.plan("prod", Undo(operation=outcome.id))).refused


@pytest.mark.parametrize("place", [DEAD, MAIL], ids=["set", "queue"])
async def test_what_is_too_much_for_the_servers_trash_is_kept_here(
    anna: Operator, raw: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "_SMALL", 0)
    monkeypatch.setattr(execute, "budget", lambda maxmemory: 10_000)
    await fill(raw, place, 450)
    before = await everywhere(raw)
    outcome = await anna.do(Delete(jobs=Whole(place)))
    assert outcome.tally.done == 450
    assert await raw.keys("sqtui:trash*") == []
    [entry] = await anna.operations.undoable("prod")
    assert (entry.whence, entry.count) == ("journal", 450)
    assert (await anna.undo(outcome)).tally.done == 450
    assert await everywhere(raw) == before
