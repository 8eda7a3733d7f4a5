"""Changing a server from the screens: keys, the question, what happens in Redis, what is said, and undo."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import cast

import pytest
import redis.asyncio

from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.edit_job import EditModal
from sidekiq_tui.tui.modals.new_job import NewJobModal
from sidekiq_tui.tui.modals.reschedule import RescheduleModal
from sidekiq_tui.tui.modals.row_question import RowQuestion
from tests.support.job_lists import ready
from tests.support.live import Live, live_app
from tests.support.proxy import FaultProxy


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


async def members(raw: redis.asyncio.Redis, key: str) -> list[bytes]:
    """What is in a set, by score."""
    return cast("list[bytes]", await raw.zrange(key, 0, -1))


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
        assert sorted(await members(raw, "dead")) == sorted(jobs)


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


async def test_a_job_is_changed_from_its_own_screen(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.sees("Arguments")
        await live.pilot.press("K")
        await asked(live, RowQuestion)
        await live.pilot.press("y")
        await live.sees("killed 1")
        assert await raw.zcard("dead") == 1
        await live.sees("it is in the dead set now")


async def test_arguments_are_edited_in_place(redis_url: str, raw: redis.asyncio.Redis) -> None:
    (before,) = await fill(raw, 1)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("e")
        await asked(live, EditModal)
        await live.pilot.press("end", "backspace", *", 7", "enter")
        await live.sees("arguments: expecting")
        await live.pilot.press("]", "enter")
        await asked(live, RowQuestion)
        await live.pilot.press("y")
        await live.sees("edited 1")
        (after,) = await members(raw, "retry")
        assert json.loads(after) == json.loads(before) | {"args": [0, 7]}


async def test_typed_text_is_not_lost_at_the_first_escape(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 1)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("t", *"+2", "escape")
        await live.sees("esc again drops what was typed")
        await live.pilot.press("h")
        await live.sees("each 2h")
        await live.pilot.press("enter")
        await asked(live, RowQuestion)
        (one,) = await members(raw, "retry")
        score = await raw.zscore("retry", one)
        assert score is not None
        await live.pilot.press("y")
        await live.sees("rescheduled 1")
        assert await raw.zscore("retry", one) == pytest.approx(score + 7200)


async def test_marks_are_taken_to_another_queue(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for number in range(4):
        await raw.lpush("queue:default", job(number))
    await raw.sadd("queues", "default", "low")
    async with live_app(redis_url, view="queues", label=None) as live:
        await ready(live)
        await live.pilot.press("enter")
        await ready(live)
        await live.pilot.press("space", "space", "m")
        await live.sees("took 2 jobs: P on a queue, also of another server, moves them there")
        await live.pilot.press("escape", "escape")
        await live.until(lambda: type(live.app.screen).__name__ == "QueuesOfScopeScreen")
        await live.pilot.press("j", "P")
        await asked(live, ConfirmModal)
        assert "Move 2 jobs to queue low" in live.text
        await live.pilot.press("y")
        await live.sees("moved 2")
        assert await raw.llen("queue:low") == 2
        assert await raw.llen("queue:default") == 2


async def test_a_group_of_errors_is_acted_on_as_a_whole(redis_url: str, raw: redis.asyncio.Redis) -> None:
    failed = {"error_class": "Timeout", "error_message": "no answer"}
    await raw.zadd("retry", {job(number, **failed): time.time() + 99 for number in range(6)})
    await raw.zadd("dead", {job(10, **failed): time.time()})
    await raw.zadd("retry", {job(20, error_class="Other", error_message="x"): time.time() + 99})
    async with live_app(redis_url, view="errors", label=None) as live:
        await ready(live)
        await live.sees("R retry 7")
        await live.pilot.press("R")
        await asked(live, ConfirmModal)
        assert "Retry 7 jobs" in live.text
        await live.pilot.press("y")
        await live.sees("retried 7")
        assert await raw.llen("queue:default") == 7
        assert await raw.zcard("retry") == 1


async def test_a_command_line_says_where_to(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2)
    await raw.sadd("queues", "low")
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("colon", *"move low", "enter")
        await asked(live, RowQuestion)
        assert "to queue low" in live.text
        await live.pilot.press("y")
        await live.sees("moved 1")
        queues = [json.loads(one)["queue"] for one in await members(raw, "retry")]
        assert sorted(queues) == ["default", "low"]


async def test_a_new_job_is_pushed(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "default")
    async with live_app(redis_url, view="queues", label=None) as live:
        await ready(live)
        await live.pilot.press("n")
        await asked(live, NewJobModal)
        await live.pilot.press(*"HardJob", "tab", "tab", "end", "backspace", *"1, 2]", "enter")
        await live.until(lambda: not isinstance(live.app.screen, NewJobModal))
        await live.until(lambda: isinstance(live.app.screen, RowQuestion) or "pushed 1" in live.text)
        if isinstance(live.app.screen, RowQuestion):
            await live.pilot.press("y")
        await live.sees("pushed 1")
        (pushed,) = await raw.lrange("queue:default", 0, -1)
        assert json.loads(pushed)["class"] == "HardJob"
        assert json.loads(pushed)["args"] == [1, 2]


async def test_jobs_go_to_a_file_and_come_back(redis_url: str, raw: redis.asyncio.Redis, tmp_path: Path) -> None:
    jobs = await fill(raw, 3)
    file = tmp_path / "kept.ndjson"
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("A", "colon", *f"export {file}", "enter")
        await live.sees("wrote 3 jobs")
        assert len(file.read_bytes().splitlines()) == len(jobs)
        await raw.delete("retry")
        await live.pilot.press("colon", *f"import {file}", "enter")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("imported 3")
        assert await raw.llen("queue:default") == 3


async def process(raw: redis.asyncio.Redis, identity: str) -> None:
    """A process that beats now and serves the default queue."""
    host, pid, _ = identity.split(":")
    info = {"hostname": host, "pid": int(pid), "started_at": time.time() - 60, "tag": "", "concurrency": 5}
    info |= {"queues": ["default"], "labels": [], "identity": identity, "version": "8.1.7"}
    await raw.sadd("processes", identity)
    beat = {"busy": 0, "beat": time.time(), "quiet": "false", "rss": 1000, "rtt_us": 100}
    await raw.hset(identity, mapping={"info": json.dumps(info), **{key: str(value) for key, value in beat.items()}})
    await raw.expire(identity, 60)


async def test_one_process_or_all_are_signalled(redis_url: str, raw: redis.asyncio.Redis) -> None:
    names = ["app-1:11:aa", "app-2:12:bb", "app-3:13:cc"]
    for name in names:
        await process(raw, name)
    async with live_app(redis_url, view="workers", label=None) as live:
        await ready(live)
        await live.pilot.press("!")
        await asked(live, ChoiceModal)
        await live.sees("3 processes")
        await live.pilot.press("enter")
        await live.sees("asked for its threads 1")
        assert await raw.lrange("app-1:11:aa-signals", 0, -1) == [b"TTIN"]
        await live.pilot.press("Q")
        await asked(live, ChoiceModal)
        await live.pilot.press("j", "enter")
        await asked(live, ConfirmModal)
        assert "cannot be undone" in live.text
        await live.pilot.press("y")
        await live.sees("go quiet 3")
        assert [await raw.lrange(f"{name}-signals", 0, 0) for name in names] == [[b"TSTP"]] * 3


async def test_stopping_takes_full_access(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await process(raw, "app-1:11:aa")
    async with live_app(redis_url, view="workers", label=None, access="operate") as live:
        await ready(live)
        await live.pilot.press("T")
        await live.sees("this takes access = full in its profile")
        await live.pilot.press("Q")
        await asked(live, RowQuestion)


async def test_leaving_asks_what_becomes_of_a_running_operation(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(raw, 3000)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        assert live.state.operations is not None
        start = live.state.operations.start
        monkeypatch.setattr(live.state.operations, "start", lambda plan, answer: start(plan, answer, rate=400.0))
        await live.pilot.press("A", "D")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("ctrl+x stops")
        await live.pilot.press("q")
        await asked(live, ChoiceModal)
        await live.sees("An operation is running")
        await live.pilot.press("escape", "ctrl+y")
        await live.sees("ctrl+y goes on")
        await live.pilot.press("ctrl+y", "ctrl+x")
        await live.sees("u undoes")
        left = await raw.zcard("retry")
        assert 0 < left < 3000
        assert f"deleted {3000 - left:,}" in live.text
        await live.pilot.press("q")
        await live.until(lambda: not live.app.is_running)


async def test_a_view_that_was_left_does_not_go_on_telling_how_far_it_is(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(raw, 3000)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        assert live.state.operations is not None
        start = live.state.operations.start
        monkeypatch.setattr(live.state.operations, "start", lambda plan, answer: start(plan, answer, rate=400.0))
        await live.pilot.press("A", "D")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("ctrl+x stops")
        await live.pilot.press("g", "q", "ctrl+x")
        await live.sees("u undoes")
        await live.pilot.press("g", "r")
        await live.sees("Retries ")
        assert "ctrl+x stops" not in live.text


async def test_a_part_of_what_was_deleted_is_put_back_from_the_trash(redis_url: str, raw: redis.asyncio.Redis) -> None:
    jobs = await fill(raw, 4)
    scores = [await raw.zscore("retry", one) for one in jobs]
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        await live.pilot.press("a", "D")
        await asked(live, ConfirmModal)
        await live.pilot.press("y")
        await live.sees("deleted 4")
        assert await raw.exists("retry") == 0
        await live.pilot.press("U")
        await live.sees("Trash 1")
        await live.pilot.press("enter")
        await live.until(lambda: type(live.app.screen).__name__ == "TrashJobsScreen" and live.table.current is not None)
        await live.pilot.press("/", *"jid:000001", "enter")
        await live.sees("000000000000000000000001")
        await live.pilot.press("space", "R")
        await asked(live, RowQuestion)
        assert "put back: 1 of 'delete 4 from retry'?" in live.text
        await live.pilot.press("y")
        await live.sees("put back 1")
        assert await raw.zrange("retry", 0, -1, withscores=True) == [[jobs[1], scores[1]]]
        await live.pilot.press("escape", "escape", "escape")
        await live.until(lambda: type(live.app.screen).__name__ == "TrashScreen")
        await live.pilot.press("R")
        await asked(live, ConfirmModal)
        assert "what      delete 4 from retry" in live.text
        await live.pilot.press("y")
        await live.until(lambda: live.app.front is not None and "put back 3" in live.text)
        assert await raw.zcard("retry") == 4


async def test_a_queue_is_cleared_after_its_servers_name_and_comes_back_in_order(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    jobs = [job(number) for number in range(50)]
    await raw.rpush("queue:default", *jobs)
    await raw.sadd("queues", "default")
    async with live_app(redis_url, view="queues", label=None) as live:
        await ready(live)
        await live.pilot.press("X")
        await asked(live, ConfirmModal)
        assert "Clear queue default: 50 jobs" in live.text
        await live.pilot.press(*"prod", "enter")
        await live.sees("cleared 50")
        assert await raw.exists("queue:default") == 0
        await live.pilot.press("u")
        await live.until(lambda: live.app.front is None)
        await live.pilot.press(*"prod", "enter") if "Type the server" in live.text else await live.pilot.press("y")
        await live.sees("put back 50")
        assert await raw.lrange("queue:default", 0, -1) == jobs


async def test_the_audit_has_a_row_for_each_operation(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        for key, words in (("R", "retried 1"), ("K", "killed 1")):
            await live.pilot.press(key)
            await asked(live, RowQuestion)
            await live.pilot.press("y")
            await live.sees(words)
            await live.until(lambda: live.table.current is not None or "No retries" in live.text)
        await live.pilot.press("g", "a")
        await live.sees("Audit 2  4 lines, the chain holds")
        await live.sees("retried 1")
        await live.sees("killed 1")
        await live.pilot.press("/", *"kill", "enter")
        await live.until(lambda: "retried 1" not in live.body)


async def test_what_was_left_is_told_at_the_next_start_and_goes_on(
    redis_url: str, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(raw, 3000)
    async with live_app(redis_url, view="retries", label=None) as live:
        await ready(live)
        assert live.state.operations is not None
        start = live.state.operations.start
        monkeypatch.setattr(live.state.operations, "start", lambda plan, answer: start(plan, answer, rate=400.0))
        await live.pilot.press("A", "D")
        await asked(live, ConfirmModal)
        await live.pilot.press(*"prod", "enter")
        await live.sees("ctrl+x stops")
        await live.pilot.press("q")
        await asked(live, ChoiceModal)
        await live.pilot.press("k", "enter")
        await live.until(lambda: not live.app.is_running)
    left = await raw.zcard("retry")
    assert 0 < left < 3000
    async with live_app(redis_url, view="retries", label=None) as live:
        await live.sees("deleting 3,000 jobs stopped")
        await live.pilot.press("U")
        await live.sees("1 without an end")
        await live.pilot.press("R")
        await live.sees("E goes on with it, D ends it where it is")
        await live.pilot.press("E")
        await asked(live, ConfirmModal)
        assert f"Delete {left:,} jobs" in live.text
        await live.pilot.press(*str(left), "enter") if "the number" in live.text else await live.pilot.press(
            *"prod", "enter"
        )
        await live.sees(f"deleted {left:,}")
        assert await raw.zcard("retry") == 0
        await live.until(lambda: "W finishes" not in live.text)


async def test_what_is_typed_ahead_of_a_question_does_nothing_on_the_screen(
    redis_url: str, raw: redis.asyncio.Redis, tmp_path: Path
) -> None:
    await fill(raw, 3)
    target = redis_url.removeprefix("unix://").partition("?")[0]
    async with FaultProxy(target, tmp_path) as proxy, live_app(proxy.url, view="retries", label=None) as live:
        await ready(live)
        proxy.delay = 0.2
        await live.pilot.press("D", "space", "t", "y")  # a mark, a form, an answer: none of it is meant for the list
        await asked(live, RowQuestion)
        assert not any(isinstance(one, RescheduleModal) for one in live.app.screen_stack)
        await live.pilot.press("n")
        await live.sees("nothing was changed")
        assert "marked" not in live.text
        assert len(await members(raw, "retry")) == 3
