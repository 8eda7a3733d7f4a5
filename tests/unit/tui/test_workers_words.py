"""What the workers screen says of its fleet: notes worst first, details, which classes it asks about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sidekiq_tui.presentation.columns.base import Context, Span, plain
from sidekiq_tui.presentation.columns.worker_tree import GoneRow, ProcessRow, WorkRow
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import Capsule, Process
from sidekiq_tui.sidekiq.work import Work
from sidekiq_tui.tui.screens.workers_details import details
from sidekiq_tui.tui.screens.workers_siblings import WorkSiblings
from sidekiq_tui.tui.screens.workers_usual import ASKED_EVERY, FORGOTTEN_AFTER, MOST_AT_ONCE, UsualTimes
from sidekiq_tui.tui.screens.workers_words import about, fitted, matches, notes, title_left, title_right
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.tui import NOW, make_overview, make_process, make_queue

HERE = Context(now=NOW, time_mode="utc")


def running(tid: str = "3wm", runs: float = 5.0, klass: str = "ReportJob", identity: str = "app-1:5916:aa") -> Work:
    """A job in progress for `runs` seconds."""
    raw = f'{{"class":"{klass}","jid":"00ff","args":[1]}}'.encode()
    return Work(identity, tid, "reports", NOW - runs, JobRecord(raw, Place("work")))


def said(*processes: Process, jobs: tuple[WorkRow, ...] = (), **changes: Any) -> list[str]:
    """The notes on a fleet."""
    overview: Overview = make_overview(processes=processes or (make_process(),), **changes)
    return [plain(note) for note in notes(overview, jobs, HERE)]


def backlog(name: str = "exports", **changes: Any) -> tuple[Any, ...]:
    return (make_queue(name, 3, 7440.0, **changes),)


def test_a_healthy_fleet_has_no_notes() -> None:
    assert said() == []
    assert said(queues=(make_queue("default", 5, 60.0), make_queue("empty", 0, processes=0))) == []


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ([], ""),
        ([{"status": "quiet", "quiet": True}], ": app-1:5916 is quiet"),
        ([{"status": "stopping"}], ": app-1:5916 is stopping"),
        ([{"stale": True}], ": app-1:5916 is lost"),
        ([{"status": "quiet"}, {"stale": True}], ": its 2 processes are lost or quiet"),
    ],
)
def test_queues_that_nobody_serves(changes: list[dict[str, Any]], ending: str) -> None:
    processes = [
        make_process(identity=f"app-{number}", queues=("exports",), beat=NOW - 90, **one)
        for number, one in enumerate(changes)
    ]
    found = said(make_process(), *processes, queues=backlog())
    assert found[0] == f"✗ nobody serves exports (3 jobs, waiting 2h04m){ending}"


def test_a_queue_that_one_of_its_processes_fetches_from_is_served() -> None:
    quiet = make_process(identity="b", queues=("exports",), status="quiet")
    assert not any("nobody" in note for note in said(make_process(queues=("exports",)), quiet, queues=backlog()))


def test_the_longest_wait_comes_first_and_unreadable_processes_prove_nothing() -> None:
    queues = (make_queue("a", 1, 5.0), make_queue("b", 1, 50.0), make_queue("c", 1, 0.0))
    found = said(make_process(), queues=queues)
    assert [note.split()[3] for note in found] == ["b", "a", "c"]
    assert found[2] == "✗ nobody serves c (1 job)"
    assert said(queues=queues, denied={"processes": "no"}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"beat": NOW - 84, "busy": 5}, "sent no heartbeat for 1m24s: its 5 jobs may be lost or still running"),
        ({"beat": NOW - 84, "busy": 1}, "sent no heartbeat for 1m24s: its job may be lost or still running"),
        ({"beat": NOW - 84, "busy": 0}, "sent no heartbeat for 1m24s"),
        (
            {"beat": NOW - 7200},
            "sent no heartbeat for 2h00m: it is gone, and its entry stays until somebody removes it",
        ),
        ({"beat": None}, "never sent a heartbeat: it is gone, and its entry stays until somebody removes it"),
        ({"beat": NOW - 5}, "has an entry without an end: it will stay when the process dies"),
    ],
)
def test_silent_processes(changes: dict[str, Any], words: str) -> None:
    assert said(make_process(stale=True, **changes)) == [f"✗ app-1:5916 {words}"]


def test_ghosts_and_the_work_left_behind() -> None:
    jobs = (WorkRow(running(identity="x")), WorkRow(running("b", identity="x")))
    assert said(jobs=jobs[:1]) == ["✗ 1 job is listed under processes that are gone"]
    assert said(jobs=jobs, ghosts=("a:1:x",)) == [
        "✗ 2 jobs are listed under processes that are gone",
        "▲ a:1:x died without a word: only its name is left",
    ]
    assert said(ghosts=("a", "b")) == ["▲ 2 processes died without a word: only their names are left"]


def test_long_jobs() -> None:
    process = make_process(beat=NOW)
    one = WorkRow(running(runs=15_120), process, 2280.0)
    assert said(process, jobs=(one,)) == ["▲ ReportJob runs 4h12m; 95 of 100 take under 38m"]
    assert said(process, jobs=(one, one)) == ["▲ ReportJob: 2 jobs run far longer than usual"]
    other = WorkRow(running(runs=4000, klass="ImportJob"), process)
    assert said(process, jobs=(one, one, other)) == ["▲ ReportJob and others: 3 jobs run far longer than usual"]


def test_signals_versions_and_lone_processes() -> None:
    waiting = make_process(identity="a", signals=("TSTP", "TERM"), status="stopping")
    deaf = make_process(identity="b", signals=("TERM",), embedded=True)
    assert said(waiting, deaf) == [
        "▲ TSTP, TERM waits: app-1:5916 takes it with its next heartbeat",
        "▲ TERM waits: app-1:5916 ignores it: it is embedded",
    ]
    old, none = make_process(identity="c", version="7.3.10"), make_process(identity="d", version=None)
    two = [make_process(), make_process(identity="b")]
    assert said(*two, old, none) == [
        "▲ versions of Sidekiq differ: 1 runs 7.3.10, 1 runs an unknown version, the others 8.1.7"
    ]
    assert said(*two, make_process(identity="c"), queues=backlog("default", processes=1)) == [
        "▲ default is served by one process only"
    ]


def test_notes_that_do_not_fit_are_counted() -> None:
    found = [(Span("a note"),)] * 4
    assert [plain(note) for note in fitted(found, 2, 40, HERE)] == ["a note", "a note  and 2 more notes"]
    assert plain(fitted(found[:3], 2, 40, HERE)[-1]) == "a note  and 1 more note"
    assert plain(fitted(found, 1, 22, HERE)[0]) == "a n…  and 3 more notes"
    assert fitted(found, 4, 40, HERE) == found
    assert fitted(found, 0, 40, HERE) == []


def test_titles() -> None:
    assert plain(tuple(title_left([make_process(busy=3, concurrency=4)], False, HERE))) == (
        "1 process  3 of 4 threads busy 75%"
    )
    some = [make_process(rss=480 << 20), make_process(rss=32 << 20), make_process(rss=None)]
    assert plain(tuple(title_left([*some, make_process(stale=True)], True, HERE))).endswith("memory 512M")
    assert plain(tuple(title_left([], True, HERE))) == "0 processes"
    assert plain(tuple(title_left(None, True, HERE))) == "– processes"
    assert title_right([WorkRow(replace(running(), run_at=None))], NOW) == []
    assert plain(tuple(title_right([WorkRow(running(runs=9)), WorkRow(running(runs=99))], NOW))) == "longest job 1m39s"


def test_the_message_line() -> None:
    process = make_process(
        labels=("eu", "reliable"), leader=True, capsules=(Capsule("default", 5, "strict", {"a": 0}),)
    )
    words = plain(tuple(about(ProcessRow(process), HERE)))
    assert words.startswith("app-1:5916:aa  leader  labels eu reliable  queues a  started 01-14 08:00Z")
    assert plain(tuple(about(GoneRow("a:1:x"), HERE))) == "a:1:x  died without a word: its entry has expired"
    assert plain(tuple(about(WorkRow(running(runs=15_120), process, 2280.0), HERE))) == (
        "ReportJob runs 4h12m; 95 of 100 take under 38m  00ff"
    )


def test_details_of_a_process_say_all_that_it_says() -> None:
    process = make_process(
        labels=("eu",),
        leader=True,
        signals=("TERM",),
        capsules=(
            Capsule("default", 10, "weighted", {"critical": 4, "default": 1}),
            Capsule("single", 1, "strict", {"serial": 0}),
        ),
    )
    assert [plain(line) for line in details(ProcessRow(process), HERE, 80, 20)] == [
        " process   app-1:5916:aa  leader",
        " host      app-1  pid 5916  tag shop  labels eu",
        " started   01-14 08:00Z  1d00h ago",
        " heartbeat 07:59:58Z  2s ago  round trip to Redis <1ms",
        " waiting   TERM next heartbeat",
        " threads   0 of 10 busy  memory 480M  sidekiq 8.1.7",
        " capsule   default  10 threads  weighted  critical×4 default",
        " capsule   single  1 thread  strict  serial",
    ]
    assert plain(details(ProcessRow(process), HERE, 80, 4)[-1]) == " and 5 more lines"


def test_many_queues_take_several_lines() -> None:
    process = make_process(queues=tuple(f"queue-{number:02}" for number in range(30)))
    lines = [plain(line) for line in details(ProcessRow(process), HERE, 60, 30)]
    assert all(len(line) <= 60 for line in lines)
    assert all(any(f"queue-{number:02}" in line for line in lines) for number in range(30))


def test_details_of_a_job() -> None:
    lines = [plain(line) for line in details(WorkRow(running(runs=15_120), make_process(beat=NOW)), HERE, 80, 20)]
    assert lines == [
        " job       ReportJob",
        " jid       00ff",
        " arguments 1",
        " queue     reports",
        " thread    3wm  of app-1:5916",
        " process   app-1:5916:aa",
        " started   03:48:00Z  4h12m ago  runs 4h12m",
        " usually   nothing known of this class: over an hour counts as long",
    ]


@pytest.mark.parametrize("evil", HOSTILE_TEXTS)
def test_hostile_names_are_safe_everywhere(evil: str) -> None:
    capsule = Capsule(evil, 1, evil, {evil: 3})
    process = make_process(
        identity=evil, hostname=evil, tag=evil, labels=(evil,), queues=(evil,), capsules=(capsule, capsule),
        version=evil, signals=(evil,), stale=True,
    )  # fmt: skip
    work = Work(evil, evil, evil, NOW - 90_000, JobRecord(evil.encode("utf-8", "surrogatepass"), Place("work")))
    rows = (ProcessRow(process), GoneRow(evil), WorkRow(work), WorkRow(work, process))
    lines = [line for row in rows for line in (*details(row, HERE, 80, 99), tuple(about(row, HERE)))]
    queues = (make_queue(evil, 3, 5.0, processes=1), make_queue(evil + "2", 3, 5.0))
    overview = make_overview(*queues, processes=(process, make_process(), make_process(identity="2")), ghosts=(evil,))
    lines += notes(overview, [WorkRow(work), WorkRow(work, process)], HERE)
    assert not [line for line in lines if CONTROL_PATTERN.search(plain(line))]


def test_what_the_filter_finds() -> None:
    process = make_process(labels=("eu",), queues=("mailers",), version="8.1.7")
    for words in ("APP-1", "5916", "shop", "mailers eu", "8.1", "running"):
        assert matches(process, words), words
    assert not matches(process, "shop nobody")
    assert matches(running(), "report 00ff reports 3wm")
    assert matches("a:1:x", "a:1")


class TestUsualTimes:
    def test_each_class_is_asked_for_once_a_minute(self) -> None:
        usual = UsualTimes()
        assert usual.due(["a", "b", "a", ""], NOW) == ("a", "b")
        usual.put(["a", "b"], {"a": 3.0}, NOW)
        assert usual.times == {"a": 3.0}
        assert usual.due(["a", "b", "c"], NOW + ASKED_EVERY - 1) == ("c",)
        assert usual.due(["a", "b"], NOW + ASKED_EVERY) == ("a", "b")
        usual.put(["a"], {}, NOW + ASKED_EVERY)
        assert usual.times == {}

    def test_it_asks_for_some_at_a_time_and_forgets(self) -> None:
        usual = UsualTimes()
        names = [f"class-{number}" for number in range(120)]
        assert usual.due(names, NOW) == tuple(names[:MOST_AT_ONCE])
        usual.put(names, dict.fromkeys(names, 1.0), NOW)
        usual.put(["late"], {"late": 1.0}, NOW + FORGOTTEN_AFTER + 1)
        assert usual.times == {"late": 1.0}

    def test_a_clock_put_back_is_no_reason_to_wait(self) -> None:
        usual = UsualTimes()
        usual.put(["a"], {}, NOW)
        assert usual.due(["a"], NOW - 5000) == ("a",)


async def test_neighbours_of_a_job() -> None:
    jobs = [JobRecord(f'{{"jid":"{number}"}}'.encode(), Place("work")) for number in range(3)]
    rows = [(1, jobs[0]), (2, jobs[1]), (5, jobs[2])]
    placed: list[int] = []
    siblings = WorkSiblings(lambda: rows, placed.append)
    assert siblings.place_of(jobs[1]) == (1, 3)
    assert await siblings.step(jobs[1], 1) is jobs[2]
    assert placed == [5]
    assert await siblings.step(jobs[2], 1) is None
    assert await siblings.step(JobRecord(b"gone", Place("work")), 1) is None
    assert placed == [5]
