"""Cut and paste of jobs: m or c here, P there, on another queue or server; what is remembered, and for how long."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from sidekiq_tui.tui.screens.queues import QueuesScreen
from tests.support.job_lists import listed, ready
from tests.support.live import Live
from tests.support.operating import job
from tests.support.two_sides import QUEUE, Sides, asked, two_sides


@pytest.fixture
async def sides(redis_server: EmbeddedRedis, many_databases: EmbeddedRedis) -> AsyncIterator[Sides]:
    """Prod on a Redis, staging and dev on another; both have the queue, so that there is a row to put jobs into."""
    async with two_sides(redis_server, many_databases) as found:
        for one in (found.prod, found.staging):
            one.sadd("queues", "mail", "other")
        yield found


async def in_mail(live: Live) -> None:
    """Opens the first queue."""
    await ready(live)
    await live.pilot.press("enter")
    await live.until(lambda: isinstance(live.app.screen, QueueJobsScreen))
    await ready(live)


def aside(live: Live) -> str:
    """The last line but one."""
    return live.text.splitlines()[-2]


async def test_what_is_cut_is_put_on_another_server_once(sides: Sides) -> None:
    jobs = sides.queued(4)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("space", "space", "m")
        await live.sees("took 2 jobs")
        await live.pilot.press("P")
        await live.sees("they are in this queue: P moves them to another one")
        await live.pilot.press("2")
        await live.until(lambda: aside(live).endswith("2 jobs cut from prod/mail · P pastes"))
        await live.pilot.press("P")
        await asked(live, ConfirmModal)
        for words in ("Move 2 jobs to staging, queue mail", "Queue mail on prod", "staging  staging"):
            assert words in live.text
        await live.pilot.press("escape")
        await live.sees("nothing was changed")
        await live.pilot.press("P")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("moved 2")
        assert sides.staging.lrange(QUEUE, 0, -1) == [jobs[3], jobs[2]]
        assert sides.prod.lrange(QUEUE, 0, -1) == [jobs[1], jobs[0]]
        await live.pilot.press("P")
        await live.sees("nothing was taken yet")
        assert "P pastes" not in live.text


async def test_what_is_taken_to_copy_can_be_put_in_several_places(sides: Sides) -> None:
    sides.queued(1)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("c", "2")
        await live.until(lambda: "1 job copied from prod/mail · P pastes" in aside(live))
        await live.pilot.press("P")
        await asked(live, ConfirmModal)
        assert "Copy 1 job" in live.text
        await live.pilot.press("y")
        await live.sees("copied 1")
        await live.pilot.press("1", "escape")
        await live.until(lambda: isinstance(live.app.screen, QueuesScreen))
        await ready(live)
        await live.pilot.press("j", "P")
        await live.sees("to queue other?")
        await live.pilot.press("y")
        await live.sees("copied 1")
        assert [sides.staging.llen(QUEUE), sides.prod.llen(QUEUE), sides.prod.llen("queue:other")] == [1, 1, 1]


async def test_what_left_since_is_counted_as_gone(sides: Sides) -> None:
    jobs = sides.queued(3)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("space", "space", "space", "m")
        sides.removed(jobs[0])
        await live.pilot.press("2", "P")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("moved 2, 1 was no longer there")
        assert sides.staging.llen(QUEUE) == 2


async def test_what_a_filter_matched_is_told_by_its_bytes(sides: Sides) -> None:
    jobs = sides.queued(150)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("/", *"class:Invoice", "enter")
        await live.until(lambda: listed(live).size_matched == 150)
        await live.pilot.press("A", "m")
        await live.sees("took 150 jobs")
        sides.queued(5, first=1000)
        sides.removed(jobs[7])
        await live.pilot.press("2", "P")
        await asked(live, ConfirmModal)
        for words in ("Move 149 jobs to staging", "1 of 150 have left since they were taken", "class:Invoice"):
            assert words in live.text
        await live.pilot.press(*"149", "enter")
        await live.sees("moved 149")
        assert sides.staging.lrange(QUEUE, 0, -1) == [*jobs[:7], *jobs[8:]][::-1]
        assert sides.prod.llen(QUEUE) == 5


async def test_a_second_time_or_esc_at_the_top_puts_down(sides: Sides) -> None:
    sides.queued(3)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("m")
        await live.sees("took 1 job")
        await live.pilot.press("m")
        await live.sees("put down: 1 job stays where it is on prod")
        assert live.state.clip is None
        await live.pilot.press("m", "j", "m")
        await live.sees("took 1 job instead of the 1 job from prod")
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, QueuesScreen))
        assert live.state.clip is not None
        await live.pilot.press("escape")
        await live.sees("put down")
        assert live.state.clip is None
        assert "P pastes" not in live.text


async def test_jobs_of_a_set_go_to_the_same_set_there(sides: Sides) -> None:
    before = {job(number): 1_900_000_000.25 + number for number in range(3)}
    sides.prod.zadd("retry", before)
    async with sides.app(view="retries") as live:
        await ready(live)
        await live.pilot.press("space", "space", "m", "P")
        await live.sees("on their own server P puts them into a queue")
        await live.pilot.press("2", "P")
        await asked(live, ConfirmModal)
        assert "Retries on prod" in live.text
        await live.pilot.press("escape", "g", "x", "P")
        await live.sees("they are from retries: P puts them there, or into a queue")
        await live.pilot.press("g", "r", "P")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("moved 2")
        there: Any = sides.staging.zrange("retry", 0, -1, withscores=True)
        assert dict(there) == dict(list(before.items())[:2])


async def test_all_of_a_set_is_what_is_in_it_then(sides: Sides) -> None:
    sides.prod.zadd("dead", {job(number): time.time() + number for number in range(3)})
    async with sides.app(view="dead") as live:
        await ready(live)
        await live.pilot.press("A", "m")
        await live.sees("took all that is in it then")
        sides.prod.zadd("dead", {job(50): time.time()})
        await live.pilot.press("2")
        await live.until(lambda: "all jobs cut from prod/dead · P pastes" in aside(live))
        await live.pilot.press("P")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("moved 4")
        assert sides.staging.zcard("dead") == 4


async def test_who_may_not_write_is_told_so(sides: Sides) -> None:
    sides.change("staging", access="read-only")
    sides.queued(2)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("m", "2", "P")
        await live.sees("staging is read-only here: access in its profile")
        assert live.state.clip is not None
    sides.change("prod", access="read-only")
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("m")
        await live.sees("prod is read-only here: access in its profile")
        await live.pilot.press("c")
        await live.sees("took 1 job")
    async with sides.app(view="queues", read_only=True) as live:
        await in_mail(live)
        await live.pilot.press("c", "P")
        await live.sees("sqtui runs with --read-only")
    assert sides.prod.llen(QUEUE) == 2


async def test_a_server_that_went_away_meanwhile(sides: Sides) -> None:
    sides.away()
    sides.queued(2)
    async with sides.app(view="queues") as live:
        await in_mail(live)
        await live.pilot.press("m", "4", "P")
        await live.until(lambda: "⊘" in aside(live) or "mail does not answer" in aside(live))
        assert sides.prod.llen(QUEUE) == 2


async def test_a_hostile_name_is_shown_and_taken(sides: Sides) -> None:
    evil = "x\x1b[2J[red]" + "y" * 60
    sides.prod.delete("queues")
    sides.queued(1, queue=evil)
    async with sides.app(view="queues", size=(80, 24)) as live:
        await in_mail(live)
        await live.pilot.press("m")
        await live.pilot.press("z")
        await live.pilot.press("j")
        await live.until(lambda: "P pastes" in aside(live))
        assert "\x1b" not in live.text
        await live.pilot.press("2", "escape")
        await ready(live)
        await live.pilot.press("P")
        await asked(live, ConfirmModal)
        assert "\x1b" not in live.text
        await live.pilot.press("y")
        await live.sees("moved 1")
        assert sides.prod.llen(f"queue:{evil}") == 0
