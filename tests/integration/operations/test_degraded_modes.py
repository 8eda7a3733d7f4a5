"""What a user with fewer rights can do: without keys of our own (B), without scripts (C); and that it is taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import Clear
from sidekiq_tui.operations.selection import Rows, Whole
from sidekiq_tui.servers.profile import Secret
from sidekiq_tui.sidekiq.job import Place
from tests.integration.operations.test_execute_and_undo import DEEDS, without_new_names
from tests.support.operating import DEAD, MAIL, Operator, everywhere, fill

RIGHTS = {
    "B": "~retry ~schedule ~dead ~queue:* ~queues ~processes ~stat:* ~paused ~*-signals ~it-* +@all",
    "C": "~* +@all -eval -evalsha -eval_ro",
}
NO_WAY_BACK = ("retry", "retry-dead", "enqueue", "copy")
OF_SETS = ("retry", "retry-dead", "enqueue", "kill", "delete", "reschedule-by", "edit", "move", "copy")


async def limited(raw: Any, redis_url: str, home: Path, mode: str) -> Operator:
    rules = ["reset", "on", ">secret", "resetchannels", *RIGHTS[mode].split()]
    await raw.execute_command("ACL", "SETUSER", "ops", *rules)
    operator = Operator(redis_url, home)
    operator.change(username="ops", password=Secret("secret"))
    return operator


@pytest.mark.parametrize(("mode", "name"), [("B", name) for name in DEEDS] + [("C", name) for name in OF_SETS])
@pytest.mark.parametrize("few", [True, False], ids=["rows", "all"])
async def test_done_and_taken_back(raw: Any, redis_url: str, tmp_path: Path, mode: str, name: str, few: bool) -> None:
    place, make = DEEDS[name]
    operator = await limited(raw, redis_url, tmp_path / "state", mode)
    try:
        await fill(raw, place, 250)
        before = await everywhere(raw)
        rows = await operator.rows(place)
        chosen = Rows(tuple(rows.jobs[at] for at in (2, 9, 10))) if few else Whole(place)
        plan = await operator.operations.plan("prod", make(chosen))
        assert plan.mode == mode
        outcome = await operator.do(make(chosen))
        assert (outcome.ending, outcome.tally.done) == ("done", 3 if few else 250), outcome
        if mode == "C" and name in NO_WAY_BACK:
            assert outcome.undo_id is None
            return
        undone = await operator.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 3 if few else 250), undone
        after = await everywhere(raw)
        if place.kind == "queue" and few:
            assert sorted(after["queue:mail"]) == sorted(before["queue:mail"])
        else:
            assert without_new_names(after) == without_new_names(before)
        if mode == "B":
            assert await raw.keys("sqtui:*") == []
    finally:
        await operator.close()


@pytest.mark.parametrize("mode", RIGHTS)
@pytest.mark.parametrize("place", [DEAD, MAIL], ids=["set", "queue"])
async def test_cleared_and_put_back(raw: Any, redis_url: str, tmp_path: Path, mode: str, place: Place) -> None:
    operator = await limited(raw, redis_url, tmp_path / "state", mode)
    try:
        await fill(raw, place, 450)
        before = await everywhere(raw)
        outcome = await operator.do(Clear(place=Whole(place)))
        assert (outcome.ending, outcome.tally.done) == ("done", 450), outcome
        assert without_new_names(await everywhere(raw)) == {}
        undone = await operator.undo(outcome)
        assert (undone.ending, undone.tally.done) == ("done", 450), undone
        assert await everywhere(raw) == before
    finally:
        await operator.close()
