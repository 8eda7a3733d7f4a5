"""Two servers compared, and what changed, over real servers."""

from __future__ import annotations

import pytest
import redis
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers import compare as facts
from sidekiq_tui.servers.timeline import Timeline
from sidekiq_tui.servers.timeline_events import Event, Kind
from tests.support.across import across_app
from tests.support.fleet import process
from tests.support.fleets import client
from tests.support.job_lists import NOW, job
from tests.support.live import Live
from tests.tui.conftest import GoldenScreen

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])


@pytest.fixture
async def two(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """prod and staging, alike but for a queue, its backlog, a pause, versions and an error."""
    with client(many_databases, 0) as first:
        first.flushall()
    for database in range(2):
        raw = redis.asyncio.Redis(unix_socket_path=str(many_databases.socket), db=database)
        version = "8.1.7" if database else "7.3.10"
        await process(raw, "app-1", 10 + database, version=version)
        await raw.sadd("queues", "default", *(["exports"] if database else []))
        await raw.lpush("queue:default", *[job(number) for number in range(5 if database else 400)])
        if database:
            await raw.sadd("paused", "default")
            await raw.zadd(
                "retry", {job(n, error_class="Net::ReadTimeout", error_message="slow"): NOW for n in range(40)}
            )
        await raw.aclose()
    return many_databases


@SIZES
async def test_only_what_differs_is_shown(
    two: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "NOISE_BYTES", 1 << 40)  # what Redis itself uses is not the test's doing
    async with across_app(two, view="servers", size=size) as live:
        await live.pilot.press(":", *"compare prod stag", "enter")
        await live.sees("differ")
        assert "exports" in live.body
        assert "ReadTimeout" in live.body
        assert "8.1.7" in live.body
        await golden_screen(f"compare-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("s")
        await live.sees("Compare staging and prod")
        await live.pilot.press(">")
        await live.sees("Compare staging and dev")


async def test_a_narrow_title_loses_whole_parts(two: EmbeddedRedis) -> None:
    with client(two, 0) as prod:
        for number in range(1000):
            prod.sadd("queues", f"more-{number}")
            prod.lpush(f"queue:more-{number}", job(number))
    async with across_app(two, view="servers", size=(60, 24)) as live:
        await live.pilot.press(":", *"compare prod stag", "enter")
        await live.sees("differ")
        await live.pilot.press("G")
        await live.pilot.pause()
        title = next(line for line in live.text.splitlines() if "Compare prod" in line)
        assert title.split()[5] == "differ", title
        assert " of " not in title
        assert title.rstrip().endswith("ago")


async def test_a_server_that_is_away_leaves_nothing_to_compare(two: EmbeddedRedis) -> None:
    async with across_app(two, view="servers", away=True) as live:
        await live.pilot.press(":", *"compare prod mail", "enter")
        await live.sees("mail does not answer")
        await live.pilot.press(":", *"compare prod prod", "enter")
        await live.sees("prod is the same as itself")
        await live.pilot.press("escape", "2", ":", *"compare dev", "enter")
        await live.sees("Compare staging and dev")


def _told(live: Live) -> None:
    """What a session would have seen."""
    live.state.timeline = Timeline()  # one that no poll tells of more
    ago: list[tuple[str, Kind, tuple[str, ...], float]] = [
        ("prod", "deploy", ("abc123",), 4000.0),
        ("prod", "started", ("app-1:10", "app-2:11"), 3950.0),
        ("staging", "paused", ("default",), 2000.0),
        ("prod", "lost", ("app-2:11",), 600.0),
        ("dev", "queues new", ("exports",), 30.0),
    ]
    for name in ("prod", "staging", "dev"):
        live.state.timeline.add_operations(
            Event(NOW - age, server, kind, names, len(names), after=names[0] if kind == "deploy" else "", id=f"{age}")
            for server, kind, names, age in ago
            if server == name
        )


@SIZES
async def test_what_changed_stands_under_the_line_of_latency(
    two: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with across_app(two, view="servers", size=size) as live:
        await live.pilot.press("g", "t")
        await live.sees("What changed")
        _told(live)
        live.screen.redraw()
        await live.sees("What changed 5")
        await live.pilot.press("j")
        await golden_screen(f"changes-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("1")
        await live.sees("What changed 3")
        assert "staging" not in live.body
        await live.pilot.press("0", "/", *"paused", "enter")
        await live.sees("What changed 1")
        await live.pilot.press("enter")
        await live.sees("Queues")
        assert live.state.scope == "staging"
