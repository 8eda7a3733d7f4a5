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
)
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.series import Series
from tests.unit.presentation.drawn import HERE, NARROW, WIDE, draw, keys, line, role
from tests.unit.presentation.examples import NOW, job, overview, process, queue, snapshot, work

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
            "backlog": " " * 10,
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
        assert [role(QUEUES, "served", row) for row in rows] == [["bad strong"], ["muted"]]
        assert [draw(QUEUES, row)["served"] for row in rows] == ["0", "0"]
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
        assert draw(JOBS["search"], job("schedule"))["where"] == "scheduled"

    def test_sorting(self) -> None:
        rows = [job(raw=b"x"), job(klass="b"), job(klass="A")]
        for key in ("class", "args", "tries", "error", "queue", "time"):
            column = next(column for column in JOBS["retry"] if column.key == key)
            assert column.sort is not None
            assert len(sorted(column.sort(row, HERE) for row in rows)) == 3
        by_class = next(column for column in JOBS["retry"] if column.key == "class")
        shown = [row.display_class for row in sorted(rows, key=lambda row: by_class.sort(row, HERE))]  # type: ignore[misc]
        assert shown == ["A", "b", None]


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
