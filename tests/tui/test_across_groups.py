"""A group as the scope of every screen, over real servers: its servers and no other, until it is left."""

from __future__ import annotations

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.timeline_events import Event
from tests.support.across import SERVERS, across_app
from tests.support.fleet import process, working
from tests.support.fleets import client
from tests.support.job_lists import NOW, job

GROUP = (":", *"group shop", "enter")
SCREENS = {
    "servers": ("g", "v"),
    "dashboard": ("g", "d"),
    "queues": ("g", "q"),
    "retries": ("g", "r"),
    "scheduled": ("g", "s"),
    "dead": ("g", "x"),
    "workers": ("g", "w"),
    "errors": ("g", "e"),
    "metrics": ("g", "m"),
    "search": ("g", "/"),
    "changes": ("g", "t"),
}
TOLD = {
    "servers": ("group: shop", "Servers 2"),
    "dashboard": ("Servers 2 of group shop", "Queues 2"),
    "queues": ("Queues 2",),
    "retries": ("Retries 2  on group shop",),
    "scheduled": ("Scheduled 2  on group shop",),
    "dead": ("Dead 2  on group shop",),
    "workers": ("2 processes on group shop",),
    "errors": ("2 servers: 3 errors in 4 jobs",),
    "metrics": ("20 jobs",),
    "search": ("2 servers",),
    "changes": ("on group shop",),
}
"""What only the group as the scope says; of all three servers it would say 3, or 30."""


@pytest.fixture
async def one_of_each(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """On each of three servers one of everything, named after the server."""
    with client(many_databases, 0) as first:
        first.flushall()
    minute = int(NOW // 60 - 1) * 60
    for database, name in enumerate(SERVERS):
        with client(many_databases, database) as raw:
            raw.sadd("queues", f"q-{name}")
            raw.lpush(f"queue:q-{name}", job(1, queue=f"q-{name}"))
            for key in ("retry", "schedule", "dead"):
                raw.zadd(key, {job(2, error_class=f"Err{name}", error_message="x"): NOW + 60})
            raw.zrem("dead", *raw.zrange("dead", 0, -1))
            raw.zadd("dead", {job(3): NOW - 60})
            _ran(raw, minute)
        other = redis.asyncio.Redis(unix_socket_path=str(many_databases.socket), db=database)
        await working(other, await process(other, f"host-{name}", 1, queues={f"q-{name}": 1}), "t1", "J", 5)
        await other.aclose()
    return many_databases


def _ran(raw: redis.Redis, minute: int) -> None:
    from datetime import UTC, datetime

    from sidekiq_tui.sidekiq.keys import Keys

    rollup = Keys().metrics_minute(datetime.fromtimestamp(minute, UTC))
    raw.hset(rollup, mapping={"ChargeJob|p": 10, "ChargeJob|ms": 250})


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_screen_has_the_group_and_nothing_else(one_of_each: EmbeddedRedis, screen: str) -> None:
    async with across_app(one_of_each, view="servers") as live:
        for name in SERVERS:
            live.state.timeline.servers[name].events.append(Event(NOW - 1, name, "deploy", (), after=f"rev-{name}"))
        await live.pilot.press(*GROUP, *SCREENS[screen])
        for words in TOLD[screen]:
            await live.sees(words)
        if screen == "search":
            await live.pilot.press("/", *"class:Archive,Billing,Charge", "enter")
            await live.sees("found")
            await live.until(lambda: not live.screen.scanning)  # type: ignore[attr-defined]
        await live.until(lambda: live.app.screen is live.screen)
        assert not any(word in live.body for word in (" dev ", "q-dev", "Errdev", "host-dev", "rev-dev")), live.body
        await live.pilot.press("0")
        await live.until(lambda: live.state.group == "")
        lacks = "group shop"
        await live.until(lambda: lacks not in live.body and "group: shop" not in live.body)


async def test_a_digit_goes_to_a_server_and_0_back_to_the_group(one_of_each: EmbeddedRedis) -> None:
    async with across_app(one_of_each, view="retries") as live:
        await live.pilot.press(*GROUP)
        await live.sees("Retries 2  on group shop")
        await live.pilot.press("3")
        await live.sees("Retries 1")
        await live.pilot.press("0")
        await live.sees("Retries 2  on group shop")
        await live.pilot.press("0")
        await live.sees("Retries 3  on 3 servers")


async def test_a_group_that_is_not_there_is_told(one_of_each: EmbeddedRedis) -> None:
    async with across_app(one_of_each, view="retries") as live:
        await live.pilot.press(":", *"group nowhere", "enter")
        await live.sees("there is no group nowhere")
        assert "lab" in live.text
