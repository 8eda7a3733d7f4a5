"""Profiles of runs that ask for one, as read back by our own reader and as the Firefox Profiler would read them."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.profiling import JobProfile, read_profile_data, read_profiles
from sidekiq_tui.sidekiq.worker import sampler
from sidekiq_tui.sidekiq.worker.iterable import IterableJob, array_enumerator
from tests.support.workers import quick, running, until

LOOKS: Final = 10
"""The jobs go on until they have been looked at so often: a busy machine looks seldom."""

watching: list[sampler.Sampler] = []
"""What looks at the job of this test."""


def spin() -> None:
    while not _looked_at(lambda stack: stack[-1][0] is spin.__code__):
        for _ in range(10_000):
            pass


async def rest() -> None:
    await until(lambda: _looked_at(lambda stack: any(code is rest.__code__ for code, _ in stack)))


def _looked_at(shows: Callable[[sampler.Stack], bool]) -> bool:
    return sum(shows(stack) for one in watching for _, stack in tuple(one.samples)) >= LOOKS


class InThread(Job):
    def perform(self) -> None:
        spin()


class OnLoop(Job):
    async def perform(self) -> None:
        spin()
        await rest()


class Stepping(IterableJob):
    def build_enumerator(self, *, cursor: Any) -> Any:
        return array_enumerator([1, 2], cursor)

    def each_iteration(self, item: Any) -> None:
        spin()


class Fails(Job):
    def perform(self) -> None:
        raise ValueError("no")


ALL: tuple[type[Job], ...] = (InThread, OnLoop, Stepping, Fails)


async def _profiles(db: Database) -> tuple[JobProfile, ...]:
    return await read_profiles(db, time.time())


async def _times(db: Database, key: str) -> dict[str, float]:
    """Milliseconds by the function on top of the stack, and by all functions under it with a `*` before."""
    data = await read_profile_data(db, key)
    assert data is not None
    profile = json.loads(gzip.decompress(data))
    assert profile["meta"]["preprocessedProfileVersion"] == sampler.FORMAT
    (thread,) = profile["threads"]
    stacks, frames, functions = thread["stackTable"], thread["frameTable"], thread["funcTable"]
    for table in (stacks, frames, functions):
        assert {len(column) for name, column in table.items() if name != "length"} == {table["length"]}
    assert thread["samples"]["length"] == len(thread["samples"]["stack"]) == len(thread["samples"]["time"])
    assert thread["samples"]["time"] == sorted(thread["samples"]["time"])
    found: dict[str, float] = {}
    for stack in thread["samples"]["stack"]:
        names: list[str] = []
        while stack is not None:
            function = frames["func"][stacks["frame"][stack]]
            names.append(thread["stringArray"][functions["name"][function]])
            stack = stacks["prefix"][stack]
        for name in (names[0], *(f"*{one}" for one in names)):
            found[name] = found.get(name, 0) + profile["meta"]["interval"]
        assert "Processor.process" not in names
    return found


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (InThread, ("*InThread.perform", "spin")),
        (OnLoop, ("*OnLoop.perform", "spin", "*rest")),
        (Stepping, ("*Stepping.each_iteration", "spin")),
    ],
)
async def test_a_run_is_profiled(
    redis_url: str,
    db: Database,
    raw: Any,
    kind: type[Job],
    seen: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = sampler.Sampler.start

    def noted(one: sampler.Sampler) -> None:
        watching[:] = [one]
        start(one)

    monkeypatch.setattr(sampler.Sampler, "start", noted)
    client = Client(db, time_form="milliseconds")
    jid = await client.push({"class": kind.class_name(), "args": [], "profile": "tökén"})
    async with running(redis_url, *ALL):
        (profile,) = await until(lambda: _profiles(db))
    assert (profile.key, profile.jid, profile.type, profile.token) == (f"tökén-{jid}", jid, kind.class_name(), "tökén")
    assert profile.elapsed is not None
    assert profile.elapsed >= LOOKS * sampler.INTERVAL
    assert profile.expires_at is not None
    assert 86_000 < profile.expires_at - time.time() <= 86_400
    assert 86_000 < await raw.ttl(f"tökén-{jid}") <= 86_400
    assert profile.size == len(await read_profile_data(db, profile.key) or b"")
    times = await _times(db, profile.key)
    for name in seen:
        assert times[name] >= LOOKS * 1000 * sampler.INTERVAL, times
    assert profile.filename is not None
    assert profile.filename.startswith(f"tökén-{kind.class_name()}-{jid}-")


async def test_what_failed_and_older_versions_leave_no_profile(redis_url: str, db: Database, raw: Any) -> None:
    client = Client(db, time_form="milliseconds")
    await client.push({"class": "Fails", "args": [], "profile": "t"})
    async with running(redis_url, *ALL):
        await until(lambda: raw.zcard("retry"))
    await client.push({"class": "Stepping", "args": [], "profile": "t"})
    async with running(redis_url, *ALL, config=quick(version="7.3.10")):
        await until(lambda: _processed(raw))
    assert await _profiles(db) == ()


async def _processed(raw: Any) -> bool:
    return bool(await raw.get("stat:processed") == b"2")


async def test_a_long_run_keeps_a_bounded_number_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "MOST_SAMPLES", 10)
    task = asyncio.current_task()
    assert task is not None
    one = sampler.Sampler(task.get_coro())
    one.start()
    await asyncio.sleep(0.2)
    one.stop()
    assert len(one.samples) < 10
    assert one.interval > sampler.INTERVAL
