"""Live workers, clients and two operators at once: nothing is lost, nothing is doubled, and all counts are exact.

SQTUI_RACE_ROUNDS is the number of rounds (3); the seed of a round is its number.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import Clear, Delete, Kill, MoveToQueue, Operation, Retry
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill, lies
from tests.support.racing import QUEUES, RUN, Race, race_job
from tests.support.workers import quick, running

ROUNDS = int(os.environ.get("SQTUI_RACE_ROUNDS", "3"))
JOBS = 240
CAPSULES = (CapsuleConfig(concurrency=4, queues=tuple((name, 1) for name in QUEUES)),)


@pytest.fixture
async def bob(redis_url: str, tmp_path: Path) -> AsyncIterator[Operator]:
    """Another operator, on another machine."""
    operator = Operator(redis_url, tmp_path / "bob")
    yield operator
    await operator.close()


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_operators_beside_workers(
    anna: Operator, bob: Operator, raw: Any, db: Database, redis_url: str, number: int
) -> None:
    client = Client(db, time_form="milliseconds")
    race = Race(raw, client, random.Random(number))
    await race.start(JOBS)
    config = quick(capsules=CAPSULES, timeout=10.0)
    async with running(redis_url, race_job(raw, client), config=config), race.pushing(JOBS):
        await asyncio.gather(race.act(anna, 6), race.act(bob, 6))
    assert await raw.llen(RUN) > 20
    assert sum(outcome.tally.done for _, outcome in race.ended) > 20
    await race.check()


SAME: dict[str, Callable[[], Operation]] = {
    "retry": lambda: Retry(jobs=Whole(RETRY)),
    "kill": lambda: Kill(jobs=Whole(RETRY)),
    "delete": lambda: Delete(jobs=Whole(RETRY)),
    "move": lambda: MoveToQueue(jobs=Whole(MAIL), queue="low"),
    "delete from a queue": lambda: Delete(jobs=Whole(MAIL)),
}


@pytest.mark.parametrize("name", SAME)
async def test_two_operators_do_the_same(anna: Operator, bob: Operator, raw: Any, name: str) -> None:
    """Each entry is handled once; for the other one it is gone."""
    place = MAIL if "queue" in name or name == "move" else RETRY
    await fill(raw, place, 700)
    runs = [await operator.start(SAME[name]()) for operator in (anna, bob)]
    first, second = [(await run.wait()).tally for run in runs]
    assert first.done + second.done == 700
    assert first.done + first.gone == second.done + second.gone == 700
    found = await lies(raw)
    assert found.total() == len(found) == (0 if "delete" in name else 700)
    trash = Counter[str]()
    for key in await raw.keys("sqtui:trash:*"):
        read = raw.lrange if place is MAIL else raw.zrange
        trash.update(await read(key, 0, -1))
    assert trash.total() == len(trash) == (700 if "delete" in name else 0)


async def test_two_operators_take_the_same_back(anna: Operator, raw: Any, redis_url: str, tmp_path: Path) -> None:
    """From one machine: one undo is the undo, the other one is refused or has nothing left to do."""
    await fill(raw, RETRY, 500)
    before = await everywhere(raw)
    outcome = await anna.do(Retry(jobs=Whole(RETRY)))
    carla = Operator(redis_url, tmp_path / "state")
    try:
        one, other = await asyncio.gather(anna.undo(outcome), carla.undo(outcome))
    finally:
        await carla.close()
    assert sorted([one.tally.done, other.tally.done]) == [0, 500]
    after = await everywhere(raw)
    assert after.pop("queues") == {b"mail"}
    assert after == before


async def test_two_operators_clear_one_queue(anna: Operator, bob: Operator, raw: Any) -> None:
    await fill(raw, MAIL, 300)
    before = await everywhere(raw)
    runs = [await operator.start(Clear(place=Whole(MAIL))) for operator in (anna, bob)]
    outcomes = [await run.wait() for run in runs]
    assert sorted(outcome.tally.done for outcome in outcomes) == [0, 300]
    winner = next(operator for operator, outcome in zip((anna, bob), outcomes, strict=True) if outcome.tally.done)
    await winner.undo(next(outcome for outcome in outcomes if outcome.tally.done))
    assert await everywhere(raw) == before


async def test_kill_against_retry(anna: Operator, bob: Operator, raw: Any) -> None:
    """Opposite deeds on the same entries: each job ends in the queue or among the dead, and both know how many."""
    await fill(raw, RETRY, 700)
    runs = [await anna.start(Retry(jobs=Whole(RETRY))), await bob.start(Kill(jobs=Whole(RETRY)))]
    retried, killed = [(await run.wait()).tally for run in runs]
    assert retried.done + killed.done == 700
    assert (await raw.llen("queue:mail"), await raw.zcard(DEAD.kind)) == (retried.done, killed.done)
    found = await lies(raw)
    assert found.total() == len(found) == 700
