"""Retries, scheduled and dead of all servers as one list, over real servers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.job_on import server_of
from sidekiq_tui.tui.screens.across_set import SetScreen
from sidekiq_tui.tui.screens.job import JobScreen
from tests.support.across import SERVERS, across_app, interleaved
from tests.support.fleets import client, fill_sets
from tests.support.job_lists import listed, ready, shown
from tests.support.proxy import FaultProxy
from tests.tui.conftest import GoldenScreen


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_the_sets_of_all_servers_are_one_list_in_true_order(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    fill_sets(many_databases, "retry", interleaved(90))
    async with across_app(many_databases, size=size, away=True) as live:
        await ready(live)
        await live.until(lambda: shown(live)[:6] == [0, 1, 2, 3, 4, 5])
        rows = listed(live).given()
        assert [server_of(row) for index in range(6) if (row := rows.get(index))] == [*SERVERS, *SERVERS]
        await live.sees("without mail")
        await golden_screen(f"across-retries-{size[0]}x{size[1]}", live.pilot)


async def test_far_pages_are_read_where_they_are_and_rows_open_on_their_server(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "retry", interleaved(3000))
    async with across_app(many_databases) as live:
        await ready(live)
        await live.pilot.press("G")
        await live.until(lambda: shown(live)[-1:] == [2999])
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        screen = live.app.screen
        assert isinstance(screen, JobScreen)
        await live.sees("server    dev")
        await live.pilot.press("<")
        await live.sees("server    staging")
        assert screen.subject() is not None
        assert screen.subject().server == "staging"
        await live.sees("2,999 of 3,000")


async def test_a_filter_streams_from_all_servers_and_keeps_their_order(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "retry", interleaved(600))
    async with across_app(many_databases) as live:
        await ready(live)
        await live.pilot.press("/", *"class:Charge", "enter")
        await live.sees("200 match, all read")
        assert shown(live)[:4] == [2, 5, 8, 11]
        await live.pilot.press("escape", "/", *"server:staging", "enter")
        await live.sees("200 match, all read")
        assert shown(live)[:3] == [1, 4, 7]


async def test_marks_of_several_servers_are_not_taken_and_of_one_go_there(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "retry", interleaved(9))
    async with across_app(many_databases) as live:
        await ready(live)
        await live.pilot.press("space", "space", "m")
        await live.sees("these are on 2 servers (prod, staging): one at a time")
        await live.pilot.press("escape", "g", "g", "space", "j", "j", "space", "D")
        await live.sees("Delete 2 jobs")
        assert "prod" in live.text
        await live.pilot.press(*"prod", "enter")
        await live.sees("deleted 2")
    left = []
    for database in range(3):
        with client(many_databases, database) as one:
            left.append(one.zcard("retry"))
    assert left == [1, 3, 3]


async def test_the_cursor_and_marks_stay_with_a_job_among_the_same_bytes_on_other_servers(
    many_databases: EmbeddedRedis,
) -> None:
    same = next(iter(interleaved(1)[0].items()))
    fill_sets(many_databases, "retry", [dict([same]), dict([same]), dict([same])])
    async with across_app(many_databases) as live:
        await ready(live)
        await live.until(lambda: listed(live).given().size == 3)
        await live.pilot.press("j", "space")
        marked = listed(live).marks.jobs
        assert [server_of(one) for one in marked] == ["prod"]
        assert len(marked) == 1
        with client(many_databases, 0) as one:
            one.zrem("retry", same[0])
        await live.pilot.press("ctrl+r")
        await live.until(lambda: listed(live).given().size == 2)
        assert not listed(live).marks


async def test_a_group_is_all_there_is_until_it_is_left(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "dead", interleaved(9))
    async with across_app(many_databases, view="dead") as live:
        await live.sees("Dead 9")
        assert shown(live) == [8, 7, 6, 5, 4, 3, 2, 1, 0]
        await live.pilot.press(":", *"group sh", "enter")
        await live.sees("Dead 6  on group shop")
        assert shown(live) == [7, 6, 4, 3, 1, 0]
        await live.pilot.press("g", "v")
        await live.sees("group: shop")
        assert "dev" not in live.body
        await live.pilot.press(":", *"group", "enter")
        await live.sees("Servers 3")
        assert "dev" in live.body


async def test_a_slow_server_joins_the_list_and_stays_in_it(many_databases: EmbeddedRedis, tmp_path: Path) -> None:
    fill_sets(many_databases, "retry", interleaved(900))
    async with (
        FaultProxy(many_databases.socket, tmp_path) as proxy,
        across_app(many_databases, view="queues", sockets={"dev": proxy.socket}, clock=time.time) as live,
    ):
        proxy.delay = 2.0
        await live.pilot.press("g", "r")
        await ready(live)
        assert listed(live).given().size == 600
        await live.sees("without dev  no answer within 1.")
        assert shown(live)[:4] == [0, 1, 3, 4]
        await live.until(lambda: listed(live).given().size == 900, 2000)
        assert shown(live)[:4] == [0, 1, 2, 3]
        screen = listed(live)
        assert isinstance(screen, SetScreen)
        read_at: set[float | None] = set()
        sizes: set[int] = set()
        missing: set[str] = set()

        def read_again() -> bool:
            read_at.add(screen._read_at)
            sizes.add(screen.given().size)
            missing.update(screen.merged.missing)
            return len(read_at) > 3

        await live.until(read_again, 3000)
        assert (sizes, missing) == ({900}, set())
        await live.pilot.press("G")
        await live.until(lambda: shown(live)[-1:] == [898])
        await live.sees("without dev  its part follows in 2.")
        assert screen.given().size == 900
        await live.until(lambda: shown(live)[-3:] == [896, 897, 898], 1000)
        assert "without dev" not in live.text
