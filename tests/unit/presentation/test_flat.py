from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation import flat, records
from sidekiq_tui.presentation.columns.metrics import MetricsRow
from sidekiq_tui.presentation.metrics_records import class_record
from sidekiq_tui.presentation.records import Record, server_element
from sidekiq_tui.servers.health import Health
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS
from tests.unit.presentation.examples import NOW, job, overview, process, queue, work

GONE = server_element("gone", {}, "refused")
PAGE: Record = {"size": 932, "jobs": [records.job_record(job(), NOW)]}

VIEWS: dict[str, Record] = {
    "servers": records.servers_record(overview(), Health("ok"), "production"),
    "dashboard": records.dashboard_record(overview()),
    "queues": records.queues_record([queue("a", 5), queue("b", None, None)]),
    "queue": PAGE,
    "retries": PAGE,
    "scheduled": PAGE,
    "dead": PAGE,
    "job": {"jobs": [records.job_record(job(), NOW, place=True)]},
    "search": {"complete": True, "jobs": [records.job_record(job(), NOW, place=True)]},
    "metrics": {"classes": [class_record(MetricsRow("Invoice", 12, 2, 250))]},
    "workers": records.workers_record([process()], [work()], NOW),
}


def parsed(line: str) -> list[str]:
    (row,) = csv.reader(io.StringIO(line), strict=True)
    return row


@pytest.mark.parametrize("view", VIEWS)
def test_the_header_names_every_field_of_every_record(view: str) -> None:
    """A field that a record gains and the header lacks would vanish from the CSV in silence."""
    found = list(flat.flat_records(view, [server_element("prod", VIEWS[view])]))
    assert found
    for record in found:
        assert set(record) <= set(flat.FIELDS[view])
        assert len(parsed(flat.csv_row(view, record))) == len(parsed(flat.csv_header(view)))
    assert {key for record in found for key in record} == set(flat.FIELDS[view])


@pytest.mark.parametrize("view", VIEWS)
def test_a_server_that_is_gone(view: str) -> None:
    elements = [GONE, server_element("prod", VIEWS[view])]
    found = list(flat.flat_records(view, elements))
    gone = [record for record in found if record["server"] == "gone"]
    assert bool(gone) == (view in ("servers", "dashboard"))
    assert all(record["error"] == "refused" for record in gone)
    assert all(next(iter(record)) == "server" for record in found)


def test_processes_and_work_are_told_apart() -> None:
    kinds = [record["kind"] for record in flat.flat_records("workers", [server_element("prod", VIEWS["workers"])])]
    assert kinds == ["process", "work"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (-5.0, "-5.0"),
        (10**400, "1" + "0" * 400),
        (1.5, "1.5"),
        ([1, {"a": "é"}], '[1,{"a":"\\u00e9"}]'),
        ("plain", "plain"),
        ("é漢 ❤️", "é漢 ❤️"),
        ("two\nlines\r\n\ttab", "two\\nlines\\r\\n\\ttab"),
        ("\x1b[2J\x9b\u202e\x00", "\\u001b[2J\\u009b\\u202e\\u0000"),
        ("\udcff", "\\udcff"),
        ('quote "q", comma', 'quote "q", comma'),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("\n=1", "'\\n=1"),
        ("＝1", "'＝1"),
        ("＠a", "'＠a"),
        ("a=1", "a=1"),
        ("a\U000e0100b", "a\\udb40\\udd00b"),
    ],
)
def test_cells(value: object, cell: str) -> None:
    assert parsed(flat.csv_line([value, "end"])) == [cell, "end"]


@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=4))
def test_a_line_of_any_texts_is_one_line_without_control_characters(values: list[str]) -> None:
    line = flat.csv_line([*values, "end"])
    assert not CONTROL_PATTERN.search(line)
    assert "\n" not in line
    assert "\t" not in line
    assert len(parsed(line)) == len(values) + 1
    line.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_hostile_texts(text: str) -> None:
    line = flat.csv_line([text, {text: text}, "end"])
    assert not CONTROL_PATTERN.search(line)
    assert parsed(line)[0][:1] not in ("=", "+", "-", "@")
    assert json.loads(parsed(line)[1]) == {text: text}


def test_every_hostile_job_is_one_line() -> None:
    for raw in HOSTILE_PAYLOADS:
        record = {"server": "s", **records.job_record(JobRecord(raw, Place("dead"), 1.0), NOW)}
        line = flat.csv_row("dead", record)
        assert not CONTROL_PATTERN.search(line)
        assert "\n" not in line


def test_totals_of_dashboards() -> None:
    late = records.dashboard_record(overview(queues=(queue("outbox", 7, 11_520.0),), dead=None, processes=()))
    elements = [server_element("prod", VIEWS["dashboard"]), GONE, server_element("mail", late)]
    assert flat.total_record("dashboard", elements) == {
        "processed": 2 * 1_234_738,
        "failed": 2 * 8995,
        "busy": 3,
        "enqueued": 4019,
        "retries": 1864,
        "scheduled": 24_200,
        "dead": 41,
        "processes": 1,
        "queues": 3,
        "concurrency": 4,
        "rss": 480 * 1024**2,
        "utilization": 0.75,
        "worst_latency": 11_520.0,
        "worst_latency_queue": "outbox",
        "worst_latency_server": "mail",
    }


@pytest.mark.parametrize(
    ("view", "total"),
    [
        ("queues", {"queues": 2, "size": 5}),
        ("retries", {"size": 932}),
        ("queue", {"size": 932}),
        ("job", {"jobs": 1}),
        ("search", {"jobs": 1}),
        ("workers", {"processes": 1, "work": 1, "concurrency": 4, "busy": 3, "rss": 480 * 1024**2}),
    ],
)
def test_other_totals(view: str, total: dict[str, Any]) -> None:
    assert flat.total_record(view, [GONE, server_element("prod", VIEWS[view])]) == total


def test_the_total_of_no_answer_is_not_zero() -> None:
    total = flat.total_record("dashboard", [server_element("a", records.dashboard_record(None), "refused")])
    assert set(total.values()) == {None}
    assert flat.total_record("dead", [GONE]) == {"size": None}
