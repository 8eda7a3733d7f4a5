"""Changing a server from the screens: keys, the question, what happens in Redis, what is said, and undo."""

from __future__ import annotations

import json
import time

import redis.asyncio

from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.row_question import RowQuestion
from tests.support.job_lists import ready
from tests.support.live import Live, live_app


def job(number: int, **fields: object) -> bytes:
    """A job that failed a while ago."""
    now = int(time.time() * 1000)
    payload = {"class": "BillingJob", "args": [number], "jid": f"{number:024x}", "queue": "default", "retry": 25}
    return json.dumps(payload | {"created_at": now - 9000, "retry_count": 2} | fields).encode()


async def fill(raw: redis.asyncio.Redis, count: int, key: str = "retry") -> list[bytes]:
    """Jobs a minute apart, the first in an hour."""
    jobs = [job(number) for number in range(count)]
    await raw.zadd(key, {one: time.time() + 3600 + 60 * number for number, one in enumerate(jobs)})
    return jobs


async def asked(live: Live, kind: type[object]) -> None:
    """Waits for a question."""
    await live.until(lambda: isinstance(live.app.screen, kind))


async def test_one_row_is_asked_for_in_the_message_line_and_u_takes_it_back(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    jobs = await fill(raw, 3)
    score = await raw.zscore("retry", jobs[0])
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("D")
        await asked(live, RowQuestion)
        assert "delete BillingJob" in live.text
        await live.pilot.press("y")
        await live.sees("deleted 1")
        assert await raw.zscore("retry", jobs[0]) is None
        assert "u undoes" in live.text
        await live.pilot.press("u")
        await asked(live, RowQuestion)
        await live.pilot.press("y")
        await live.until(lambda: "put back" in live.text.splitlines()[-2])
        assert await raw.zscore("retry", jobs[0]) == score


async def test_no_is_no(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 3)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        for key in ("n", "escape"):
            await live.pilot.press("K")
            await asked(live, RowQuestion)
            await live.pilot.press("D", "enter", "space", key)
            await live.sees("nothing was changed")
        assert await raw.zcard("retry") == 3
        assert await raw.zcard("dead") == 0


async def test_production_asks_for_its_name_and_takes_no_other_answer(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 5)
    async with live_app(redis_url, view="retries") as live:
        await ready(live)
        await live.pilot.press("space", "space", "R")
        await asked(live, ConfirmModal)
        assert "Retry 2 jobs" in live.text
        assert "Type the server's name to go on: prod" in live.text
        await live.pilot.press(*"pro", "enter", "y", "enter", "backspace")
        assert isinstance(live.app.screen, ConfirmModal)
        assert await raw.zcard("retry") == 5
        await live.pilot.press("d", "enter")
        await live.sees("retried 2")
        assert await raw.zcard("retry") == 3
        assert await raw.llen("queue:default") == 2
        assert "2 marked" not in live.text, "marks have done their part"


async def test_all_that_a_filter_matches_also_what_was_never_read(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 300)
    await raw.zadd("retry", {job(1000 + number, **{"class": "ChargeJob"}): time.time() + 9e4 for number in range(150)})
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("/", *"class:Charge", "enter")
        await live.sees("150 match, all read")
        late = job(5000, **{"class": "ChargeJob"})
        await raw.zadd("retry", {late: time.time() + 99999})
        await live.pilot.press("A", "D")
        await asked(live, ConfirmModal)
        assert "Delete 151 jobs" in live.text
        assert "class:Charge" in live.text
        assert "151 of 451, all read" in live.text
        await live.pilot.press(*"151", "enter")
        await live.sees("deleted 151")
        assert await raw.zcard("retry") == 300
        await live.sees("Nothing matches")


async def test_the_whole_set_by_a_rule(redis_url: str, raw: redis.asyncio.Redis) -> None:
    jobs = await fill(raw, 250)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("A", "K")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("killed 250")
        assert await raw.zcard("dead") == 250
        members = await raw.zrange("dead", 0, -1)
        assert sorted(members) == sorted(jobs)


async def test_read_only_says_so_and_touches_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2)
    async with live_app(redis_url, view="retries", access="read-only") as live:
        await ready(live)
        assert "D delete" not in live.text
        await live.pilot.press("D")
        await live.sees("⊘ prod is read-only here: access in its profile")
        await live.pilot.press("?")
        await live.sees("read-only here")
    async with live_app(redis_url, view="retries", read_only=True) as live:
        await ready(live)
        await live.pilot.press("u")
        await live.sees("sqtui runs with --read-only")
    assert await raw.zcard("retry") == 2
