"""Marks in lists of jobs, over a real server."""

from __future__ import annotations

from typing import Any

import pytest
import redis.asyncio
from textual._compositor import ChopsUpdate

from sidekiq_tui.tui.screens import job_pages
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from tests.support.job_lists import NOW, job, listed, marked, ready, retries, shown
from tests.support.live import live_app


async def test_space_marks_and_goes_on_and_the_title_counts(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 50)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("space", "j", "space")
        assert marked(live) == [0, 2]
        await live.sees("2 marked")
        assert "D delete 2" in live.text
        lines = live.body.splitlines()
        assert [line[1] for line in lines[2:6]] == ["✓", " ", "✓", " "]
        await live.pilot.press("k", "space")
        assert marked(live) == [0]


async def test_esc_takes_marks_away_before_the_filter_and_before_leaving(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 50)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("/", *"class:Bill", "enter")
        await live.sees("17 match, all read")
        await live.pilot.press("space", "escape")
        assert marked(live) == []
        assert "17 match, all read" in live.body
        await live.pilot.press("escape")
        await live.until(lambda: "filter" not in live.body)


async def test_marks_stay_with_their_bytes_over_refresh_paging_sort_and_resize(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 500)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("j", "space", "G")
        await ready(live)
        await live.pilot.press("space")
        assert marked(live) == [1, 499]
        await raw.zadd("retry", {job(number): NOW - 5000 + number for number in range(900, 960)})
        live.screen.refresh_now()
        await live.until(lambda: "560" in live.body)
        await live.pilot.press("home")
        await ready(live)
        assert "✓" not in live.body
        await live.pilot.press("ctrl+f", "ctrl+f", "o")
        await live.pilot.resize_terminal(80, 24)
        await live.sees("2 marked")
        assert marked(live) == [1, 499]


async def test_the_mark_of_a_job_that_is_gone_goes_where_the_whole_list_is_seen(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 20)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("space", "space")
        await raw.zrem("retry", job(0))
        live.screen.refresh_now()
        await live.sees("1 marked")
        assert marked(live) == [1]


async def test_a_range_goes_from_the_last_mark_to_the_cursor(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 90)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("j", "j", "space", "j", "j", "v")
        assert marked(live) == [2, 3, 4, 5]
        await live.pilot.press("G", "v")
        assert marked(live) == list(range(2, 90))
        await live.pilot.press("escape", "v")
        await live.sees("v again marks from here to the cursor")
        await live.pilot.press("k", "k", "v")
        assert marked(live) == [87, 88, 89]


async def test_a_range_over_pages_never_seen_is_read(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 1500)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("j", "space", "G")
        await ready(live)
        trips = live.server().trips
        await live.pilot.press("v")
        await live.sees("1,499 rows marked")
        assert marked(live) == list(range(1, 1500))
        assert live.server().trips == trips + 2


async def test_a_range_that_is_too_long_says_how_else(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, job_pages.MOST_IN_RANGE + 10)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("space", "G")
        await ready(live)
        await live.pilot.press("v")
        await live.sees("10,010 rows, not all of them read: / finds them, A marks what it found")
        assert marked(live) == [0]


async def test_a_range_whose_end_has_gone_says_so(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 1500)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("space", "G")
        await ready(live)
        await raw.zrem("retry", job(0))
        await live.pilot.press("v")
        await live.sees("one end of the range is gone")
        assert marked(live) == [0]


async def test_a_page_is_what_is_visible_and_the_second_time_takes_it_back(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await retries(raw, 90)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("ctrl+f", "a")
        assert marked(live) == shown(live) == list(range(33, 66))
        await live.pilot.press("a")
        assert marked(live) == []


async def test_all_of_a_list_is_a_rule_that_reads_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 3000)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        assert "A all 3,000" in live.text
        trips = live.server().trips
        await live.pilot.press("A")
        await live.sees("all of Retries is marked: 3,000 now, as a rule; they are not read one by one")
        await live.sees("all 3,000 marked")
        assert listed(live).marks.whole
        assert live.server().trips == trips
        assert [line[1] for line in live.body.splitlines()[2:6]] == ["✓"] * 4
        await live.pilot.press("space")
        await live.sees("esc takes that back")
        await live.pilot.press("Y")
        await live.sees("copying needs rows")
        await live.pilot.press("escape")
        await live.until(lambda: "marked" not in live.body)


async def test_all_of_a_finished_filter_is_what_it_found(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 600)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("/", *"class:Bill", "enter")
        await live.sees("200 match, all read")
        assert "A all 200" in live.text
        await live.pilot.press("A")
        await live.sees("200 marked")
        assert marked(live) == list(range(1, 600, 3))
        await live.pilot.press("escape", "escape")
        await live.until(lambda: "filter" not in live.body)
        assert marked(live) == []


async def test_a_mark_belongs_to_all_identical_entries_of_a_queue(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "default")
    await raw.lpush("queue:default", job(1), job(2), job(1))
    async with live_app(redis_url, view="queues", clock=lambda: NOW) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and live.table.current is not None)
        await live.pilot.press("space")
        await live.sees("1 marked")
        assert [line[1] for line in live.body.splitlines()[2:5]] == ["✓", " ", "✓"]


async def test_all_of_a_list_that_was_not_read_has_no_number(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 50)
    async with live_app(redis_url, view="dashboard", clock=lambda: NOW) as live:
        await live.pilot.press("Z", "g", "r")
        await live.sees("Not read: the screen is frozen.")
        await live.pilot.press("A")
        await live.sees("all of Retries is marked, as a rule")
        assert "all marked" in live.body


async def test_what_a_key_does_is_painted_at_once(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await retries(raw, 50)
    async with live_app(redis_url, view="retries", clock=lambda: NOW) as live:
        await ready(live)
        compositor = live.screen._compositor
        frames: list[set[int]] = []
        render = compositor.render_update

        def noted(*arguments: Any, **more: Any) -> Any:
            update = render(*arguments, **more)
            if isinstance(update, ChopsUpdate):
                frames.append({y for y, _, _ in update.spans})
            return update

        monkeypatch.setattr(compositor, "render_update", noted)
        await live.pilot.press("space")
        title, row, footer = 3, 5, live.app.size.height - 1
        await live.until(lambda: any(row in frame for frame in frames))
        first = next(frame for frame in frames if row in frame)
        assert {title, row, row + 1, footer} <= first
