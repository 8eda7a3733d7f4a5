"""`:job JID`: found on any server, followed as it moves, over real servers."""

from __future__ import annotations

import itertools
import json

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.screens import job_past
from sidekiq_tui.tui.screens.job import JobScreen
from sidekiq_tui.tui.screens.job_trail import JobTrailScreen
from tests.support.across import across_app, interleaved, ticking
from tests.support.fleet import process
from tests.support.fleets import client, fill_sets
from tests.support.job_lists import NOW, job
from tests.support.live import Live
from tests.tui.conftest import GoldenScreen

JID = f"{4711:024x}"
COMMAND = (":", *f"job {JID}", "enter")


@pytest.fixture
async def retried(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """It waits for a retry on staging, among others everywhere; a process is there to run it."""
    fill_sets(many_databases, "retry", interleaved(90))
    with client(many_databases, 1) as raw:
        raw.zadd("retry", {failing(): NOW + 60})
    other = redis.asyncio.Redis(unix_socket_path=str(many_databases.socket), db=1)
    await process(other, "app-1", 5916)
    await other.aclose()
    return many_databases


def failing(**fields: object) -> bytes:
    stamps = {"failed_at": int((NOW - 900) * 1000), "retried_at": int((NOW - 30) * 1000)}
    return job(4711, error_class="KeyError", error_message="no key", **stamps, **fields)


def trail(live: Live) -> JobTrailScreen:
    assert isinstance(live.app.screen, JobTrailScreen)
    return live.app.screen


async def look_again(live: Live) -> None:
    """A poll of its server later."""
    await live.polled("staging")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_where_it_is_and_what_is_known_of_its_past(
    retried: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_past, "_ROUND", frozenset({"deploy"}))  # when this Redis began is the clock's, not ours
    async with across_app(retried, view="dashboard", scope="prod", size=size, away=True) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.until(lambda: "following" in live.body)
        await golden_screen(f"job-trail-{size[0]}x{size[1]}", live.pilot)


async def test_it_is_followed_through_queue_and_work_to_its_end(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", scope="prod", clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.until(lambda: "following" in live.body)
        with client(retried, 1) as raw:
            raw.zrem("retry", failing())
            raw.sadd("queues", "default")
            raw.lpush("queue:default", failing(enqueued_at=int(NOW * 1000)))
        await look_again(live)
        await live.sees("moved from retry to default")
        assert "in queue default on staging" in live.body
        with client(retried, 1) as raw:
            entry = raw.rpop("queue:default")
            assert isinstance(entry, bytes)
            said = {"queue": "default", "payload": entry.decode(), "run_at": int(NOW)}
            raw.hset("app-1:5916:aa:work", "3wm", json.dumps(said))
        await look_again(live)
        await live.sees("running on app-1:5916:aa on staging")
        with client(retried, 1) as raw:
            raw.delete("app-1:5916:aa:work")
        await look_again(live)
        await live.sees("gone from app-1:5916:aa: done or deleted")
        assert "it was running on app-1:5916:aa on staging" in live.body
        seen = [row.cell[0].text for row in trail(live)._past() if row.source == "seen"]
        assert seen == [
            "gone from app-1:5916:aa: done or deleted",
            "running on app-1:5916:aa",
            "moved from retry to default",
        ]


async def test_it_is_followed_to_another_server(retried: EmbeddedRedis) -> None:
    """The same bytes are seen at once, wherever a short look reaches; others by the search that follows."""
    async with across_app(retried, view="dashboard", clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.until(lambda: "following" in live.body)
        with client(retried, 1) as raw:
            raw.zrem("retry", failing())
        with client(retried, 0) as raw:
            raw.zadd("dead", {failing(): NOW})
        await look_again(live)
        await live.sees("moved from retry on staging to dead on prod")
        assert "in the dead set on prod" in live.body
        assert "also" not in live.body
        with client(retried, 0) as raw:
            raw.zrem("dead", failing())
            raw.zadd("schedule", {failing(): NOW + 60})
        await live.polled("prod")
        await live.sees("moved from dead to schedule")
        with client(retried, 0) as raw:
            raw.delete("schedule")
        for _ in range(2):
            await live.polled("prod")
            await live.until(lambda: not trail(live)._looking)
        await live.sees("gone  it was scheduled on prod")
        with client(retried, 2) as raw:  # it was on neither for a while
            raw.lpush("queue:other", failing(queue="other"), *(job(number, queue="other") for number in range(60)))
            raw.sadd("queues", "other")
        await live.polled("prod")
        await live.sees("moved from schedule on prod to other on dev")
        await live.sees("in queue other on dev")
        seen = [(row.server, row.cell[0].text) for row in trail(live)._past() if row.source == "seen"]
        assert [server for server, _ in seen] == ["dev", "prod", "prod", "prod"]


async def test_what_is_gone_is_looked_for_elsewhere_a_few_times_only(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", poll_interval=3600, clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.until(lambda: "following" in live.body and not trail(live)._looking)
        with client(retried, 1) as raw:
            raw.zrem("retry", failing())
        prod = live.server("prod")
        trips = [prod.trips]
        for _ in range(6):
            await look_again(live)
            await live.until(lambda: not trail(live)._looking and not trail(live)._searching)
            trips.append(prod.trips)
        costs = [after - before for before, after in itertools.pairwise(trips)]
        assert costs[:2] == [2, 2]
        assert costs[2] > 2
        assert costs[3:] == [0, 0, 0]
        await live.sees("gone  it was in retries on staging")


async def test_enter_opens_it_as_it_is_now_and_esc_comes_back(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", scope="prod", clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.sees("server    staging")
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, JobTrailScreen))
        await live.sees("in retries on staging")


async def test_an_operation_of_ours_is_told_by_the_audit(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", scope="prod", clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.pilot.press("D")
        await live.sees("y/n")
        await live.pilot.press("y")
        await live.sees("gone from retry")
        await live.until(lambda: any(row.source == "audit" for row in trail(live)._past()))
        assert "anna" in live.body


async def test_a_poll_costs_one_trip_more_and_a_hidden_trail_nothing(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", scope="prod", poll_interval=3600, clock=ticking()) as live:
        await live.pilot.press(*COMMAND)
        await live.sees("in retries on staging")
        await live.until(lambda: "following" in live.body)
        await live.until(lambda: not trail(live)._looking)
        servers = {name: live.server(name) for name in ("prod", "staging", "dev")}
        before = {name: one.trips for name, one in servers.items()}
        for _ in range(3):
            await look_again(live)
            await live.until(lambda: not trail(live)._looking)
        assert {name: one.trips - before[name] for name, one in servers.items()} == {"prod": 0, "staging": 6, "dev": 0}
        await live.pilot.press("g", "v")
        await live.sees("as configured")
        before = {name: one.trips for name, one in servers.items()}
        await look_again(live)
        assert servers["staging"].trips - before["staging"] == 1


async def test_a_job_that_is_nowhere_is_told_with_who_was_not_asked(retried: EmbeddedRedis) -> None:
    async with across_app(retried, view="dashboard", away=True) as live:
        await live.pilot.press(":", *"job 00000000ffff00000000ffff", "enter")
        await live.sees("It is nowhere")
        assert "mail: " in live.body
        footer = live.text.splitlines()[-1]
        assert "esc back" in footer
        assert "enter open" not in footer
