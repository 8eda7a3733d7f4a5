"""How the workers screen looks in each of its states."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis.asyncio

from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.work import Work
from tests.support.fleet import fleet
from tests.support.framed import answer, framed_app, gone
from tests.support.live import Live, live_app
from tests.support.tui import NOW, FakeRegistry, make_overview, make_process, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
Size = tuple[int, int]


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local times are the same on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at_now(url: str, size: Size, **options: Any) -> Any:
    return live_app(url, view="workers", size=size, clock=lambda: NOW, **options)


async def same(golden_screen: GoldenScreen, live: Live, name: str, size: Size) -> None:
    await live.pilot.pause()
    await golden_screen(f"workers{name}-{size[0]}x{size[1]}", live.pilot)


@EVERY
async def test_a_fleet(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("j")
        await same(golden_screen, live, "", size)


@BOTH
async def test_in_ascii(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size) -> None:
    await fleet(raw)
    async with at_now(redis_url, size, ascii=True) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("i")
        await live.sees("capsule")
        assert not [letter for letter in live.text if not letter.isascii()]
        await same(golden_screen, live, "-ascii", size)


@EVERY
async def test_details_of_a_process(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size
) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("j", "j", "j", "j", "i")
        await live.sees("serial")
        await same(golden_screen, live, "-process", size)


@BOTH
async def test_details_of_a_job(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size
) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("j", "i")
        await live.sees("nothing known of this class")
        await same(golden_screen, live, "-job", size)


@BOTH
async def test_all_notes(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("i", "i")
        await live.sees("died without a word")
        await same(golden_screen, live, "-notes", size)
        await live.pilot.press("i")
        await live.until(lambda: "died without a word" not in live.text)


@BOTH
async def test_folded_and_trouble_first(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size
) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        await live.pilot.press("H", "o")
        await live.sees("trouble first")
        await same(golden_screen, live, "-trouble", size)


@BOTH
async def test_filtered(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await live.sees("NightlyReportJob")
        live.screen.apply_filter("nightly")
        await live.until(lambda: "ThumbnailJob" not in live.text)
        await same(golden_screen, live, "-filtered", size)
        live.screen.apply_filter("nobody at all")
        await live.sees("Nothing matches")
        await same(golden_screen, live, "-unmatched", size)


@BOTH
async def test_nothing_runs(redis_url: str, golden_screen: GoldenScreen, size: Size) -> None:
    async with at_now(redis_url, size) as live:
        await live.sees("nothing runs jobs")
        await same(golden_screen, live, "-none", size)


@BOTH
@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        ("-work-denied", "-hgetall", "Jobs in progress can't be read"),
        ("-denied", "-hmget", "Workers can't be read"),
    ],
)
async def test_forbidden(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size, name: str, rule: str, words: str
) -> None:
    await fleet(raw)
    await raw.execute_command("ACL", "SETUSER", "guest", "on", ">pw", "~*", "+@read", "+@connection", "+info", rule)  # type: ignore[no-untyped-call]
    async with at_now(redis_url.replace("unix://", "unix://guest:pw@"), size) as live:
        await live.sees(words)
        await same(golden_screen, live, name, size)


@BOTH
async def test_a_server_that_went_away(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen, size: Size
) -> None:
    await fleet(raw)
    quiet = make_process(identity="app-2:5920:aa", hostname="app-2", pid=5920, status="quiet", busy=1)
    overview = make_overview(make_queue("exports", 3, 7440.0), processes=(make_process(busy=3), quiet))
    seen = make_snapshot("prod", label="production", overview=overview)
    async with framed_app(redis_url, seen, view="workers", size=size) as live:
        await live.sees("NightlyReportJob")
        await live.sees("nobody serves exports")
        await live.until(lambda: ("start", None) in cast(FakeRegistry, live.state.registry).asked)
        answer(live, gone(seen))
        await live.sees("prod is offline")
        await live.until(lambda: "nobody serves" not in live.text)  # what was true then is no news
        await same(golden_screen, live, "-offline", size)


@BOTH
async def test_reading(
    redis_url: str,
    raw: redis.asyncio.Redis,
    golden_screen: GoldenScreen,
    monkeypatch: pytest.MonkeyPatch,
    size: Size,
) -> None:
    await fleet(raw)
    go = asyncio.Event()
    read = Server.work

    async def slowly(self: Server, identities: Any) -> tuple[Work, ...]:
        await go.wait()
        return await read(self, identities)

    monkeypatch.setattr(Server, "work", slowly)
    async with at_now(redis_url, size) as live:
        await live.sees("reading what they run")
        await same(golden_screen, live, "-reading", size)
        go.set()
        await live.sees("NightlyReportJob")
        assert "reading" not in live.text
