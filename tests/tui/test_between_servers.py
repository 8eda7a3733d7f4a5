"""Moving and copying jobs to another server by keyboard: which server, how, the plan, and what becomes of the jobs."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.cross import CrossModal
from sidekiq_tui.tui.modals.pick_target import TargetPicker
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from tests.support.job_lists import listed, ready
from tests.support.live import Live
from tests.support.operating import job
from tests.support.two_sides import QUEUE, Sides, asked, two_sides


@pytest.fixture
async def sides(redis_server: EmbeddedRedis, many_databases: EmbeddedRedis) -> AsyncIterator[Sides]:
    """Prod on a Redis, staging and dev on another."""
    async with two_sides(redis_server, many_databases) as found:
        yield found


async def in_queue(live: Live) -> None:
    """Opens the first queue."""
    await ready(live)
    await live.pilot.press("enter")
    await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen))
    await ready(live)


async def test_marked_jobs_go_to_another_server_and_come_back(sides: Sides) -> None:
    jobs = sides.queued(5)
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("space", "space", "M")
        await asked(live, TargetPicker)
        for words in ("on prod", "on another server", "staging", "dev", "the same queue or set there"):
            assert words in live.text
        await live.pilot.press(*"stag", "enter")
        await asked(live, CrossModal)
        assert "Move 2 jobs to staging" in live.text
        assert "Queue mail on prod" in live.text
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        for words in ("Queue mail on prod", "staging  staging", "2 of 2, all read", "yes, by moving back"):
            assert words in live.text
        assert sides.staging.llen(QUEUE) == 0, "nothing happens before the answer"
        await live.pilot.press("y")
        await live.sees("moved 2")
        assert sides.staging.lrange(QUEUE, 0, -1) == [jobs[4], jobs[3]]
        assert sides.prod.lrange(QUEUE, 0, -1) == [jobs[2], jobs[1], jobs[0]]
        # From the server that they came to it can be undone as well.
        await live.pilot.press("2", "u")
        await asked(live, ConfirmModal)
        assert "Move 2 jobs to prod" in live.text
        await live.pilot.press("y")
        await live.until(lambda: sides.staging.llen(QUEUE) == 0)
        await live.until(lambda: sides.prod.llen(QUEUE) == 5)
        assert sorted(sides.prod.lrange(QUEUE, 0, -1)) == sorted(jobs)


async def test_another_queue_there_is_completed_and_its_size_is_told(sides: Sides) -> None:
    sides.queued(1)
    sides.staging.sadd("queues", "lower")
    sides.staging.lpush("queue:lower", job(99, queue="lower"))
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.sees("into the same queue or set as here")
        await live.pilot.press(*"new one")
        await live.sees("new one would be a new queue there")
        await live.pilot.press("ctrl+u", *"lo")
        await live.until(lambda: "lower" in live.text)
        await live.pilot.press("right")
        await live.sees("1 job waits there, nobody serves it")
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        assert "to staging, queue lower" in live.text
        await live.pilot.press("y")
        await live.sees("moved 1")
        assert [json.loads(one)["queue"] for one in sides.staging.lrange("queue:lower", 0, -1)] == ["lower"] * 2


async def test_a_copy_leaves_a_read_only_server_with_other_arguments(sides: Sides) -> None:
    sides.change("prod", access="read-only", label="production")
    before = job(1, args=["anna@example.com", 7])
    sides.prod.zadd("retry", {before: time.time() + 900})
    async with sides.app(view="retries") as live:
        await ready(live)
        assert "M move" not in live.text
        await live.pilot.press("M")
        await live.sees("prod is read-only here: access in its profile")
        await live.pilot.press("C")
        await asked(live, TargetPicker)
        assert "on prod" not in live.text, "nothing can be put into its own queues"
        await live.pilot.press(*"dev", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("tab", "end", *["left"] * 1, "backspace", "9", "enter")
        await asked(live, ConfirmModal)
        assert "args" in live.text
        await live.pilot.press("y")
        await live.sees("copied 1")
        (copy,) = sides.dev.zrange("retry", 0, -1)
        assert isinstance(copy, bytes)
        assert json.loads(copy) == json.loads(before) | {"args": ["anna@example.com", 9]}
        assert sides.prod.zrange("retry", 0, -1) == [before]


async def test_copies_get_new_jids_and_lose_addresses_when_that_is_chosen(sides: Sides) -> None:
    sides.queued(2, args=["anna@example.com"])
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("space", "space", "C", *"dev", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("tab", "space", "tab", "right", "enter")
        await asked(live, ConfirmModal)
        assert "redacted (email): something is replaced in 2 of 2" in live.text
        await live.pilot.press("y")
        await live.sees("copied 2")
        copies = [json.loads(one) for one in sides.dev.lrange(QUEUE, 0, -1)]
        assert [one["args"] for one in copies] == [["redacted@example.invalid"]] * 2
        here = {json.loads(one)["jid"] for one in sides.prod.lrange(QUEUE, 0, -1)}
        assert len(here | {one["jid"] for one in copies}) == 4


async def test_rules_of_the_targets_profile_always_apply(sides: Sides) -> None:
    sides.change("staging", redact=("email",))
    sides.queued(1, args=["anna@example.com"])
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        assert "by the rules of its profile: email" in live.text
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("moved 1")
        assert b"anna@" not in sides.staging.lrange(QUEUE, 0, -1)[0]


async def test_a_guarded_target_asks_for_its_name(sides: Sides) -> None:
    sides.change("staging", guard=True)
    sides.queued(1)
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.sees("Type the target's name to go on: staging")
        await live.pilot.press(*"prod", "enter", "y", "enter")
        await live.sees("That is not it.")
        assert sides.prod.llen(QUEUE) == 1
        await live.pilot.press("ctrl+u", *"staging", "enter")
        await live.sees("moved 1")
        assert sides.staging.llen(QUEUE) == 1


async def test_servers_that_take_nothing_are_listed_with_the_reason(sides: Sides) -> None:
    sides.change("dev", access="read-only")
    sides.away()
    sides.queued(1)
    async with sides.app(view="queues") as live:
        await in_queue(live)
        await live.pilot.press("M")
        await asked(live, TargetPicker)
        lines = live.text.splitlines()
        assert any("dev" in line and "⊘ read-only here" in line for line in lines)
        assert any("mail" in line and "⊘ does not answer" in line for line in lines)
        for name in ("dev", "mail"):
            await live.pilot.press("ctrl+u", *f"{name}:low", "enter")
            assert isinstance(live.app.screen, TargetPicker)
        await live.pilot.press("escape")
        for name, reason in (("dev", "read-only here"), ("mail", "does not answer"), ("prod", "")):
            await live.pilot.press("colon", *f"evacuate {name}", "enter")
            await live.sees(reason or "prod is where they are")
        assert sides.prod.llen(QUEUE) == 1


async def test_the_same_redis_under_another_name_is_refused_in_words(sides: Sides) -> None:
    sides.profiles["twin"] = type(sides.profiles["prod"])(
        name="twin", socket=sides.profiles["prod"].socket, access="full"
    )
    sides.queued(2)
    async with sides.app(view="queues") as live:
        await in_queue(live)
        for key in ("M", "C"):
            await live.pilot.press(key, *"twin", "enter")
            await asked(live, CrossModal)
            await live.pilot.press("enter")
            await live.sees("both are the same server and database")
            await live.pilot.press("z")
        assert sides.prod.llen(QUEUE) == 2


async def test_names_are_shown_as_they_are_and_never_obeyed(sides: Sides) -> None:
    evil, server = "[/red]\x1b]0;x\x07[b", "st[/]:\u202eg"
    sides.queued(2, queue=evil)
    sides.rename("staging", server)
    async with sides.app(view="queues") as live:
        await ready(live)
        await live.pilot.press("M")
        await asked(live, TargetPicker)
        assert "\x1b" not in live.text
        assert "Move all of [/red]" in live.text
        await live.pilot.press(*"st[/]", "enter")
        await asked(live, CrossModal)
        assert "to st[/]:" in live.text
        assert "\u202e" not in live.text
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        assert "Move 2 jobs to st[/]:" in live.text
        await live.pilot.press(*"prod", "enter")
        await live.sees("moved 2")
        assert sides.staging.llen(f"queue:{evil}") == 2


async def test_everything_and_what_is_missing_go_by_commands(sides: Sides) -> None:
    sides.queued(3)
    sides.queued(2, queue="low", first=10)
    sides.prod.zadd("schedule", {job(20): time.time() + 900})
    sides.staging.sadd("queues", "mail")
    sides.staging.lpush(QUEUE, job(1))
    async with sides.app(view="queues") as live:
        await ready(live)
        await live.until(lambda: live.table.current is not None and live.table.current.summary.name == "low")
        await live.pilot.press("j", "colon", *"sync staging", "enter")
        await asked(live, ConfirmModal)
        assert "1 of 3 are there already" in live.text
        await live.pilot.press(*"staging", "enter")
        await live.sees("copied 2")
        assert sides.staging.llen(QUEUE) == 3
        await live.pilot.press("colon", *"sync staging", "enter")
        await live.sees("everything is there already")
        await live.pilot.press("colon", *"sync", "enter")
        await live.sees("needs the name of another server")
        await live.pilot.press("colon", *"sync nowhere", "enter")
        await live.sees("there is no server nowhere")
        await live.pilot.press("colon", *"move staging:other", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("escape", "colon", *"evacuate dev", "enter")
        await asked(live, ConfirmModal)
        assert "Move everything to dev: 6 jobs" in live.text
        await live.pilot.press("escape")
        await live.sees("nothing was changed")
        await live.pilot.press("colon", *"evacuate dev", "enter")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("moved 6")
        assert [sides.dev.llen("queue:mail"), sides.dev.llen("queue:low"), sides.dev.zcard("schedule")] == [3, 2, 1]
        assert [sides.prod.llen("queue:mail"), sides.prod.llen("queue:low"), sides.prod.zcard("schedule")] == [0, 0, 0]


async def test_a_whole_queue_needs_full_access_and_can_be_copied_without(sides: Sides) -> None:
    sides.change("prod", access="operate")
    sides.queued(3)
    sides.staging.lpush(QUEUE, job(2))
    async with sides.app(view="queues") as live:
        await ready(live)
        await live.pilot.press("M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("enter")
        await live.sees("this needs full access")
        await live.pilot.press("C", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("tab", "tab", "space")
        await live.sees("only those that are not there, by JID")
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        assert "1 of 3 are there already" in live.text
        await live.pilot.press(*"staging", "enter")
        await live.sees("copied 2")
        assert sides.staging.llen(QUEUE) == 3
        assert sides.prod.llen(QUEUE) == 3


async def test_a_move_is_stopped_with_nothing_left_between(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = sides.queued(2000)
    async with sides.app(view="queues") as live:
        await in_queue(live)
        assert live.state.operations is not None
        start = live.state.operations.start
        monkeypatch.setattr(live.state.operations, "start", lambda plan, answer: start(plan, answer, rate=400.0))
        await live.pilot.press("/", *"class:Invoice", "enter")
        await live.until(lambda: listed(live).size_matched == 2000)
        await live.pilot.press("A", "M", *"staging", "enter")
        await asked(live, CrossModal)
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"2000", "enter")
        await live.sees("ctrl+x stops")
        await live.until(lambda: sides.staging.llen(QUEUE) > 0)
        await live.pilot.press("ctrl+x")
        await live.until(lambda: not live.app.running)
        here, there = sides.prod.lrange(QUEUE, 0, -1), sides.staging.lrange(QUEUE, 0, -1)
        assert 0 < len(there) < 2000
        assert sorted([*here, *there]) == sorted(jobs)
        assert sides.prod.keys("sqtui:stage:*") == []
