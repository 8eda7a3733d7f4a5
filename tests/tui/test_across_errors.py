"""Errors and metrics of all servers together, over real servers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq.keys import Keys
from tests.support.across import across_app
from tests.support.fleets import client
from tests.support.job_lists import NOW, job, ready
from tests.tui.conftest import GoldenScreen


@pytest.fixture
def failing(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """One cause on two servers, another on the third."""
    with client(many_databases, 0) as first:
        first.flushall()
    for database in range(3):
        error = ("Net::ReadTimeout", "slow") if database < 2 else ("KeyError", "no key")
        with client(many_databases, database) as raw:
            for number in range(0, 30 * (database + 1), 3):
                raw.zadd("retry", {job(number, error_class=error[0], error_message=error[1]): NOW + number})
    return many_databases


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_a_group_is_a_cause_on_whichever_servers(
    failing: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with across_app(failing, view="errors", size=size, away=True) as live:
        await live.sees("2 errors")
        await ready(live)
        await live.until(lambda: "2 servers" in live.body)
        await live.until(lambda: "stopped" not in live.body)
        await golden_screen(f"across-errors-{size[0]}x{size[1]}", live.pilot)


async def test_a_group_is_on_one_server_or_on_several(failing: EmbeddedRedis) -> None:
    async with across_app(failing, view="errors") as live:
        await live.sees("2 errors")
        await live.until(lambda: "2 servers" in live.body)
        rows = {row.group.cause.error_class: index for index, row in enumerate(live.screen._rows)}  # type: ignore[attr-defined]
        live.table.place(rows["Net::ReadTimeout"])
        subject = live.screen.subject()
        assert subject is not None
        assert {part.server for part in subject.parts} == {"prod", "staging"}
        live.table.place(rows["KeyError"])
        subject = live.screen.subject()
        assert subject is not None
        assert (subject.server, subject.parts, subject.count) == ("dev", (), 30)
        await live.pilot.press("enter")
        await live.sees("30 found")


async def test_metrics_are_summed(failing: EmbeddedRedis) -> None:
    for database in range(3):
        at = datetime.fromtimestamp(NOW - 60, UTC)
        rollup = Keys().metrics_minute(at)
        with client(failing, database) as raw:
            raw.hincrby(rollup, "ChargeJob|p", 10)
            raw.hincrby(rollup, "ChargeJob|ms", 250)
    async with across_app(failing, view="metrics", away=True) as live:
        await live.sees("3 of 4 servers, without mail: Metrics 1 class  30 jobs")
        await live.pilot.press("enter")
        await live.sees("runs 30")
        assert "prod" not in live.body
        await live.pilot.press("escape", "2")
        await live.sees("Metrics 1 class  10 jobs")
