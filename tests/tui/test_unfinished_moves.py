"""A move without an end: told on every screen of the server that its jobs come from, finished or put back by a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.sender import Sender
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.cross import CrossModal
from tests.support.job_lists import ready
from tests.support.live import Live
from tests.support.two_sides import QUEUE, Sides, asked, two_sides


@pytest.fixture
async def sides(redis_server: EmbeddedRedis, many_databases: EmbeddedRedis) -> AsyncIterator[Sides]:
    """Prod on a Redis, staging and dev on another."""
    async with two_sides(redis_server, many_databases) as found:
        yield found


async def move_that_fails(live: Live, sides: Sides) -> None:
    """Moves a queue whole to staging, where no queue can be when the first batch arrives."""
    await ready(live)
    await live.pilot.press("M", *"staging", "enter")
    await asked(live, CrossModal)
    await live.pilot.press("enter")
    await asked(live, ConfirmModal)
    sides.broken()
    await live.pilot.press(*"prod", "enter")
    await live.sees("stay parked on prod")
    assert sides.prod.llen(QUEUE) == 0
    sides.mended()


async def test_it_is_told_on_every_screen_of_its_source_and_finished_by_a_key(sides: Sides) -> None:
    jobs = sides.queued(3)
    async with sides.app(view="queues") as live:
        await live.pilot.press("W")
        await live.sees("nothing was begun here that has no end")
        await move_that_fails(live, sides)
        for key in ("d", "r", "s", "x", "w", "e", "m", "a"):
            await live.pilot.press("g", key)
            await live.sees("moving 3 jobs from prod to staging stopped")
            assert "stopped  W finishes or puts back  3 parked, no worker sees them" in live.text
        await live.pilot.press("2")
        await live.until(lambda: "W finishes" not in live.text)
        await live.pilot.press("0")
        await live.sees("moving 3 jobs from prod to staging stopped")
        await live.pilot.press("1", "W")
        await asked(live, ChoiceModal)
        await live.sees("A move from prod to staging has no end")
        await live.pilot.press("enter")
        await live.sees("nothing was changed")
        await live.pilot.press("W")
        await asked(live, ChoiceModal)
        await live.pilot.press("j", "enter")
        await asked(live, ConfirmModal)
        assert "3 jobs parked by anna@ws3 arrive first" in live.text
        await live.pilot.press("y")
        await live.until(lambda: sides.staging.llen(QUEUE) == 3)
        await live.until(lambda: "W finishes" not in live.text)
        assert sides.staging.lrange(QUEUE, 0, -1) == jobs[::-1]
        assert sides.prod.keys("sqtui:stage:*") == []


async def test_it_is_put_back_by_a_key_also_on_another_machine(sides: Sides, tmp_path: Path) -> None:
    jobs = sides.queued(3)
    async with sides.app(view="queues") as live:
        await move_that_fails(live, sides)
    sides.begun_long_ago()
    async with sides.app(view="dead", home=tmp_path / "elsewhere") as live:
        await live.sees("from prod to staging stopped")
        await live.pilot.press("W")
        await asked(live, ChoiceModal)
        await live.pilot.press("j", "j")
        await live.sees("what is parked returns to prod, unless staging has it")
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        assert "Put back 3 jobs of an unfinished move" in live.text
        await live.pilot.press("y")
        await live.until(lambda: sides.prod.llen(QUEUE) == 3)
        await live.until(lambda: "W finishes" not in live.text)
        assert sides.prod.lrange(QUEUE, 0, -1) == jobs[::-1]
        assert sides.staging.llen(QUEUE) == 0


async def test_without_an_answer_of_the_target_it_is_put_back_only_by_force(sides: Sides) -> None:
    sides.queued(3)
    async with sides.app(view="queues") as live:
        await move_that_fails(live, sides)
        sides.staging.flushdb()
        await live.sees("W finishes")
        for index, answer in enumerate(("enter", "j")):
            await live.pilot.press("W")
            await asked(live, ChoiceModal)
            await live.pilot.press("j", "j", "enter")
            await live.sees("Put back without an answer")
            await live.pilot.press(answer)
            if not index:
                await live.until(lambda: live.app.front is not None)
                assert sides.prod.llen(QUEUE) == 0
        await live.sees("they may run twice")
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.sees("staging cannot say what it has of this move")
        await live.pilot.press("y")
        await live.until(lambda: sides.prod.llen(QUEUE) == 3)


@pytest.mark.parametrize("keys", ["j", "jj"], ids=["finish", "put back"])
async def test_one_that_was_killed_when_it_had_hardly_begun_has_an_end_either_way(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    jobs = sides.queued(3)
    begin, begun = Sender.begin, asyncio.Event()

    async def first_alone(sender: Sender) -> None:
        if sides.staging.keys("sqtui:op:*"):  # the target knows of it, its source never will
            begun.set()
            await asyncio.sleep(60)
        await begin(sender)

    monkeypatch.setattr(Sender, "begin", first_alone)
    async with sides.app(view="queues") as live:
        await ready(live)
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await asyncio.wait_for(begun.wait(), 10)
        operations = live.state.operations
        assert operations is not None
        run = operations.runs[-1]
        operations._runs.clear()
        assert run._task is not None
        run._task.cancel()
        await live.pilot.press("W")
        await asked(live, ChoiceModal)
        await live.pilot.press(*keys, "enter")
        await live.sees("its source does not know it: moved 0, 3 untouched")
        await live.until(lambda: "W finishes" not in live.text)
        await live.pilot.press("W")
        await live.sees("nothing was begun here that has no end")
        assert sides.prod.lrange(QUEUE, 0, -1) == jobs[::-1]


async def test_the_trash_has_the_same_ways(sides: Sides) -> None:
    sides.queued(2)
    async with sides.app(view="queues") as live:
        await move_that_fails(live, sides)
        await live.pilot.press("U")
        await live.sees("1 without an end")
        await live.pilot.press("R")
        await asked(live, ConfirmModal)
        assert "Put back 2 jobs" in live.text
        await live.pilot.press("y")
        await live.until(lambda: sides.prod.llen(QUEUE) == 2)


async def test_jobs_that_the_target_forgot_are_offered_to_be_pushed_again(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))
    jobs = sides.queued(400)
    async with sides.app(view="queues") as live:
        await ready(live)
        assert live.state.operations is not None
        start = live.state.operations.start
        monkeypatch.setattr(live.state.operations, "start", lambda plan, answer: start(plan, answer, rate=100.0))
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.until(lambda: sides.staging.llen(QUEUE) >= 20)
        sides.staging.flushdb()
        await live.sees("stay parked on prod")
        monkeypatch.undo()
        await live.pilot.press("W")  # perhaps before the server was asked what is left
        await live.sees("put back")
        await live.sees("jobs that staging forgot; they may run twice")
        await live.pilot.press("j", "j", "j", "enter")
        await asked(live, ConfirmModal)
        await live.sees("Push again")
        await live.pilot.press("y")
        await live.sees("pushed again")
        await live.pilot.press("W")
        await live.sees("put back")
        await live.pilot.press("j", "j", "enter")
        await live.sees("Put back without an answer")
        await live.pilot.press("j", "enter")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.until(lambda: "W finishes" not in live.text)
        here, there = sides.prod.lrange(QUEUE, 0, -1), sides.staging.lrange(QUEUE, 0, -1)
        assert sorted([*here, *there]) == sorted(jobs)
