"""Processes and work in progress, against Sidekiq's `ProcessSet` and `WorkSet`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.sidekiq.overview import OverviewReader
from sidekiq_tui.sidekiq.process import Process, read_processes
from sidekiq_tui.sidekiq.stats import read_stats
from sidekiq_tui.sidekiq.work import read_work
from tests.conformance.test_jobs import check_jobs
from tests.conformance.values import Recording, close

COVERS = ("processes", "work")


def _capsules(process: Process) -> dict[str, Any]:
    return {
        capsule.name: {"concurrency": capsule.concurrency, "mode": capsule.mode, "weights": dict(capsule.weights)}
        for capsule in process.capsules
    }


FIELDS: dict[str, Callable[[Process], object]] = {
    "identity": lambda process: process.identity,
    "tag": lambda process: process.tag,
    "labels": lambda process: list(process.labels),
    "queues": lambda process: list(process.queues),
    "capsules": _capsules,
    "version": lambda process: process.version,
    "embedded?": lambda process: process.embedded,
    "stopping?": lambda process: process.quiet,
    "leader?": lambda process: process.leader,
    "hostname": lambda process: process.hostname,
    "pid": lambda process: process.pid,
    "concurrency": lambda process: process.concurrency,
    "busy": lambda process: process.busy,
    "quiet": lambda process: "true" if process.quiet else "false",
    "rss": lambda process: process.rss and process.rss // 1024,
    "rtt_us": lambda process: process.rtt and round(process.rtt * 1e6),
}
TIMES: dict[str, Callable[[Process], object]] = {
    "started_at": lambda process: process.started_at,
    "beat": lambda process: process.beat,
}


async def test_every_field_of_every_process(recording: Recording) -> None:
    answer = recording.answer("processes")
    processes = await read_processes(recording.db, recording.now)
    assert [process.identity for process in processes] == [theirs["identity"] for theirs in answer["each"]]
    for ours, theirs in zip(processes, answer["each"], strict=True):
        for name, value in theirs.items():
            if name in TIMES:
                assert TIMES[name](ours) == close(value), name
            elif name == "weights":
                _compare_weights(ours, value)
            else:
                assert FIELDS[name](ours) == value, name


def _compare_weights(process: Process, theirs: Any) -> None:
    if isinstance(theirs, list):  # 7.x: one object per capsule
        assert [dict(capsule.weights) for capsule in process.capsules] == theirs
    else:
        assert dict(process.weights) == theirs


async def test_sums_over_processes(recording: Recording) -> None:
    answer = recording.answer("processes")
    overview = await OverviewReader(recording.db).read(recording.now)
    stats = await read_stats(recording.db, recording.now)
    ours = {
        "size": stats.processes_size,  # Ruby's size counts the dead that it has not pruned yet
        "total_concurrency": overview.concurrency,
        "total_rss_in_kb": (overview.rss or 0) // 1024,
        "leader": overview.leader or "",
        "each": [process.identity for process in overview.processes],
    }
    for name, value in answer.items():
        theirs = [process["identity"] for process in value] if name == "each" else value
        assert ours[name] == theirs, name


async def test_a_poll_reads_the_same_processes(recording: Recording) -> None:
    overview = await OverviewReader(recording.db).read(recording.now)
    assert overview.processes == await read_processes(recording.db, recording.now)


async def test_every_field_of_all_work(recording: Recording) -> None:
    answer = recording.answer("work")
    overview = await OverviewReader(recording.db).read(recording.now)
    work = await read_work(recording.db, [process.identity for process in overview.processes])
    assert overview.busy == answer["size"]
    assert len(work) == len(answer["each_oldest_first"])
    for ours, theirs in zip(work, answer["each_oldest_first"], strict=True):
        assert theirs.keys() == {"process", "tid", "queue", "run_at", "job"}
        assert (ours.identity, ours.tid, ours.queue) == (theirs["process"], theirs["tid"], theirs["queue"])
        assert ours.run_at == pytest.approx(theirs["run_at"])
    await check_jobs(recording, [one.job for one in work], [theirs["job"] for theirs in answer["each_oldest_first"]])
