"""Execution metrics per class: counts, run times and histograms (protocol 8, metrics/query.rb).

Sidekiq 7 and 8 write under different keys; both are read and added up, as a fleet may be mixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.deploy import Mark, mark_commands, marks_in
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.histogram import Counts, Form, read_histograms
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.replies import fields, natural, reason

Granularity = Literal["minutely", "hourly"]

MAX_MINUTES: Final = 480
MAX_HOURS: Final = 72
MAX_CLASSES: Final = 5000
"""Classes shown at most; the keys of a server may name any number."""

_COMMANDS_A_TRIP: Final = 500
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
    histogram: dict[float, Counts] = field(default_factory=dict)
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
    forms: frozenset[Form] = frozenset()
    """Which versions' keys hold something in this period."""
    histograms_denied: str = ""
    """Why the histograms of a class could not be read; empty where they were, or nobody asked."""

    @property
    def width(self) -> int:
        """Seconds of a bucket."""
        return _WIDTH[self.granularity]

    def minutes(self, class_name: str, most: int) -> tuple[float, ...]:
        """Minutes (their first seconds) whose histograms tell how long a class ran: at most `most`, spread evenly.

        Only of the last eight hours, for which Sidekiq keeps them.
        """
        job = self.jobs.get(class_name)
        since = self.ends_at - MAX_MINUTES * 60
        ran = sorted(at for at, runs in job.series["p"].items() if runs) if job is not None else []
        kept = [at + extra for at in ran for extra in range(0, self.width, 60) if since < at + extra <= self.ends_at]
        step = math.ceil(len(kept) / most)
        return tuple(kept[:: max(1, step)])

    def bucket(self, at: float) -> float:
        """The bucket that a moment falls in."""
        return _floor(at, self.width)


_WIDTH: Final[Mapping[Granularity, int]] = {"minutely": 60, "hourly": 600}


async def top_jobs(
    db: Database, now: float, *, minutes: int | None = None, hours: int | None = None, contains: str = ""
) -> Metrics:
    """Every class that ran in the last `minutes` (60; at most 480) or `hours` (at most 72; only Sidekiq 8 writes them).

    `contains` keeps classes whose name has this text in it, whatever the case. Trips: one for the sizes of the
    buckets and the deploy marks per 500 of them, then one for each 500 that hold something, or 30,000 fields of them.
    Raises SidekiqError when nothing may be read.
    """
    period = _Period.of(now, minutes, hours)
    hashes = period.hashes(db.keys)
    sizes, marks = await _ask(db, [("HLEN", one.key) for one in hashes], period)
    filled = [(one, size) for one, size in zip(hashes, map(natural, sizes), strict=True) if size]
    jobs: dict[str, JobMetrics] = {}
    wanted = contains.casefold()
    truncated = False
    for some in _slices(filled):
        replies = await db.pipeline([("HGETALL", one.key) for one in some])
        for one, reply in zip(some, replies, strict=True):
            truncated |= _add_rollup(jobs, one.at, fields(reply), lambda name: wanted in name.casefold())
    return period.result(jobs, marks, frozenset(one.form for one, _ in filled), truncated)


async def for_job(
    db: Database, class_name: str, now: float, *, minutes: int | None = None, hours: int | None = None
) -> Metrics:
    """One class: counts and run times of each bucket, and the histograms of minutes.

    Histograms reach back eight hours whatever the period (Ruby leaves them out where it is hours). Trips: one per 500
    keys of buckets, deploy marks included, and one for the histograms. Raises SidekiqError when nothing may
    be read.
    """
    period = _Period.of(now, minutes, hours)
    job = JobMetrics()
    names = [f"{class_name}|{metric}" for metric in _METRICS]
    hashes = period.hashes(db.keys)
    replies, marks = await _ask(db, [("HMGET", one.key, *names) for one in hashes], period)
    forms: set[Form] = set()
    for one, values in zip(hashes, replies, strict=True):
        for metric, value in zip(_METRICS, values if isinstance(values, list | tuple) else (), strict=False):
            if (number := natural(value)) is not None:
                job.add(metric, one.at, number)
                forms.add(one.form)
    result = period.result({class_name: job}, marks, frozenset(forms), False)
    wanted = period.buckets if period.granularity == "minutely" else result.minutes(class_name, MAX_MINUTES)
    try:
        found = await read_histograms(db, {class_name: wanted})
    except ReplyError as error:
        return replace(result, histograms_denied=reason(error))
    job.histogram = found.get(class_name, {})
    return result


class _Hash(NamedTuple):
    """The rollup of one bucket, as one version writes it."""

    at: float
    form: Form
    key: bytes


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

    def hashes(self, keys: Keys) -> list[_Hash]:
        return [one for at in self.buckets for one in self._hashes_of(keys, at)]

    def _hashes_of(self, keys: Keys, at: float) -> tuple[_Hash, ...]:
        when = datetime.fromtimestamp(at, UTC)
        if self.granularity == "hourly":
            return (_Hash(at, 8, keys.metrics_ten_minutes(when)),)
        return (_Hash(at, 8, keys.metrics_minute(when)), _Hash(at, 7, keys.metrics_minute_v7(when)))

    def result(
        self, jobs: Mapping[str, JobMetrics], marks: tuple[Mark, ...], forms: frozenset[Form], truncated: bool
    ) -> Metrics:
        return Metrics(self.granularity, self.starts_at, self.now, tuple(self.buckets), marks, jobs, truncated, forms)


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


def _slices(filled: Sequence[tuple[_Hash, int]]) -> list[list[_Hash]]:
    """Hashes to read in one trip each: few enough that no reply grows large."""
    slices: list[list[_Hash]] = []
    total = 0
    for one, size in filled:
        if not slices or len(slices[-1]) >= _COMMANDS_A_TRIP or total + size > _FIELDS_A_TRIP:
            slices.append([])
            total = 0
        slices[-1].append(one)
        total += size
    return slices


async def _ask(db: Database, commands: Sequence[Command], period: _Period) -> tuple[list[object], tuple[Mark, ...]]:
    """Sends all in slices, the deploy marks along with the first. Raises the first error when there are only errors."""
    asked = mark_commands(db.keys, period.starts_at, period.now)
    first = await db.pipeline([*asked, *commands[:_COMMANDS_A_TRIP]])
    marks, replies = marks_in(first[: len(asked)], period.starts_at, period.now), list[object](first[len(asked) :])
    for start in range(_COMMANDS_A_TRIP, len(commands), _COMMANDS_A_TRIP):
        replies += await db.pipeline(commands[start : start + _COMMANDS_A_TRIP])
    errors = [reply for reply in replies if isinstance(reply, SidekiqError)]
    if errors and len(errors) == len(replies):
        raise errors[0]
    return replies, marks


def _mean(total: int, count: int) -> float:
    return total / count if count > 0 else 0.0


def _floor(at: float, width: int) -> float:
    return float(at // width * width)
