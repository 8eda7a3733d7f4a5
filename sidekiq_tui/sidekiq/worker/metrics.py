"""Counts runs and times of each class, as Sidekiq's metrics do (protocol 8, metrics/tracking.rb)."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.histogram import HISTOGRAM_INTERVALS
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import to_bytes

SHORT_SECONDS: Final = 8 * 3600
"""How long the counts of minutes are kept."""
LONG_SECONDS: Final = 72 * 3600
"""The same for ten minutes."""
TEN_MINUTES_FROM: Final = 8
"""The first major version that sums up ten minutes, and whose keys of minutes are padded."""


@dataclass(slots=True)
class _Runs:
    """Of one class since the last flush."""

    processed: int = 0
    failed: int = 0
    ms: int = 0
    buckets: dict[int, int] = field(default_factory=dict)


class ExecutionTracker:
    """What has run since the last flush. All of it counts in the minute of the flush, as Ruby has it."""

    def __init__(self, keys: Keys, major: int, *, clock: Callable[[], float] = time.time) -> None:
        """`major`: which Sidekiq's keys are written."""
        self._keys = keys
        self._major = major
        self._clock = clock
        self._runs: dict[str, _Runs] = {}

    def track(self, class_name: str, seconds: float, well: bool) -> None:
        """One run; how long it took counts only if it went well."""
        runs = self._runs.get(class_name)
        if runs is None:
            runs = self._runs[class_name] = _Runs()
        runs.processed += 1
        if not well:
            runs.failed += 1
            return
        ms = int(seconds * 1000)
        runs.ms += ms
        bucket = bisect_right(HISTOGRAM_INTERVALS, ms)
        runs.buckets[bucket] = runs.buckets.get(bucket, 0) + 1

    def flush(self) -> list[Command]:
        """What writes the counts, which start anew."""
        taken, self._runs = self._runs, {}
        if not taken:
            return []
        now = datetime.fromtimestamp(self._clock(), UTC)
        new = self._major >= TEN_MINUTES_FROM
        commands: list[Command] = []
        for class_name, runs in taken.items():
            if runs.buckets:
                key = self._keys.histogram(class_name, now) if new else self._keys.histogram_v7(class_name, now)
                steps = [part for at, n in sorted(runs.buckets.items()) for part in ("INCRBY", "u16", f"#{at}", n)]
                commands += [("BITFIELD", key, "OVERFLOW", "SAT", *steps), ("EXPIRE", key, SHORT_SECONDS)]
        rollups = [(self._keys.metrics_minute(now) if new else self._keys.metrics_minute_v7(now), SHORT_SECONDS)]
        if new:
            rollups.append((self._keys.metrics_ten_minutes(now), LONG_SECONDS))
        for key, kept in rollups:
            for class_name, runs in taken.items():
                for metric, count in (("p", runs.processed), ("f", runs.failed), ("ms", runs.ms)):
                    if count or (metric == "ms" and runs.processed > runs.failed):
                        commands.append(("HINCRBY", key, to_bytes(f"{class_name}|{metric}"), count))
            commands.append(("EXPIRE", key, kept))
        return commands
