"""What other clients put among the keys of sqtui: it is told as far as it makes sense, and stops nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations.catalog import Delete, Undo
from tests.support.operating import DEAD, Operator, everywhere, fill, job, lies

DIGITS = "9" * 5000
"""A number that Python refuses to read."""
NAMES = {
    "a part without end": b"sqtui:trash:abc:" + DIGITS.encode(),
    "no name": b"sqtui:trash:",
    "a key of Sidekiq's": b"queue:mail",
    "bytes": b"\xff\xfe",
}
PLACES = {
    "torn": "[",
    "deep": "[" * 100_000,
    "no list": "{}",
    "a queue without a name": '[["queue",null,0,3]]',
    "a number without end": f'[["dead",null,{DIGITS},3]]',
    "an endless count": '[["dead",null,0,1e999]]',
    "a place that is none": '[["work",null,0,3]]',
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_foreign_name_in_the_list_of_trash(anna: Operator, raw: Any, name: str) -> None:
    await raw.zadd("sqtui:trash", {NAMES[name]: 1.0})
    await fill(raw, DEAD, 5)
    before = await everywhere(raw)
    outcome = await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))
    assert outcome.ending == "done"
    assert [one.id for one in await anna.operations.undoable("prod")] == [outcome.id]
    assert (await anna.undo(outcome)).ending == "done"
    assert await everywhere(raw) == before


@pytest.mark.parametrize("kind", ["string", "hash", "list"])
async def test_trash_of_another_type(anna: Operator, raw: Any, kind: str) -> None:
    key = "sqtui:trash:abc:1"
    await raw.zadd("sqtui:trash", {key: 4e9})
    await {"string": raw.set, "hash": lambda *one: raw.hset(*one, "x"), "list": raw.lpush}[kind](key, job(9))
    await fill(raw, DEAD, 5)
    outcome = await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))
    assert outcome.ending == "done"
    assert outcome.id in [one.id for one in await anna.operations.undoable("prod")]
    assert (await anna.undo(outcome)).ending == "done"


@pytest.mark.parametrize("name", PLACES)
async def test_a_record_that_makes_no_sense(anna: Operator, raw: Any, name: str) -> None:
    await fill(raw, DEAD, 5)
    outcome = await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))
    said = {"places": PLACES[name], "at": "nan", "n": DIGITS, "audit": f"{DIGITS}:x", "next": "-1", f"r{DIGITS}": "x"}
    await raw.hset(f"sqtui:op:{outcome.id}:1", mapping=said)
    (entry,) = await anna.operations.undoable("prod")
    assert entry.id == outcome.id
    assert await anna.operations.unfinished("prod") == ()
    assert len(await anna.operations.trash_jobs("prod", outcome.id, 0, 10)) == 3
    assert not (await anna.operations.verify_audit(["prod"])).broken
    plan = await anna.operations.plan("prod", Undo(operation=outcome.id))
    assert plan.refused == "the server no longer says where these jobs were"
    (trash,) = await raw.keys(f"sqtui:trash:{outcome.id}*")
    assert await raw.zcard(trash) + len(await lies(raw)) == 5


async def test_records_that_are_none(anna: Operator, raw: Any) -> None:
    await raw.zadd("sqtui:ops", {f"abc:{DIGITS}": 5, b"\xff": 1, "": 1, "abc": float("inf"), "def:0": float("-inf")})
    await raw.set("sqtui:op:abc", "x")
    await raw.hset("sqtui:op:def", "kind", "x")
    await fill(raw, DEAD, 5)
    outcome = await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))
    assert (outcome.ending, (await anna.undo(outcome)).ending) == ("done", "done")
    assert await raw.zcard("dead") == 5


async def test_a_list_of_trash_that_is_none_loses_nothing(anna: Operator, raw: Any) -> None:
    await raw.set("sqtui:trash", "x")
    await fill(raw, DEAD, 5)
    words = "`sqtui:trash` on prod holds a string that is not sqtui's: rename or delete that key first"
    plan = await anna.operations.plan("prod", Delete(jobs=await anna.rows(DEAD, 3)))
    assert [note for note in plan.notes if words in note]
    plain = await anna.operations.plan("prod", Delete(jobs=await anna.rows(DEAD, 1), keep=False))
    assert not [note for note in plain.notes if words in note]
    outcome = await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))
    assert (outcome.ending, await raw.zcard("dead")) == ("failed", 5)
    assert "sqtui:trash" in outcome.words
    with pytest.raises(SqtuiError):
        await anna.operations.undoable("prod")
    assert (await anna.do(Delete(jobs=await anna.rows(DEAD, 1), keep=False))).tally.done == 1


async def test_a_list_of_operations_that_is_none_is_told_before(anna: Operator, raw: Any) -> None:
    await raw.set("sqtui:ops", "x")
    await fill(raw, DEAD, 5)
    plan = await anna.operations.plan("prod", Delete(jobs=await anna.rows(DEAD, 3)))
    assert plan.refused == "`sqtui:ops` on prod holds a string that is not sqtui's: rename or delete that key first"
    await raw.delete("sqtui:ops")
    assert (await anna.do(Delete(jobs=await anna.rows(DEAD, 3)))).ending == "done"
