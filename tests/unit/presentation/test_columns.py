from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sidekiq_tui.presentation.columns import (
    JOBS,
    QUEUES,
    SERVERS,
    SERVERS_ONCE,
    WORKERS,
    Column,
    Context,
    JobRow,
    ProcessRow,
    QueueRow,
    WorkRow,
    job_columns,
    layout,
    plain,
    queue_rows,
    servers_total,
    worker_columns,
    worker_rows,
)
from sidekiq_tui.presentation.columns.worker_tree import GoneRow, WorkerOrder, worker_trees
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.series import Series
from sidekiq_tui.sidekiq.process import Capsule
from tests.unit.presentation.examples import NOW, job, overview, process, queue, snapshot, work

HERE = Context(now=NOW, server_names=("prod", "staging", "shop-eu"))


def draw(columns: Sequence[Column[Any]], row: Any, context: Context = HERE) -> dict[str, str]:
    return {column.key: plain(column.cell(row, context)) for column in columns}


def role(columns: Sequence[Column[Any]], key: str, row: Any, context: Context = HERE) -> list[str]:
    return [span.role for column in columns if column.key == key for span in column.cell(row, context)]


def line(columns: Sequence[Column[Any]], row: Any, width: int, context: Context = HERE) -> str:
    return "  ".join(plain(column.fitted(row, context, wide)) for column, wide in layout(columns, width))


def keys(columns: Sequence[Column[Any]], width: int) -> list[str]:
    return [column.key for column, _ in layout(columns, width)]


# What stands side by side in the body of a terminal of 120 and of 80 columns, less frame and cursor.
WIDE, NARROW = 116, 76

TABLES: dict[str, tuple[Column[Any], ...]] = {
    "servers": SERVERS,
    "once": SERVERS_ONCE,
    "queues": QUEUES,
    "workers": WORKERS,
    **{f"jobs in {kind}": columns for kind, columns in JOBS.items()},
}


