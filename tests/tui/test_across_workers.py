"""Workers of all servers in one tree, over real servers."""

from __future__ import annotations

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.screens.job import JobScreen
from tests.support.across import across_app
from tests.support.fleet import process, working
from tests.support.fleets import client
from tests.support.job_lists import job, ready
from tests.tui.conftest import GoldenScreen


@pytest.fixture
async def busy(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """A process of the same identity on two servers, and one more; a queue that nobody serves."""
    with client(many_databases, 0) as first:
        first.flushall()
    for database in range(3):
        raw = redis.asyncio.Redis(unix_socket_path=str(many_databases.socket), db=database)
        if database < 2:
            same = await process(raw, "app-1", 5916, busy=1)
            await working(raw, same, "3wm", f"Job{database}", 20 + database, database)
        else:
            await process(raw, "lab", 7, queues={"slow": 1})
            await raw.sadd("queues", "exports")
            await raw.lpush("queue:exports", job(1))
        await raw.aclose()
    return many_databases


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_all_processes_stand_in_one_tree(
    busy: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with across_app(busy, view="workers", size=size, away=True) as live:
        await live.sees("Job1")
        assert "Job0" in live.body
        assert "without mail" in live.body
        await golden_screen(f"across-workers-{size[0]}x{size[1]}", live.pilot)


async def test_a_row_belongs_to_its_server(busy: EmbeddedRedis) -> None:
    async with across_app(busy, view="workers") as live:
        await live.sees("Job1")
        await live.pilot.press("j", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        first = live.screen.subject()
        assert first is not None
        await live.pilot.press(">")
        await live.until(lambda: live.screen.subject() != first)
        second = live.screen.subject()
        assert second is not None
        assert {first.server, second.server} == {"prod", "staging"}
        await live.pilot.press("escape", "k")
        subject = live.screen.subject()
        assert subject is not None
        assert subject.process is not None
        assert subject.process.identity == "app-1:5916:aa"
        assert [one.identity for one in subject.processes] == ["app-1:5916:aa"]


async def test_one_server_alone_is_as_it_was(busy: EmbeddedRedis) -> None:
    async with across_app(busy, view="workers", scope="dev") as live:
        await ready(live)
        await live.sees("1 process")
        assert "server" not in live.body
        await live.pilot.press("0")
        await live.sees("Job1")
        await live.pilot.press("1")
        await live.until(lambda: "Job1" not in live.body)
        assert "Job0" in live.body
