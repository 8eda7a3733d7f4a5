"""What failed, and what a server that went back in time forgot, as the terminal offers it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import redis.asyncio

from sidekiq_tui.paths import state_folder
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from tests.support.job_lists import ready
from tests.support.live import live_app
from tests.tui.test_changes import asked, fill


async def test_what_a_server_forgot_is_told_and_done_again(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 20)
    before: Any = await raw.zrange("retry", 0, -1, withscores=True)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("A", "D")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("deleted 20")
    # As a replica that had nothing of it, and took over.
    await raw.delete(*await raw.keys("sqtui:*"))
    await raw.zadd("retry", dict(before))
    with closing(sqlite3.connect(state_folder() / "journal.db")) as journal:
        journal.execute("UPDATE op SET mark='another'")
        journal.commit()
    async with live_app(redis_url, view="retries", label=None) as live:
        await live.sees("deleting 20 jobs forgotten by the server: 20")
        await live.pilot.press("U")
        await live.sees("server forgot 20")
        await live.pilot.press("E")
        await asked(live, ConfirmModal)
        assert "prod went back in time and has forgotten 20" in " ".join(live.text.split())
        await live.pilot.press("y") if "y delete" in live.text else await live.pilot.press(*"prod", "enter")
        await live.sees("deleted 20")
        assert await raw.zcard("retry") == 0
        await live.until(lambda: "forgotten by the server" not in live.text)


async def test_what_failed_lies_in_the_trash_and_goes_on(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 5)
    await raw.set("queue:default", "not a list")
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("A", "R")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("holds something else than Sidekiq's data")
        await raw.delete("queue:default")
        await live.pilot.press("U")
        await live.sees("failed at 0 of 5")
        assert "W finishes" not in live.text
        await live.pilot.press("E")
        await asked(live, ConfirmModal)
        await live.pilot.press("y") if "y retry" in live.text else await live.pilot.press(*"prod", "enter")
        await live.sees("retried 5")
        assert await raw.llen("queue:default") == 5
        assert not any(isinstance(one, ChoiceModal) for one in live.app.screen_stack)
