"""Sidekiq's own statistics: counters of each day, and the metrics of each job class (protocol sections 7 and 8)."""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.sidekiq.keys import Keys

Command = tuple[str | bytes | int | float, ...]

DAYS: Final = 60
DAY_TTL: Final = 5 * 365 * 86_400  # seconds
MINUTE_TTL: Final = 8 * 3_600  # seconds
TEN_MINUTES_TTL: Final = 72 * 3_600  # seconds
OLDER_JOBS: Final = 40  # days' worth of jobs that the lifetime counters hold besides the history
BOUNDS: Final = (
    *(20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1_100, 1_700, 2_500, 3_800, 5_750, 8_500, 13_000, 20_000),
    *(30_000, 45_000, 65_000, 100_000, 150_000, 225_000, 335_000),
)  # milliseconds
_SPREAD: Final = ((-2, 0.08), (-1, 0.24), (0, 0.38), (1, 0.2), (2, 0.08), (4, 0.02))


def bucket_of(milliseconds: float) -> int:
    """The index of the histogram's counter for such a run time."""
    return bisect_right(BOUNDS, milliseconds)


def count_rollups(keys: Keys, at: datetime, counts: Mapping[str, int], new: bool) -> Iterator[Command]:
    """Add counts to the metrics of this minute (and ten minutes), in the form of 8.x (`new`) or 7.x."""
    places = (
        ((keys.metrics_minute(at), MINUTE_TTL), (keys.metrics_ten_minutes(at), TEN_MINUTES_TTL))
        if new
        else ((keys.metrics_minute_v7(at), MINUTE_TTL),)
    )
    for key, ttl in places:
        yield from (("HINCRBY", key, name, by) for name, by in counts.items())
        yield ("EXPIRE", key, ttl)


def count_histogram(keys: Keys, at: datetime, name: str, bucket: int, by: int, new: bool) -> Iterator[Command]:
    """Add runs to one counter of a class's histogram of this minute."""
    key = keys.histogram(name, at) if new else keys.histogram_v7(name, at)
    yield ("BITFIELD", key, "OVERFLOW", "SAT", "INCRBY", "u16", f"#{bucket}", by)
    yield ("EXPIRE", key, MINUTE_TTL)


def daily(keys: Keys, rate: float, fails: float, rng: Random, now: float) -> Iterator[Command]:
    """The counters of the last 60 days and the lifetime counters, for a server with so many jobs per second."""
    moment = datetime.fromtimestamp(now, UTC)
    total, lost = int(rate * 86_400 * OLDER_JOBS), int(rate * 86_400 * OLDER_JOBS * fails)
    for back in range(DAYS):
        day = (moment - timedelta(days=back)).date()
        part = 1.0 if back else max(0.02, (now % 86_400) / 86_400)
        busy = (0.55 if day.weekday() >= 5 else 1.0) * (1 - back / (DAYS * 3)) * rng.uniform(0.85, 1.1)
        processed = int(rate * 86_400 * part * busy)
        failed = int(processed * fails * rng.uniform(0.6, 1.3) * (8 if back in (9, 31) else 1))
        total, lost = total + processed, lost + failed
        yield ("SET", keys.stat_day("processed", day), processed, "EX", DAY_TTL)
        yield ("SET", keys.stat_day("failed", day), failed, "EX", DAY_TTL)
    yield ("SET", keys.stat_processed, total)
    yield ("SET", keys.stat_failed, lost)


def metrics(
    keys: Keys, kinds: tuple[JobKind, ...], rate: float, minutes: int, rng: Random, now: float, new: bool
) -> Iterator[Command]:
    """Metrics of the last `minutes` minutes (at most eight hours) and, in 8.x, of 72 hours in steps of ten minutes."""
    shares = sum(kind.share for kind in kinds)
    for back in range(1, min(minutes, MINUTE_TTL // 60)):
        at = datetime.fromtimestamp(now - back * 60, UTC)
        ttl = MINUTE_TTL - back * 60
        fields: list[str | int] = []
        for kind in kinds:
            runs = poisson(rate * 60 * kind.share / shares * wave(at.timestamp()), rng)
            if runs:
                failed = _failed(kind, runs, rng, at.timestamp())
                fields += _fields(kind, runs, failed, rng)
                histogram = keys.histogram(kind.metric, at) if new else keys.histogram_v7(kind.metric, at)
                yield ("SET", histogram, _histogram(kind, runs - failed), "EX", ttl)
        key = keys.metrics_minute(at) if new else keys.metrics_minute_v7(at)
        if fields:
            yield ("HSET", key, *fields)
            yield ("EXPIRE", key, ttl)
    steps = range(1, min(minutes, TEN_MINUTES_TTL // 600)) if new else ()
    for back in steps:
        at = datetime.fromtimestamp(now - back * 600, UTC)
        fields = []
        for kind in kinds:
            runs = poisson(rate * 600 * kind.share / shares * wave(at.timestamp()), rng)
            if runs:
                fields += _fields(kind, runs, _failed(kind, runs, rng, at.timestamp()), rng)
        if fields:
            yield ("HSET", keys.metrics_ten_minutes(at), *fields)
            yield ("EXPIRE", keys.metrics_ten_minutes(at), TEN_MINUTES_TTL - back * 600)


def wave(at: float) -> float:
    """How busy the world is at a moment (about 0.6 to 1.4): a day's wave and a short one that shows in a chart."""
    return 1 + 0.25 * math.sin(at / 86_400 * math.tau) + 0.15 * math.sin(at / 240 * math.tau)


def trouble(at: float) -> bool:
    """Whether the services that jobs call are down: one minute of each eleven."""
    return at % 660 < 60


def _failed(kind: JobKind, runs: int, rng: Random, at: float) -> int:
    return min(runs, poisson(runs * kind.fails * (6 if trouble(at) else 1), rng))


def _fields(kind: JobKind, runs: int, failed: int, rng: Random) -> list[str | int]:
    fields: list[str | int] = [f"{kind.metric}|p", runs]
    if failed:
        fields += [f"{kind.metric}|f", failed]
    if runs > failed:
        fields += [f"{kind.metric}|ms", int((runs - failed) * kind.mean * 1000 * rng.uniform(0.8, 1.25))]
    return fields


def _histogram(kind: JobKind, runs: int) -> bytes:
    counters = [0] * (len(BOUNDS) + 1)
    middle = bucket_of(kind.mean * 800)
    for step, share in _SPREAD:
        counters[min(max(middle + step, 0), len(BOUNDS))] += min(65_535, round(runs * share))
    used = max((at for at, count in enumerate(counters) if count), default=0) + 1
    return struct.pack(f">{used}H", *counters[:used])


def poisson(mean: float, rng: Random) -> int:
    """A Poisson-like random number: close enough for believable noise."""
    return (
        max(0, round(rng.gauss(mean, math.sqrt(mean)))) if mean > 4 else sum(rng.random() < mean / 8 for _ in range(8))
    )
