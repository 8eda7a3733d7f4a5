"""The tree of processes and jobs: its rows, their order, and how they are drawn."""

from __future__ import annotations

from typing import Any

import pytest

from sidekiq_tui.presentation.columns import (
    WORKERS,
    Context,
    ProcessRow,
    WorkRow,
    plain,
    worker_columns,
    worker_rows,
)
from sidekiq_tui.presentation.columns.worker_tree import GoneRow, WorkerOrder, worker_trees
from sidekiq_tui.sidekiq.process import Capsule
from tests.unit.presentation.drawn import HERE, NARROW, WIDE, draw, keys, role
from tests.unit.presentation.examples import NOW, job, process, work


def test_a_process() -> None:
    assert draw(WORKERS, ProcessRow(process())) == {
        "name": "▾ app-1:5916  shop",
        "queues": "critical×4 default",
        "threads": "3/4",
        "memory": "480M",
        "running": "6d05h",
        "beat": "2s",
        "state": "● running",
        "version": "8.1.7",
    }


def test_a_job_in_progress() -> None:
    assert draw(WORKERS, WorkRow(work(), process())) == {
        "name": '    Invoice::ChargeJob  42, {"currency":"EUR"}',
        "queues": "reports",
        "threads": "3wm",
        "memory": "",
        "running": "4h12m",
        "beat": "",
        "state": "▲ long",
        "version": "",
    }


def test_what_is_long_depends_on_the_class_and_on_what_the_last_beat_knew() -> None:
    def long(runs: float, usual: float | None, beat_age: float = 0.0) -> bool:
        row = WorkRow(work(run_at=NOW - runs), process(beat=NOW - beat_age), usual)
        return row.runs_long(NOW)

    assert [long(3599, None), long(3601, None)] == [False, True]
    assert [long(60, 31.0), long(63, 31.0)] == [False, True]
    assert [long(9, 0.05), long(11, 0.05)] == [False, True]
    assert not long(11, 0.05, beat_age=2.0), "it may have ended right after the beat"


def test_the_usual_time_of_a_job_is_that_of_the_class_metrics_know() -> None:
    args = [{"arguments": ["UserMailer", "welcome", "deliver_now"]}]
    mail = job("work", None, klass="Sidekiq::ActiveJob::Wrapper", wrapped="ActionMailer::MailDeliveryJob", args=args)
    assert mail.display_class == "UserMailer#welcome"
    (tree,) = worker_trees([process()], [work(job=mail)], usual={"ActionMailer::MailDeliveryJob": 3.0})
    assert [row.usual for row in tree.jobs] == [3.0]


def test_orders_of_processes() -> None:
    processes = [
        process(identity="a", hostname="a", rss=1, busy=5, version="7.3.10", beat=NOW - 9),
        process(identity="b", hostname="b", rss=9, busy=1, stale=True, version="8.1.7", beat=None),
        process(identity="c", hostname="c", rss=5, busy=9, status="quiet", version="8.1.6", beat=NOW - 5),
    ]
    jobs = [work(identity="a", run_at=NOW - 5), work(identity="c", run_at=NOW - 500)]

    def order(key: WorkerOrder, falling: bool = False) -> str:
        trees = worker_trees(processes, jobs, ghosts=["ghost"], order=key, falling=falling, now=NOW)
        return "".join(tree.identity[0] for tree in trees)

    assert [order("name"), order("name", True)] == ["abcg", "cbag"]
    assert [order("state", True), order("state")] == ["gbca", "acbg"]
    assert [order("threads", True), order("memory", True), order("memory")] == ["cabg", "bcag", "acbg"]
    assert [order("running", True), order("running")] == ["cabg", "acbg"], "unknown last, whichever way"
    assert [order("version", True), order("beat", True)] == ["bcag", "acbg"]


def test_threads_have_a_meter_where_there_is_room() -> None:
    threads = next(column for column in WORKERS if column.key == "threads")
    assert plain(threads.fitted(ProcessRow(process()), HERE, 11)) == "━━━━─   3/4"
    assert plain(threads.fitted(ProcessRow(process(busy=10, concurrency=10)), HERE, 11)) == "━━━━━ 10/10"
    assert plain(threads.fitted(ProcessRow(process(busy=118, concurrency=150)), HERE, 11)) == "━━─ 118/150"
    assert plain(threads.fitted(ProcessRow(process(busy=None, concurrency=None)), HERE, 11)) == "─────   –/–"


@pytest.mark.parametrize(
    ("more", "shown", "roles"),
    [
        ({}, "● running", ["ok", "text"]),
        ({"status": "quieting"}, "◐ quieting", ["warn", "warn"]),
        ({"status": "quiet", "quiet": True}, "◐ quiet", ["warn", "warn"]),
        ({"status": "stopping"}, "▼ stopping", ["warn", "warn"]),
        ({"stale": True, "status": "stopping"}, "✗ lost", ["bad"]),
    ],
)
def test_state(more: dict[str, Any], shown: str, roles: list[str]) -> None:
    row = ProcessRow(process(**more))
    assert draw(WORKERS, row)["state"] == shown
    assert role(WORKERS, "state", row) == roles


def test_what_old_processes_do_not_say() -> None:
    old = process(
        hostname=None, pid=None, tag=None, capsules=(), queues=("low", "high"), rss=0, version=None, beat=None
    )
    shown = draw(WORKERS, ProcessRow(old))
    assert shown["name"] == "▾ app-1:5916:0123456789ab"
    assert (shown["queues"], shown["memory"], shown["version"], shown["beat"]) == ("low high", "–", "–", "–")


def test_queues_of_several_capsules() -> None:
    capsules = (Capsule("a", 1, "strict", {"one": 0}), Capsule("b", 1, "weighted", {"two": 3, "three": 1}))
    assert draw(WORKERS, ProcessRow(process(capsules=capsules)))["queues"] == "one two×3 three"


def test_the_tree() -> None:
    web = process(identity="web", hostname="Web", pid=1, version="7.3.10", status="quiet")
    late, early = work(tid="late", run_at=NOW - 1), work(tid="early", run_at=NOW - 9)
    orphan, of_web = work("gone", tid="orphan"), work("web", tid="of web", run_at=None)
    rows = worker_rows([web, process(), process(identity="z", hostname="app-2")], [late, orphan, of_web, early])
    names = [draw(WORKERS, row)["name" if isinstance(row, ProcessRow | GoneRow) else "threads"] for row in rows]
    assert names == ["▾ app-1:5916  shop", "early", "late", "▾ app-2:5916  shop", "▾ Web:1  shop", "of web",
                     "▾ gone", "orphan"]  # fmt: skip
    assert [draw(WORKERS, row)["state"] for row in rows[6:]] == ["✗ gone", "▲ long"]
    assert draw(WORKERS, WorkRow(work(run_at=NOW)))["state"] == "orphaned"
    assert [row.odd_version for row in rows if isinstance(row, ProcessRow)] == [False, False, True]
    assert draw(WORKERS, rows[5])["state"] == "finishing"
    folded = worker_rows([web, process()], [late, of_web], folded={"web"})
    assert [type(row) for row in folded] == [ProcessRow, WorkRow, ProcessRow]
    context = Context(now=NOW, folded={"web"})
    assert draw(WORKERS, folded[2], context)["name"].startswith("▸ Web:1")


def test_which_columns_stay() -> None:
    assert keys(WORKERS, WIDE) == [column.key for column in WORKERS]
    assert keys(WORKERS, NARROW) == ["name", "queues", "threads", "running", "state"]
    assert worker_columns("local")[4].min == 12
