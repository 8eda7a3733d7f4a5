"""What views that were read before show once an operation has ended: in front, under another screen, or left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.row_question import RowQuestion
from sidekiq_tui.tui.screens.job import JobScreen
from sidekiq_tui.tui.screens.job_scan import ScanScreen
from tests.support.job_lists import job, listed, number, ready, retries, shown
from tests.support.live import Live, live_app


async def filtered(live: Live, words: str) -> None:
    """Filters the list in front and waits for what it finds."""
    await ready(live)
    await live.pilot.press("/", *words, "enter")
    await live.until(lambda: isinstance(screen := live.screen, ScanScreen) and screen.found is not None)
    await read(live)


async def read(live: Live) -> None:
    """Waits until nothing is being read for the filter."""
    await live.until(lambda: isinstance(screen := live.app.screen, ScanScreen) and not screen.scanning)


async def answered(live: Live, kind: type[object], *keys: str) -> None:
    """Waits for a question and answers it."""
    await live.until(lambda: isinstance(live.app.screen, kind))
    await live.pilot.press(*keys)


async def test_the_total_is_that_of_the_set_once_all_that_matched_is_gone(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 30, "dead")
    async with live_app(redis_url, view="dead", label=None) as live:
        await filtered(live, "class:Charge")
        await live.sees("Dead 30  filter class:Charge  10 match, all read")
        await live.pilot.press("A", "D")
        await answered(live, ConfirmModal, "y")
        await live.sees("deleted 10")
        await live.sees("Dead 20  filter class:Charge  0 match, all read")
        await live.pilot.press("u")
        await answered(live, ConfirmModal, "y")
        await live.sees("Dead 30  filter class:Charge  10 match, all read")
        await raw.delete("dead")
        await live.pilot.press("ctrl+r")
        await live.sees("Dead 0  filter class:Charge  0 match, all read")


async def test_a_filtered_list_under_an_opened_job_is_read_again_and_keeps_its_place(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 30)
    async with live_app(redis_url, view="retries", label=None) as live:
        await filtered(live, "class:Charge")
        await live.pilot.press("o", "g", "g", "j", "j", "j")
        await live.sees("by tries")
        before = shown(live)
        assert number(listed(live).table.current) == before[3]
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.pilot.press("D")
        await answered(live, RowQuestion, "y")
        await live.sees("deleted 1")
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, ScanScreen))
        await live.sees("9 match, all read")
        assert "by tries" in live.text
        assert shown(live) == before[:3] + before[4:]
        assert number(listed(live).table.current) == before[4]


async def test_a_filtered_list_that_was_left_is_read_again(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 6)
    await retries(raw, 1, "dead")
    async with live_app(redis_url, view="retries", label=None) as live:
        await filtered(live, "class:Archive")
        assert shown(live) == [0, 3]
        await live.pilot.press("D")
        await answered(live, RowQuestion, "y")
        await live.sees("deleted 1")
        await live.sees("1 match, all read")
        await live.pilot.press("g", "x")
        await live.sees("Dead 1")
        await live.pilot.press("u")
        await answered(live, RowQuestion, "y")
        await live.sees("put back 1")
        await live.pilot.press("g", "r")
        await live.sees("2 match, all read")
        assert shown(live) == [0, 3]


async def test_what_is_read_again_stays_until_it_has_been_also_when_a_question_cuts_that_short(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await retries(raw, 6)
    gate = asyncio.Event()
    gate.set()
    async with live_app(redis_url, view="retries", label=None) as live:
        server = live.server()
        scan = server.scan

        async def slow(place: Place, matcher: Matcher) -> AsyncIterator[Slice]:
            await gate.wait()
            async for part in scan(place, matcher):
                yield part

        monkeypatch.setattr(server, "scan", slow)
        await filtered(live, "class:Archive")
        await live.pilot.press("j")
        gate.clear()
        await live.pilot.press("ctrl+r")
        await live.until(lambda: live.screen.scanning)  # type: ignore[attr-defined]
        assert shown(live) == [0, 3]
        await live.pilot.press("D")
        await live.until(lambda: isinstance(live.app.screen, RowQuestion))
        await live.pilot.press("n")
        await live.until(lambda: isinstance(live.app.screen, ScanScreen))
        assert shown(live) == [0, 3]
        assert number(listed(live).table.current) == 3
        await raw.zrem("retry", job(0))
        gate.set()
        await live.until(lambda: shown(live) == [3])
        await live.sees("1 match, all read")
