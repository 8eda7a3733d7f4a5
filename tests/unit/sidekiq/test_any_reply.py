"""Whatever a server answers, readers answer too, or say in an error of ours why they can't."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.deploy import read_marks
from sidekiq_tui.sidekiq.errors import Forbidden, ReplyError, SidekiqError, WrongType
from sidekiq_tui.sidekiq.history import read_history
from sidekiq_tui.sidekiq.iteration import read_iterations
from sidekiq_tui.sidekiq.metrics import for_job, top_jobs
from sidekiq_tui.sidekiq.overview import OverviewReader
from sidekiq_tui.sidekiq.process import read_processes
from sidekiq_tui.sidekiq.profiling import read_profile_data, read_profiles
from sidekiq_tui.sidekiq.stats import read_stats
from sidekiq_tui.sidekiq.version import detect, find_namespaces
from sidekiq_tui.sidekiq.work import read_work

NOW = 1_795_314_142.0

NAMES = st.sampled_from([b"a", b"b:1:x", b"caf\xe9", b"", b"info", b"queue", b"A|p", b"2026-11-22T02:06:00Z"])
DATA = st.one_of(
    NAMES,
    st.binary(max_size=10),
    st.sampled_from(
        [
            b"{}",
            b"[]",
            b'{"queues":{},"weights":[{"a":[]}],"capsules":{"x":{"weights":[]}},"labels":5,"pid":1e400}',
            b'{"queue":5,"payload":{"a":NaN},"run_at":"x"}',
            b'{"enqueued_at":-1e300}',
            b"redis_version:7\r\ndb0:keys=x",
            b"1e999",
            b"-1",
        ]
    ),
)
ERRORS = st.sampled_from([Forbidden("no", command="X"), WrongType("type"), ReplyError("other")])
SCALARS = st.none() | st.integers(-5, 2**63) | DATA
REPLIES = st.one_of(
    SCALARS,
    ERRORS,
    st.lists(SCALARS, max_size=8),
    st.tuples(st.sampled_from([b"0", b"5", b"x"]), st.lists(DATA, max_size=4)).map(list),
)


class Answering(Database):
    """Answers each command with something drawn at random."""

    def __init__(self, draw: Callable[[], object]) -> None:
        super().__init__(cast("Redis", None))
        self._draw = draw

    async def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        self.trips += 1
        return [cast("Reply", self._draw()) for _ in commands]


async def polls(db: Database) -> None:
    reader = OverviewReader(db)
    for poll in range(2):
        overview = await reader.read(NOW + poll * 60)
        for name in (
            "busy",
            "concurrency",
            "rss",
            "enqueued",
            "latency",
            "utilization",
            "worst_queue",
            "live_processes",
        ):
            getattr(overview, name)
        assert all((queue.latency or 0) >= 0 and (queue.size or 0) >= 0 for queue in overview.queues)


READERS: dict[str, Callable[[Database], Awaitable[Any]]] = {
    "polls": polls,
    "stats": lambda db: read_stats(db, NOW),
    "history": lambda db: read_history(db, 3, date(2026, 11, 22)),
    "processes": lambda db: read_processes(db, NOW),
    "work": lambda db: read_work(db, ["a", "b"]),
    "top_jobs": lambda db: top_jobs(db, NOW, minutes=3),
    "for_job": lambda db: for_job(db, "A", NOW, minutes=3),
    "marks": lambda db: read_marks(db, NOW - 86_400, NOW),
    "profiles": lambda db: read_profiles(db, NOW),
    "profile": lambda db: read_profile_data(db, "a"),
    "iterations": lambda db: read_iterations(db, ["a", "b"]),
    "detect": lambda db: detect(db, NOW),
    "namespaces": find_namespaces,
}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_reply(name: str, data: st.DataObject) -> None:
    async def run() -> None:
        try:
            await READERS[name](Answering(lambda: data.draw(REPLIES)))
        except SidekiqError:
            assert name not in ("polls", "stats", "detect"), "these leave out what can't be read"

    asyncio.run(run())
