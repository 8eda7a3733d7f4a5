"""Statistics, queue summaries and history, against Sidekiq's `Stats`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sidekiq_tui.sidekiq.history import read_history
from sidekiq_tui.sidekiq.overview import Overview, OverviewReader
from sidekiq_tui.sidekiq.stats import read_stats
from tests.conformance.values import ONE_MILLISECOND, Recording, raised

COVERS = ("stats", "history")

# Where the same number stands in a poll's overview, which leaves out the dead processes that `processes_size` counts.
IN_OVERVIEW: dict[str, Callable[[Overview], object]] = {
    "processed": lambda overview: overview.processed,
    "failed": lambda overview: overview.failed,
    "scheduled_size": lambda overview: overview.scheduled,
    "retry_size": lambda overview: overview.retries,
    "dead_size": lambda overview: overview.dead,
    "enqueued": lambda overview: overview.enqueued,
    "workers_size": lambda overview: overview.busy,
    "default_queue_latency": lambda overview: overview.latency,
}


async def test_every_number_of_stats(recording: Recording) -> None:
    stats = await read_stats(recording.db, recording.now)
    overview = await OverviewReader(recording.db).read(recording.now)
    for name, value in recording.answer("stats").items():
        if name in ("queues", "queue_summaries"):
            continue
        tolerance = ONE_MILLISECOND if name == "default_queue_latency" else 0
        # Ruby's fast statistics say 0 for a tail that is no JSON; we say that it is unknown.
        assert getattr(stats, name) == pytest.approx(value, abs=tolerance), name
        if name != "processes_size":
            assert IN_OVERVIEW[name](overview) == pytest.approx(value, abs=tolerance), name
    assert not overview.denied


async def test_queues_and_sizes_in_rubys_order(recording: Recording) -> None:
    stats = await read_stats(recording.db, recording.now)
    theirs = recording.answer("stats")["queues"]
    assert dict(stats.queues) == dict(theirs)
    # Ruby leaves the order of queues of one size to chance.
    assert [size for _, size in stats.queues] == [size for _, size in theirs]


async def test_queue_summaries(recording: Recording) -> None:
    theirs = recording.answer("stats").get("queue_summaries")
    ours = {queue.name: queue for queue in (await OverviewReader(recording.db).read(recording.now)).queues}
    assert ours.keys() == dict(recording.answers["stats"]["queues"]).keys()
    if theirs is None:
        pytest.skip("this version has no queue_summaries")
    if raised(theirs):
        # One tail that is no JSON takes all summaries away in Ruby. Ours stand; that queue's latency is unknown.
        assert any(queue.latency is None and queue.size for queue in ours.values())
        return
    for summary in theirs:
        queue = ours[summary["name"]]
        assert queue.size == summary["size"]
        assert queue.latency == pytest.approx(summary["latency"], abs=ONE_MILLISECOND)
        assert queue.paused == summary.get("paused", summary.get("paused?", queue.paused))
        assert summary.keys() <= {"name", "size", "latency", "paused", "paused?"}


async def test_queues_of_an_overview(recording: Recording) -> None:
    paused = {name.decode() for name in await recording.db.command("SMEMBERS", recording.db.keys.paused)}  # type: ignore[union-attr]
    queues = (await OverviewReader(recording.db).read(recording.now)).queues
    answers = recording.answer("queues")
    assert [queue.name for queue in queues] == [answer["name"] for answer in answers]
    for queue, answer in zip(queues, answers, strict=True):
        assert queue.size == answer["size"], queue.name
        assert queue.latency == _latency(answer), queue.name
        # Open source's Queue#paused? always says false; its summaries (8.1.1) and we say whether it is in `paused`.
        assert answer["paused?"] is False
        assert queue.paused is (queue.name in paused)


def _latency(answer: dict[str, Any]) -> Any:
    """What our latency of a queue must be."""
    if raised(answer["latency"]):
        return None  # the tail is no JSON: unknown
    if answer["latency"] == 0 and answer["size"]:
        # No `enqueued_at`: 0 until 8.1.0, from `created_at` since. We always do the latter, like JobRecord#latency.
        return pytest.approx(answer["jobs_newest_first"][-1]["latency"], abs=ONE_MILLISECOND)
    return pytest.approx(answer["latency"], abs=ONE_MILLISECOND)


async def test_history(recording: Recording) -> None:
    today = datetime.fromtimestamp(recording.now, UTC).date()
    for name, answer in recording.answer("history").items():
        days, _, start = name.partition("_from_")
        history = await read_history(recording.db, int(days), date.fromisoformat(start) if start else today)
        assert answer.keys() == {"processed", "failed"}
        assert [(day.date.isoformat(), day.processed) for day in history.days] == list(answer["processed"].items())
        assert [(day.date.isoformat(), day.failed) for day in history.days] == list(answer["failed"].items())
