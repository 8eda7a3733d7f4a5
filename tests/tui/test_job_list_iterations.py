"""How far iterable jobs have come, under a list of jobs."""

from __future__ import annotations

import json

import pytest
import redis.asyncio

from sidekiq_tui.tui.screens.job_pages import PagedScreen
from tests.support.job_lists import NOW, ready, retries
from tests.support.live import Live, live_app

BEAT = "app-1:5916:aa"


async def process(raw: redis.asyncio.Redis, version: str) -> None:
    """A process of this version that beats now."""
    info = {"hostname": "app-1", "pid": 5916, "identity": BEAT, "version": version, "concurrency": 5, "queues": []}
    await raw.sadd("processes", BEAT)
    for field, value in {"info": json.dumps(info), "busy": "0", "beat": str(NOW), "quiet": "false"}.items():
        await raw.hset(BEAT, field, value)


async def iterates(raw: redis.asyncio.Redis, number: int) -> None:
    fields = {"ex": "3", "rt": "125.5", "c": '"page-\\u001b[31m12"', "cancelled": str(int(NOW) - 60)}
    for field, value in fields.items():
        await raw.hset(f"it-{number:024x}", field, value)


def paged(live: Live) -> PagedScreen:
    """The list in front."""
    assert isinstance(live.app.screen, PagedScreen)
    return live.app.screen


@pytest.mark.parametrize("version", ["7.3.10", "8.1.7"])
async def test_the_note_tells_the_state_of_the_row(redis_url: str, raw: redis.asyncio.Redis, version: str) -> None:
    await process(raw, version)
    await retries(raw, 5)
    await iterates(raw, 1)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.until(lambda: live.state.snapshots[paged(live).server].overview is not None)
        await live.pilot.press("ctrl+r")
        await live.until(lambda: bool(paged(live)._iterations))
        assert "cursor" not in live.text
        await live.pilot.press("j")
        await live.sees('cursor "page-')
        assert "3 runs, 2m05s  asked to stop 1m00s ago" in live.text
        assert "\x1b" not in live.text
        await live.pilot.press("j")
        await live.until(lambda: "cursor" not in live.text)


async def test_nothing_is_asked_of_a_fleet_without_iterable_jobs(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await process(raw, "7.2.4")
    await retries(raw, 5)
    await iterates(raw, 0)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.until(lambda: live.state.snapshots[paged(live).server].overview is not None)
        assert paged(live)._visible_jids(0, 4) == ()
