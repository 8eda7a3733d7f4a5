"""Errors: groups, details, reading with and without asking, refreshes, copying, and what stands there instead.

What is read comes from a real Redis; the frame around it is a pretended poll, so that recorded screens are the same on
every machine.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.servers import error_book
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.screens import errors_reader
from sidekiq_tui.tui.screens.errors import ErrorsScreen
from sidekiq_tui.tui.screens.found import FoundScreen
from tests.conftest import StartRedis
from tests.support.errors import fill_shop
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.live import Live, live_app
from tests.support.tui import NOW, Clock, make_overview, make_snapshot
from tests.tui.conftest import GoldenScreen

BOTH: Final = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
EVERY: Final = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])


def snapshot(retries: int = 924, dead: int = 49, taken: float = NOW - 1) -> ServerSnapshot:
    """What a poll says of the shop."""
    overview = make_overview(retries=retries, dead=dead, read_at=taken)
    return replace(make_snapshot("prod", label="production", overview=overview), taken_at=taken)


@asynccontextmanager
async def errors_app(
    url: str, *, size: tuple[int, int] = (120, 40), retries: int = 924, dead: int = 49, ascii: bool = False
) -> AsyncIterator[tuple[Live, Clock]]:
    """The Errors view, and its clock."""
    clock = Clock()
    async with framed_app(url, snapshot(retries, dead), view="errors", size=size, clock=clock, ascii=ascii) as live:
        yield live, clock


def screen_of(live: Live) -> ErrorsScreen:
    """The view in front."""
    assert isinstance(live.app.screen, ErrorsScreen)
    return live.app.screen


async def settled(live: Live) -> ErrorsScreen:
    """Everything was read."""
    screen = screen_of(live)
    await live.until(lambda: screen.board is not None and not screen._busy)
    await live.pilot.pause()
    return screen


def failed(number: int, **fields: object) -> bytes:
    """A job that failed a minute ago."""
    item = {"class": "Foo", "args": [number], "jid": f"{number:024x}", "queue": "default", "failed_at": NOW - 60}
    return json.dumps(item | {"error_class": "Timeout", "error_message": f"after {number}s"} | fields).encode()


# What it looks like


@EVERY
async def test_the_groups(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill_shop(raw)
    async with errors_app(redis_url, size=size) as (live, clock):
        await settled(live)
        await golden_screen(f"errors-{size[0]}x{size[1]}", live.pilot)
        if size[0] == 60:
            return
        await live.pilot.press("G")
        await golden_screen(f"errors-undecodable-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("g", "g", "j", "j", "j", "z", "z", "}")
        await golden_screen(f"errors-times-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("z", "{")
        screen_of(live).apply_filter("class:job -class:Invoice")
        await golden_screen(f"errors-filtered-{size[0]}x{size[1]}", live.pilot)
        screen_of(live).apply_filter("nobody")
        await golden_screen(f"errors-no-match-{size[0]}x{size[1]}", live.pilot)
        screen_of(live).apply_filter("")
        clock.now += 250
        answer(live, gone(snapshot()))
        await live.sees("connection refused")
        await golden_screen(f"errors-offline-{size[0]}x{size[1]}", live.pilot)


async def test_in_ascii(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await fill_shop(raw)
    async with errors_app(redis_url, ascii=True) as (live, _):
        await settled(live)
        assert live.text.isascii()
        await golden_screen("errors-ascii-120x40", live.pilot)


@BOTH
async def test_no_errors(redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen) -> None:
    async with errors_app(redis_url, size=size, retries=0, dead=0) as (live, _):
        await settled(live)
        await live.sees("No errors on prod.")
        await golden_screen(f"errors-empty-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_question_before_much_is_read_and_its_answers(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen, monkeypatch: Any
) -> None:
    monkeypatch.setattr(errors_reader, "UNASKED", 1000)
    monkeypatch.setattr(errors_reader, "FIRST", 700)
    await raw.zadd("retry", {failed(number): NOW + number for number in range(1500)})
    name = f"{size[0]}x{size[1]}"
    async with errors_app(redis_url, size=size, retries=1500, dead=0) as (live, _):
        await live.sees("reading all takes about")
        server = live.server()
        assert server.trips == 0  # asking costs nothing
        await golden_screen(f"errors-question-{name}", live.pilot)
        await live.pilot.press("escape")
        screen = await settled(live)
        assert screen.board is not None
        assert (screen.board.jobs, screen.board.total, screen.board.complete) == (700, 1500, False)
        await golden_screen(f"errors-first-{name}", live.pilot)

        await live.pilot.press("ctrl+r")
        screen.refresh_now()  # as the app does, whose pollers are pretended here
        await live.sees("esc keeps what was read")
        await live.pilot.press("escape")
        assert not screen.asked
        assert screen.board.jobs == 700
        screen.refresh_now()
        await live.pilot.press("enter")
        await live.until(lambda: screen.board is not None and screen.board.complete)
        assert screen.board.jobs == 1500


async def test_a_question_is_not_answered_while_the_screen_is_frozen(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors_reader, "UNASKED", 10)
    await raw.zadd("retry", {failed(number): NOW + number for number in range(20)})
    async with errors_app(redis_url, retries=20, dead=0) as (live, _):
        await live.sees("reading all takes about")
        await live.pilot.press("Z")
        for key in ("enter", "escape"):
            await live.pilot.press(key)
            await live.sees("frozen: Z lets the screen go on")
            assert screen_of(live).asked
        assert live.server().trips == 0
        await live.pilot.press("Z", "enter")
        await live.sees("1 error in 20 jobs")


async def test_what_is_left_of_queues_is_said(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(n, queue=f"q{n:02}"): NOW + 600 + n for n in range(30)})
    async with errors_app(redis_url, size=(400, 40), retries=30, dead=0) as (live, _):
        await settled(live)
        await live.sees("and others 10")


async def test_a_user_who_may_not(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await raw.acl_setuser("viewer", enabled=True, nopass=True, keys=["queue:*"], categories=["+@read", "+@connection"])
    url = redis_url.replace("unix://", "unix://viewer:x@")
    async with errors_app(url) as (live, _):
        await live.sees("Errors can't be read")
        await golden_screen("errors-forbidden-120x40", live.pilot)


async def test_one_set_that_cannot_be_read(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen
) -> None:
    await fill_shop(raw)
    await raw.delete("dead")
    await raw.set("dead", "text")
    async with errors_app(redis_url) as (live, _):
        await settled(live)
        assert "dead can't be read" in live.body
        assert "6 errors in 924 jobs" in live.body
        await golden_screen("errors-denied-120x40", live.pilot)


# Reading


async def test_a_full_read_shows_progress_and_can_be_stopped(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: Any
) -> None:
    monkeypatch.setattr(errors_reader, "LOADING_SECONDS", 0.001)
    monkeypatch.setattr(errors_reader, "TELL_SECONDS", 0.0)
    for start in range(0, 15_000, 5000):
        await raw.zadd("retry", {failed(number): NOW + number for number in range(start, start + 5000)})
    async with errors_app(redis_url, retries=15_000, dead=0) as (live, _):
        await live.sees("ctrl+x stops")
        await live.until(lambda: screen_of(live).board is not None)
        await live.pilot.press("ctrl+x")
        await live.sees("stopped:")
        board = screen_of(live).board
        assert board is not None
        assert 0 < board.jobs < 15_000
        assert not board.complete
        await live.pilot.press("j")
        assert "reads again" in live.body


async def test_leaving_stops_reading_and_coming_back_starts_nothing_anew(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await raw.zadd("retry", {failed(number): NOW + number for number in range(3000)})
    async with live_app(redis_url, view="errors") as live:
        await live.sees("all read")
        trips = live.server().trips
        await live.pilot.press("g", "r")
        await live.until(lambda: not isinstance(live.app.screen, ErrorsScreen))
        await live.pilot.press("g", "e")
        await live.until(lambda: isinstance(live.app.screen, ErrorsScreen))
        await live.sees("1 error in 3,000 jobs")
        assert live.server().trips - trips <= 4  # polls and a page of retries


async def test_a_poll_brings_what_is_new_in_two_trips(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(number): NOW + 600 + number for number in range(500)})
    async with errors_app(redis_url, retries=500, dead=0) as (live, clock):
        screen = await settled(live)
        server = live.server()
        trips = server.trips
        clock.now += 5
        answer(live, snapshot(500, 0, clock.now))
        await live.until(lambda: screen.board is not None and screen.board.as_of == clock.now)
        assert server.trips - trips == 1

        await raw.zadd("retry", {failed(9000, error_class="New", failed_at=clock.now): clock.now + 20})
        clock.now += 5
        answer(live, snapshot(501, 0, clock.now))
        await live.sees("2 errors in 501 jobs")
        assert server.trips - trips == 3
        clock.now += 1
        answer(live, snapshot(501, 0, clock.now))  # so soon nothing is read
        await live.until(lambda: live.state.snapshots["prod"].taken_at == clock.now)
        await live.pilot.pause()
        assert not screen._busy
        assert server.trips - trips == 3


async def test_time_alone_and_a_frozen_screen_read_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(1): NOW + 600})
    async with errors_app(redis_url, retries=1, dead=0) as (live, clock):
        screen = await settled(live)
        trips = live.server().trips
        clock.now += 500
        screen.tick(clock.now)
        await live.sees("8m20s ago")
        await live.pilot.press("Z")
        screen.refresh_now()
        answer(live, snapshot(1, 0, clock.now))
        await live.pilot.pause()
        assert live.server().trips == trips


async def test_a_frozen_screen_reads_nothing_even_when_it_is_new(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(1): NOW + 600})
    async with framed_app(redis_url, snapshot(1, 0), view="dashboard") as live:
        await live.until(lambda: live.screen.is_front)
        await live.pilot.press("Z", "g", "e")
        await live.sees("the screen is frozen")
        trips = live.server().trips
        await live.pilot.pause()
        assert not screen_of(live)._busy
        assert live.server().trips == trips
        await live.pilot.press("Z")
        await live.sees("1 error in 1 job")


async def test_the_cursor_stays_on_its_group(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(n, error_class="A"): NOW + 600 + n for n in range(5)})
    await raw.zadd("retry", {failed(n, error_class="B"): NOW + 900 + n for n in range(3)})
    async with errors_app(redis_url, retries=8, dead=0) as (live, clock):
        screen = await settled(live)
        await live.pilot.press("j")
        assert screen.selected is not None
        assert screen.selected.cause.error_class == "B"
        await raw.zadd("retry", {failed(n, error_class="B"): NOW + 900 + n for n in range(3, 20)})
        clock.now += 5
        answer(live, snapshot(25, 0, clock.now))
        await live.sees("in 25 jobs")
        assert (screen.selected.cause.error_class, screen.table.cursor) == ("B", 0)


async def test_a_server_that_goes_away_keeps_what_was_read(redis_url: str, embedded: StartRedis) -> None:
    server = embedded("short")
    client = redis.asyncio.Redis(unix_socket_path=str(server.socket))
    await client.zadd("retry", {failed(1): NOW + 600})
    await client.aclose()
    async with errors_app(server.url, retries=1, dead=0) as (live, clock):
        screen = await settled(live)
        server.stop()
        clock.now += 5
        answer(live, snapshot(1, 0, clock.now))
        await live.until(lambda: screen._error is not None)
        assert "1 error in 1 job" in live.body
        answer(live, gone(snapshot(1, 0)))
        await live.sees("as of 5s ago")


# Keys


async def test_enter_lists_the_jobs_of_the_group(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill_shop(raw)
    async with errors_app(redis_url) as (live, _):
        await settled(live)
        await live.pilot.press("j", "j", "j", "enter")
        await live.until(lambda: isinstance(live.app.screen, FoundScreen))
        await live.sees("41 found")
        assert "CSV::MalformedCSVError" in live.body
        row = live.table.current
        assert isinstance(row, JobRecord)
        assert row.error_class == "CSV::MalformedCSVError"
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, ErrorsScreen))


async def test_the_undecodable_are_listed_too(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill_shop(raw)
    async with errors_app(redis_url) as (live, _):
        await settled(live)
        await live.pilot.press("G", "enter")
        await live.sees("2 found")
        assert CONTROL_PATTERN.search(live.text) is None


async def test_orders_and_a_typed_filter(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill_shop(raw)
    async with errors_app(redis_url) as (live, _):
        screen = await settled(live)
        await live.pilot.press("O", "g", "g")
        assert screen.selected is not None
        assert screen.selected.count == 2
        await live.pilot.press("o", "g", "g")
        assert screen.selected is not None
        assert screen.selected.cause.klass == "Accounts::ReminderMailer"
        await live.pilot.press("slash", *"class:Sync")
        await live.sees("1 match")  # while typing
        await live.pilot.press("escape")
        await live.sees("9 errors in 973 jobs")
        await live.pilot.press("slash", *"jid:a", "enter")
        await live.sees("no such field")
        assert screen.filter_text == ""
        await live.pilot.press("slash", *"error:timeout", "enter")
        await live.sees("3 match")
        assert screen.filter_text == "error:timeout"
        await live.pilot.press("escape")
        assert screen.filter_text == ""


async def test_copying_the_newest_job(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {failed(1): NOW + 600, failed(2, failed_at=NOW - 5): NOW + 500})
    async with errors_app(redis_url, retries=2, dead=0) as (live, _):
        await settled(live)
        await live.pilot.press("y")
        await live.sees("JID 00000000…")
        await live.pilot.press("Y")
        await live.sees("JSON of 00000000…")
        await raw.delete("retry")
        await live.pilot.press("y")
        await live.sees("have left both sets")


async def test_hostile_payloads(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {payload: NOW + n for n, payload in enumerate(HOSTILE_PAYLOADS)})
    await raw.zadd("dead", {payload: NOW - n for n, payload in enumerate(HOSTILE_PAYLOADS)})
    count = len(set(HOSTILE_PAYLOADS))
    async with errors_app(redis_url, retries=count, dead=count) as (live, _):
        screen = await settled(live)
        assert screen.board is not None
        assert screen.board.jobs == 2 * count
        for _ in range(screen.table.rows_needed):
            assert CONTROL_PATTERN.search(live.text) is None
            await live.pilot.press("j")


async def test_another_server_has_other_errors(redis_url: str, raw: redis.asyncio.Redis, embedded: StartRedis) -> None:
    await raw.zadd("retry", {failed(1): NOW + 600})
    async with live_app(redis_url, embedded("other").url, view="errors") as live:
        await live.sees("1 error in 1 job")
        await live.pilot.press("2")
        await live.sees("No errors on server-2.")
        await live.pilot.press("1")
        await live.sees("1 error in 1 job")


def test_what_is_asked_for_is_what_the_contract_says() -> None:
    assert error_book.UNASKED == 20_000


async def test_a_group_that_is_dead_is_neither_killed_nor_given_another_time(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await raw.zadd("dead", {failed(number): NOW - 60 for number in range(3)})
    async with live_app(redis_url, view="errors", label=None) as live:
        await live.sees("D delete 3")
        footer = live.text.splitlines()[-1]
        assert "kill" not in footer
        assert "reschedule" not in footer
        await live.pilot.press("K")
        await live.sees("they are dead")
        await raw.zadd("retry", {failed(3): NOW})
        await live.polled()
        await live.sees("K kill 1")
