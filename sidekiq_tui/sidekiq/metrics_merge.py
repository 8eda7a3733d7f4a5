"""The metrics of several servers added up, whichever versions wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from sidekiq_tui.sidekiq.histogram import add_up
from sidekiq_tui.sidekiq.metrics import MAX_CLASSES, JobMetrics, Metrics


def merge_metrics(parts: Sequence[Metrics]) -> Metrics:
    """Metrics of one query to several servers, at least one, as one; asked a moment apart, buckets may be one more.

    Raises ValueError when they are not of one granularity: sums would say nothing.
    """
    first = parts[0]
    if any(part.granularity != first.granularity for part in parts):
        raise ValueError("metrics of different buckets do not add up")
    jobs: dict[str, JobMetrics] = {}
    truncated = any(part.truncated for part in parts)
    for part in parts:
        for name, job in part.jobs.items():
            if name not in jobs and len(jobs) >= MAX_CLASSES:
                truncated = True
                continue
            _add(jobs.setdefault(name, JobMetrics()), job)
    return Metrics(
        granularity=first.granularity,
        starts_at=min(part.starts_at for part in parts),
        ends_at=max(part.ends_at for part in parts),
        buckets=tuple(sorted({at for part in parts for at in part.buckets})),
        marks=tuple(sorted({mark for part in parts for mark in part.marks}, key=lambda mark: (mark.at, mark.label))),
        jobs=jobs,
        truncated=truncated,
        forms=frozenset().union(*(part.forms for part in parts)),
        histograms_denied=next((part.histograms_denied for part in parts if part.histograms_denied), ""),
    )


def _add(total: JobMetrics, job: JobMetrics) -> None:
    for metric, series in job.series.items():
        for at, value in series.items():
            total.add(metric, at, value)
    for minute, counts in job.histogram.items():
        known = total.histogram.get(minute)
        total.histogram[minute] = counts if known is None else add_up((known, counts))
