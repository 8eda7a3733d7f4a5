"""Two people, or processes, do or take back the same at once: each job once, and their counts make up the whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import Undo
from tests.faults.operations.deeds import COUNT, DEEDS
from tests.faults.operations.killing import Shell
from tests.faults.operations.runs import Stage
from tests.support.operating import DEAD, Operator, fill
from tests.support.proof import check_sum, facts, open_records, payloads, sidekiqs, snapshot, strays

NAMES = [
    name
    for name, deed in DEEDS.items()
    if deed.back == "exact" and not name.startswith(("copy", "push", "reset")) and not deed.rebuilt
]


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_at_once_and_taken_back_by_both_at_once(
    stage: Stage, redis_url: str, tmp_path: Path, name: str
) -> None:
    deed = DEEDS[name]
    await stage.ready()
    before = await stage.fresh(deed)
    anna, bob = Operator(redis_url, tmp_path / "anna"), Operator(redis_url, tmp_path / "bob")
    try:
        plans = [await one.operations.plan("prod", deed.operation) for one in (anna, bob)]
        runs = [
            one.operations.start(plan, one.operations.question(plan).expected)
            for one, plan in zip((anna, bob), plans, strict=True)
        ]
        outcomes = [await run.wait() for run in runs]
        after = await snapshot(stage.raw)
        changed = sum(facts(after).get(entry) != told for entry, told in facts(before).items())
        assert sum(one.tally.done for one in outcomes) == (changed if name != "pause" else COUNT), outcomes
        assert all(one.ending == "done" for one in outcomes)
        if deed.sums:
            check_sum(before, after)
        assert (strays(after), open_records(after)) == ([], [])
        for operator, outcome in zip((anna, bob), outcomes, strict=True):
            if outcome.undo_id is None:
                continue
            undo = Undo(operation=outcome.undo_id)
            there = (anna, bob) if name.startswith(("delete", "clear")) else (operator,)  # any machine, or the one
            both = [await one.operations.plan("prod", undo) for one in there]
            back = [
                one.operations.start(plan, one.operations.question(plan).expected)
                for one, plan in zip(there, both, strict=True)
            ]
            undone = [await run.wait() for run in back]
            assert sum(one.tally.done for one in undone) == outcome.tally.done, undone
        after = await snapshot(stage.raw)
        if "queue" in name or name == "move-front":  # one part after the other came back to the front
            assert payloads(after, ours=False) == payloads(before, ours=False)
        else:
            assert sidekiqs(after) == sidekiqs(before)
        assert (strays(after), open_records(after)) == ([], [])
    finally:
        await anna.close()
        await bob.close()


async def test_two_processes(raw: Any, redis_url: str, tmp_path: Path) -> None:
    await fill(raw, DEAD, 3_000)
    before = await snapshot(raw)
    shells = [Shell(tmp_path / name, redis_url) for name in ("anna", "bob")]
    both = await asyncio.gather(*(shell.run("delete", "dead", "--confirm", "prod") for shell in shells))
    # The second may find nothing any more, and says so.
    done = [(document["servers"][0].get("outcome") or {}).get("done", 0) for _, document, _ in both if document]
    assert sum(done) == 3_000, both
    check_sum(before, await snapshot(raw))
