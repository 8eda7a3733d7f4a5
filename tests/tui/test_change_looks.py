"""How questions, forms, progress, outcomes, trash and audit look, at both sizes."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio

from sidekiq_tui.operations import operator
from tests.support.job_lists import listed, ready
from tests.support.live import Live, live_app
from tests.tui.conftest import GoldenScreen

SIZES = [(120, 40), (80, 24)]


@pytest.fixture(autouse=True)
def plain_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations are numbered instead of drawn by lot."""
    numbers = itertools.count(1)
    monkeypatch.setattr(operator, "new_id", lambda together="": f"{next(numbers):08x}{'0' * 12}")


async def shop(raw: redis.asyncio.Redis, now: float) -> None:
    """A few retries of two classes, one in a batch, one undecodable; a queue with some jobs; two more queues."""
    ms = int(now * 1000)

    def job(number: int, **fields: object) -> bytes:
        payload = {
            "class": "Invoice::ChargeJob" if number % 3 else "Invoice::SendJob",
            "args": [40 + number, {"currency": "EUR"}],
            "jid": f"e5d1f0a92b7c4410af33{number:04x}",
            "queue": "critical",
            "retry": 25,
            "retry_count": number % 5,
            "created_at": ms - 60_000 * number - 1000,
            "failed_at": ms - 30_000 * number - 500,
            "error_class": "Payments::GatewayTimeout",
            "error_message": "504 from acquirer after 30s",
        }
        return json.dumps(payload | fields).encode()

    await raw.zadd("retry", {job(number): now + 30 * (number + 1) for number in range(12)})
    await raw.zadd("retry", {job(20, bid="bX8a41c", tags=["eu", "vip"]): now + 900, b"\x80\x04\x95": now + 950})
    for name, count in (("critical", 4), ("low", 0), ("mailers", 2)):
        await raw.sadd("queues", name)
        for number in range(count):
            await raw.lpush(f"queue:{name}", job(100 + number, queue=name, enqueued_at=ms - 5000))


@asynccontextmanager
async def at_retries(
    url: str,
    raw: redis.asyncio.Redis,
    size: tuple[int, int],
    *,
    view: str = "retries",
    label: str | None = "production",
) -> AsyncIterator[Live]:
    """The shop, while its clock stands."""
    now = float(int(time.time()))
    await shop(raw, now)
    async with live_app(url, view=view, size=size, clock=lambda: now, label=label) as live:
        await ready(live)
        yield live


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_about_many(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with at_retries(redis_url, raw, size) as live:
        await live.pilot.press("/", *"class:Invoice", "enter")
        await live.until(lambda: listed(live).size_matched == 13)
        await live.pilot.press("A", "D")
        await live.sees("Type the server's name")
        await golden_screen(f"change-name-{name}", live.pilot)
        await live.pilot.press(*"prod")
        await live.sees("enter delete 13 ")
        await golden_screen(f"change-name-typed-{name}", live.pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_about_one_row_and_what_came_of_it(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with at_retries(redis_url, raw, size, label=None) as live:
        await live.pilot.press("D")
        await live.sees("y/n")
        await golden_screen(f"change-row-{name}", live.pilot)
        await live.pilot.press("n", "R")
        await live.sees("taken yet")
        await golden_screen(f"change-row-notes-{name}", live.pilot)
        await live.pilot.press("n", "D")
        await live.sees("y/n")
        await live.pilot.press("y")
        await live.sees("u undoes")
        await live.until(lambda: "Retries 13" in live.text)
        await golden_screen(f"change-outcome-{name}", live.pilot)
        await live.pilot.press("U")
        await live.sees("Trash 1")
        await golden_screen(f"change-trash-{name}", live.pilot)
        await live.pilot.press("enter")
        await live.sees("e5d1f0a9")
        await golden_screen(f"change-trash-jobs-{name}", live.pilot)
        await live.pilot.press("g", "a")
        await live.sees("Audit 1")
        await golden_screen(f"change-audit-{name}", live.pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_the_forms(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with at_retries(redis_url, raw, size, label=None) as live:
        for key, words, shot in (
            ("t", "spread over", "reschedule"),
            ("e", "arguments", "edit"),
            ("n", "how many", "new"),
            ("M", "also a new one", "move"),
        ):
            await live.pilot.press(key)
            await live.sees(words)
            await golden_screen(f"change-{shot}-{name}", live.pilot)
            await live.pilot.press("escape")
            await live.until(lambda: live.app.front is not None)


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_of_a_few_rows(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with at_retries(redis_url, raw, size, label=None) as live:
        await live.pilot.press("G", "k", "k", "space", "space", "space", "R")
        await live.sees("y retry 2")
        await golden_screen(f"change-yes-{name}", live.pilot)
