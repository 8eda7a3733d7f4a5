"""`/` over rows that are all in memory: trash and What changed keep what has all words, in any letter case."""

from __future__ import annotations

import redis.asyncio

from sidekiq_tui.servers.timeline import Timeline
from sidekiq_tui.servers.timeline_events import Event, Kind
from sidekiq_tui.tui.modals.row_question import RowQuestion
from tests.support.job_lists import NOW, ready, retries
from tests.support.live import Live, live_app


async def answered(live: Live, key: str, outcome: str) -> None:
    """Acts on the row under the cursor, says yes, and waits for the outcome."""
    await live.pilot.press(key)
    await live.until(lambda: isinstance(live.app.screen, RowQuestion))
    await live.pilot.press("y")
    await live.sees(outcome)


def rows(live: Live) -> list[str]:
    """The visible rows of the list, without those that are empty."""
    _, *lines = [line for line in live.body.splitlines() if line.strip()][1:]
    return lines


async def test_the_trash_keeps_what_has_all_words(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await retries(raw, 3)  # ArchiveJob, BillingJob, ChargeJob
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await answered(live, "D", "deleted 1")
        await answered(live, "K", "killed 1")
        await live.pilot.press("U")
        await live.sees("Trash 2")
        await live.pilot.press("/", *"DELETE ")
        await live.sees("filter DELETE  1 match")  # while it is being typed
        (row,) = rows(live)
        assert "delete" in row
        await live.pilot.press(*"anna", "enter")  # who did it
        await live.sees("filter DELETE anna  1 match")
        await live.pilot.press("/", *"anna delete kill", "enter")
        await live.sees("Nothing matches anna delete kill")
        await live.pilot.press("escape")
        await live.until(lambda: len(rows(live)) == 2)
        await live.pilot.press("/", *"kill", "escape")
        await live.until(lambda: "filter" not in live.body and len(rows(live)) == 2)


async def test_what_changed_keeps_what_has_all_words(redis_url: str) -> None:
    seen: list[tuple[Kind, tuple[str, ...], float]] = [
        ("started", ("App-1:10",), 3950.0),
        ("paused", ("default",), 2000.0),
        ("lost", ("App-1:10",), 600.0),
        ("queues new", ("exports",), 30.0),
    ]
    async with live_app(redis_url, clock=lambda: NOW) as live:
        live.state.timeline = Timeline()  # one that no poll tells of more
        live.state.timeline.add_operations(
            Event(NOW - ago, "prod", kind, names, len(names), after="", id=f"{ago}") for kind, names, ago in seen
        )
        await live.pilot.press("g", "t")
        await live.sees("What changed 4")
        await live.pilot.press("/", *"aPP-1")
        await live.sees("What changed 2  filter aPP-1")  # while it is being typed
        await live.pilot.press(*" lost", "enter")
        await live.sees("What changed 1  filter aPP-1 lost")
        kept = live.table.current
        assert kept is not None
        assert kept.kind == "lost"
        await live.pilot.press("/", *"lost exports", "enter")
        await live.sees("Nothing matches lost exports")
        await live.pilot.press("escape")
        await live.sees("What changed 4")
        assert "filter" not in live.body
