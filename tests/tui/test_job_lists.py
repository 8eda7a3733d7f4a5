"""Columns, orders, ranges and times of lists of jobs, over a real server."""

from __future__ import annotations

import redis.asyncio

from sidekiq_tui.tui.modals.buckets import BucketsModal
from sidekiq_tui.tui.modals.columns import ColumnChooser
from sidekiq_tui.tui.screens import job_scan, jobs
from sidekiq_tui.tui.screens.jobs import JobsScreen
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from tests.support.job_lists import NOW, job, listed, marked, number, ready, retries, shown
from tests.support.live import live_app

# Columns


async def test_columns_are_chosen_and_kept_for_the_kind_of_list(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 5)
    await retries(raw, 5, "dead")
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press(",")
        await live.until(lambda: isinstance(live.app.screen, ColumnChooser))
        await live.pilot.press("j", "space", "G", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobsScreen))
        await live.until(lambda: " tries " not in live.body)
        await live.pilot.press(",")
        for _ in range(20):
            await live.pilot.press("j")
        await live.pilot.press("space", "enter")
        await live.until(lambda: "bytes" in live.body)
        assert live.state.columns == {"retry": ["time", "queue", "class", "args", "error", "size"]}
        await live.pilot.press("g", "x")
        await live.sees("Dead 5")
        assert "bytes" not in live.body
        await live.pilot.press("g", "r", ",", "r", "enter")
        await live.until(lambda: " tries " in live.body)
        assert live.state.columns == {}


async def test_one_column_always_stays(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 5)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press(",", *["space"] * 6, "k", "k", "space", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobsScreen))
        assert live.state.columns["retry"]
        assert live.table.current is not None


async def test_times_of_every_column_and_of_the_note_follow_the_mode(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {job(1, failed_at=int(NOW * 1000), retried_at=int(NOW * 1000)): NOW + 10})
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        live.state.columns["retry"] = ["time", "class", "created", "failed", "retried"]
        await ready(live)
        await live.pilot.press("z", "z", "k")
        await live.until(lambda: live.text.count("02:21:39Z") == 2 and live.text.count("02:21:40Z") == 4)
        assert "next at" in live.body
        assert " ago" not in live.text


# Orders


async def test_a_long_list_is_sorted_page_by_page_and_says_so(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 350)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("o", "o", "o", "home")
        await live.sees("Retries 350  this page by class")
        assert "class↑" in live.body
        assert shown(live) == list(range(0, 97, 3))
        await live.pilot.press("O")
        await live.sees("this page by class falling")
        await live.pilot.press("home")
        assert shown(live) == list(range(2, 99, 3))
        await live.pilot.press("G")
        await ready(live)
        assert {number // 100 for number in shown(live)} == {3}
        await live.pilot.press("o", "o", "o")
        await live.until(lambda: "this page" not in live.body)
        await live.pilot.press("home")
        await ready(live)
        assert shown(live) == list(range(33))


async def test_a_list_that_is_all_here_is_sorted_as_a_whole(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 40)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("o", "home")
        await live.sees("Retries 40  by tries falling")
        assert shown(live)[:4] == [19, 39, 18, 38]
        live.screen.refresh_now()
        await live.pilot.pause()
        assert shown(live)[:4] == [19, 39, 18, 38]


async def test_the_cursor_stays_on_its_job_in_another_order(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 90)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("j", "j", "o")
        assert number(live.table.current) == 2
        await raw.zrem("retry", job(50))
        live.screen.refresh_now()
        await live.sees("Retries 89")
        assert number(live.table.current) == 2


async def test_the_lists_own_order_turns_round_exactly_through_redis(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 5000)
    await retries(raw, 500, "dead")
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("O")
        await live.until(lambda: live.table.current is not None and number(live.table.current) == 4999)
        await live.sees("Retries 5,000  latest first")
        assert "next in↓" in live.body
        assert shown(live) == list(range(4999, 4966, -1))
        await live.pilot.press("G")
        await live.until(lambda: live.table.current is not None and number(live.table.current) == 0)
        await live.pilot.press("O")
        await live.until(lambda: live.table.current is not None and number(live.table.current) == 0)
        assert "first" not in live.body.splitlines()[0]
        await live.pilot.press("g", "x")
        await live.sees("Dead 500")
        await ready(live)
        assert number(live.table.current) == 499
        await live.pilot.press("O")
        await live.sees("oldest first")
        await live.until(lambda: live.table.current is not None and number(live.table.current) == 0)


async def test_a_queue_turns_round_too(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "default")
    await raw.lpush("queue:default", *(job(number) for number in range(250)))
    async with live_app(redis_url, view="queues", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and live.table.current is not None)
        await live.pilot.press("O")
        await live.sees("oldest first")
        await ready(live)
        assert shown(live) == list(range(33))


async def test_what_was_found_is_sorted_as_a_whole(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 600)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("/", *"class:Bill", "enter")
        await live.sees("200 match, all read")
        await live.pilot.press("o", "home")
        await live.sees("200 match, all read  by tries falling")
        assert [number % 20 for number in shown(live)[:11]] == [19] * 10 + [18]


async def test_nothing_is_turned_round_while_frozen(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 50)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("Z", "O")
        await live.sees("frozen: Z lets the screen go on")
        assert shown(live) == list(range(33))


# Pages


async def test_who_walks_on_finds_the_next_page_read_and_the_one_before_too(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 500)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        rows = listed(live).given()
        await live.pilot.press("]", "]")
        await live.until(lambda: rows.get(150) is not None)
        assert rows.get(210) is None  # no further than one screen
        trips = live.server().trips
        await live.pilot.press("]")
        await live.until(lambda: 100 in shown(live))
        assert live.server().trips == trips
        await live.pilot.press("G")
        await live.until(lambda: 499 in shown(live))
        await live.until(lambda: rows.get(499 - 2 * len(shown(live)) + 1) is not None)


# The filter


async def test_typing_filters_what_is_loaded_and_reads_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 350)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        trips = live.server().trips
        await live.pilot.press("/", *"class:Bill")
        await live.sees("Retries 350  33 of 100 loaded")
        assert shown(live)[:3] == [1, 4, 7]
        assert live.server().trips == trips
        await live.pilot.press("escape")
        await live.until(lambda: shown(live)[:3] == [0, 1, 2])
        await live.pilot.press("/", *"class:Bill", "enter")
        await live.sees("117 match, all read")


