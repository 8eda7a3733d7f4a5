"""Signs of Pro, Enterprise and gems: what was looked for, what was found, and what nobody outside knows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.screens.extras import ExtrasScreen
from tests.conftest import LoadDump
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.live import Live
from tests.support.tui import NOW, Clock, make_overview, make_process, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
LEADER = "app-1:5916:aa"
BATCHES = (
    ("NwsL3tt3r00001", 60, 48_000, 12_310, "Newsletter"),
    ("Imp0rt00000002", 7_000, 310, 57, "Import of ACME's catalogue"),
    ("D0ne0000000003", 90_000, 12, 0, ""),
)


def snapshot() -> ServerSnapshot:
    queues = (make_queue("default", 12, 3), make_queue("imports", 310, 900, paused=True))
    overview = make_overview(*queues, processes=(make_process(identity=LEADER, queues=("default", "imports")),))
    return make_snapshot("prod", label="production", overview=overview)


async def enterprise(raw: redis.asyncio.Redis) -> None:
    """A little of everything that is publicly known."""
    await raw.set("dear-leader", LEADER)
    await raw.sadd("paused", "imports", "gone")
    for bid, age, total, pending, words in BATCHES:
        await raw.zadd("batches", {bid: NOW - age})
        fields = {"created_at": NOW - age, "total": total, "pending": pending, "callbacks": '{"success":[]}'}
        for name, value in {**fields, "description": words}.items():
            await raw.hset(f"b-{bid}", name, str(value))
    await raw.sadd("batch-died", BATCHES[1][0])
    await raw.sadd("super_processes", LEADER, "gone-1:77:bb")
    await raw.hset(LEADER, "info", "{}")
    await raw.sadd(f"{LEADER}:super_queues", "queue:sq|a", "queue:sq|b")
    await raw.lpush(f"queue:sq|{LEADER}|default", "1", "2", "3")
    job = {"class": "A", "args": [], "bid": BATCHES[0][0], "encrypt": True}
    await raw.zadd("retry", {json.dumps(job): NOW})
    await raw.sadd("cron_jobs:default", "cron_job:default:nightly")
    said = {"name": "nightly", "klass": "NightlyJob", "cron": "15 3 * * *", "status": "enabled"}
    for name, value in said.items():
        await raw.hset("cron_job:default:nightly", name, value)


def app(url: str, shown: ServerSnapshot | None = None, **options: Any) -> Any:
    return framed_app(url, shown or snapshot(), view="extras", **options)


async def read(live: Live) -> ExtrasScreen:
    screen = live.screen
    assert isinstance(screen, ExtrasScreen)
    await live.until(lambda: screen.read_at is not None)
    await live.pilot.pause()
    return screen


@EVERY
async def test_an_enterprise_server(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await enterprise(raw)
    async with app(redis_url, size=size) as live:
        await read(live)
        assert "Signs of Sidekiq Enterprise" in live.body
        await live.pilot.press("j", "j", "j", "j", "j")
        await live.sees("NwsL3tt3r00001")
        await live.pilot.pause()
        await golden_screen(f"extras-batches-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("j")
        await live.sees("gone-1:77:bb")
        await live.pilot.pause()
        await golden_screen(f"extras-super-fetch-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_enter_gives_the_details_the_room(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await enterprise(raw)
    async with app(redis_url, size=size) as live:
        screen = await read(live)
        await live.pilot.press(*"jjjjj", "enter")
        await live.until(lambda: screen.table.size.height == 3)
        await live.sees("Imp0rt00000002")
        await live.pilot.pause()
        await golden_screen(f"extras-open-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("escape")
        await live.until(lambda: screen.table.size.height > 3)
        assert live.screen is screen


async def test_details_scroll_once_they_are_open(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen
) -> None:
    await enterprise(raw)
    for number in range(30):
        await raw.sadd("cron_jobs:default", f"cron_job:default:job-{number:02}")
        said = {"name": f"job-{number:02}", "klass": "Billing::MonthlyStatementJob", "cron": "15 3 * * *"}
        for name, value in {**said, "status": "disabled" if number % 7 == 0 else "enabled"}.items():
            await raw.hset(f"cron_job:default:job-{number:02}", name, value)
    async with app(redis_url, size=(60, 20)) as live:
        screen = await read(live)
        await live.pilot.press(*"jjjjjjjjj")
        await live.sees("31 jobs")
        await live.sees("enter shows more")
        await live.pilot.press("enter")
        await live.sees("lines 1–")
        await live.pilot.press("pagedown", "k")
        await live.sees("Job")
        await live.pilot.pause()
        await golden_screen("extras-scrolled-60x20", live.pilot)
        await live.pilot.press("G")
        await live.until(lambda: screen.details.window[1] == screen.details.count)
        assert "job-29" in live.body
        await live.pilot.press("escape")
        await live.sees("enter shows more")
        await live.pilot.press("k")
        await live.until(lambda: screen.table.current is not None and screen.table.current.key == "expiry")
        assert live.screen is screen


@BOTH
async def test_open_source(
    redis_url: str,
    raw: redis.asyncio.Redis,
    load_dump: LoadDump,
    size: tuple[int, int],
    golden_screen: GoldenScreen,
) -> None:
    load_dump("8.1.7")
    await raw.delete("dear-leader", "paused")  # which were recorded for other tests
    async with app(redis_url, size=size) as live:
        await read(live)
        assert "No signs of Sidekiq Pro or Enterprise on prod." in live.body
        assert "periodic jobs" in live.body
        await golden_screen(f"extras-none-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_forbidden(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~other", "+llen")  # type: ignore[no-untyped-call]
    async with app(redis_url.replace("unix://", "unix://narrow:x@"), size=size) as live:
        await read(live)
        await golden_screen(f"extras-forbidden-{size[0]}x{size[1]}", live.pilot)


async def test_what_alone_may_not_be_read_is_unknown(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.set("batches", "text")
    async with app(redis_url) as live:
        await read(live)
        row = next(line for line in live.body.splitlines() if " batches " in line)
        assert "? batches" in row
        assert "WRONGTYPE" in row


@BOTH
async def test_a_server_that_went_away(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await enterprise(raw)
    shown = snapshot()
    async with app(redis_url, shown, size=size) as live:
        await read(live)
        answer(live, gone(shown))
        await live.sees("prod is offline")
        if size == (80, 24):
            await live.sees("1–7 of 15")  # the banner has taken a row
        await live.pilot.pause()
        await golden_screen(f"extras-offline-{size[0]}x{size[1]}", live.pilot)


async def test_a_server_that_was_never_read(redis_url: str) -> None:
    async with app(redis_url, gone(snapshot())) as live:
        await live.sees("Not read yet: prod does not answer.")


async def test_ascii(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await enterprise(raw)
    async with app(redis_url, ascii=True) as live:
        await read(live)
        for _ in range(15):
            assert live.body.isascii()
            await live.pilot.press("j")
        await golden_screen("extras-ascii-120x40", live.pilot)


async def test_two_trips_and_none_while_it_is_fresh(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await enterprise(raw)
    shown, clock = snapshot(), Clock()
    async with app(redis_url, shown, clock=clock) as live:
        await read(live)
        assert live.server().trips == 2
        clock.now += 5
        answer(live, replace(shown, taken_at=clock.now - 1))
        await live.pilot.press(*"jjjj")
        await live.pilot.pause()
        assert live.server().trips == 2
        clock.now += 15
        answer(live, replace(shown, taken_at=clock.now - 1))
        await live.until(lambda: live.server().trips == 4)
        await live.pilot.press("Z", "ctrl+r")
        await live.pilot.pause()
        assert live.server().trips == 4


async def test_hostile_values(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for text in HOSTILE_TEXTS:
        data: Any = text.encode("utf-8", "surrogatepass")
        await raw.sadd("paused", data)
        await raw.sadd("super_processes", data)
        await raw.zadd("batches", {data: NOW})
        await raw.hset(b"b-" + data, "description", data)
        await raw.hset(b"b-" + data, "callbacks", json.dumps({text: 1}))
        await raw.sadd("cron_jobs", b"cron_job:" + data)
        for field in ("name", "klass", "cron", "status"):
            await raw.hset(b"cron_job:" + data, field, data)
        await raw.hset("schedules", data, json.dumps({"class": text, "cron": text}))
    await raw.set("dear-leader", HOSTILE_TEXTS[0])
    async with app(redis_url, size=(80, 24)) as live:
        await read(live)
        await live.pilot.press("enter")
        for _ in range(15):
            await live.pilot.pause()
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))
            await live.pilot.press("j")
