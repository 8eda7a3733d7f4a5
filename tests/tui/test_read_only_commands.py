"""Commands that change something, typed after `:` on a server that may only be looked at."""

from __future__ import annotations

from typing import Any

import pytest
import redis.asyncio

from tests.support.job_lists import ready
from tests.support.live import live_app
from tests.tui.test_changes import fill

REFUSED = (
    *("retry", "retry-anew", "enqueue", "delete", "kill", "reschedule +2h", "edit", "move low", "front", "copy low"),
    *("new", "import jobs.ndjson", "clear", "undo"),
)


@pytest.mark.parametrize("how", ["profile", "option"])
async def test_nothing_is_asked_and_nothing_is_done(redis_url: str, raw: redis.asyncio.Redis, how: str) -> None:
    before = await fill(raw, 2)
    option: dict[str, Any] = {"access": "read-only"} if how == "profile" else {"read_only": True}
    said = "prod is read-only here" if how == "profile" else "sqtui runs with --read-only"
    async with live_app(redis_url, view="retries", **option) as live:
        await ready(live)
        for command in REFUSED:
            await live.pilot.press(":", *command, "enter")
            await live.until(lambda: said in live.text or len(live.app.screen_stack) > 1)
            assert len(live.app.screen_stack) == 1, f"{command} opened something"
            await live.pilot.press("escape", ":", "escape")
            await live.until(lambda: said not in live.text)
        assert live.state.operations is None or live.state.operations.runs == ()
    assert await raw.zrange("retry", 0, -1) == before
    assert await raw.keys("sqtui:*") == []
