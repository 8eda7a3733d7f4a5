"""Moves beside workers on both servers, and a command line that is killed: each job runs once, none is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import Transfer
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.sidekiq.filter import parse_filter
from tests.support.carrying import SOURCE, TARGET, Carrier, own_keys, payloads
from tests.support.operating import MAIL, fill
from tests.support.workers import until

KILLS: Final = int(os.environ.get("SQTUI_TRANSFER_KILLS", "3"))


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


async def works(client: Any, ran: list[bytes], random: Random, ended: asyncio.Event) -> None:
    """Takes a job now and then, as a worker does. It is not cancelled, which would lose what it just took."""
    while not ended.is_set():
        found = await client.rpop("queue:mail")
        if found is not None:
            ran.append(found)
        await asyncio.sleep(random.random() / 500)


@pytest.mark.parametrize("chosen", [False, True], ids=["whole", "filter"])
async def test_workers_on_both_sides(raw: Any, there: Any, redis_url: str, tmp_path: Path, chosen: bool) -> None:
    jobs = await fill(raw, MAIL, 3000)
    carrier = Carrier(redis_url, redis_url.replace("db=0", "db=1"), tmp_path / "state")
    match = Matching((MAIL,), parse_filter("class:Invoice"))
    run = carrier.start(await carrier.plan(Transfer(jobs=match if chosen else Whole(MAIL), target=TARGET)))
    ran: list[bytes] = []
    ended = asyncio.Event()
    workers = [asyncio.create_task(works(client, ran, Random(at), ended)) for at, client in enumerate((raw, there))]
    outcome = await run.wait()
    ended.set()
    await asyncio.gather(*workers)
    assert outcome.ending == "done", outcome
    assert outcome.tally.done + outcome.tally.gone == 3000
    assert outcome.tally.done > 1000
    assert Counter(ran) + await payloads(raw) + await payloads(there) == Counter(jobs)
    assert await own_keys(raw) == set()
    await carrier.close()


@pytest.mark.parametrize("seed", range(KILLS))
async def test_a_command_line_that_is_killed(raw: Any, there: Any, redis_url: str, tmp_path: Path, seed: int) -> None:
    jobs = await fill(raw, MAIL, 4000)
    config = tmp_path / "sqtui.toml"
    other = redis_url.replace("db=0", "db=1")
    config.write_text(f'[servers.prod]\nurl = "{redis_url}"\n[servers.staging]\nurl = "{other}"\n', "utf-8")
    words = [sys.executable, "-m", "sidekiq_tui", "--config", str(config), "--server", SOURCE]
    move = [*words, "move", "queue", "mail", "--to", "staging", "--confirm", SOURCE, "--rate", "4000/s"]
    process = await asyncio.create_subprocess_exec(*move, stdout=-3, stderr=-3)
    goal = Random(seed).randrange(1, 3500)

    async def far_enough() -> bool:
        return process.returncode is not None or await there.llen("queue:mail") >= goal

    await until(far_enough)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()
    carrier = Carrier(redis_url, other, tmp_path / "another machine")
    (left,) = await carrier.operations.unfinished(SOURCE)
    assert left.kind == "transfer"
    plan = await carrier.operations.resume(SOURCE, left.id)
    outcome = await carrier.start(plan).wait()
    assert (outcome.ending, outcome.tally.done) == ("done", 4000), outcome
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
    assert await own_keys(raw) == set()
    await carrier.close()
