"""What stops an operation before it begins or in the middle: nothing is lost, and it is said how far it got."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import Delete, Enlist, Kill, Retry, Undo
from sidekiq_tui.operations.errors import AccessDenied, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.settings import OperationSettings
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill, reaches


class TestBefore:
    async def test_a_wrong_answer(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 3)
        plan = await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))
        for answer in ("", "y", "PROD", "prod2"):
            with pytest.raises(NotConfirmed):
                anna.operations.start(plan, answer)
        with pytest.raises(PlanOutdated):
            anna.operations.start(plan, "prod", fingerprint="0000")
        assert anna.operations.runs == ()
        assert not await raw.exists("sqtui:ops")

    async def test_a_plan_that_was_started_already(self, anna: Operator, raw: Any) -> None:
        jobs = Enlist(payloads=((b'{"class":"A","args":[],"jid":"%s"}' % (b"a" * 24), "mail", None),))
        plan = await anna.operations.plan("prod", jobs)
        await anna.operations.start(plan, "y").wait()
        with pytest.raises(PlanOutdated):
            anna.operations.start(plan, "y")
        assert await raw.llen("queue:mail") == 1

    async def test_a_profile_that_became_read_only(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 3)
        plan = await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))
        anna.change(access="read-only")
        with pytest.raises(AccessDenied):
            anna.operations.start(plan, "prod")

    async def test_another_server_behind_the_name(self, anna: Operator, raw: Any, embedded: Any) -> None:
        await fill(raw, DEAD, 3)
        plan = await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))
        other = embedded("other")
        anna.change(socket=str(other.socket))
        outcome = await anna.operations.start(plan, "prod").wait()
        assert (outcome.ending, outcome.tally.untouched) == ("refused", 3)
        assert "not the prod that you confirmed" in outcome.words
        assert await raw.zcard("dead") == 3

    async def test_an_audit_that_cannot_be_written(self, anna: Operator, raw: Any, tmp_path: Path) -> None:
        await fill(raw, DEAD, 3)
        (tmp_path / "state").mkdir(mode=0o700)
        (tmp_path / "state" / "audit").write_text("in the way")
        outcome = await anna.do(Delete(jobs=Whole(DEAD)))
        assert outcome.ending == "refused"
        assert "nothing was done" in outcome.words
        assert await raw.keys("sqtui:*") == []
        assert await raw.zcard("dead") == 3

    async def test_a_journal_that_cannot_be_written(self, anna: Operator, raw: Any, tmp_path: Path) -> None:
        await fill(raw, RETRY, 3)
        (tmp_path / "state" / "journal.db").mkdir(parents=True)
        outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        assert outcome.ending == "refused"
        assert await raw.keys("sqtui:*") == []
        verdict = await anna.operations.verify_audit()
        assert verdict.whole
        assert verdict.open == ()

    async def test_no_copies_where_none_shall_be_kept(self, raw: Any, redis_url: str, tmp_path: Path) -> None:
        for kept, undoable in (("server-only", ["delete"]), ("none", [])):
            await raw.flushall()
            await fill(raw, RETRY, 3)
            await fill(raw, DEAD, 3, first=10)
            operator = Operator(redis_url, tmp_path / kept, settings=OperationSettings(payloads=kept))  # type: ignore[arg-type]
            try:
                done = [await operator.do(Retry(jobs=Whole(RETRY))), await operator.do(Delete(jobs=Whole(DEAD)))]
                assert [one.tally.done for one in done] == [3, 3]
                assert [entry.kind for entry in await operator.operations.undoable("prod")] == undoable
            finally:
                await operator.close()
            assert b"Invoice" not in b"".join(path.read_bytes() for path in (tmp_path / kept).glob("journal.db*"))


class TestInTheMiddle:
    async def test_a_profile_that_becomes_read_only(self, anna: Operator, raw: Any) -> None:
        await fill(raw, DEAD, 900)
        run = await anna.start(Delete(jobs=Whole(DEAD)), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        anna.change(access="read-only")
        outcome = await run.wait()
        assert outcome.ending == "failed"
        assert "read-only here" in outcome.words
        left = await raw.zcard("dead")
        assert (outcome.tally.done, outcome.tally.untouched) == (900 - left, left)
        anna.change(access="full")
        await anna.do(Undo(operation=outcome.id))
        assert await raw.zcard("dead") == 900

    async def test_pause_and_stop(self, anna: Operator, raw: Any) -> None:
        await fill(raw, RETRY, 900)
        run = await anna.start(Retry(jobs=Whole(RETRY)), rate=800.0)
        await reaches(run, lambda run: run.progress.tally.done >= 200)
        run.pause()
        await reaches(run, lambda run: run.progress.state == "paused")
        paused_at = run.progress.tally.done
        await asyncio.sleep(0.3)
        assert await raw.llen("queue:mail") == paused_at
        run.resume()
        await reaches(run, lambda run: run.progress.tally.done > paused_at)
        run.stop()
        outcome = await run.wait()
        assert outcome.ending == "stopped"
        assert outcome.tally.done == await raw.llen("queue:mail")
        assert outcome.tally.untouched == await raw.zcard("retry")

    async def test_a_key_that_is_something_else(self, anna: Operator, raw: Any) -> None:
        await fill(raw, RETRY, 450)
        await raw.set("queue:mail", "x")
        before = await everywhere(raw)
        outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        assert (outcome.ending, outcome.tally.untouched) == ("failed", 450)
        assert "`queue:mail` holds something else" in outcome.words
        assert await everywhere(raw) == before

    async def test_a_full_server(self, raw: Any, redis_url: str, tmp_path: Path, embedded: Any) -> None:
        server = embedded("full")
        client = redis.asyncio.Redis(unix_socket_path=str(server.socket))
        operator = Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
        try:
            await fill(client, RETRY, 900)
            run = await operator.start(Retry(jobs=Whole(RETRY)), rate=800.0)
            await reaches(run, lambda run: run.progress.tally.done >= 200)
            await client.config_set("maxmemory", "1mb")
            outcome = await run.wait()
            assert (outcome.ending, outcome.error) == ("failed", "OOM"), outcome
            assert "no memory left for writes" in outcome.words
            left = await client.zcard("retry")
            assert (outcome.tally.done, outcome.tally.untouched) == (900 - left, left)
            await client.config_set("maxmemory", "0")
            plan = await operator.operations.resume("prod", outcome.id)
            assert plan.count == left
            assert (await operator.operations.start(plan, str(left)).wait()).ending == "done"
            assert await client.llen("queue:mail") == 900
        finally:
            await operator.close()
            await client.aclose()

    async def test_a_disk_that_fills_up(self, raw: Any, redis_url: str, tmp_path: Path) -> None:
        await fill(raw, RETRY, 900, padding="x" * 2000)
        child = multiprocessing.get_context("spawn").Process(
            target=retry_all, args=(redis_url, str(tmp_path / "state"))
        )
        child.start()
        await asyncio.to_thread(child.join, 60)
        assert child.exitcode == 4
        done, left = await raw.llen("queue:mail"), await raw.zcard("retry")
        assert done + left == 900
        assert left > 0

    async def test_two_who_do_the_same(self, anna: Operator, raw: Any, redis_url: str, tmp_path: Path) -> None:
        await fill(raw, MAIL, 900)
        bob = Operator(redis_url, tmp_path / "bob")
        try:
            runs = [await one.start(Kill(jobs=Whole(MAIL))) for one in (anna, bob)]
            first, second = [await run.wait() for run in runs]
        finally:
            await bob.close()
        assert (first.ending, second.ending) == ("done", "done")
        assert first.tally.done + second.tally.done == 900
        assert first.tally.gone == second.tally.done
        assert await raw.zcard("dead") == 900


def retry_all(url: str, home: str) -> None:
    """In a process whose files cannot grow far; ends with 4 when the operation stopped for that."""

    async def act() -> int:
        operator = Operator(url, Path(home))
        run = await operator.start(Retry(jobs=Whole(RETRY)))
        sys.dont_write_bytecode = True  # what is imported first here would be cut off for all others
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        outcome = await run.wait()
        tally = outcome.tally
        full = outcome.ending in ("failed", "refused") and "No room" in outcome.words
        return 4 if full and tally.done + tally.untouched == 900 else 1

    os._exit(asyncio.run(act()))
