"""Search of all servers at once, over real servers."""

from __future__ import annotations

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.job_on import server_of
from sidekiq_tui.tui.screens.job import JobScreen
from tests.support.across import across_app, interleaved
from tests.support.fleets import client, fill_sets
from tests.support.job_lists import job, listed
from tests.tui.conftest import GoldenScreen


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_one_search_goes_through_all_servers(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    fill_sets(many_databases, "dead", interleaved(30))
    async with across_app(many_databases, view="search", size=size, away=True) as live:
        await live.sees("jobs on 4 servers")
        await live.pilot.press("/", *"class:Charge,Billing", "enter")
        await live.sees("20 found")
        await live.until(lambda: not listed(live).scanning)  # type: ignore[attr-defined]
        rows = listed(live).given()
        found = [server_of(row) for index in range(20) if (row := rows.get(index)) is not None]
        assert sorted(found, key=str) == ["dev"] * 10 + ["staging"] * 10
        assert "without mail" in live.body
        await live.pilot.press("O")  # whose answer came first is not the screen's doing
        await live.pilot.press("o")
        await live.until(lambda: "server↑" in live.body)
        await live.pilot.press("g", "g")
        await live.until(lambda: "stopped" not in live.body and live.table.cursor == 0)
        await golden_screen(f"across-search-{size[0]}x{size[1]}", live.pilot)


async def test_a_job_is_found_by_its_jid_wherever_it_is(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "dead", interleaved(30))
    with client(many_databases, 1) as raw:
        raw.sadd("queues", "mailers")
        raw.lpush("queue:mailers", job(4711, queue="mailers"))
    async with across_app(many_databases, view="dashboard", scope="prod") as live:
        await live.pilot.press(":", *f"job {4711:024x}", "enter")
        await live.sees("in queue mailers on staging")
        assert live.state.scope is None
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.sees("server    staging")


async def test_servers_that_a_filter_leaves_out_are_not_asked(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "dead", interleaved(30))
    async with across_app(many_databases, view="search") as live:
        await live.sees("jobs on 3 servers")
        await live.pilot.press("/", *"server:nowhere Charge", "enter")
        await live.sees("leaves out 3 servers")
        await live.pilot.press("/", *["backspace"] * 30, *"server:dev Charge", "enter")
        await live.sees("10 found, all 10 read")
        await live.pilot.press("1")
        await live.sees("was looked for on 3 servers")
