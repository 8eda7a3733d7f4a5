"""Servers that restart, fail over, are restored or flushed while jobs go between them: exact, or told to the last job."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from sidekiq_tui.operations.catalog import Transfer
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import Place
from tests.support.operating import DEAD, MAIL, fill
from tests.support.two_servers import ALWAYS, EVERY_SECOND, SOURCE, TARGET, Pair, Side, Trouble, ended, told
from tests.support.workers import until

JOBS: Final = 40
FULL: Final = bool(os.environ.get("SQTUI_TRANSFER_MATRIX") == "full")
TURNS: Final = range(1, 9) if FULL else (4,)
STEPS: Final[tuple[tuple[Side, str], ...]] = (("source", "take"), ("source", "ack"), ("target", "put"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("at", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("dies", ["source", "target"])
@pytest.mark.parametrize("config", [ALWAYS, EVERY_SECOND], ids=["always", "everysec"])
async def test_a_restart_with_an_append_only_file_is_exact(
    tmp_path: Path, dies: Side, at: Side, step: str, turn: int, config: tuple[str, ...]
) -> None:
    async with Pair(tmp_path, source=config, target=config) as pair:
        jobs = await fill(pair.raw("source"), MAIL, JOBS)
        carrier = pair.carrier()
        trouble = pair.links[at].on_command = Trouble(step, turn, pair.boxes[dies].restart)
        outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET)), 15)
        assert trouble.came
        assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
        assert await pair.raw("target").lrange("queue:mail", 0, -1) == jobs[::-1]
        found = await pair.found()
        assert (found.source, found.parked) == (Counter(), Counter())


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("at", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("when", ["before it began", "on the way"])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_server_that_is_restored_is_never_silent(
    tmp_path: Path, side: Side, when: str, at: Side, step: str, turn: int, place: Place
) -> None:
    async with Pair(tmp_path) as pair:
        jobs = await fill(pair.raw("source"), place, JOBS)
        box = pair.boxes[side]

        def save() -> None:
            with box.client() as client:
                client.save()
            box.saved()

        if when == "before it began":
            save()
        first, second = Trouble("put", 2, save), Trouble(step, turn + 2 * (when != "before it began"), box.restored)

        def happen(number: int, command: Any) -> None:
            if when != "before it began":
                first(number, command)
            second(number, command)

        for one in {"target", at}:
            pair.links[one].on_command = happen
        carrier = pair.carrier()
        plan = await carrier.plan(Transfer(jobs=Whole(place), target=TARGET))
        run = carrier.start(plan)
        outcome = await asyncio.wait_for(run.wait(), 15)
        assert second.came
        pair.heal()
        found = await told(pair, carrier, run.id, outcome, jobs)
        if outcome.ending == "done":
            assert found.target == Counter(jobs)