@pytest.mark.parametrize("name", TABLES)
def test_every_heading_fits_its_column(name: str) -> None:
    for column in TABLES[name]:
        assert cell_width(column.heading) <= column.min, column.key
        assert column.min <= (column.max or column.min), column.key
    going = [column.goes for column in TABLES[name] if column.goes is not None]
    assert len(set(going)) == len(going), "the order of dropping is no order"
    assert len({column.key for column in TABLES[name]}) == len(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_every_list_fits_eighty_columns(name: str) -> None:
    shown = layout(TABLES[name], NARROW)
    assert sum(wide for _, wide in shown) + 2 * (len(shown) - 1) <= NARROW


@pytest.mark.parametrize("name", TABLES)
def test_nothing_depends_on_the_data(name: str) -> None:
    assert layout(TABLES[name], WIDE) == layout(TABLES[name], WIDE)


class TestServers:
    def test_a_healthy_server(self) -> None:
        assert draw(SERVERS, snapshot()) == {
            "server": "1 prod",
            "label": "production",
            "state": "● ok",
            "rtt": "1ms",
            "proc/s": "812",
            "trend": " " * 10,
            "fail%": "0.4%",
            "busy": "3/4",
            "enq": "4,012",
            "latency": "mailers 42s",
            "retry": "932",
            "dead": "41",
            "memory": "1.2G",
            "procs": "1",
        }

    def test_which_columns_stay(self) -> None:
        assert keys(SERVERS, WIDE) == [
            *("server", "label", "state", "rtt", "proc/s", "trend", "fail%", "busy", "enq", "latency", "retry", "dead")
        ]
        assert keys(SERVERS, NARROW) == ["server", "state", "proc/s", "fail%", "busy", "enq", "latency", "dead"]

    def test_a_line_of_the_board(self) -> None:
        shown = line(SERVERS, snapshot("shop-eu", state="warn"), NARROW)
        assert shown == "3 shop-eu     ▲ warn        812   0.4%      3/4  4,012  mailers   42s     41"
        assert cell_width(shown) == NARROW

    def test_values_behind_a_reason_wear_its_colour(self) -> None:
        reasons = (Reason("bad", "failures", "9%"), Reason("warn", "dead set", "9,912 of 10,000"))
        row = snapshot(state="bad", reasons=reasons)
        assert role(SERVERS, "fail%", row) == ["bad strong"]
        assert role(SERVERS, "dead", row) == ["warn strong"]
        assert role(SERVERS, "retry", row) == ["text"]
        assert role(SERVERS, "server", row) == ["muted", "label:production strong"]
        assert role(SERVERS, "state", row) == ["bad strong", "bad strong"]

    def test_a_server_that_is_gone_keeps_its_numbers_muted_but_no_rates(self) -> None:
        row = snapshot(state="offline")
        shown = draw(SERVERS, row)
        assert (shown["state"], shown["rtt"], shown["proc/s"], shown["fail%"]) == ("○ offline", "–", "–", "–")
        assert (shown["busy"], shown["enq"], shown["dead"]) == ("3/4", "4,012", "41")
        assert role(SERVERS, "enq", row) == ["muted"]

    def test_a_server_never_seen_knows_nothing(self) -> None:
        shown = draw(SERVERS, snapshot(state="connecting", overview=None, rates=None, label=None))
        assert set(shown.values()) == {"1 prod", "", "◌ trying", "–", " " * 10}

    def test_nothing_waits(self) -> None:
        row = snapshot(overview=overview(queues=(queue(size=0, latency=0.0),)))
        assert draw(SERVERS, row)["latency"] == "0"
        assert role(SERVERS, "latency", row) == ["muted"]
        unknown = snapshot(overview=overview(queues=(queue(size=2, latency=None),)))
        assert draw(SERVERS, unknown)["latency"] == "–"

    def test_the_total_counts_who_answers(self) -> None:
        gone = snapshot("dev", state="offline")
        late = snapshot("mail", overview=overview(queues=(queue("outbox", 31_800, 11_520.0),)), rates=None)
        total = servers_total([snapshot(), gone, late])
        shown = draw(SERVERS, total)
        assert shown["server"] == "  all"
        assert shown["state"] == "2 of 3"
        assert (shown["proc/s"], shown["fail%"], shown["busy"]) == ("812", "0.4%", "6/8")
        assert (shown["enq"], shown["latency"], shown["dead"], shown["procs"]) == ("35.8k", "mail 3h12m", "82", "2")
        assert (shown["label"], shown["rtt"], shown["trend"]) == ("", "", "")
        assert role(SERVERS, "dead", total) == ["strong"]

    def test_the_total_of_nothing_is_unknown(self) -> None:
        shown = draw(SERVERS, servers_total([]))
        assert (shown["enq"], shown["proc/s"], shown["latency"], shown["state"]) == ("–", "–", "–", "0 of 0")

    def test_one_reading_shows_counters(self) -> None:
        shown = draw(SERVERS_ONCE, snapshot())
        assert (shown["processed"], shown["failed"], shown["sched"]) == ("1.23M", "8,995", "12.1k")
        assert not any(column.live for column in SERVERS_ONCE)

    def test_sorting_puts_trouble_first_and_the_unknown_last(self) -> None:
        rows = [snapshot("a"), snapshot("b", state="offline", overview=None), snapshot("c", state="bad")]
        state = next(column for column in SERVERS if column.key == "state")
        enqueued = next(column for column in SERVERS if column.key == "enq")
        assert state.sort is not None
        assert enqueued.sort is not None
        assert [row.server for row in sorted(rows, key=lambda row: state.sort(row, HERE))] == ["c", "b", "a"]  # type: ignore[misc]
        assert max(rows, key=lambda row: enqueued.sort(row, HERE)).server == "b"  # type: ignore[misc]

    def test_the_tenth_server_has_no_digit(self) -> None:
        context = Context(now=NOW, server_names=[f"s{number}" for number in range(12)])
        assert draw(SERVERS, snapshot("s8"), context)["server"] == "9 s8"
        assert draw(SERVERS, snapshot("s9"), context)["server"] == "  s9"
        assert draw(SERVERS, snapshot("s9"), Context(now=NOW))["server"] == "s9"


class TestQueues:
    def test_a_queue(self) -> None:
        row = QueueRow(queue("mailers", 2310, 42.9, processes=2), growth=-310.0, busy=5)
        assert draw(QUEUES, row) == {
            "queue": "mailers",
            "size": "2,310",
            "latency": "42s",
            "trend": "",
            "growth": "-310",
            "empty_in": "37m",
            "busy": "5",
            "served": "2",
            "state": "● ok",
        }

    @pytest.mark.parametrize(
        ("size", "growth", "shown"),
        [
            (10, 5.0, "never"),
            (10, 0.0, "never"),
            (0, 3.0, "0"),
            (10, None, "–"),
            (None, -3.0, "–"),
            (100, -100.0, "5m00s"),
        ],
    )
    def test_when_it_is_empty(self, size: int | None, growth: float | None, shown: str) -> None:
        assert draw(QUEUES, QueueRow(queue(size=size), growth=growth))["empty_in"] == shown

    @pytest.mark.parametrize(
        ("more", "shown", "roles"),
        [
            ({"paused": True, "processes": 0}, "‖ paused", ["warn"]),
            ({"processes": 0}, "✗ nobody", ["bad"]),
            ({"processes": 0, "size": 0}, "  nobody", ["muted"]),
            ({"processes": None, "paused": None}, "● ok", ["ok", "text"]),
        ],
    )
    def test_its_state(self, more: dict[str, Any], shown: str, roles: list[str]) -> None:
        row = QueueRow(queue(**more))
        assert draw(QUEUES, row)["state"] == shown
        assert role(QUEUES, "state", row) == roles

    def test_rows_take_growth_and_trend_from_the_history(self) -> None:
        series = Series()
        for second in range(0, 601, 10):
            series.add_queues(NOW - 600 + second, iter([("mailers", 1000.0 + second, 1.0)]))
        data = overview(queues=(queue("mailers", 1600, 1.0), queue("new", 5, 1.0)))
        mailers, new = queue_rows(snapshot(overview=data, series=series), [work(queue="mailers")])
        shown = draw(QUEUES, mailers)
        assert (shown["growth"], shown["empty_in"], shown["busy"]) == ("+290", "never", "1")
        assert "▇" in shown["trend"]
        assert draw(QUEUES, new)["growth"] == "–"
        assert draw(QUEUES, new)["busy"] == "0"
        assert queue_rows(snapshot(overview=None)) == ()

    def test_lost_and_quiet_processes_serve_nobody(self) -> None:
        gone = (process(stale=True), process(quiet=True, status="quiet"))
        queues = (queue("default", processes=2), queue("empty", 0, 0.0, processes=2))
        rows = queue_rows(snapshot(overview=overview(queues=queues, processes=gone)))
        assert [draw(QUEUES, row)["state"] for row in rows] == ["✗ nobody", "  nobody"]
        assert [role(QUEUES, "served", row) for row in rows] == [["bad strong"], ["text"]]
        (served,) = queue_rows(snapshot(overview=overview(queues=queues[:1], processes=(*gone, process()))))
        assert draw(QUEUES, served)["state"] == "● ok"
        (unknown,) = queue_rows(snapshot(overview=overview(queues=(queue(processes=None),), processes=())))
        assert draw(QUEUES, unknown)["state"] == "● ok"

    def test_which_columns_stay(self) -> None:
        assert keys(QUEUES, WIDE) == [column.key for column in QUEUES]
        assert keys(QUEUES, NARROW) == [*("queue", "size", "latency", "growth", "empty_in", "served", "state")]


class TestJobs:
    def test_a_retry(self) -> None:
        assert draw(JOBS["retry"], job()) == {
            "time": "48s",
            "tries": "7/25",
            "queue": "critical",
            "class": "Invoice::ChargeJob",
            "args": '42, {"currency":"EUR"}',
            "error": "Payments::GatewayTimeout  504 from acquirer",
        }
        assert role(JOBS["retry"], "class", job()) == ["muted", "strong"]

    def test_which_columns_each_list_has(self) -> None:
        headings = {kind: [column.heading for column in columns] for kind, columns in JOBS.items()}
        assert headings == {
            "queue": ["waiting", "class", "args"],
            "retry": ["next in", "tries", "queue", "class", "args", "error"],
            "schedule": ["runs in", "queue", "class", "args"],
            "dead": ["died", "queue", "class", "args", "error"],
            "search": ["age", "where", "class", "args", "error"],
        }
        assert keys(JOBS["retry"], NARROW) == ["time", "tries", "queue", "class", "error"]
        assert keys(JOBS["dead"], NARROW) == ["time", "queue", "class", "error"]

    def test_a_class_is_cut_on_the_left(self) -> None:
        row = job(klass="Accounting::Reports::MonthlyReminderMailer")
        shown = {column.key: plain(column.fitted(row, HERE, wide)) for column, wide in layout(JOBS["retry"], NARROW)}
        assert shown["class"] == "…::MonthlyReminderMailer"
        assert shown["error"].endswith("…")

    @pytest.mark.parametrize(
        ("count", "retry", "shown", "roles"),
        [
            (0, True, "1/25", ["text"]),
            (18, True, "19/25", ["text"]),
            (19, True, "20/25", ["warn"]),
            (-1, True, "0/25", ["text"]),
            (3, 5, "4/5", ["warn"]),
            (3, None, "4", ["text"]),
            (None, True, "–", ["muted"]),
            ("many", True, "–", ["muted"]),
            (0, False, "1/0", ["text"]),
            (10**400, True, ">999T/25", ["warn"]),
        ],
    )
    def test_tries(self, count: object, retry: object, shown: str, roles: list[str]) -> None:
        row = job(retry_count=count, retry=retry)
        assert draw(JOBS["retry"], row)["tries"] == shown
        assert role(JOBS["retry"], "tries", row) == roles

    @pytest.mark.parametrize(
        ("error", "message", "shown"),
        [
            ("Net::ReadTimeout", "Net::ReadTimeout with #<TCPSocket>", "Net::ReadTimeout with #<TCPSocket>"),
            ("Net::ReadTimeout", "Net::ReadTimeout", "Net::ReadTimeout"),
            ("Boom", None, "Boom"),
            ("Boom", " ", "Boom"),
            (None, "only words", "only words"),
            (None, None, "–"),
            ("A", "line\nbreak", "A  line␊break"),
        ],
    )
    def test_an_error_says_its_class_once(self, error: str | None, message: str | None, shown: str) -> None:
        assert draw(JOBS["dead"], job(error_class=error, error_message=message))["error"] == shown

    @pytest.mark.parametrize(
        ("raw", "args", "error"),
        [
            (b"\x80\x04\x95" + b"x" * 211, "214 B, not JSON", "\\x80\\x04\\x95xxxxxxxxx… kept as it is"),
            (b"", "0 B, not JSON", " kept as it is"),
            (b"[1]", "3 B, no object", "[1] kept as it is"),
            (b"\x1b]52;c;" + b"A" * 5000, "4.8 KB, not JSON", "\\x1b]52;c;AAAAA… kept as it is"),
        ],
    )
    def test_bytes_that_are_no_job_say_so(self, raw: bytes, args: str, error: str) -> None:
        shown = draw(JOBS["retry"], job(raw=raw))
        assert (shown["class"], shown["args"], shown["error"]) == ("✗ undecodable", args, error)
        assert (shown["tries"], shown["queue"]) == ("–", "–")
        assert role(JOBS["retry"], "class", job(raw=raw)) == ["bad"]

    def test_times(self) -> None:
        assert draw(JOBS["retry"], job(score=NOW - 5))["time"] == "due"
        assert role(JOBS["retry"], "time", job(score=NOW - 5)) == ["ok strong"]
        assert draw(JOBS["dead"], job("dead", NOW - 290))["time"] == "4m50s"
        assert draw(JOBS["queue"], job("queue", None))["time"] == "5m12s"
        assert draw(JOBS["queue"], job("queue", None, enqueued_at=None))["time"] == "4h02m"
        assert draw(JOBS["queue"], job("queue", None, enqueued_at=None, created_at=None))["time"] == "–"

    def test_points_in_time_get_the_room_they_need(self) -> None:
        columns = job_columns("retry", time_mode="utc")
        assert columns[0].heading == "next at"
        context = Context(now=NOW, time_mode="utc")
        for score in (NOW + 48, NOW + 5 * 86400, NOW + 500 * 86400):
            shown = plain(columns[0].cell(job(score=score), context))
            assert shown.endswith("Z")
            assert len(shown) <= columns[0].min

    def test_the_server_comes_first_where_several_are_shown(self) -> None:
        columns = job_columns("dead", server=True)
        row = JobRow(job("dead", NOW - 1), "prod", "production")
        assert draw(columns, row)["server"] == "prod"
        assert role(columns, "server", row) == ["label:production"]
        assert draw(columns, job("dead"))["server"] == ""

    def test_where_a_search_found_it(self) -> None:
        assert draw(JOBS["search"], job("queue", None))["where"] == "critical"
        assert draw(JOBS["search"], job("schedule"))["where"] == "schedule"

    def test_sorting(self) -> None:
        rows = [job(raw=b"x"), job(klass="b"), job(klass="A")]
        for key in ("class", "args", "tries", "error", "queue", "time"):
            column = next(column for column in JOBS["retry"] if column.key == key)
            assert column.sort is not None
            assert len(sorted(column.sort(row, HERE) for row in rows)) == 3
        by_class = next(column for column in JOBS["retry"] if column.key == "class")
        shown = [row.display_class for row in sorted(rows, key=lambda row: by_class.sort(row, HERE))]  # type: ignore[misc]
        assert shown == ["A", "b", None]


class TestWorkers:
    def test_a_process(self) -> None:
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

    def test_a_job_in_progress(self) -> None:
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

    def test_what_is_long_depends_on_the_class_and_on_what_the_last_beat_knew(self) -> None:
        def long(runs: float, usual: float | None, beat_age: float = 0.0) -> bool:
            row = WorkRow(work(run_at=NOW - runs), process(beat=NOW - beat_age), usual)
            return row.runs_long(NOW)

        assert [long(3599, None), long(3601, None)] == [False, True]
        assert [long(60, 31.0), long(63, 31.0)] == [False, True]
        assert [long(9, 0.05), long(11, 0.05)] == [False, True]
        assert not long(11, 0.05, beat_age=2.0), "it may have ended right after the beat"

    def test_the_usual_time_of_a_job_is_that_of_the_class_metrics_know(self) -> None:
        args = [{"arguments": ["UserMailer", "welcome", "deliver_now"]}]
        mail = job(
            "work", None, klass="Sidekiq::ActiveJob::Wrapper", wrapped="ActionMailer::MailDeliveryJob", args=args
        )
        assert mail.display_class == "UserMailer#welcome"
        (tree,) = worker_trees([process()], [work(job=mail)], usual={"ActionMailer::MailDeliveryJob": 3.0})
        assert [row.usual for row in tree.jobs] == [3.0]

    def test_orders_of_processes(self) -> None:
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

    def test_threads_have_a_meter_where_there_is_room(self) -> None:
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
    def test_state(self, more: dict[str, Any], shown: str, roles: list[str]) -> None:
        row = ProcessRow(process(**more))
        assert draw(WORKERS, row)["state"] == shown
        assert role(WORKERS, "state", row) == roles

    def test_what_old_processes_do_not_say(self) -> None:
        old = process(
            hostname=None, pid=None, tag=None, capsules=(), queues=("low", "high"), rss=0, version=None, beat=None
        )
        shown = draw(WORKERS, ProcessRow(old))
        assert shown["name"] == "▾ app-1:5916:0123456789ab"
        assert (shown["queues"], shown["memory"], shown["version"], shown["beat"]) == ("low high", "–", "–", "–")

    def test_queues_of_several_capsules(self) -> None:
        capsules = (Capsule("a", 1, "strict", {"one": 0}), Capsule("b", 1, "weighted", {"two": 3, "three": 1}))
        assert draw(WORKERS, ProcessRow(process(capsules=capsules)))["queues"] == "one two×3 three"

    def test_the_tree(self) -> None:
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

    def test_which_columns_stay(self) -> None:
        assert keys(WORKERS, WIDE) == [column.key for column in WORKERS]
        assert keys(WORKERS, NARROW) == ["name", "queues", "threads", "running", "state"]
        assert worker_columns("local")[4].min == 12


def test_ascii_draws_no_sign_of_ours() -> None:
    context = Context(now=NOW, ascii=True, server_names=("prod",))
    series = Series()
    series.add(NOW - 1, "processed", 5.0)
    rows: list[tuple[Sequence[Column[Any]], Any]] = [
        (SERVERS, snapshot(series=series, state="offline", overview=None, rates=None)),
        (QUEUES, QueueRow(queue(size=None, paused=True))),
        (JOBS["retry"], job(raw=b"\xff")),
        (WORKERS, ProcessRow(process(stale=True))),
        (WORKERS, WorkRow(work(job=job("work", None, raw=b"")))),
    ]
    for columns, row in rows:
        for width in (WIDE, NARROW, 30):
            assert line(columns, row, width, context).isascii()
        assert "".join(draw(columns, row, context).values()).isascii()


def test_a_pipe_gets_everything() -> None:
    context = Context(now=NOW, complete=True)
    row = job(args=["x" * 5000], error_message="m" * 5000)
    shown = draw(JOBS["retry"], row, context)
    assert len(shown["args"]) == 5002
    assert shown["error"].endswith("m" * 5000)
    assert draw(WORKERS, ProcessRow(process()), context)["name"] == "app-1:5916  shop"
