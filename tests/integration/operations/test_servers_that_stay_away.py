"""A server that is gone before it says what became of a whole queue: nothing is claimed, and later it is known."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import price
from sidekiq_tui.operations.catalog import Clear, Delete, Operation, Undo
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.scripts import script
from tests.integration.operations.test_degraded_modes import RIGHTS
from tests.support.fault_link import Command, Fault, FaultLink
from tests.support.operating import MAIL, Operator, everywhere, fill, reaches

JOBS = 450


def runs(command: Command, name: str) -> bool:
    """Whether a command carries out one of our scripts."""
    text = script(name)
    return len(command) > 1 and command[1] in (text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())


async def lost(operator: Operator, link: FaultLink, operation: Operation, name: str) -> Run:
    """The answer to a script is lost, and the server is gone until the operator has had enough."""
    first = len(link.seen)

    def strike(number: int, command: Command) -> None:
        if runs(command, name) and number > first and not link.down:
            link.faults = {number: Fault.LOSE}
            link.down = True

    link.on_command = strike
    run = await operator.start(operation)
    await reaches(run, lambda run: run.progress.state == "checking")
    run.stop()
    await run.wait()
    assert link.happened
    link.down, link.on_command, link.faults = False, None, {}
    return run


async def test_clear_and_its_undo(raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> None:
    async with FaultLink(str(redis_server.socket), tmp_path) as link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            await fill(raw, MAIL, JOBS)
            before = await everywhere(raw)
            run = await lost(operator, link, Clear(place=Whole(MAIL)), "clear")
            assert run.outcome is not None
            assert (run.outcome.ending, run.outcome.tally.unknown, run.outcome.tally.untouched) == ("unknown", JOBS, 0)
            with pytest.raises(CannotBeDone, match="what was left of it is not known"):
                await operator.operations.resume("prod", run.id)
            assert await operator.operations.unfinished("prod") == ()
            outcome = operator.operations.audited("prod", 1)[0].outcome
            assert outcome is not None
            assert "cleared 450" in str(outcome.fields["ending"])
            assert await raw.llen("queue:mail") == 0

            run = await lost(operator, link, Undo(operation=run.id), "undo_clear")
            assert run.outcome is not None
            assert (run.outcome.ending, run.outcome.tally.unknown, run.outcome.tally.untouched) == ("unknown", JOBS, 0)
            assert "put back 450" in await operator.operations.leave("prod", run.id)
            assert await everywhere(raw) == before
        finally:
            await operator.close()


async def test_a_queue_that_is_rebuilt(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
    async with FaultLink(str(redis_server.socket), tmp_path) as link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            await fill(raw, MAIL, JOBS)
            run = await lost(operator, link, Delete(jobs=Whole(MAIL)), "shadow_cut")
            assert run.outcome is not None
            assert (run.outcome.ending, run.outcome.tally.unknown, run.outcome.tally.untouched) == ("unknown", JOBS, 0)
            [found] = await operator.operations.unfinished("prod")
            assert (found.id, found.kind) == (run.id, "delete")
            assert "deleted 450" in await operator.operations.leave("prod", run.id)
            assert await raw.llen("queue:mail") == 0
        finally:
            await operator.close()


@pytest.mark.parametrize("away", [False, True], ids=["back", "away"])
async def test_clear_without_keys_of_our_own(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    monkeypatch.setattr("sidekiq_tui.operations.execute_clear.LATEST", -0.9)
    await raw.execute_command("ACL", "SETUSER", "default", "resetkeys", *RIGHTS["B"].split())
    try:
        await fill(raw, MAIL, JOBS)
        async with FaultLink(str(redis_server.socket), tmp_path) as link:
            operator = Operator(link.url, tmp_path / "state")

            def strike(number: int, command: Command) -> None:
                if runs(command, "remove_end") and not link.happened:
                    link.faults = {number: Fault.LOSE}
                    link.down = away

            try:
                link.on_command = strike
                outcome = await operator.do(Clear(place=Whole(MAIL)))
                assert link.happened
                assert (outcome.ending, outcome.tally.unknown, outcome.tally.untouched) == ("unknown", 200, 250)
                assert await raw.llen("queue:mail") == 250
            finally:
                await operator.close()
    finally:
        await raw.execute_command("ACL", "SETUSER", "default", "allkeys", "+@all")
