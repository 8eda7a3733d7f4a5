"""Metrics: classes, run times, charts, and what stands there when there is nothing to show.

What the screens read comes from a real Redis with what Sidekiq wrote; the frame around them is a pretended poll, so
that recorded screens are the same on every machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, cast

import pytest
import redis.asyncio

from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.screens.metrics import MetricsScreen
from sidekiq_tui.tui.screens.metrics_class import MetricsClassScreen
from tests.conftest import LoadDump
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.live import Live
from tests.support.tui import Clock, FakeRegistry, make_overview, make_process, make_snapshot, make_state, offline
from tests.tui.conftest import GoldenScreen

Expected = Callable[[str], dict[str, Any]]

NOW: Final = 1_795_313_190.0
BOTH: Final = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
EVERY: Final = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])


@asynccontextmanager
async def metrics_app(
    url: str,
    now: float = NOW,
    *,
    size: tuple[int, int] = (120, 40),
    versions: tuple[str, ...] = ("8.1.7",),
    ascii: bool = False,
    away: bool = False,
) -> AsyncIterator[Live]:
    """The Metrics view over a server that was polled a second ago."""
    clock = Clock(now)
    process = make_process(version=versions[0] if versions else None)
    overview = make_overview(processes=(process,), sidekiq_versions=versions)
    snapshot = replace(make_snapshot("prod", label="production", overview=overview), taken_at=now - 1)
    if away:
        snapshot = gone(now)
    registry = FakeRegistry(snapshot)
    server = Server(Profile.from_url(url, "prod"), clock=clock)
    registry.reads["prod"] = cast(Any, server)
    state = make_state(registry, clock, scope="prod", ascii=ascii)
    app = SqtuiApp(state, start_view="metrics")
    async with app.run_test(size=size) as pilot:
        yield Live(app, pilot, state)
    await server.close()


def gone(now: float) -> Any:
    """The same server, which does not answer any more."""
    error = ServerUnreachable("connection refused by 10.0.0.7:6379")
    snapshot = offline("prod", error)
    profile = replace(snapshot.profile, label="production")
    return replace(snapshot, profile=profile, taken_at=now - 252, next_try_at=now + 8)


def answer(live: Live, snapshot: Any) -> None:
    """The next poll says this."""
    cast(FakeRegistry, live.state.registry).answer(snapshot)


async def settled(live: Live) -> None:
    """Counts and the run times of the visible rows are there."""
    screen = live.screen
    if isinstance(screen, MetricsScreen):
        await live.until(lambda: screen.metrics is not None and not screen._timing and not _untimed(screen))
    else:
        assert isinstance(screen, MetricsClassScreen)
        await live.until(lambda: screen.metrics is not None)
    await live.pilot.pause()


def _untimed(screen: MetricsScreen) -> set[str]:
    """The visible classes whose run times are not read yet."""
    first, last = screen.table.window
    return {row.class_name for row in screen._rows[first : last + 1]} - screen._timed


def recorded_now(expected: Expected, version: str) -> float:
    return float(expected(version)["metrics"]["top_jobs_60m"]["ends_at"])


async def write(raw: redis.asyncio.Redis, name: str | bytes, runs: int, *, at: float = NOW - 60) -> None:
    """Runs of 25 ms of a class in a minute, as Sidekiq 8 counts them."""
    when, key = datetime.fromtimestamp(at, UTC), Keys()
    name = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    for rollup in (key.metrics_minute(when), key.metrics_ten_minutes(when)):
        await raw.hincrby(rollup, cast(str, name + b"|p"), runs)
        await raw.hincrby(rollup, cast(str, name + b"|ms"), runs * 25)
    histogram = key.histogram(name.decode("utf-8", "surrogateescape"), when)
    await raw.execute_command("BITFIELD", histogram, "INCRBY", "u16", "#1", runs)  # type: ignore[no-untyped-call]


# What it looks like


@EVERY
async def test_the_list(
    redis_url: str, load_dump: LoadDump, expected: Expected, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    load_dump("8.1.7")
    async with metrics_app(redis_url, recorded_now(expected, "8.1.7"), size=size) as live:
        await settled(live)
        await golden_screen(f"metrics-{size[0]}x{size[1]}", live.pilot)


@EVERY
async def test_a_class(
    redis_url: str, load_dump: LoadDump, expected: Expected, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    load_dump("8.1.7")
    async with metrics_app(redis_url, recorded_now(expected, "8.1.7"), size=size) as live:
        await settled(live)
        await live.pilot.press("j", "j", "j", "enter")
        await settled(live)
        await golden_screen(f"metrics-class-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_hours(
    redis_url: str, load_dump: LoadDump, expected: Expected, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    load_dump("8.1.7")
    async with metrics_app(redis_url, recorded_now(expected, "8.1.7"), size=size) as live:
        await settled(live)
        await live.pilot.press(*"}}}}}}")
        screen = live.screen
        assert isinstance(screen, MetricsScreen)
        await live.until(lambda: screen.metrics is not None and len(screen.metrics.buckets) == 72 * 6)
        await settled(live)
        await golden_screen(f"metrics-72h-{size[0]}x{size[1]}", live.pilot)


async def test_ascii(redis_url: str, load_dump: LoadDump, expected: Expected, golden_screen: GoldenScreen) -> None:
    load_dump("8.1.7")
    async with metrics_app(redis_url, recorded_now(expected, "8.1.7"), ascii=True) as live:
        await settled(live)
        await golden_screen("metrics-ascii-120x40", live.pilot)
        await live.pilot.press("j", "enter")
        await settled(live)
        await golden_screen("metrics-class-ascii-120x40", live.pilot)
        live.text.encode("ascii", "backslashreplace")
        assert not set("│─━·…▌▲●") & set(live.text)


@BOTH
async def test_nothing_ran(redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen) -> None:
    async with metrics_app(redis_url, size=size) as live:
        await live.sees("No job ran on prod in the last 1h.")
        await golden_screen(f"metrics-empty-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_sidekiq_6_keeps_none(redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen) -> None:
    async with metrics_app(redis_url, size=size, versions=("6.5.12",)) as live:
        await live.sees("Sidekiq 6.5.12 keeps no metrics.")
        await golden_screen(f"metrics-6-{size[0]}x{size[1]}", live.pilot)
        assert live.server().trips == 0
        await live.pilot.press("}")
        await live.pilot.pause()
        assert live.server().trips == 0


async def test_processes_without_a_version_may_be_too_old(redis_url: str, load_dump: LoadDump) -> None:
    load_dump("6.4.1")
    async with metrics_app(redis_url, versions=()) as live:
        await live.sees("No job ran on prod in the last 1h.")
        assert "older than Sidekiq 7.0.2" in live.body


@BOTH
async def test_forbidden(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~queue:*", "+@all")  # type: ignore[no-untyped-call]
    async with metrics_app(redis_url.replace("unix://", "unix://narrow:x@"), size=size) as live:
        await live.sees("Metrics can't be read")
        await golden_screen(f"metrics-forbidden-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_server_that_went_away(
    redis_url: str, load_dump: LoadDump, expected: Expected, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    load_dump("8.1.7")
    now = recorded_now(expected, "8.1.7")
    async with metrics_app(redis_url, now, size=size) as live:
        await settled(live)
        answer(live, gone(now + 252))
        await live.sees("prod is offline")  # else it is read once more, as is due by then
        cast(Clock, live.state.clock).now += 252
        await live.sees("as of 4m12s ago")
        await live.sees("STALE 4m12s")
        await golden_screen(f"metrics-offline-{size[0]}x{size[1]}", live.pilot)
        before = live.server().trips
        await live.pilot.press("ctrl+r")
        await live.pilot.pause()
        assert live.server().trips == before


async def test_a_server_that_was_never_there(redis_url: str) -> None:
    async with metrics_app(redis_url, away=True) as live:
        await live.sees("Not read yet: prod does not answer.")
        assert live.server().trips == 0


@BOTH
async def test_filtered_to_nothing(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await write(raw, "Invoice::ChargeJob", 5)
    async with metrics_app(redis_url, size=size) as live:
        await settled(live)
        live.screen.apply_filter("Invoce")
        await live.sees("Nothing matches")
        await golden_screen(f"metrics-no-match-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("escape")
        await live.sees("Invoice::ChargeJob")


# What it costs


async def test_two_trips_for_the_counts_and_one_for_run_times(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for number in range(100):
        await write(raw, f"Job{number:03}", 1000 - number)
    async with metrics_app(redis_url) as live:
        await settled(live)
        assert live.server().trips == 3
        await live.pilot.press("G")
        await settled(live)
        assert live.server().trips == 4
        assert "Job099" in live.body
        assert "25ms" in live.body
        await live.pilot.press("g", "g")
        await settled(live)
        assert live.server().trips == 4  # what was read stays
        await live.pilot.press("enter")
        await settled(live)
        assert live.server().trips == 6


async def test_it_is_read_again_once_a_minute_and_only_in_front(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "First", 1)
    async with metrics_app(redis_url) as live:
        await settled(live)
        clock = cast(Clock, live.state.clock)
        await write(raw, "Second", 1)
        live.screen.tick(clock.now)
        clock.now += 59
        live.screen.tick(clock.now)
        await live.pilot.pause()
        assert live.server().trips == 3
        clock.now += 1
        live.screen.tick(clock.now)
        await live.sees("Second")
        await settled(live)
        assert live.server().trips == 6

        await live.pilot.press("g", "q")
        clock.now += 600
        answer(live, live.state.snapshots["prod"])
        await live.sees("Queues 1")
        assert live.server().trips == 6
        await live.pilot.press("g", "m")
        await live.until(lambda: live.server().trips > 6)


async def test_frozen_it_reads_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "First", 1)
    async with metrics_app(redis_url) as live:
        await settled(live)
        await live.pilot.press("Z", "}")
        await live.pilot.pause()
        assert live.server().trips == 3


async def test_ctrl_r_reads_at_once(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "First", 1)
    async with metrics_app(redis_url) as live:
        await settled(live)
        await write(raw, "Second", 1)
        await live.pilot.press("ctrl+r")
        await live.sees("Second")


# What keys do


async def test_periods_reach_as_far_as_the_server_keeps(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "Old", 1, at=NOW - 3 * 3600)
    async with metrics_app(redis_url) as live:
        await live.sees("No job ran on prod in the last 1h.")
        await live.pilot.press("}", "}")
        await live.sees("Old")
        await live.pilot.press("{")
        await live.sees("No job ran on prod in the last 2h.")
        await live.pilot.press(*"}}}}}}}}")
        await live.sees("Old")
        assert live.screen.query_one("#title").text.endswith("72h ")  # type: ignore[attr-defined]


async def test_sidekiq_7_keeps_eight_hours(redis_url: str, load_dump: LoadDump, expected: Expected) -> None:
    load_dump("7.3.10")
    async with metrics_app(redis_url, recorded_now(expected, "7.3.10"), versions=("7.3.10",)) as live:
        await settled(live)
        assert "24h" not in live.body
        await live.pilot.press(*"}}}}")
        await live.sees("Sidekiq 7.3.10 keeps 8h of metrics; Sidekiq 8 keeps 72h")


async def test_sorting_goes_through_the_columns(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for name, runs in (("B", 5), ("C", 9), ("A", 1)):
        await write(raw, name, runs)
    async with metrics_app(redis_url) as live:
        await settled(live)
        orders = []
        for key in ("", "o", "o", "o", "O"):
            if key:
                await live.pilot.press(key)
            await live.pilot.pause()
            rows = [line[2:3] for line in live.body.splitlines()[2:5]]
            orders.append("".join(rows))
        assert orders == ["CBA", "CBA", "CBA", "ABC", "CBA"]  # total, failed, fail%, class, class reversed


async def test_the_filter_is_a_part_of_the_name_and_filters_while_typing(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    for name in ("Billing::Invoice", "Billing::Refund", "Thumbnail"):
        await write(raw, name, 5)
    async with metrics_app(redis_url) as live:
        await settled(live)
        await live.pilot.press("slash", *"INVO")
        await live.sees("1 match")
        assert "Thumbnail" not in live.body
        await live.pilot.press("escape")
        await live.sees("Thumbnail")
        await live.pilot.press("slash", *"billing", "enter")
        await live.sees("2 match")
        assert live.screen.filter_text == "billing"
        assert live.server().trips == 3


async def test_the_chart_shows_one_number_after_the_other(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "Only", 5)
    async with metrics_app(redis_url) as live:
        await settled(live)
        titles = []
        for key in ("", "l", "l", "l", "h"):
            if key:
                await live.pilot.press(key)
            await live.pilot.pause()
            titles.append(next(line for line in live.body.splitlines() if " a minute" in line).split(" a minute")[0])
        assert [title.strip() for title in titles] == ["Run time", "Runs", "Failures", "Run time", "Failures"]


async def test_a_class_and_back_and_its_jobs(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, 'Odd"Name\\', 5)
    async with metrics_app(redis_url) as live:
        await settled(live)
        await live.pilot.press("enter")
        await settled(live)
        assert 'Metrics › Odd"Name\\' in live.body
        assert "runs 5" in live.body
        await live.pilot.press("}")
        await live.sees("2h ago")
        await live.pilot.press("enter")
        await live.until(lambda: type(live.app.screen).__name__ == "FoundScreen")
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, MetricsClassScreen))
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, MetricsScreen))
        assert "Odd" in live.body


# What enemies write


async def test_names_from_an_enemy(redis_url: str, raw: redis.asyncio.Redis) -> None:
    names = [payload[:60].replace(b"|", b"") for payload in HOSTILE_PAYLOADS]
    names += [b"\x1b[31mred", b"wide\xe6\xbc\xa2\xe5\xad\x97" * 20, b"\xff\xfe", b"", b"[bold]x[/bold]"]
    for name in names:
        await write(raw, name, 3)
    await raw.hset("20261122-marks", "2026-11-22T02:00:00Z", b"\x1b]0;title\x07 deploy")
    async with metrics_app(redis_url) as live:
        await settled(live)
        for _ in range(3):
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))
            assert all(len(line) <= 120 for line in live.text.splitlines())
            await live.pilot.press("j", "enter")
            await settled(live)
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))
            await live.pilot.press("escape")
            await settled(live)


async def test_run_times_that_may_not_be_read(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "Known", 5)
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~j|*", "~*-marks", "+@all")  # type: ignore[no-untyped-call]
    async with metrics_app(redis_url.replace("unix://", "unix://narrow:x@")) as live:
        await live.sees("run times can't be read")
        assert "Known" in live.body
        await live.pilot.press("enter")
        await live.sees("Run times can't be read")
        assert "runs 5" in live.body


async def test_the_scale_is_that_of_the_first_data(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await write(raw, "Quick", 5)
    async with metrics_app(redis_url) as live:
        await settled(live)
        await live.pilot.press("enter")
        await settled(live)
        chart = live.body[live.body.index("Mean time of a run") :].splitlines()
        assert chart[1].startswith("  25ms┤")