async def test_a_filter_comes_from_outside_too(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 30)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        live.screen.apply_filter("class:Charge  age>1h")
        await live.until(lambda: "all read" in live.body)
        assert live.screen.filter_text == "class:Charge  age>1h"
        live.screen.apply_filter("")
        await live.until(lambda: "filter" not in live.body)
        assert live.screen.filter_text == ""


async def test_reading_a_large_list_says_its_price_first(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: object
) -> None:
    await retries(raw, 600)
    before = jobs.DEAR_ENTRIES
    jobs.DEAR_ENTRIES = 500  # type: ignore[misc]
    try:
        async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
            await ready(live)
            trips = live.server().trips
            await live.pilot.press("/", *"class:Bill", "enter")
            await live.sees("600 entries: reading all takes about 12ms")
            assert live.server().trips == trips
            await live.pilot.press("escape")
            await live.until(lambda: "entries: reading" not in live.text)
            assert shown(live)[:3] == [0, 1, 2]
            await live.pilot.press("/", "enter", "enter")
            await live.sees("200 match, all read")
    finally:
        jobs.DEAR_ENTRIES = before  # type: ignore[misc]


async def test_no_more_is_kept_than_memory_allows_and_the_title_says_so(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 1600)
    before = job_scan.BYTES_MATCHED
    job_scan.BYTES_MATCHED = 20_000  # type: ignore[misc]
    try:
        async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
            await ready(live)
            await live.pilot.press("/", *"Job", "enter")
            await live.sees("stopped: more are not kept")
            assert sum(len(found.raw) for found in listed(live).marks.jobs) == 0
            assert 0 < len(listed(live).given().get(0).raw) * listed(live).given().size <= 21_000  # type: ignore[union-attr]
    finally:
        job_scan.BYTES_MATCHED = before  # type: ignore[misc]


# Times


async def test_upcoming_jobs_are_counted_by_time_in_one_trip_and_enter_goes_there(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    times = [NOW - 5] * 3 + [NOW + 100 + at for at in range(200)] + [NOW + 3000 + at for at in range(40)]
    times += [NOW + 40 * 86400 + at for at in range(7)]
    await raw.zadd("schedule", {job(number): at for number, at in enumerate(times)})
    async with live_app(redis_url, view="scheduled", clock=lambda: NOW) as live:
        await ready(live)
        trips = live.server().trips
        await live.pilot.press("b")
        await live.until(lambda: isinstance(live.app.screen, BucketsModal))
        await live.sees("Scheduled 250 by time")
        assert live.server().trips == trips + 1
        counts = [line.split("│")[1].split() for line in live.text.splitlines() if "%" in line and "│" in line]
        assert [line[-3] for line in counts] == ["3", "200", "40", "0", "0", "0", "7"]
        await live.pilot.press("j", "j", "enter")
        await live.until(lambda: live.table.current is not None and live.table.cursor == 203)
        assert number(live.table.current) == 203
        assert live.table.window[0] == 203

        await live.pilot.press("O")
        await live.sees("latest first")
        await live.pilot.press("b", "j", "j", "enter")
        await live.until(lambda: live.table.current is not None and live.table.cursor == 7)
        assert number(live.table.current) == 242


# Opening


async def test_the_next_job_walks_the_list_over_its_pages(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 250)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        screen = listed(live)
        walk = screen.neighbours
        first = live.table.current
        assert first is not None
        assert walk.title == "Retries"
        assert walk.place_of(first) == (0, 250)
        assert await walk.step(first, -1) is None
        live.table.place(99)
        job_99 = live.table.current
        assert job_99 is not None
        await live.pilot.press("enter")
        await live.until(lambda: not screen.is_front)
        job_100 = await walk.step(job_99, 1)
        assert job_100 is not None
        assert number(job_100) == 100
        assert walk.place_of(job_100) == (100, 250)
        assert live.app.screen_stack[-2] is screen
        await live.pilot.press("escape")
        await live.until(lambda: screen.is_front)
        assert number(screen.table.current) == 100
        last = None
        for _ in range(150):
            step = await walk.step(job_100, 1)
            if step is None:
                break
            job_100 = last = step
        assert number(last) == 249


async def test_a_queue_has_its_facts_beside_its_jobs(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "default")
    await raw.lpush("queue:default", *(job(number) for number in range(60)))
    async with live_app(redis_url, view="queues", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and live.table.current is not None)
        await live.pilot.press("space", "l")
        await live.sees("ChargeJob")
        await live.sees("In it 3 classes")
        await live.pilot.press("space", "A")
        assert marked(live) == [59]
        await live.pilot.press("enter")
        await live.sees("20 match, all read")
        await live.pilot.press("h", "escape", "escape")
        await live.until(lambda: "match" not in live.body)
