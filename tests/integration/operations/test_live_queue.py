"""Many jobs taken by a filter out of a queue that runs: its order stays, none is lost, none doubled.

SQTUI_LIVE_QUEUE is the size of the queue (8,000), of which a tenth is taken out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import redis

from sidekiq_tui.operations import price
from sidekiq_tui.operations.catalog import Delete, Kill, MoveToQueue, OfJobs
from sidekiq_tui.operations.selection import Matching
from sidekiq_tui.sidekiq.filter import parse_filter
from tests.support.live_queue import CHOSEN, KEY, check, fill, number_of, oldest_first, traffic
from tests.support.operating import MAIL, Operator

SIZE = int(os.environ.get("SQTUI_LIVE_QUEUE", "8000"))
EVERY = 10
CHOICE = Matching((MAIL,), parse_filter(f"class:{CHOSEN}"))
DEEDS: dict[str, Callable[[], OfJobs]] = {
    "delete": lambda: Delete(jobs=CHOICE),
    "move": lambda: MoveToQueue(jobs=CHOICE, queue="low"),
    "kill": lambda: Kill(jobs=CHOICE),
}


@pytest.mark.parametrize("way", ["rebuilt", "one by one"])
@pytest.mark.parametrize("name", DEEDS)
async def test_taken_by_a_filter(
    anna: Operator, raw: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    monkeypatch.setattr(price, "ONE_BY_ONE", 0.0 if way == "rebuilt" else float("inf"))
    monkeypatch.setattr(price, "LONGEST", float("inf"))
    size = SIZE if way == "rebuilt" else 2000
    with redis.Redis.from_url(redis_url) as client:
        fill(client, size, EVERY)
    with traffic(redis_url, size, pause=0.001) as seen:
        run = await anna.start(DEEDS[name]())
        outcome = await run.wait()
    assert outcome.ending == "done"
    assert outcome.tally.done + outcome.tally.gone == run.plan.count > size // EVERY * 0.5
    out = await _taken_out(raw, name)
    check(seen, await raw.lrange(KEY, 0, -1), out, every=EVERY, ordered=name == "move")
    assert len(out) == outcome.tally.done
    left = {key for key in await raw.keys("sqtui:*") if key.split(b":")[1] in (b"stage", b"old", b"shadow", b"lock")}
    assert left == set()


async def _taken_out(raw: Any, name: str) -> list[int]:
    match name:
        case "move":
            return oldest_first(await raw.lrange("queue:low", 0, -1))
        case "kill":
            return [number_of(one) for one in await raw.zrange("dead", 0, -1)]
    parts = [await raw.lrange(key, 0, -1) for key in await raw.keys("sqtui:trash:*")]
    return [number_of(one) for part in parts for one in part]
