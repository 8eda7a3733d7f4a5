"""For tests of lists of jobs: many jobs quickly, and what stands in the list in front."""

from __future__ import annotations

import json

import redis.asyncio

from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.screens.job_list import JobListScreen
from tests.support.live import Live

NOW = 1795314100.0
CLASSES = ("ArchiveJob", "BillingJob", "ChargeJob")


def job(number: int, **fields: object) -> bytes:
    """A job that failed."""
    payload = {"class": CLASSES[number % 3], "args": [number], "jid": f"{number:024x}", "queue": "default"}
    times = {"created_at": int(NOW * 1000) - number * 1000, "retry_count": number % 20, "retry": 25}
    return json.dumps(payload | times | fields).encode()


async def retries(raw: redis.asyncio.Redis, count: int, key: str = "retry") -> None:
    """Jobs a second apart, the first in a second."""
    for start in range(0, count, 1000):
        numbers = range(start, min(count, start + 1000))
        await raw.zadd(key, {job(number): NOW + 1 + number for number in numbers})


def listed(live: Live) -> JobListScreen:
    """The list in front."""
    assert isinstance(live.app.screen, JobListScreen)
    return live.app.screen


def number(found: JobRecord | None) -> int:
    """What the job was called with."""
    assert found is not None
    assert isinstance(found.args, list)
    value = found.args[0]
    assert isinstance(value, int)
    return value


def marked(live: Live) -> list[int]:
    """The numbers of the marked jobs."""
    return sorted(number(found) for found in listed(live).marks.jobs)


def shown(live: Live) -> list[int]:
    """The numbers of the visible rows."""
    rows = listed(live).given()
    first, last = live.table.window
    return [number(rows.get(index)) for index in range(first, last + 1)]


async def ready(live: Live) -> None:
    """Waits for rows."""
    await live.until(lambda: live.table.current is not None)
