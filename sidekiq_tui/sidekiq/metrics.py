"""Execution metrics per class: counts, run times and histograms (protocol 8, metrics/query.rb).

Sidekiq 7 and 8 write under different keys; both are read and added up, as a fleet may be mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.deploy import Mark, read_marks
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.replies import fields, natural

Granularity = Literal["minutely", "hourly"]

HISTOGRAM_INTERVALS: Final[tuple[float, ...]] = (
    *(20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1100, 1700, 2500, 3800, 5750, 8500, 13000, 20000, 30000),
    *(45000, 65000, 100000, 150000, 225000, 335000, 1e20),
)
"""Upper bounds in milliseconds; a run counts in the first bucket whose bound is above its time."""

HISTOGRAM_LABELS: Final = (
    *("20ms", "30ms", "45ms", "65ms", "100ms", "150ms", "225ms", "335ms", "500ms", "750ms", "1.1s", "1.7s", "2.5s"),
    *("3.8s", "5.75s", "8.5s", "13s", "20s", "30s", "45s", "65s", "100s", "150s", "225s", "335s", "Slow"),
)

MAX_MINUTES: Final = 480
MAX_HOURS: Final = 72
MAX_CLASSES: Final = 5000
"""Classes shown at most; the keys of a server may name any number."""

_COMMANDS_A_TRIP: Final = 500
_HASHES_A_TRIP: Final = 60
_FIELDS_A_TRIP: Final = 30_000
_METRICS: Final = ("p", "f", "ms")


@dataclass(slots=True)
class JobMetrics:
    """One class over the period; buckets are their first second (Unix), milliseconds are of successful runs."""

    processed: int = 0
    """Runs, failed ones too."""
    failed: int = 0
    ms: int = 0
    series: dict[str, dict[float, int]] = field(default_factory=lambda: {name: {} for name in _METRICS})
    """By metric ("p", "f", "ms"), then by bucket; only what was written."""
    histogram: dict[float, tuple[int, ...]] = field(default_factory=dict)
    """By minute: runs per entry of HISTOGRAM_INTERVALS, fastest first (Ruby's is the other way round)."""

    @property
    def average(self) -> float:
        """Mean milliseconds of a successful run; 0.0 without any, as in Ruby."""
        return _mean(self.ms, self.processed - self.failed)

    def averages(self) -> dict[float, float]:
        """The same for each bucket that has a run time."""
        runs, failures = self.series["p"], self.series["f"]
        return {at: _mean(ms, runs.get(at, 0) - failures.get(at, 0)) for at, ms in self.series["ms"].items()}

    def add(self, metric: str, bucket: float, value: int) -> None:
        """Counts `value` in; `metric` is "p", "f" or "ms"."""
        series = self.series[metric]
        series[bucket] = series.get(bucket, 0) + value
        if metric == "p":
            self.processed += value
        elif metric == "f":
            self.failed += value
        else:
            self.ms += value


@dataclass(frozen=True, slots=True)
class Metrics:
    """Answers of a query; all times Unix seconds."""

    granularity: Granularity
    starts_at: float
    ends_at: float
    buckets: tuple[float, ...]
    """The first second of each bucket, oldest first."""
    marks: tuple[Mark, ...]
    jobs: Mapping[str, JobMetrics]
    truncated: bool
    """More classes than MAX_CLASSES were found."""

    def bucket(self, at: float) -> float:
        """The bucket that a moment falls in."""
        return _floor(at, _WIDTH[self.granularity])


_WIDTH: Final[Mapping[Granularity, int]] = {"minutely": 60, "hourly": 600}


async def top_jobs(
    db: Database, now: float, *, minutes: int | None = None, hours: int | None = None, contains: str = ""
) -> Metrics:
    """Every class that ran in the last `minutes` (60; at most 480) or `hours` (at most 72; only Sidekiq 8 writes them).

    `contains` keeps classes whose name has this text in it, whatever the case. Trips: one for the sizes of the
    buckets, then one for each 60 that hold something, and one for deploy marks. Raises SidekiqError when nothing may
    be read.
    """
    period = _Period.of(now, minutes, hours)
    hashes = [(at, key) for at in period.buckets for key in period.rollup_keys(db.keys, at)]
    sizes = await _ask(db, [("HLEN", key) for _, key in hashes])
    filled = [(*item, size) for item, size in zip(hashes, map(natural, sizes), strict=True) if size]
    jobs: dict[str, JobMetrics] = {}
    wanted = contains.casefold()
    truncated = False
    for some in _slices(filled):
        replies = await db.pipeline([("HGETALL", key) for _, key, _ in some])
        for (at, _, _), reply in zip(some, replies, strict=True):
            truncated |= _add_rollup(jobs, at, fields(reply), lambda name: wanted in name.casefold())
    return await period.result(db, jobs, truncated)


async def for_job(
    db: Database, class_name: str, now: float, *, minutes: int | None = None, hours: int | None = None
) -> Metrics:
    """One class: counts and run times of each bucket and, for minutes, histograms. One trip per 500 keys.

    Raises SidekiqError when nothing may be read.
    """
    period = _Period.of(now, minutes, hours)
    job = JobMetrics()
    names = [f"{class_name}|{metric}" for metric in _METRICS]
    hashes = [(at, key) for at in period.buckets for key in period.rollup_keys(db.keys, at)]
    replies = await _ask(db, [("HMGET", key, *names) for _, key in hashes])
    for (at, _), values in zip(hashes, replies, strict=True):
        for metric, value in zip(_METRICS, values if isinstance(values, list | tuple) else (), strict=False):
            if (number := natural(value)) is not None:
                job.add(metric, at, number)
    if period.granularity == "minutely":
        strings = [(at, key) for at in period.buckets for key in _histogram_keys(db.keys, class_name, at)]
        for (at, _), raw in zip(strings, await _ask(db, [("GET", key) for _, key in strings]), strict=True):
            _add_histogram(job, at, raw)
    return await period.result(db, {class_name: job}, False)


def decode_histogram(raw: object) -> tuple[int, ...]:
    """26 counters of 16 bits, big-endian; Redis keeps the string only as long as its last counter that was used."""
    data = raw if isinstance(raw, bytes) else b""
    padded = data[: 2 * len(HISTOGRAM_LABELS)].ljust(2 * len(HISTOGRAM_LABELS), b"\0")
    return tuple(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))


