"""The numbers of a class as samples of a chart. What is not all written yet is left out: it would look like a fall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeVar

from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics

T = TypeVar("T")
Measure = Literal["p", "f", "ms"]
Samples = list[float | None]

WRITTEN_SECONDS: Final = 15
"""Processes write what they ran with their heartbeats, every 10 s: after that a bucket that is over is complete."""


def rates(metrics: Metrics, job: JobMetrics, measure: Measure) -> Samples:
    """Runs, failures or seconds of run time per minute (per hour where buckets are longer), for each bucket that is
    over; None while processes may still write to it."""
    values = job.series[measure]
    scale = metrics.width / unit_of(metrics)[0] * (1000 if measure == "ms" else 1)
    return [values.get(at, 0) / scale if _is_written(metrics, at) else None for at in metrics.buckets[:-1]]


def unit_of(metrics: Metrics | None) -> tuple[int, str]:
    """What rates are per: seconds, and in words."""
    return (3600, "an hour") if metrics is not None and metrics.granularity == "hourly" else (60, "a minute")


def mean_times(metrics: Metrics, job: JobMetrics, columns: int) -> Samples:
    """Seconds of a successful run in each of so many columns; None where there was none."""
    runs, failures, times = (job.series[measure] for measure in ("p", "f", "ms"))
    samples: Samples = []
    for buckets in _groups(metrics.buckets[:-1], columns):
        group = [at for at in buckets if _is_written(metrics, at)]
        succeeded = sum(runs.get(at, 0) - failures.get(at, 0) for at in group)
        ms = sum(times.get(at, 0) for at in group)
        samples.append(ms / 1000 / succeeded if succeeded > 0 else None)
    return samples


def resample(samples: Sequence[float | None], columns: int) -> Samples:
    """As many samples as there are columns: repeated where there are fewer, their mean where there are more."""
    out: Samples = []
    for group in _groups(samples, columns):
        known = [value for value in group if value is not None]
        out.append(sum(known) / len(known) if known else None)
    return out


def column_of(metrics: Metrics, at: float, columns: int) -> int | None:
    """The column that a moment falls in; None outside the chart. The bucket that runs now is the last column."""
    first, count = metrics.buckets[0], len(metrics.buckets) - 1
    index = int((at - first) // metrics.width)
    if index < 0 or count <= 0 or columns <= 0:
        return None
    return min(index * columns // count, columns - 1)


def _is_written(metrics: Metrics, at: float) -> bool:
    return at + metrics.width + WRITTEN_SECONDS <= metrics.ends_at


def _groups(values: Sequence[T], columns: int) -> list[Sequence[T]]:
    count = len(values)
    if not count:
        return []
    starts = [column * count // columns for column in range(columns)]
    ends = [max(start + 1, (column + 1) * count // columns) for column, start in enumerate(starts)]
    return [values[start:end] for start, end in zip(starts, ends, strict=True)]
