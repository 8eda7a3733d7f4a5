"""The dashboard of all servers: added up, and a line for each, over real servers."""

from __future__ import annotations

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.subject import Subject
from tests.support.across import across_app
from tests.support.boards import app_of, world
from tests.support.fleets import client
from tests.support.job_lists import NOW, job
from tests.support.live import Live
from tests.support.tui import screen_text, until
from tests.tui.conftest import GoldenScreen

SIZES = [(120, 40), (80, 24)]


def subject(live: Live) -> Subject:
    """What a key would act on."""
    found = live.screen.subject()
    assert found is not None
    return found


@pytest.fixture
def waiting(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """Queues, retries and dead on three servers; the last one has most of all."""
    with client(many_databases, 0) as first:
        first.flushall()
    for database in range(3):
        with client(many_databases, database) as raw:
            raw.sadd("queues", "default", "mailers")
            raw.set("stat:processed", 1000 * (database + 1))
            for number in range(10 * (database + 1)):
                raw.lpush("queue:default", job(number))
                raw.zadd("retry", {job(100 + number): NOW + number})
            raw.zadd("dead", {job(200): NOW - 5})
    return many_databases


@pytest.mark.parametrize("size", SIZES, ids=["120x40", "80x24"])
async def test_all_servers_are_added_up_over_a_line_for_each(
    size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    app = app_of(world(), "dashboard")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "3 of 4" in screen_text(app))
        await golden_screen(f"across-dashboard-{size[0]}x{size[1]}", pilot)


async def test_keys_go_to_the_servers_and_enter_to_the_one_under_the_cursor(waiting: EmbeddedRedis) -> None:
    async with across_app(waiting, view="dashboard", away=True) as live:
        await live.sees("Servers 4")
        await live.pilot.press("j", "j")
        await live.sees("▌ 3 dev")
        assert subject(live).server == "dev"
        await live.pilot.press("enter")
        await live.until(lambda: live.state.scope == "dev")
        await live.sees("Queues 2")
        assert "▌ default" in live.text
        assert "Servers 4" not in live.body
        await live.pilot.press("j", "enter")
        await live.sees("Queue mailers is empty on dev")
        await live.pilot.press("escape", "0")
        await live.sees("Servers 4")
        assert live.body.count("▌") == 1


async def test_servers_are_sorted_worst_first_and_panels_follow_in_their_place(waiting: EmbeddedRedis) -> None:
    async with across_app(waiting, view="dashboard", away=True) as live:
        await live.sees("Servers 4  as configured")
        await live.pilot.press("o")
        await live.sees("worst first")
        await live.pilot.press("g", "g")
        await live.sees("▌ 1 prod")  # jobs wait, and no process is alive
        await live.pilot.press("o", "O")
        await live.sees("by server")
        assert live.body.index("staging") < live.body.index("dev  ")
        await live.pilot.press("l")
        await live.sees("Processed per day")
        assert "Servers 4" not in live.body
        await live.pilot.press("j")
        assert subject(live).queue is not None
        await live.pilot.press("h")
        await live.sees("Servers 4")
        assert subject(live).queue is None


async def test_a_group_has_its_own_sums_and_lines(waiting: EmbeddedRedis) -> None:
    async with across_app(waiting, view="dashboard") as live:
        await live.sees("Servers 3")
        await live.sees("enqueued 60")
        await live.pilot.press(":", *"group shop", "enter")
        await live.sees("Servers 2 of group shop")
        await live.sees("enqueued 30")
        assert " dev" not in live.body
        await live.pilot.press("0")
        await live.sees("enqueued 60")
