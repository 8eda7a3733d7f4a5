"""Questions and forms about job data that tries to break out: nothing crashes, no control byte of it is shown."""

from __future__ import annotations

import pytest
import redis.asyncio
from textual.screen import ModalScreen
from textual.widgets import Input

from sidekiq_tui.tui.operating import is_planning
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS
from tests.support.job_lists import NOW, listed, ready
from tests.support.live import Live, live_app

EVERY = dict.fromkeys(one for one in HOSTILE_PAYLOADS if one)
SOME = (b"\x1b]52;c;aGFja2Vk\x07 not json", *tuple(EVERY)[::29])


async def asked(live: Live) -> None:
    """Waits for a dialog, or until there will be none: what is shown is harmless."""
    front = live.app.top_view
    assert front is not None
    await live.until(lambda: live.app.screen is not front or not is_planning(front))
    assert not CONTROL_PATTERN.search(live.text), repr(CONTROL_PATTERN.search(live.text))


async def back(live: Live) -> None:
    """Closes the dialog, if there is one."""
    if isinstance(live.app.screen, ModalScreen):
        await live.pilot.press("escape")
        await live.until(lambda: not isinstance(live.app.screen, ModalScreen))


@pytest.mark.parametrize("payload", SOME, ids=[str(index) for index in range(len(SOME))])
async def test_a_hostile_job_is_asked_about_and_left_as_it_is(
    redis_url: str, raw: redis.asyncio.Redis, payload: bytes
) -> None:
    await raw.zadd("retry", {payload: NOW + 10})
    async with live_app(redis_url, view="retries", clock=lambda: NOW, label=None) as live:
        await ready(live)
        await live.until(lambda: listed(live).table.current is not None)
        for key in ("D", "K", "R", "t", "M", "C", "n"):
            await live.pilot.press(key)
            await asked(live)
            await back(live)
        await live.pilot.press("e")
        await asked(live)
        await live.pilot.press("enter")  # nothing was edited
        await live.pilot.pause()
        assert not CONTROL_PATTERN.search(live.text)
        await back(live)
    assert await raw.zrange("retry", 0, -1) == [payload]


async def test_many_hostile_jobs_are_asked_about(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", dict.fromkeys(EVERY, NOW + 10))
    async with live_app(redis_url, view="retries", clock=lambda: NOW, label=None) as live:
        await ready(live)
        await live.pilot.press("A")
        for key in ("D", "K", "t", "M"):
            await live.pilot.press(key)
            await asked(live)
            await back(live)
    assert await raw.zcard("retry") == len(EVERY)


@pytest.mark.parametrize("key", ["n", "e", "t", "/"])
async def test_hostile_text_that_is_pasted_into_a_field_does_not_reach_the_terminal(
    redis_url: str, raw: redis.asyncio.Redis, key: str
) -> None:
    await raw.zadd("retry", {b'{"class":"A","args":[]}': NOW + 10})
    async with live_app(redis_url, view="retries", clock=lambda: NOW, label=None) as live:
        await ready(live)
        await live.pilot.press(key)
        await live.until(lambda: isinstance(live.app.focused, Input))
        field = live.app.focused
        assert isinstance(field, Input)
        for text in HOSTILE_TEXTS:
            field.value = text
            await live.pilot.pause()
            found = CONTROL_PATTERN.search(live.text)
            assert found is None, (text, found)
