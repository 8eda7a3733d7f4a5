"""Iterable jobs on a real Redis: where they start, stop, go on, and what they leave."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.iteration import read_iterations
from sidekiq_tui.sidekiq.job_class import job_classes
from sidekiq_tui.sidekiq.worker import iterable
from sidekiq_tui.sidekiq.worker.iterable import IterableJob, array_enumerator
from tests.support.workers import quick, running, until

JID = "a" * 24


class Hooked(IterableJob, abstract=True):
    """Notes what is called, and waits where it is told to."""

    said: list[Any] = []  # noqa: RUF012  # what has happened in this test
    wait_at: int | None = None
    waiting: threading.Event
    go: threading.Event

    def build_enumerator(self, *args: Any, cursor: Any) -> Any:
        return array_enumerator(["a", "b", "c", "d"], cursor)

    def on_start(self) -> None:
        self.said.append("start")

    async def on_resume(self) -> None:
        self.said.append("resume")

    def on_stop(self) -> None:
        self.said.append("stop")

    async def on_cancel(self) -> None:
        self.said.append("cancel")

    def on_complete(self) -> None:
        self.said.append("complete")


class Plain(Hooked):
    def each_iteration(self, item: Any, *args: Any) -> None:
        self.said.append((item, *args, threading.current_thread().name.startswith("sidekiq")))
        if self.cursor == Hooked.wait_at:
            Hooked.waiting.set()
            assert Hooked.go.wait(20)


class Coroutine(Hooked):
    async def each_iteration(self, item: Any, *args: Any) -> None:
        self.said.append((item, *args, threading.current_thread().name.startswith("sidekiq")))
        if self.cursor == Hooked.wait_at:
            Hooked.waiting.set()
            await until(Hooked.go.is_set)


class Streaming(Coroutine):
    async def build_enumerator(self, *args: Any, cursor: Any) -> AsyncIterator[tuple[str, int]]:
        for step in array_enumerator(["a", "b", "c", "d"], cursor):
            await asyncio.sleep(0)
            yield step


class Failing(Hooked):
    async def each_iteration(self, item: Any, *args: Any) -> None:
        if item == "c":
            raise ValueError("c")


class Nothing(Hooked):
    async def build_enumerator(self, *args: Any, cursor: Any) -> None:
        return None


class Wrong(Hooked):
    def build_enumerator(self, *args: Any, cursor: Any) -> int:
        return 5


ALL: tuple[type[IterableJob], ...] = (Plain, Coroutine, Streaming, Failing, Nothing, Wrong)
KINDS = pytest.mark.parametrize("kind", [Plain, Coroutine, Streaming])


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Hooked.said.clear()
    Hooked.wait_at = None
    Hooked.waiting, Hooked.go = threading.Event(), threading.Event()


async def _push(db: Database, kind: type[IterableJob], *args: Any, **options: Any) -> None:
    await Client(db, time_form="milliseconds").push(
        {"class": kind.class_name(), "args": list(args), "jid": JID, **options}
    )


def _steps() -> list[Any]:
    return [one for one in Hooked.said if isinstance(one, tuple)]


@KINDS
async def test_all_steps_run_in_order_and_leave_nothing(
    redis_url: str, db: Database, raw: Any, kind: type[IterableJob]
) -> None:
    await _push(db, kind, 7)
    async with running(redis_url, *ALL):
        await until(lambda: "complete" in Hooked.said)
        await until(lambda: _processed(raw, 1, 0))
    threaded = kind is Plain
    assert Hooked.said == ["start", *((item, 7, threaded) for item in "abcd"), "stop", "complete"]
    assert not await raw.exists(f"it-{JID}")


async def _processed(raw: Any, processed: int, failed: int) -> bool:
    return bool(await raw.mget("stat:processed", "stat:failed") == [b"%d" % processed, b"%d" % failed])


@pytest.mark.parametrize("reliable", [False, True])
@KINDS
async def test_a_stopping_worker_pushes_it_again_and_the_next_one_goes_on(
    redis_url: str, db: Database, raw: Any, kind: type[IterableJob], reliable: bool
) -> None:
    payload = b'{"retry":true,"queue":"default","class":"%s","args":[ 1.50 ],"jid":"%s","enqueued_at":1}'
    await raw.lpush("queue:default", payload % (kind.class_name().encode(), JID.encode()))
    Hooked.wait_at = 1
    async with running(redis_url, *ALL, config=quick(reliable=reliable)) as worker:
        await until(Hooked.waiting.is_set)
        worker.quiet()
        Hooked.go.set()
        await until(lambda: raw.llen("queue:default"))
    assert [step[0] for step in _steps()] == ["a", "b"]
    assert Hooked.said[-1] == "stop"
    (again,) = await raw.lrange("queue:default", 0, -1)
    assert again.startswith(payload[:-2] % (kind.class_name().encode(), JID.encode()))
    assert json.loads(again)["enqueued_at"] > 1_700_000_000_000
    state = (await read_iterations(db, [JID]))[JID]
    assert (state.executions, state.cursor, state.cancelled) == (1, 2, None)
    assert state.runtime is not None
    assert state.runtime > 0
    assert 29 * 86_400 < await raw.ttl(f"it-{JID}") <= 30 * 86_400
    assert await _processed(raw, 1, 1)
    Hooked.said.clear()
    async with running(redis_url, *ALL, config=quick(reliable=reliable)):
        await until(lambda: "complete" in Hooked.said)
        await until(lambda: _gone(raw))
    assert [Hooked.said[0], *(step[0] for step in _steps())] == ["resume", "c", "d"]
    assert await raw.zcard("retry") == await raw.llen("queue:default") == 0
    assert not [key async for key in raw.scan_iter("sqtui:*")]


async def _gone(raw: Any) -> bool:
    return not await raw.exists(f"it-{JID}")


async def test_a_step_that_fails_is_where_the_retry_goes_on(redis_url: str, db: Database, raw: Any) -> None:
    await _push(db, Failing)
    async with running(redis_url, *ALL):
        await until(lambda: raw.zcard("retry"))
    state = (await read_iterations(db, [JID]))[JID]
    assert (state.executions, state.cursor, state.runtime) == (1, 2, 0.0)
    assert Hooked.said == ["start"]


async def test_cancelled_before_its_start_it_completes_at_once(redis_url: str, db: Database, raw: Any) -> None:
    await Client(db).cancel(JID)
    await _push(db, Coroutine)
    async with running(redis_url, *ALL):
        await until(lambda: "complete" in Hooked.said)
        await until(lambda: _gone(raw))
    assert Hooked.said == ["start", "cancel", "stop", "complete"]
    assert await raw.zcard("retry") == 0


async def test_a_state_without_a_cursor_is_read_as_none(redis_url: str, db: Database, raw: Any) -> None:
    await raw.hset(f"it-{JID}", "cancelled", 5)  # as Ruby's cancel! leaves it
    await _push(db, Plain)
    async with running(redis_url, *ALL):
        await until(lambda: "complete" in Hooked.said)
    assert "cancel" in Hooked.said


@KINDS
async def test_cancelled_while_it_runs_it_completes_at_the_next_write(
    redis_url: str, db: Database, raw: Any, kind: type[IterableJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iterable, "FLUSH_SECONDS", 0.0)
    Hooked.wait_at = 1
    await _push(db, kind)
    async with running(redis_url, *ALL):
        await until(Hooked.waiting.is_set)
        assert (await read_iterations(db, [JID]))[JID].cursor == 1
        await Client(db).cancel(JID)
        Hooked.go.set()
        await until(lambda: "complete" in Hooked.said)
        await until(lambda: _gone(raw))
    assert [step[0] for step in _steps()] == ["a", "b"]
    assert Hooked.said[-3:] == ["cancel", "stop", "complete"]
    assert await raw.zcard("retry") == await raw.llen("queue:default") == 0


@KINDS
async def test_given_back_in_the_middle_of_a_step_its_place_is_kept(
    redis_url: str, db: Database, raw: Any, kind: type[IterableJob]
) -> None:
    Hooked.wait_at = 2
    await _push(db, kind)
    before = await raw.lrange("queue:default", 0, -1)
    async with running(redis_url, *ALL, config=quick(timeout=0.05)):
        await until(Hooked.waiting.is_set)
    assert await raw.lrange("queue:default", 0, -1) == before
    assert (await read_iterations(db, [JID]))[JID].cursor == 2
    Hooked.go.set()


async def test_nothing_to_iterate_and_what_cannot_be(redis_url: str, db: Database, raw: Any) -> None:
    await _push(db, Nothing)
    await _push(db, Wrong)
    async with running(redis_url, *ALL):
        await until(lambda: raw.zcard("retry"))
        await until(lambda: _processed(raw, 2, 1))
    (failed,) = await raw.zrange("retry", 0, -1)
    assert json.loads(failed)["error_class"] == "TypeError"
    assert Hooked.said == []


async def test_the_time_to_live_is_set_once(redis_url: str, db: Database, raw: Any) -> None:
    await raw.hset(f"it-{JID}", mapping={"ex": 3, "c": "1", "rt": "2.5"})
    await raw.expire(f"it-{JID}", 1000)
    await _push(db, Failing)
    async with running(redis_url, *ALL):
        await until(lambda: raw.zcard("retry"))
    state = (await read_iterations(db, [JID]))[JID]
    assert (state.executions, state.cursor, state.runtime) == (4, 2, 2.5)
    assert await raw.ttl(f"it-{JID}") <= 1000


async def test_without_a_worker_it_runs_through() -> None:
    job = Plain()
    await job.perform(1)
    assert [step[0] for step in _steps()] == list("abcd")


def test_a_base_is_no_job_and_perform_is_taken() -> None:
    assert "IterableJob" not in job_classes()
    assert "Hooked" not in job_classes()
    with pytest.raises(TypeError, match="must not define perform"):
        type("Own", (IterableJob,), {"perform": lambda self: None}, abstract=True)
