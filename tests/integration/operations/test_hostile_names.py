"""Jobs and queues whose names are no text: what is done to them is done, told, noted and taken back all the same."""

from __future__ import annotations

from typing import Any

import pytest

from sidekiq_tui.operations.batch_run import BatchRun
from sidekiq_tui.operations.catalog import Clear, Delete, Kill, MoveToQueue, Operation
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.payload import to_text
from tests.support.operating import DEAD, RETRY, Operator, everywhere, fill, job

JIDS = {
    "lone-surrogate": rb'"\ud800"',
    "escaped-byte": rb'"\udcff\u0000"',
    "number": b"12",
    "null": b"null",
    "object": b'{"a":1}',
    "long": b'"' + b"x" * 5000 + b'"',
}
QUEUES = {"no-utf-8": b"\xff\xfe", "surrogate": b"\xed\xa0\x80", "zero": b"a\x00b", "long": b"x" * 3000, "empty": b""}


@pytest.mark.parametrize("name", JIDS)
async def test_jids(raw: Any, anna: Operator, name: str) -> None:
    await raw.zadd("retry", {b'{"class":"A","args":[],"queue":"mail","jid":%s}' % JIDS[name]: 5.25})
    before = await everywhere(raw)
    operations: list[Operation] = [Kill(jobs=Whole(RETRY)), Delete(jobs=Whole(RETRY))]
    for operation in operations:
        outcome = await anna.do(operation)
        assert (outcome.ending, outcome.tally.done) == ("done", 1), outcome
        assert await anna.undo(outcome)
        assert await everywhere(raw) == before


@pytest.mark.parametrize("name", QUEUES)
async def test_queues(raw: Any, anna: Operator, name: str) -> None:
    key = b"queue:" + QUEUES[name]
    await raw.sadd("queues", QUEUES[name])
    await raw.lpush(key, *[job(number) for number in range(5)])
    before = await raw.lrange(key, 0, -1)
    whole = Whole(Place("queue", to_text(QUEUES[name])))
    operations: list[Operation] = [
        Clear(place=whole), Delete(jobs=whole), Kill(jobs=whole), MoveToQueue(jobs=whole, queue="low")
    ]  # fmt: skip
    for operation in operations:
        outcome = await anna.do(operation)
        assert (outcome.ending, outcome.tally.done) == ("done", 5), outcome
        undone = await anna.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 5), undone
        assert await raw.lrange(key, 0, -1) == before


class TestMistakesOfOurs:
    async def test_before_anything_is_begun(self, raw: Any, anna: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
        await fill(raw, RETRY, 3)

        def fail(self: Execution) -> dict[str, object]:
            raise ZeroDivisionError

        monkeypatch.setattr(Execution, "_intent", fail)
        run = await anna.start(Kill(jobs=Whole(RETRY)))
        outcome = await run.wait()
        assert (outcome.ending, outcome.tally.untouched) == ("refused", 3)
        assert isinstance(run.mistake, ZeroDivisionError)
        assert await raw.keys("sqtui:*") == []

    async def test_in_the_middle_the_record_is_ended(
        self, raw: Any, anna: Operator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fill(raw, DEAD, 450)

        def fail(self: BatchRun) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Execution, "_progressed", fail)
        run = await anna.start(Delete(jobs=Whole(DEAD)))
        outcome = await run.wait()
        left = await raw.zcard("dead")
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("failed", 450 - left, left)
        record = f"sqtui:op:{outcome.id}:1"
        assert await raw.hget(record, "state") == b"done"
        assert await raw.ttl(record) > 0
