"""Operations beside real Ruby workers that run, fail and push all the while: every job ran once or lies in one place.

SQTUI_RACE_ROUNDS is the number of rounds a version (1); the seed of a round is its number.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from tests.support.operating import Operator
from tests.support.racing import QUEUES, RUBY, RUN, Race
from tests.support.ruby import Ruby

ROUNDS = int(os.environ.get("SQTUI_RACE_ROUNDS", "1"))
JOBS = 400


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_operators_beside_ruby_workers(
    ruby: Ruby, redis_url: str, raw: Any, db: Database, tmp_path: Path, number: int
) -> None:
    client = Client(db, time_form="milliseconds" if ruby.release >= (8,) else "seconds")
    race = Race(raw, client, random.Random(number))
    operators = [Operator(redis_url, tmp_path / name) for name in ("anna", "bob")]
    await race.start(JOBS)
    with ruby.worker(redis_url, RUBY, queues=[f"{name},1" for name in QUEUES], poll=0.2, beat=0.5, timeout=8) as worker:

        async def busy() -> bool:
            return bool(await raw.llen(RUN) > 5)

        await worker.until(busy)
        try:
            async with race.pushing(JOBS):
                await asyncio.gather(*(race.act(operator, 6) for operator in operators))
        finally:
            for operator in operators:
                await operator.close()
        worker.process.terminate()  # it gives back what it has not begun
        await asyncio.to_thread(worker.process.wait, 30)
    assert sum(outcome.tally.done for _, outcome in race.ended) > 20
    await race.check()
