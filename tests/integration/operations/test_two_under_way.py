"""Over a long line two batches are under way at a time: whatever becomes of either is known, and acts once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import pace
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from tests.integration.operations.test_execute_and_undo import DEEDS, without_new_names
from tests.integration.operations.test_faults import as_many, replayed
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import Operator, everywhere, fill, lies

JOBS = 250
COMMANDS = 9
"""BEGIN, seven batches, the last four of which go in pairs, FINISH; a CLOSE and a BEGIN more with a fault."""


@pytest.fixture(autouse=True)
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has batches of forty go over what counts as a long line; how many went together each time."""
    sent: list[int] = []
    real = Database.run_together

    async def counted(self: Database, text: bytes, calls: Sequence[Command]) -> list[Reply] | None:
        replies = await real(self, text, calls)
        if replies is not None:
            sent.append(len(calls))
        return replies

    monkeypatch.setattr(Database, "run_together", counted)
    monkeypatch.setattr(Pace, "far", property(lambda self: True))
    monkeypatch.setattr(Pace, "rest", property(lambda self: 0.02))  # time for the next batch to be made
    monkeypatch.setattr(pace, "MOST", 40)
    return sent


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.LOSE, Fault.TEAR, Fault.HOLD], ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", ["retry", "delete", "move-queue", "edit-queue", "copy"])
async def test_one_fault_anywhere(
    raw: Any,
    redis_server: EmbeddedRedis,
    redis_url: str,
    tmp_path: Path,
    together: list[int],
    name: str,
    fault: Fault,
) -> None:
    place, make = DEEDS[name]
    link = FaultLink(str(redis_server.socket), tmp_path)
    expected: dict[str, Any] | None = None
    async with link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            for number in range(COMMANDS + 1):
                await raw.flushall()
                await fill(raw, place, JOBS)
                link.seen.clear()
                link.faults = {number: fault} if number else {}
                outcome = await operator.do(make(Whole(place)))
                assert (outcome.ending, outcome.tally.done, outcome.tally.settled) == ("done", JOBS, JOBS), outcome
                after = await everywhere(raw)
                expected = expected or as_many(after)
                assert as_many(after) == expected
                assert max((await lies(raw)).values(), default=1) == 1
                await link.release()
                for command in reversed(link.seen):  # the second of a pair before the first
                    await link.deliver(command)
                await replayed(link)
                assert await everywhere(raw) == after
        finally:
            await operator.close()
    assert 2 in together


@pytest.mark.parametrize("second", [1, 2, 3])
@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.HOLD, Fault.TEAR], ids=lambda fault: fault.name)
async def test_faults_that_follow_one_another_and_the_way_back(
    raw: Any,
    redis_server: EmbeddedRedis,
    redis_url: str,
    tmp_path: Path,
    together: list[int],
    fault: Fault,
    second: int,
) -> None:
    place, make = DEEDS["retry"]
    link = FaultLink(str(redis_server.socket), tmp_path)
    async with link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            for number in (0, *range(3, COMMANDS + 1)):  # first without, which asks for rights
                await raw.flushall()
                await fill(raw, place, JOBS)
                before = await everywhere(raw)
                link.seen.clear()
                later = number + second
                link.faults = {number: fault, later: Fault.LOSE, later + 3: Fault.DROP} if number else {}
                outcome = await operator.do(make(Whole(place)))
                assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
                link.faults = {}
                undone = await operator.undo(outcome)
                assert (undone.ending, undone.tally.done) == ("done", JOBS), undone
                after = await everywhere(raw)
                assert without_new_names(after) == without_new_names(before)
                await replayed(link)
                assert await everywhere(raw) == after
        finally:
            await operator.close()
    assert 2 in together


async def test_what_is_under_way_is_counted_though_somebody_stops(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path, together: list[int]
) -> None:
    place, make = DEEDS["retry"]
    link = FaultLink(str(redis_server.socket), tmp_path)
    async with link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            for number in (0, *range(2, COMMANDS)):  # first without, which asks for rights
                await raw.flushall()
                await fill(raw, place, JOBS)
                link.seen.clear()
                run = await operator.start(make(Whole(place)))
                link.on_command = lambda at, command, number=number, run=run: run.stop() if at == number else None
                outcome = await run.wait()
                link.on_command = None
                left = await raw.zcard(place.kind)
                assert (outcome.ending, outcome.tally.done) == ("stopped" if number else "done", JOBS - left), outcome
        finally:
            await operator.close()
    assert 2 in together
