"""The second tab of a queue: how it moves, who serves it, whether a pause is honoured, what is in it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.series import Series
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.composition import Composition
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.process import Capsule
from sidekiq_tui.sidekiq.queue_activity import QueueActivity
from sidekiq_tui.tui.screens import queue_about
from sidekiq_tui.tui.screens.queue_about import QueueAbout
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS
from tests.support.live import Live
from tests.support.tui import NOW, Clock, make_overview, make_process, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
CLASSES = {"OrderMailer#confirmation": 60, "Newsletter::DeliverBatchJob": 30, "CartMailer#reminder": 10}
WEB = Capsule("default", 10, "weighted", {"critical": 4, "mailers": 2, "low": 1})
STRICT = Capsule("mail", 5, "strict", {"mailers": 0, "outbox": 0})


class Measured(Server):
    """Says the same of memory whatever the allocator."""

    async def queue_activity(self, queue: str, identities: Any) -> QueueActivity:
        found = await super().queue_activity(queue, identities)
        return replace(found, memory=640 * found.size or None)


def series(now: float, sizes: tuple[float, float], minutes: int = 30) -> Series:
    """A history in which the queue went evenly from one size to the other."""
    made = Series()
    steps = minutes * 6
    for step in range(steps + 1):
        size = sizes[0] + (sizes[1] - sizes[0]) * step / steps
        made.add_queues(now - (steps - step) * 10, iter([("mailers", size, size / 40)]))
    return made


def served(paused: bool = False, label: str = "") -> tuple[Any, ...]:
    labels = (label,) if label else ()
    return (
        make_process(identity="app-1:5916:aa", capsules=(WEB,), queues=tuple(WEB.weights), labels=labels),
        make_process(
            identity="mail-2:77:bb", hostname="mail-2", pid=77, capsules=(STRICT,), queues=("mailers", "outbox"),
            concurrency=5, quiet=True, status="quiet",
        ),
        make_process(identity="batch-1:9001:cc", hostname="batch-1", queues=("imports",)),
    )  # fmt: skip


def snapshot(
    size: int, *, before: int | None = None, paused: bool = False, processes: tuple[Any, ...] | None = None, **more: Any
) -> ServerSnapshot:
    queue = make_queue("mailers", size, size / 40, paused=paused, processes=2)
    overview = make_overview(queue, processes=served() if processes is None else processes, **more)
    made = make_snapshot("prod", label="production", overview=overview)
    return replace(made, series=series(NOW, (size if before is None else before, size)).view)


async def fill(raw: redis.asyncio.Redis, size: int, pace: float = 0.025) -> None:
    """Jobs, the newest just now, one each `pace` seconds."""
    names = random.Random(3).choices(list(CLASSES), list(CLASSES.values()), k=size)
    for start in range(0, size, 500):
        batch = [
            json.dumps({"class": name, "args": [], "enqueued_at": NOW - (start + number) * pace})
            for number, name in enumerate(names[start : start + 500])
        ]
        await raw.rpush("queue:mailers", *batch)
    payload = json.dumps({"class": "CartMailer#reminder", "args": []})
    work = json.dumps({"queue": "mailers", "payload": payload, "run_at": int(NOW) - 12})
    await raw.hset("app-1:5916:aa:work", "t1", work)


async def opened(live: Live, *, refused: bool = False) -> QueueAbout:
    """The tab in front."""
    live.app.push_screen(QueueJobsScreen(live.state, "prod", "mailers"))
    await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and live.screen.is_front)
    if refused:  # the line at the bottom says so until the next key
        await live.sees("may not run")
    else:  # the title has the size from the list of jobs
        await live.until(lambda: "mailers " in live.body and "mailers –" not in live.body)
    await live.pilot.press("l")
    about = live.app.screen.query_one(QueueAbout)
    if not refused:
        await live.until(lambda: about._composition is not None and not about._reading)
        await live.pilot.pause()
    return about


def app(url: str, shown: ServerSnapshot, **options: Any) -> Any:
    server = Measured(Profile.from_url(url, "prod"), clock=Clock())
    return framed_app(url, shown, view="queues", server=server, **options)


# What it looks like


@EVERY
async def test_a_queue_that_grows(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw, 12_000)
    async with app(redis_url, snapshot(12_000, before=3_000), size=size) as live:
        await opened(live)
        await golden_screen(f"queue-about-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_paused_queue_that_shrinks(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw, 600, pace=2.0)
    async with app(redis_url, snapshot(600, before=1_800, paused=True), size=size) as live:
        await opened(live)
        await golden_screen(f"queue-about-paused-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_an_empty_queue_that_nobody_serves(
    redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with app(redis_url, snapshot(0, processes=served()[2:]), size=size) as live:
        await opened(live)
        await golden_screen(f"queue-about-empty-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_server_that_went_away(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw, 300)
    shown = snapshot(300)
    async with app(redis_url, shown, size=size) as live:
        await opened(live)
        answer(live, gone(shown))
        await live.sees("prod is offline")
        await live.pilot.pause()
        await golden_screen(f"queue-about-offline-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_forbidden(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw, 300)
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~other", "+@all")  # type: ignore[no-untyped-call]
    url = redis_url.replace("unix://", "unix://narrow:x@")
    async with app(url, snapshot(300), size=size) as live:
        await opened(live, refused=True)
        await live.sees("can't be read")
        await live.pilot.pause()
        await golden_screen(f"queue-about-forbidden-{size[0]}x{size[1]}", live.pilot)


async def test_ascii(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await fill(raw, 2_000)
    async with app(redis_url, snapshot(2_000, paused=True), ascii=True) as live:
        await opened(live)
        assert live.body.isascii()
        await golden_screen("queue-about-ascii-120x40", live.pilot)


# What it says


async def test_what_came_in_less_growth_is_what_left(redis_url: str, raw: redis.asyncio.Redis) -> None:
    """40 jobs a second come in; in 75 s that are 3,000, and the queue grew by 5 a second."""
    await fill(raw, 12_000)
    async with app(redis_url, snapshot(12_000, before=3_000)) as live:
        about = await opened(live)
        flow = about._facts().flow
        assert flow.arriving == pytest.approx(40, rel=0.02)
        assert flow.growth == pytest.approx(5, rel=0.1)
        assert flow.leaving == pytest.approx(35, rel=0.1)
        assert "never" in live.body
        assert "grows by 5" in live.body or "grows by 4.9" in live.body


async def test_how_long_until_it_is_empty(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 600, pace=2.0)
    async with app(redis_url, snapshot(600, before=2_400)) as live:
        about = await opened(live)
        assert about._facts().flow.empty_in == pytest.approx(600, rel=0.1)
        assert "shrinks by" in live.body


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("", "none of the 2 that serve it shows a sign"),
        ("reliable", "only 1 of the 2 processes that serve it show a sign of Sidekiq Pro"),
    ],
)
async def test_whether_a_pause_is_honoured(redis_url: str, raw: redis.asyncio.Redis, label: str, words: str) -> None:
    await fill(raw, 10)
    async with app(redis_url, snapshot(10, paused=True, processes=served(label=label))) as live:
        await opened(live)
        assert words in " ".join(live.body.split())
        assert "Its last job began 12s ago" in " ".join(live.body.split())


# What it reads


async def test_two_trips_to_open_it_and_one_for_a_poll(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 5_000)
    shown = snapshot(5_000)
    async with app(redis_url, shown) as live:
        live.app.push_screen(QueueJobsScreen(live.state, "prod", "mailers"))
        await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen) and "1–" in live.text)
        before = live.server().trips
        await live.pilot.press("l")
        about = live.app.screen.query_one(QueueAbout)
        await live.until(lambda: about._composition is not None and not about._reading)
        assert live.server().trips - before == 2

        live.state.clock.now += 2
        answer(live, replace(shown, taken_at=NOW + 1))
        await live.until(lambda: about._read_at == NOW + 2 and not about._reading)
        assert live.server().trips - before == 3

        await live.pilot.press("h")
        answer(live, replace(shown, taken_at=NOW + 30))
        await live.pilot.press("?")
        await live.pilot.pause()
        assert about._read_at == NOW + 2, "a tab that is not seen reads nothing"


async def test_frozen_it_reads_nothing(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 5_000)
    async with app(redis_url, snapshot(5_000)) as live:
        await opened(live)
        await live.pilot.press("Z")
        before = live.server().trips
        await live.pilot.press("i", "ctrl+r")
        await live.pilot.pause()
        assert live.server().trips == before
        assert "frozen" in live.text


async def test_counting_all_of_it(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await fill(raw, 3_000)
    async with app(redis_url, snapshot(3_000)) as live:
        await opened(live)
        assert "even sample of 1,000 of 3,000" in live.body
        await live.pilot.press("i")
        await live.sees("all read")
        assert "exact" in live.body
        await live.pilot.pause()
        await golden_screen("queue-about-counted-120x40", live.pilot)


class Slow(Measured):
    """Counts one slice and then waits for ever."""

    async def count_queue(self, queue: str) -> AsyncGenerator[Composition, None]:
        async with aclosing(super().count_queue(queue)) as counts:
            async for counted in counts:
                yield counted
                await asyncio.Event().wait()


@BOTH
async def test_a_long_count_says_its_price_and_can_be_stopped(
    redis_url: str,
    raw: redis.asyncio.Redis,
    size: tuple[int, int],
    golden_screen: GoldenScreen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_about, "TELL_SECONDS", 0.0)  # its one slice is told, however fast it was counted
    await fill(raw, 60_000, pace=0.001)
    server = Slow(Profile.from_url(redis_url, "prod"), clock=Clock())
    async with framed_app(redis_url, snapshot(60_000), view="queues", server=server, size=size) as live:
        about = await opened(live)
        await live.pilot.press("i")
        await live.sees("counting all 60.0k takes about 1s and 4.5M: i again counts")
        assert not about.counting
        await live.pilot.press("i")
        await live.sees("counting 500 of 60.0k")
        assert about.counting
        await live.pilot.pause()
        await golden_screen(f"queue-about-counting-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("ctrl+x")
        await live.until(lambda: not about.counting)
        await live.sees("sample of 1,000 of 60.0k")


class Shaky(Slow):
    """Counts like `Slow`; how the queue moves can no longer be read once it is `broken`."""

    broken = False

    async def queue_activity(self, queue: str, identities: Any) -> QueueActivity:
        if self.broken:
            raise ReplyError("LOADING Redis is loading the dataset in memory")
        return await super().queue_activity(queue, identities)


def counts_run(live: Live) -> int:
    return sum(worker.group == "count" and worker.is_running for worker in live.app.workers)


async def test_a_count_outlives_a_failed_read_and_can_still_be_stopped(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await fill(raw, 3_000)
    server = Shaky(Profile.from_url(redis_url, "prod"), clock=Clock())
    shown = snapshot(3_000)
    async with framed_app(redis_url, shown, view="queues", server=server) as live:
        about = await opened(live)
        await live.pilot.press("i")
        await live.until(lambda: about.counting)
        server.broken = True
        answer(live, replace(shown, taken_at=NOW + 2))
        await live.until(lambda: about._error is not None)
        assert (about.counting, counts_run(live)) == (True, 1)
        await live.pilot.press("ctrl+x")
        await live.until(lambda: not about.counting)
        await live.until(lambda: not counts_run(live))


class Barred(Measured):
    """May not read all of a queue."""

    async def count_queue(self, queue: str) -> AsyncGenerator[Composition, None]:
        raise ReplyError("too much")
        yield


async def test_why_a_count_failed_is_said(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 3_000)
    server = Barred(Profile.from_url(redis_url, "prod"), clock=Clock())
    async with framed_app(redis_url, snapshot(3_000), view="queues", server=server) as live:
        about = await opened(live)
        await live.pilot.press("i")
        await live.sees("counting failed: too much")
        assert not about.counting
        assert "even sample of 1,000 of 3,000" in live.body


async def test_a_price_is_said_again_when_another_key_came_between(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 21_000, pace=0.001)
    async with app(redis_url, snapshot(21_000)) as live:
        about = await opened(live)
        await live.pilot.press("i")
        await live.sees("i again counts")
        await live.pilot.press("j", "i")
        await live.sees("i again counts")
        assert not about.counting


async def test_enter_shows_the_jobs_of_a_class(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 100)
    async with app(redis_url, snapshot(100)) as live:
        await opened(live)
        await live.pilot.press("j", "enter")
        await live.sees("all read")
        assert "class:=Newsletter::DeliverBatchJob" in live.body


async def test_hostile_payloads_and_names(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.rpush("queue:mailers", *HOSTILE_PAYLOADS)
    for text in HOSTILE_TEXTS[:8]:
        processes = (
            make_process(hostname=text, identity=text, queues=("mailers",), version=text, tag=text),
            make_process(
                hostname=text, capsules=(Capsule(text, 2, text, {"mailers": 1, text: 3}),), queues=("mailers",)
            ),
        )
        shown = snapshot(len(HOSTILE_PAYLOADS), paused=True, processes=processes)
        async with app(redis_url, shown, size=(80, 24)) as live:
            await opened(live)
            await live.pilot.press("G")
            await live.pilot.pause()
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))
