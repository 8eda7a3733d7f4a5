"""The metrics in the JSON contract, schema 1: durations in seconds, times in Unix seconds, None where unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sidekiq_tui.presentation.columns.metrics import SHARES, MetricsRow
from sidekiq_tui.presentation.records import Record, number
from sidekiq_tui.sidekiq.histogram import SLOW, bounds

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics


def metrics_record(metrics: Metrics, rows: Iterable[MetricsRow]) -> Record:
    """The fields of `metrics`: the period and its buckets in seconds, the classes, the deploys."""
    return {
        "period": len(metrics.buckets) * metrics.width,
        "bucket": metrics.width,
        "classes": [class_record(row) for row in rows],
        "deploys": [{"at": mark.at, "label": mark.label} for mark in metrics.marks],
    }


def no_metrics_record() -> Record:
    """The same of a server that gave nothing."""
    return {"period": None, "bucket": None, "classes": None, "deploys": None}


def class_record(row: MetricsRow) -> Record:
    """One class; the percentiles are estimates from its histogram, None where that was not read.

    Histogram and series are what a class has that was asked for by its name: `class_details`.
    """
    return {
        "class": row.class_name,
        "processed": row.processed,
        "failed": row.failed,
        "mean": number(row.mean),
        "total": number(row.total),
        **{name: number(row.percentile(share)) for share, name in SHARES},
        "histogram": None,
        "series": None,
    }


def class_details(row: MetricsRow, metrics: Metrics, job: JobMetrics) -> Record:
    """The histogram of a class, fastest first, and its buckets over time, oldest first, those without runs left out."""
    runs, failures, times = (job.series[measure] for measure in ("p", "f", "ms"))
    histogram = [
        {"under": bounds(index)[1] if bounds(index)[0] < SLOW else None, "runs": count}
        for index, count in enumerate(row.counts or ())
    ]
    series = [
        {"at": at, "processed": runs.get(at, 0), "failed": failures.get(at, 0), "total": times.get(at, 0) / 1000}
        for at in metrics.buckets
        if at in runs
    ]
    return {"histogram": histogram, "series": series}
