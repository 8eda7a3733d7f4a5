"""Queues of all servers: a row for each, or one for those of one name, over real servers."""

from __future__ import annotations

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.job_on import server_of
from sidekiq_tui.tui.screens.job import JobScreen
from sidekiq_tui.tui.screens.merged_queue import MergedQueueScreen
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from sidekiq_tui.tui.screens.queues_across import QueuesOfScopeScreen
from tests.support.across import SERVERS, across_app
from tests.support.fleets import client
from tests.support.job_lists import NOW, job, listed, ready, shown
from tests.support.live import Live
from tests.tui.conftest import GoldenScreen

SIZES = [(120, 40), (80, 24)]
JOBS = 30


@pytest.fixture
def queues(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """`default` on all, filled in turns: the newest lies on dev; `mailers` on staging alone, paused on no server."""
    with client(many_databases, 0) as first:
        first.flushall()
    for database in range(3):
        with client(many_databases, database) as raw:
            raw.sadd("queues", "default")
            for number in range(database, JOBS, 3):
                raw.lpush("queue:default", job(number, enqueued_at=int((NOW - 100 + number) * 1000)))
    with client(many_databases, 1) as raw:
        raw.sadd("queues", "mailers")
        raw.sadd("paused", "default")
    return many_databases


def under_cursor(live: Live) -> str:
    assert isinstance(live.screen, QueuesOfScopeScreen)
    return live.screen.name_of(live.table.current)


@pytest.mark.parametrize("size", SIZES, ids=["120x40", "80x24"])
async def test_the_queues_of_one_name_stand_together_or_are_one_row(
    queues: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with across_app(queues, view="queues", size=size, away=True) as live:
        await live.sees("Queues 4")
        rows = [line.replace("▌", " ").split()[:2] for line in live.body.splitlines()[2:6]]
        assert rows == [[name, "default"] for name in SERVERS] + [["staging", "mailers"]]
        await live.pilot.press("j", "l")
        await live.sees("Queues 2")
        assert under_cursor(live) == "default"
        await golden_screen(f"across-queues-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("j", "h")
        await live.sees("Queues 4")
        assert under_cursor(live) == "mailers"


async def test_a_name_opens_as_one_list_in_order_of_waiting(queues: EmbeddedRedis) -> None:
    async with across_app(queues, view="queues") as live:
        await live.sees("Queues 4")
        await live.pilot.press("l", "enter")
        await live.until(lambda: isinstance(live.app.screen, MergedQueueScreen))
        await ready(live)
        await live.sees("Queues › default 30  on 3 servers")
        assert shown(live) == list(range(JOBS))[::-1]
        rows = listed(live).given()
        assert [server_of(row) for index in range(3) if (row := rows.get(index))] == ["dev", "staging", "prod"]
        await live.pilot.press("O")
        await live.until(lambda: shown(live) == list(range(JOBS)))
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.sees("server    prod")
        await live.pilot.press(">")
        await live.sees("server    staging")
        await live.pilot.press("escape", "2")
        await live.sees("default 10")
        await live.until(lambda: sorted(shown(live)) == list(range(1, JOBS, 3)))


async def test_a_filter_keeps_the_order(queues: EmbeddedRedis) -> None:
    async with across_app(queues, view="queues") as live:
        await live.sees("Queues 4")
        await live.pilot.press(":", *"queue default class:Charge", "enter")
        await live.until(lambda: isinstance(live.app.screen, MergedQueueScreen))
        await live.sees("10 match, all read")
        assert shown(live) == list(range(2, JOBS, 3))[::-1]


async def test_a_queue_of_one_server_alone_opens_there(queues: EmbeddedRedis) -> None:
    async with across_app(queues, view="queues") as live:
        await live.sees("Queues 4")
        await live.pilot.press("l", "j", "enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen))
        await live.sees("Queue mailers is empty on staging")
        await live.pilot.press("escape", ":", *"queue mailers", "enter")
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen))
        await live.sees("Queue mailers is empty on staging")


async def test_one_server_alone_has_no_names_apart(queues: EmbeddedRedis) -> None:
    async with across_app(queues, view="queues") as live:
        await live.sees("Queues 4")
        await live.pilot.press("l", "1", "l")
        await live.sees("Queues 1")
        assert "By name" not in live.body
