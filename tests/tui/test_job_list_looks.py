"""How lists of jobs look in every state, on the sizes that are promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
import redis.asyncio

from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.modals.buckets import BucketsModal
from sidekiq_tui.tui.modals.columns import ColumnChooser
from sidekiq_tui.tui.screens import jobs as jobs_screen
from sidekiq_tui.tui.screens.job_list import JobListScreen
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from tests.support import jobs
from tests.support.framed import answer, framed_app, gone
from tests.support.live import Live
from tests.support.proxy import FaultProxy
from tests.support.tui import NOW, make_overview, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

SIZES = [(120, 40), (80, 24)]
BOTH = pytest.mark.parametrize("size", SIZES, ids=["120x40", "80x24"])
ERRORS = (
    ("Payments::GatewayTimeout", "504 from acquirer after 30s"),
    ("Net::ReadTimeout", "Net::ReadTimeout with #<TCPSocket:(closed)>"),
    ("Errno::ETIMEDOUT", "Operation timed out"),
)
KINDS = (
    ("Invoice::ChargeJob", "critical", [42, {"currency": "EUR"}]),
    ("Invoice::SendJob", "default", ["INV-1009", True]),
    ("Notifications::Customers::WeeklyReminderMailer", "mailers", ["deliver_now", 8812]),
    ("Übersetzung::PřekladJob", "übersetzung", ["日本語のテキスト", "e\u0301te\u0301", "שלום"]),
)


def snapshot(taken: float = NOW - 1, **changes: Any) -> Any:
    """A server that has been polled."""
    queues = (make_queue("critical", 3, 42.0), make_queue("mailers", 9, 20_000.0))
    overview = make_overview(*queues, retries=61, scheduled=61, dead=61)
    return make_snapshot("prod", label="production", overview=overview, taken_at=taken, **changes)


def failed(number: int) -> bytes:
    """A job that failed, of the kind that its number says."""
    klass, queue, args = KINDS[number % 4]
    error, message = ERRORS[number % 3]
    return jobs.payload(
        **{"class": klass},
        queue=queue,
        args=args,
        jid=f"{number:024x}",
        created_at=jobs.at(40_000 + number * 100),
        failed_at=jobs.at(30_000 + number),
        retried_at=jobs.at(300 + number * 7),
        retry_count=(number * 5) % 25,
        error_class=error,
        error_message=message,
        tags=["eu", "vip"] if number % 2 else [],
    )


async def fill(raw: redis.asyncio.Redis) -> None:
    """Sixty jobs in each set and a queue, and one that cannot be decoded."""
    steps = [-30, 12, 48, 125, 320, 900, 4000, 20_000, 90_000, 300_000]
    times = {failed(number): steps[number % 10] + number * 11 for number in range(60)}
    garbage = {b"\x80\x04\x95 not a job": 200}
    for name, direction in (("retry", 1), ("schedule", 1), ("dead", -1)):
        await raw.zadd(name, {raw_job: NOW + direction * max(at, 5) for raw_job, at in (times | garbage).items()})
    await raw.sadd("queues", "critical")
    await raw.lpush("queue:critical", *[failed(number) for number in range(0, 60, 4)])


async def ready(live: Live) -> None:
    """Waits for rows."""
    await live.until(lambda: isinstance(live.app.screen, JobListScreen) and live.table.current is not None)
    await live.pilot.pause()


async def press(live: Live, *keys: str) -> None:
    """Types, and waits until it is drawn."""
    await live.pilot.press(*keys)
    await live.pilot.pause()


def name(state: str, size: tuple[int, int]) -> str:
    """What the recorded screen is called."""
    return f"jobs-{state}-{size[0]}x{size[1]}"


@BOTH
@pytest.mark.parametrize("view", ["retries", "scheduled", "dead"])
async def test_the_sets(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], view: str, golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view=view, size=size) as live:
        await ready(live)
        await press(live, "j", "j")
        await golden_screen(name(view, size), live.pilot)


@BOTH
async def test_marked_and_sorted(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="retries", size=size) as live:
        await ready(live)
        await press(live, "j", "space", "j", "space")
        await golden_screen(name("marked", size), live.pilot)
        await press(live, "A")
        await golden_screen(name("whole", size), live.pilot)
        await press(live, "escape", "O")
        await live.sees("latest first")
        await ready(live)
        await golden_screen(name("reversed", size), live.pilot)
        await press(live, "space", "o", "o", "home")
        await ready(live)
        await golden_screen(name("sorted", size), live.pilot)


@BOTH
async def test_filtered(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="dead", size=size) as live:
        await ready(live)
        await press(live, "/", *"error:Timeout")
        await live.sees("loaded")
        await golden_screen(name("typing", size), live.pilot)
        await press(live, "enter")
        await live.until(lambda: cast(Any, live.screen).found.complete)
        await live.pilot.pause()
        await golden_screen(name("filtered", size), live.pilot)
        await press(live, "/", *"Nobody", "enter")
        await live.sees("Nothing matches")
        await golden_screen(name("no-match", size), live.pilot)


@BOTH
async def test_the_price_of_a_filter(
    redis_url: str,
    raw: redis.asyncio.Redis,
    size: tuple[int, int],
    golden_screen: GoldenScreen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await fill(raw)
    monkeypatch.setattr(jobs_screen, "DEAR_ENTRIES", 50)
    async with framed_app(redis_url, snapshot(), view="dead", size=size) as live:
        await ready(live)
        await press(live, "/", *"Timeout", "enter")
        await live.sees("entries: reading all takes about")
        await golden_screen(name("price", size), live.pilot)


@BOTH
async def test_columns_and_times(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="scheduled", size=size) as live:
        await ready(live)
        await press(live, "z", "z", "k", ",")
        await live.until(lambda: isinstance(live.app.screen, ColumnChooser))
        await press(live, *"jjjj", "space", "j", "space")
        await golden_screen(name("columns", size), live.pilot)
        await press(live, "enter")
        await ready(live)
        await golden_screen(name("columns-chosen", size), live.pilot)
        await press(live, "b")
        await live.until(lambda: isinstance(live.app.screen, BucketsModal))
        await live.pilot.pause()
        await golden_screen(name("bucketed", size), live.pilot)


@BOTH
async def test_empty_forbidden_and_offline(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with framed_app(redis_url, snapshot(), view="dead", size=size) as live:
        await live.sees("No dead jobs on prod.")
        await golden_screen(name("empty", size), live.pilot)
    await fill(raw)
    rules = "on nopass ~* +@read +@connection -@dangerous +info -zrange -zrevrange -zrangebyscore"
    await cast("Any", raw.execute_command)("ACL", "SETUSER", "ro", *rules.split())
    async with framed_app(redis_url.replace("unix://", "unix://ro@"), snapshot(), view="dead", size=size) as live:
        await live.sees("Dead can't be read")
        await press(live, "k")
        await golden_screen(name("forbidden", size), live.pilot)
    async with framed_app(redis_url, snapshot(), view="dead", size=size) as live:
        await ready(live)
        await press(live, "space")
        answer(live, gone(snapshot(NOW - 252)))
        await live.sees("as of")
        await live.sees("try 9")
        await golden_screen(name("offline", size), live.pilot)


@BOTH
async def test_loading(
    redis_url: str,
    raw: redis.asyncio.Redis,
    size: tuple[int, int],
    golden_screen: GoldenScreen,
    tmp_path: Any,
    redis_server: Any,
) -> None:
    await fill(raw)
    await raw.zadd("dead", {failed(number): NOW - number for number in range(100, 500)})
    async with (
        FaultProxy(redis_server.socket, tmp_path) as proxy,
        framed_app(proxy.url, snapshot(), view="dead", size=size) as live,
    ):
        await ready(live)
        proxy.delay = 3.0
        await press(live, "G")
        await live.sees("reading ")
        await golden_screen(name("loading", size), live.pilot)
        proxy.delay = 0.0


@BOTH
async def test_a_queue(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="queues", size=size) as live:
        await live.until(lambda: live.table.current is not None)
        await press(live, "enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and live.table.current is not None)
        await press(live, "j")
        await golden_screen(name("queue", size), live.pilot)


async def test_the_smallest_terminal_and_ascii(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="retries", size=(60, 20)) as live:
        await ready(live)
        await press(live, "space", "space")
        await golden_screen("jobs-marked-60x20", live.pilot)
    async with framed_app(redis_url, snapshot(), view="retries", ascii=True) as live:
        await ready(live)
        await press(live, "space", "o")
        await golden_screen("jobs-ascii-120x40", live.pilot)
        await press(live, "b")
        await live.until(lambda: isinstance(live.app.screen, BucketsModal))
        assert all(ord(char) < 128 for line in live.text.splitlines() if "|" in line for char in line.split("|")[1])


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=["120x40", "80x24", "60x20"])
async def test_every_row_is_as_wide_as_its_columns(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int]
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="retries", size=size) as live:
        await ready(live)
        for _ in range(4):
            strips = [live.table.render_line(y) for y in range(live.table.size.height)]
            assert {strip.cell_length for strip in strips} == {size[0]}
            assert all(cell_width(strip.text) == size[0] for strip in strips)
            await press(live, "]")


async def test_a_server_that_comes_back_gives_its_keys_back(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="dead") as live:
        await ready(live)
        answer(live, gone(snapshot(NOW - 252)))
        await live.sees("as of")
        await press(live, "O")
        await live.sees("prod does not answer")
        answer(live, replace(snapshot(), taken_at=NOW + 1))
        await live.until(lambda: "as of" not in live.text)
