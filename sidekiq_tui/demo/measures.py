"""Sidekiq's own statistics: counters of each day, and the metrics of each job class (protocol sections 7 and 8)."""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.sidekiq.keys import Keys

Word = str | bytes | int | float
Command = tuple[Word, ...]

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
    for back in range(1, min(minutes, MINUTE_TTL // 60)):
        at = datetime.fromtimestamp(now - back * 60, UTC)
        ttl = MINUTE_TTL - back * 60
        ran = _ran(kinds, rate * 60, at.timestamp(), rng)
        for name, (_, counters) in ran.items():
            histogram = keys.histogram(name, at) if new else keys.histogram_v7(name, at)
            yield ("SET", histogram, _packed(counters), "EX", ttl)
        yield from _rollup(keys.metrics_minute(at) if new else keys.metrics_minute_v7(at), ran, ttl)
    steps = range(1, min(minutes, TEN_MINUTES_TTL // 600)) if new else ()
    for back in steps:
        at = datetime.fromtimestamp(now - back * 600, UTC)
        ran = _ran(kinds, rate * 600, at.timestamp(), rng)
        yield from _rollup(keys.metrics_ten_minutes(at), ran, TEN_MINUTES_TTL - back * 600)


def _ran(kinds: tuple[JobKind, ...], runs: float, at: float, rng: Random) -> dict[str, tuple[Counter[str], list[int]]]:
    """What about so many runs leave at a moment: by class the fields of the rollup and a histogram.

    Kinds that Sidekiq counts under one name (all mailers) are added up.
    """
    shares = sum(kind.share for kind in kinds)
    ran: dict[str, tuple[Counter[str], list[int]]] = {}
    for kind in kinds:
        processed = poisson(runs * kind.share / shares * wave(at), rng)
        if not processed:
            continue
        failed = _failed(kind, processed, rng, at)
        succeeded = processed - failed
        fields, counters = ran.setdefault(kind.metric, (Counter(), [0] * (len(BOUNDS) + 1)))
        fields["p"] += processed
        fields["f"] += failed
        fields["ms"] += int(succeeded * kind.mean * 1000 * rng.uniform(0.8, 1.25))
        for step, count in _spread(succeeded, rng):
            counters[min(max(bucket_of(kind.mean * 800) + step, 0), len(BOUNDS))] += count
    return ran


def _spread(runs: int, rng: Random) -> Iterator[tuple[int, int]]:
    """Every run in one bucket, as steps from the middle one."""
    steps, shares = zip(*_SPREAD, strict=True)
    counts = Counter({step: int(runs * share) for step, share in _SPREAD})
    counts.update(rng.choices(steps, shares, k=runs - counts.total()))
    yield from counts.items()


def _rollup(key: bytes, ran: Mapping[str, tuple[Counter[str], list[int]]], ttl: int) -> Iterator[Command]:
    values = [(f"{name}|{field}", by) for name, (fields, _) in ran.items() for field, by in fields.items() if by]
    words = [word for pair in values for word in pair]
    if words:
        yield ("HSET", key, *words)
        yield ("EXPIRE", key, ttl)


def _packed(counters: list[int]) -> bytes:
    """As Redis keeps it: saturated, and only up to the last counter that was used."""
    used = max((at for at, count in enumerate(counters) if count), default=0) + 1
    return struct.pack(f">{used}H", *(min(65_535, count) for count in counters[:used]))


def wave(at: float) -> float:
    """How busy the world is at a moment (about 0.6 to 1.4): a day's wave and a short one that shows in a chart."""
    return 1 + 0.25 * math.sin(at / 86_400 * math.tau) + 0.15 * math.sin(at / 240 * math.tau)


def trouble(at: float) -> bool:
    """Whether the services that jobs call are down: one minute of each eleven."""
    return at % 660 < 60


def _failed(kind: JobKind, runs: int, rng: Random, at: float) -> int:
    return min(runs, poisson(runs * kind.fails * (6 if trouble(at) else 1), rng))


def poisson(mean: float, rng: Random) -> int:
    """A Poisson-like random number: close enough for believable noise."""
    return (
        max(0, round(rng.gauss(mean, math.sqrt(mean)))) if mean > 4 else sum(rng.random() < mean / 8 for _ in range(8))
    )