@dataclass(frozen=True, slots=True)
class _Period:
    granularity: Granularity
    now: float
    count: int

    @classmethod
    def of(cls, now: float, minutes: int | None, hours: int | None) -> _Period:
        if hours is not None:
            return cls("hourly", now, 6 * max(1, min(hours, MAX_HOURS)))
        return cls("minutely", now, max(1, min(minutes or 60, MAX_MINUTES)))

    @property
    def width(self) -> int:
        return _WIDTH[self.granularity]

    @property
    def starts_at(self) -> float:
        return self.now - self.count * self.width

    @property
    def buckets(self) -> list[float]:
        last = _floor(self.now, self.width)
        return [last - age * self.width for age in reversed(range(self.count))]

    def rollup_keys(self, keys: Keys, at: float) -> tuple[bytes, ...]:
        when = datetime.fromtimestamp(at, UTC)
        if self.granularity == "hourly":
            return (keys.metrics_ten_minutes(when),)
        return (keys.metrics_minute(when), keys.metrics_minute_v7(when))

    async def result(self, db: Database, jobs: Mapping[str, JobMetrics], truncated: bool) -> Metrics:
        try:
            marks = await read_marks(db, self.starts_at, self.now)
        except SidekiqError:
            marks = ()
        return Metrics(self.granularity, self.starts_at, self.now, tuple(self.buckets), marks, jobs, truncated)


def _histogram_keys(keys: Keys, class_name: str, at: float) -> tuple[bytes, bytes]:
    when = datetime.fromtimestamp(at, UTC)
    return keys.histogram(class_name, when), keys.histogram_v7(class_name, when)


def _add_rollup(
    jobs: dict[str, JobMetrics], at: float, said: Mapping[str, bytes], wanted: Callable[[str], bool]
) -> bool:
    """Counts one bucket in; says whether classes had to be left out."""
    truncated = False
    for name, raw in said.items():
        class_name, bar, metric = name.rpartition("|")
        value = natural(raw)
        if not bar or metric not in _METRICS or value is None or not wanted(class_name):
            continue
        if class_name not in jobs and len(jobs) >= MAX_CLASSES:
            truncated = True
            continue
        jobs.setdefault(class_name, JobMetrics()).add(metric, at, value)
    return truncated


def _add_histogram(job: JobMetrics, at: float, raw: object) -> None:
    if any(counts := decode_histogram(raw)):
        before = job.histogram.get(at, (0,) * len(counts))
        job.histogram[at] = tuple(map(sum, zip(before, counts, strict=True)))


def _slices(filled: Sequence[tuple[float, bytes, int]]) -> list[list[tuple[float, bytes, int]]]:
    """Hashes to read in one trip each: few enough that no reply grows large."""
    slices: list[list[tuple[float, bytes, int]]] = []
    total = 0
    for item in filled:
        if not slices or len(slices[-1]) >= _HASHES_A_TRIP or total + item[2] > _FIELDS_A_TRIP:
            slices.append([])
            total = 0
        slices[-1].append(item)
        total += item[2]
    return slices


async def _ask(db: Database, commands: Sequence[Command]) -> list[object]:
    """Sends all in slices. Raises the first error when there are only errors."""
    replies: list[object] = []
    for start in range(0, len(commands), _COMMANDS_A_TRIP):
        replies += await db.pipeline(commands[start : start + _COMMANDS_A_TRIP])
    errors = [reply for reply in replies if isinstance(reply, SidekiqError)]
    if errors and len(errors) == len(replies):
        raise errors[0]
    return replies


def _mean(total: int, count: int) -> float:
    return total / count if count > 0 else 0.0


def _floor(at: float, width: int) -> float:
    return float(at // width * width)
