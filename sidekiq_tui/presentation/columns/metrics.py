"""The job classes of the Metrics screen: how often they ran, how long that took, how often it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import (
    Cell,
    Column,
    Context,
    SortKey,
    Span,
    number_key,
    text_key,
    value_cell,
)
from sidekiq_tui.presentation.spark import meter, spark
from sidekiq_tui.sidekiq.histogram import HISTOGRAM_LABELS, SLOW, bounds, percentile

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.histogram import Counts
    from sidekiq_tui.sidekiq.metrics import Metrics

SHARES: Final = ((0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"))
"""The percentiles that are told, by their name."""
LABEL_CELLS: Final = 6

_TIMES_CELLS: Final = 13
_BAR_CELLS: Final = 30


@dataclass(frozen=True, slots=True)
class MetricsRow:
    """One class over a period."""

    class_name: str
    processed: int
    """Runs, failed ones too."""
    failed: int
    ms: int
    """Milliseconds of the successful runs."""
    counts: Counts | None = None
    """Runs by how long they took; None while that is not read."""

    @property
    def mean(self) -> float | None:
        """Seconds of a successful run; None without any."""
        succeeded = self.processed - self.failed
        return self.ms / succeeded / 1000 if succeeded > 0 else None

    @property
    def total(self) -> float:
        """Seconds of all successful runs."""
        return self.ms / 1000

    @property
    def failing(self) -> float | None:
        """The part of the runs that failed."""
        return min(1.0, self.failed / self.processed) if self.processed else None

    def percentile(self, share: float) -> float | None:
        """Seconds that `share` of the successful runs stayed under, an estimate; None where that is not known."""
        return None if self.counts is None else percentile(self.counts, share, self.mean)


@dataclass(frozen=True, slots=True)
class TimesRow:
    """One bucket of a histogram, or several next to each other."""

    label: str
    """What the runs stayed under, `<225ms`; of the slowest what they took at least, `>335s`."""
    runs: int
    part: float
    """Of the fullest bucket (0 to 1)."""
    marks: str
    """The percentiles that fall in here."""


def times_rows(row: MetricsRow, each: int = 1) -> list[TimesRow]:
    """The histogram of a class, fastest first, so many of Sidekiq's buckets in one; all zero while it is not read."""
    counts = row.counts or (0,) * len(HISTOGRAM_LABELS)
    starts = range(0, len(counts), each)
    sums = [sum(counts[start : start + each]) for start in starts]
    most = max(sums) or 1
    marks = _marks(row, each)
    return [
        TimesRow(_label(start, each), runs, runs / most, marks.get(index, ""))
        for index, (start, runs) in enumerate(zip(starts, sums, strict=True))
    ]


def _label(start: int, each: int) -> str:
    last = min(start + each, len(HISTOGRAM_LABELS)) - 1
    slowest = last == len(HISTOGRAM_LABELS) - 1
    return f">{HISTOGRAM_LABELS[start - 1]}" if slowest else f"<{HISTOGRAM_LABELS[last]}"


def _marks(row: MetricsRow, each: int) -> dict[int, str]:
    """Which percentiles fall in which row; of more than two the first and the last."""
    places: dict[int, list[str]] = {}
    slowest = len(HISTOGRAM_LABELS) - 1
    for share, name in SHARES:
        seconds = row.percentile(share)
        if seconds is not None:
            bucket = next((i for i in range(slowest) if seconds <= bounds(i)[1] and seconds != SLOW), slowest)
            places.setdefault(bucket // each, []).append(name)
    return {at: " ".join(names) if len(names) < 3 else f"{names[0]}…{names[-1][1:]}" for at, names in places.items()}


def metrics_rows(metrics: Metrics, counts: Mapping[str, Counts]) -> list[MetricsRow]:
    """A row for each class, the one that took the most time first; `counts` by class, as far as they are read."""
    rows = [MetricsRow(name, job.processed, job.failed, job.ms, counts.get(name)) for name, job in metrics.jobs.items()]
    return sorted(rows, key=lambda row: (-row.ms, -row.processed, row.class_name))


def estimate(seconds: float | None) -> str:
    """An estimated time, at most 6 cells: exactly 335 s is all that is known of the slowest, so `>5m35s`."""
    return f">{units.duration(seconds)}" if seconds == SLOW else units.duration(seconds)


def _class(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row.class_name) or "(no name)", "text" if row.class_name else "muted"),)


def _jobs(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.processed))


def _mean(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.duration(row.mean))


def _percentile(share: float) -> Callable[[MetricsRow, Context, int | None], Cell]:
    def draw(row: MetricsRow, context: Context, width: int | None) -> Cell:
        if row.counts is None:
            return (Span(context.glyphs.cut, "muted"),)
        return value_cell(estimate(row.percentile(share)))

    return draw


def _total(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.duration(row.total))


def _failed(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.count(row.failed))


def _failing(row: MetricsRow, context: Context, width: int | None) -> Cell:
    return value_cell(units.share(row.failing))


def _times(row: MetricsRow, context: Context, width: int | None) -> Cell:
    """All rows share one axis, from 20 ms at the left to over 335 s at the right."""
    if row.counts is None:
        return ()
    each = -(-len(row.counts) // (width or _TIMES_CELLS))
    bars = [sum(row.counts[start : start + each]) for start in range(0, len(row.counts), each)]
    return (Span(spark(bars, len(bars), context.ascii), "chart"),)


def _number(value: Callable[[MetricsRow], float | None]) -> Callable[[MetricsRow, Context], SortKey]:
    return lambda row, context: number_key(value(row))


_Column = Column[MetricsRow]

# Percentiles do not sort: only those of the visible rows are read.
METRICS: Final[tuple[_Column, ...]] = (
    _Column("class", "class", 20, 48, _class, weight=3, sort=lambda row, context: text_key(row.class_name)),
    _Column("jobs", "jobs", 5, 5, _jobs, align="right", sort=_number(lambda row: row.processed)),
    _Column("mean", "mean", 6, 6, _mean, align="right", goes=3, sort=_number(lambda row: row.mean)),
    _Column("p50", "p50", 6, 6, _percentile(0.5), align="right"),
    _Column("p95", "p95", 6, 6, _percentile(0.95), align="right"),
    _Column("total", "total", 6, 6, _total, align="right", goes=2, sort=_number(lambda row: row.total)),
    _Column("failed", "failed", 6, 6, _failed, align="right", goes=0, sort=_number(lambda row: row.failed)),
    _Column("failing", "fail%", 5, 5, _failing, align="right", goes=4, sort=_number(lambda row: row.failing)),
    _Column("times", "times", 10, 13, _times, weight=1, goes=1),
)


def _bar(row: TimesRow, context: Context, width: int | None) -> Cell:
    return (Span(meter(row.part, width or _BAR_CELLS, context.ascii)[0], "chart"),)


_TimesColumn = Column[TimesRow]

TIMES: Final[tuple[_TimesColumn, ...]] = (
    _TimesColumn("time", "time", LABEL_CELLS, LABEL_CELLS, lambda row, *_: (Span(row.label),), align="right"),
    _TimesColumn("runs", "runs", 5, 5, lambda row, *_: value_cell(units.count(row.runs)), align="right"),
    _TimesColumn("bar", "", _BAR_CELLS, _BAR_CELLS, _bar, goes=1, live=True),
    _TimesColumn("here", "here", 8, 8, lambda row, *_: (Span(row.marks, "accent"),)),
)
"""A histogram as a table of its own."""
