"""Rows, histograms and records of the metrics."""

from __future__ import annotations

from sidekiq_tui.presentation.columns.base import Context, layout, plain
from sidekiq_tui.presentation.columns.metrics import METRICS, MetricsRow, estimate, metrics_rows, times_rows
from sidekiq_tui.presentation.metrics_records import class_details, class_record, metrics_record
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.histogram import SLOW
from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics

NOW = 1_795_313_190.0
CONTEXT = Context(now=NOW)


def counts(**runs: int) -> tuple[int, ...]:
    return tuple(runs.get(f"b{index}", 0) for index in range(26))


def cells(row: MetricsRow) -> dict[str, str]:
    return {column.key: plain(column.cell(row, CONTEXT, column.min)) for column in METRICS}


def metrics(**jobs: JobMetrics) -> Metrics:
    buckets = tuple(NOW // 60 * 60 - 60 * age for age in reversed(range(60)))
    return Metrics("minutely", NOW - 3600, NOW, buckets, (Mark(NOW - 600, "abc Deploy"),), jobs, False)


def ran(processed: int, failed: int, ms: int) -> JobMetrics:
    job = JobMetrics()
    for metric, value in (("p", processed), ("f", failed), ("ms", ms)):
        job.add(metric, NOW // 60 * 60, value)
    return job


def test_what_a_row_says() -> None:
    row = MetricsRow("Invoice", 12_100, 100, 12_000 * 50, counts(b1=6000, b4=6000))
    assert cells(row) == {
        "class": "Invoice",
        "jobs": "12.1k",
        "mean": "50ms",
        "p50": "30ms",
        "p95": "96ms",
        "total": "10m",
        "failed": "100",
        "failing": "0.8%",
        "times": "▇▇·······",
    }


def test_unknown_is_not_zero() -> None:
    unread, failing = MetricsRow("A", 5, 5, 0), MetricsRow("", 5, 5, 0, counts())
    assert (cells(unread)["p50"], cells(unread)["times"], cells(unread)["mean"]) == ("…", "", "–")
    assert (cells(failing)["p50"], cells(failing)["class"], cells(failing)["failing"]) == ("–", "(no name)", "100%")
    assert MetricsRow("A", 0, 0, 0).failing is None


def test_the_slowest_bucket_says_at_least() -> None:
    assert estimate(SLOW) == ">5m35s"
    assert estimate(334.0) == "5m34s"


def test_columns_go_in_the_order_of_their_worth() -> None:
    gone = [
        {column.key for column in METRICS} - {column.key for column, _ in layout(METRICS, width)}
        for width in (117, 77, 57)
    ]
    assert gone == [set(), {"failed", "times"}, {"failed", "times", "total", "mean"}]


def test_rows_come_with_the_most_time_first() -> None:
    rows = metrics_rows(metrics(A=ran(9, 0, 10), B=ran(1, 0, 90), C=ran(20, 20, 0)), {"A": counts(b0=9)})
    assert [(row.class_name, row.counts is None) for row in rows] == [("B", True), ("A", False), ("C", True)]


def test_a_histogram_of_every_height_holds_every_run_once() -> None:
    row = MetricsRow("A", 60, 0, 60_000, counts(b0=10, b1=20, b10=20, b25=10))
    for each in (1, 2, 3, 5, 26):
        assert sum(one.runs for one in times_rows(row, each)) == 60
    labels = [one.label for one in times_rows(row)]
    assert (labels[0], labels[1], labels[-2], labels[-1]) == ("<20ms", "<30ms", "<335s", ">335s")
    assert [one.label for one in times_rows(row, 5)] == ["<100ms", "<750ms", "<5.75s", "<45s", "<335s", ">335s"]
    marks = {one.label: one.marks for one in times_rows(row) if one.marks}
    assert marks == {"<30ms": "p50", ">335s": "p90…99"}


def test_the_record_of_a_class() -> None:
    row = MetricsRow("A", 4, 1, 300, counts(b4=3))
    job = ran(4, 1, 300)
    record = class_record(row) | class_details(row, metrics(A=job), job)
    assert {key: record[key] for key in ("class", "processed", "failed", "mean", "total")} == {
        "class": "A",
        "processed": 4,
        "failed": 1,
        "mean": 0.1,
        "total": 0.3,
    }
    histogram = record["histogram"]
    assert isinstance(histogram, list)
    assert histogram[4] == {"under": 0.1, "runs": 3}
    assert histogram[-1] == {"under": None, "runs": 0}
    assert record["series"] == [{"at": NOW // 60 * 60, "processed": 4, "failed": 1, "total": 0.3}]
    unread = class_record(MetricsRow("A", 4, 1, 300))
    assert (unread["p50"], unread["histogram"], unread["series"]) == (None, None, None)


def test_the_record_of_a_server() -> None:
    record = metrics_record(metrics(A=ran(1, 0, 5)), [])
    assert record == {
        "period": 3600,
        "bucket": 60,
        "classes": [],
        "deploys": [{"at": NOW - 600, "label": "abc Deploy"}],
    }
