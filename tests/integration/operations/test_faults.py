"""The link goes wrong at every command that writes: the outcome is known and exact, and what is late does nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import price
from sidekiq_tui.operations.catalog import Clear, Delete, MoveToQueue, Operation, Retry, Undo
from sidekiq_tui.operations.selection import Whole
from tests.integration.operations.test_execute_and_undo import DEEDS, without_new_names
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill, lies
from tests.support.proxy import FaultProxy

COMMANDS = 7
"""BEGIN, three batches, FINISH; with one lost CLOSE and another BEGIN."""
FAULTS = (Fault.DROP, Fault.LOSE, Fault.TEAR, Fault.HOLD)
KINDS = ("retry", "kill-queue", "delete", "delete-queue", "reschedule-by", "edit-queue", "move-queue", "copy")
JOBS = 450


def as_many(found: dict[str, Any]) -> dict[str, Any]:
    """Without what depends on the moment: payloads by how many there are."""
    return {name: len(value) for name, value in found.items()}


async def replayed(link: FaultLink) -> None:
    """Everything late arrives, and everything that was ever sent arrives again."""
    await link.release()
    for command in list(link.seen):
        await link.deliver(command)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", KINDS)
async def test_one_fault_anywhere(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path, name: str, fault: Fault
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
                await replayed(link)
                assert await everywhere(raw) == after
        finally:
            await operator.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", KINDS)
async def test_one_fault_in_the_undo(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path, name: str, fault: Fault
) -> None:
    place, make = DEEDS[name]
    link = FaultLink(str(redis_server.socket), tmp_path)
    async with link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            for number in range(1, COMMANDS + 1):
                await raw.flushall()
                await fill(raw, place, JOBS)
                before = await everywhere(raw)
                link.faults = {}
                outcome = await operator.do(make(Whole(place)))
                link.seen.clear()
                link.faults = {number: fault}
                undone = await operator.undo(outcome)
                assert (undone.ending, undone.tally.done) == ("done", JOBS), undone
                after = await everywhere(raw)
                assert without_new_names(after) == without_new_names(before)
                await replayed(link)
                assert await everywhere(raw) == after
        finally:
            await operator.close()


WHOLE: dict[str, Operation] = {
    "clear": Clear(place=Whole(DEAD)),
    "clear-queue": Clear(place=Whole(MAIL)),
    "rebuild": Delete(jobs=Whole(MAIL)),
    "rebuild-move": MoveToQueue(jobs=Whole(MAIL), queue="low"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", WHOLE)
async def test_one_fault_where_whole_keys_move(
    raw: Any,
    redis_server: EmbeddedRedis,
    redis_url: str,
    tmp_path: Path,
    name: str,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
    place = DEAD if name == "clear" else MAIL
    link = FaultLink(str(redis_server.socket), tmp_path)
    async with link:
        operator = Operator(link.url, tmp_path / "state")
        try:
            number = 0
            while number <= 1 or link.happened:
                await raw.flushall()
                await fill(raw, place, 120)
                before = await everywhere(raw)
                link.seen.clear()
                link.happened.clear()
                link.faults = {number: fault}
                outcome = await operator.do(WHOLE[name])
                assert (outcome.ending, outcome.tally.done) == ("done", 120), (number, outcome)
                await replayed(link)
                left = await lies(raw)
                assert left == (Counter() if name != "rebuild-move" else Counter({jid: 1 for jid in left}))
                assert sum(left.values()) == (120 if name == "rebuild-move" else 0)
                faulted = bool(link.happened)
                link.faults = {}
                undone = await operator.do(Undo(operation=outcome.id))
                assert (undone.ending, undone.tally.done) == ("done", 120), (number, undone)
                assert without_new_names(await everywhere(raw)) == without_new_names(before)
                number += 1
                if number > 1 and not faulted:
                    break
            assert number > 3
        finally:
            await operator.close()


async def test_a_link_that_breaks_again_and_again(
    raw: Any, redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path
) -> None:
    """Reads and writes alike are cut, at every place of the way."""
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        operator = Operator(proxy.url, tmp_path / "state")
        try:
            await fill(raw, RETRY, 12_000)
            run = await operator.start(Retry(jobs=Whole(RETRY)))
            run.subscribe(lambda run: proxy.cut() if run.progress.state == "running" else None)
            outcome = await run.wait()
        finally:
            await operator.close()
    assert (outcome.ending, outcome.tally.done) == ("done", 12_000), outcome
    assert set((await lies(raw)).values()) == {1}
