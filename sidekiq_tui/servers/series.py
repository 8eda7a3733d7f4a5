"""Bounded histories of one server's numbers, and the rates between its counters."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Metric = Literal["processed", "failed", "enqueued", "busy", "latency", "retries", "scheduled", "dead", "rtt"]
QueueMetric = Literal["size", "latency"]

MAIN_LEVELS: Final = ((1.0, 300), (5.0, 360), (30.0, 240), (300.0, 288))
"""Seconds per slot and slots: 5 minutes, 30 minutes, 2 hours, 1 day."""
QUEUE_LEVELS: Final = ((10.0, 180), (60.0, 120))
"""30 minutes and 2 hours: there can be hundreds of queues on dozens of servers."""
MAX_QUEUES: Final = 200
"""Queues with a history of their own; the longest ones when there are more."""

RATE_WINDOW: Final = 30.0
"""Seconds, three lumps: processes add to the counters every 10 s from 7.0 on, every 5 s before (protocol 2)."""
RATE_MINIMUM: Final = 10.0
"""Seconds of counters before a rate is known, unless they have moved often enough."""
RATE_STEPS: Final = 3
"""So many moves of a counter are as good as `RATE_MINIMUM`: many processes, lumps evenly spread."""
SHARE_WINDOW: Final = 300.0
"""Seconds over which the share of failures is judged."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs per second over the last half minute. `processed` includes the failed ones, as Sidekiq counts."""

    processed: float | None = None
    failed: float | None = None

    @property
    def failure_share(self) -> float | None:
        """Failed of processed, 0 to 1; None when nothing ran."""
        if not self.processed or self.failed is None:
            return None
        return min(1.0, self.failed / self.processed)


class RateMeter:
    """Turns counters that only grow into rates. A counter that falls (reset, flush) starts afresh."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, int]] = deque()
        self._moves = 0

    def clear(self) -> None:
        """Forgets: after an outage the time between two samples says nothing about now."""
        self._samples.clear()
        self._moves = 0

    def add(self, at: float, processed: int | None, failed: int | None) -> None:
        """One reading at `at` (Unix seconds)."""
        if processed is None or failed is None:
            self.clear()
            return
        if self._samples:
            then, before, failed_before = self._samples[-1]
            if at <= then or processed < before or failed < failed_before:
                self.clear()
            elif processed != before:
                self._moves += 1
        self._samples.append((at, processed, failed))
        while len(self._samples) > 2 and self._samples[1][0] <= at - SHARE_WINDOW:
            self._samples.popleft()

    def rates(self) -> Rates | None:
        """Jobs per second over `RATE_WINDOW`; None until known."""
        if len(self._samples) < 2:
            return None
        last = self._samples[-1]
        if last[0] - self._samples[0][0] < RATE_MINIMUM and self._moves < RATE_STEPS:
            return None
        first = self._since(last[0] - RATE_WINDOW)
        span = last[0] - first[0]
        return Rates((last[1] - first[1]) / span, (last[2] - first[2]) / span)

    def recent(self) -> tuple[int, int] | None:
        """Processed and failed within `SHARE_WINDOW`; None until there are two readings."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        return last[1] - first[1], last[2] - first[2]

    def _since(self, start: float) -> tuple[float, int, int]:
        chosen = self._samples[-2]
        for sample in reversed(self._samples):
            if sample is self._samples[-1]:
                continue
            chosen = sample
            if sample[0] <= start:
                break
        return chosen


class Ring:
    """Means per slot of `step` seconds for the last `slots` slots; NaN where nothing is known."""

    __slots__ = ("_count", "_newest", "_slots", "_sum", "_values", "step")

    def __init__(self, step: float, slots: int) -> None:
        self.step = step
        self._slots = slots
        self._values = array("f", [math.nan]) * slots
        self._newest: int | None = None
        self._sum = 0.0
        self._count = 0

    @property
    def span(self) -> float:
        """Seconds it reaches back."""
        return self.step * self._slots

    def add(self, at: float, value: float, hold: float) -> None:
        """A value at `at`. A gap of at most `hold` seconds since the last one is filled, a longer one stays a hole."""
        slot = int(at // self.step)
        if self._newest is None or slot < self._newest - 1:
            self._values = array("f", [math.nan]) * self._slots
            self._newest = slot
            self._sum, self._count = value, 1
        elif slot <= self._newest:
            self._sum += value
            self._count += 1
        else:
            gap = slot - self._newest
            known = gap * self.step <= max(hold, self.step)
            for missing in range(self._newest + 1, min(slot, self._newest + 1 + self._slots)):
                self._values[missing % self._slots] = value if known else math.nan
            self._newest = slot
            self._sum, self._count = value, 1
        self._values[self._newest % self._slots] = self._sum / self._count

    def mean(self, start: float, end: float) -> float | None:
        """Mean of the slots that begin in [start, end); if none does, of the slot that `start` lies in."""
        if self._newest is None:
            return None
        first = math.ceil(start / self.step)
        last = math.ceil(end / self.step) - 1
        if last < first:
            first = last = math.floor(start / self.step)
        first = max(first, self._newest - self._slots + 1)
        total, known = 0.0, 0
        for slot in range(first, min(last, self._newest) + 1):
            value = self._values[slot % self._slots]
            if not math.isnan(value):
                total += value
                known += 1
        return total / known if known else None


class Track:
    """One number over time, at several resolutions."""

    __slots__ = ("_levels", "last", "last_at")

    def __init__(self, levels: tuple[tuple[float, int], ...]) -> None:
        self._levels = tuple(Ring(step, slots) for step, slots in levels)
        self.last: float | None = None
        self.last_at = -math.inf

    def add(self, at: float, value: float, hold: float) -> None:
        """A value at `at` (Unix seconds); `hold` as in `Ring.add`."""
        for ring in self._levels:
            ring.add(at, value, hold)
        self.last, self.last_at = value, at

    def points(self, period: float, columns: int, now: float, hold: float) -> list[float | None]:
        """`columns` means over the last `period` seconds, oldest first. Column edges stay put while time passes."""
        width = period / columns
        ring = next((ring for ring in self._levels if ring.span >= period), self._levels[-1])
        end = math.floor(now / width) + 1
        values = [ring.mean((end - columns + i) * width, (end - columns + i + 1) * width) for i in range(columns)]
        if now - self.last_at <= hold:  # the time since the last reading: it still holds
            for column in range(columns - 1, -1, -1):
                if values[column] is not None or (end - columns + column + 1) * width <= self.last_at:
                    break
                values[column] = self.last
        return values

    def at(self, then: float) -> float | None:
        """The value at `then`, from the finest level that reaches back to it."""
        for ring in self._levels:
            if self.last_at - then < ring.span:
                return ring.mean(then, then + ring.step)
        return None


class SeriesView:
    """What screens may do with a history: read it. It grows while they hold it."""

    __slots__ = ("_series",)

    def __init__(self, series: Series) -> None:
        self._series = series

    def points(self, metric: Metric, period_s: float, columns: int, now: float) -> list[float | None]:
        """`columns` means over the last `period_s` seconds up to `now`; None is a hole (not known, not polled)."""
        return self._resample(self._series.tracks.get(metric), period_s, columns, now)

    def queue_points(
        self, queue: str, metric: QueueMetric, period_s: float, columns: int, now: float
    ) -> list[float | None]:
        """The same for one queue's size or latency."""
        return self._resample(self._series.queues.get((queue, metric)), period_s, columns, now)

    def last(self, metric: Metric) -> float | None:
        """The newest value."""
        track = self._series.tracks.get(metric)
        return None if track is None else track.last

    def change(self, metric: Metric, period_s: float) -> float | None:
        """The newest value less the one `period_s` seconds before; None when that is not known."""
        return _change(self._series.tracks.get(metric), period_s)

    def queue_change(self, queue: str, metric: QueueMetric, period_s: float) -> float | None:
        """The same for one queue."""
        return _change(self._series.queues.get((queue, metric)), period_s)

    def _resample(self, track: Track | None, period: float, columns: int, now: float) -> list[float | None]:
        if columns <= 0 or period <= 0:
            return []
        if track is None:
            return [None] * columns
        return track.points(period, columns, now, self._series.hold)


def _change(track: Track | None, period: float) -> float | None:
    if track is None or track.last is None:
        return None
    before = track.at(track.last_at - period)
    return None if before is None else track.last - before


class Series:
    """The histories of one server. `hold` is how long (seconds) a value stands without a newer one."""

    def __init__(self) -> None:
        self.tracks: dict[Metric, Track] = {}
        self.queues: dict[tuple[str, QueueMetric], Track] = {}
        self.hold = 10.0
        self.view = SeriesView(self)

    def add(self, at: float, metric: Metric, value: float | None) -> None:
        """One reading; None is not recorded and leaves a hole."""
        if value is None:
            return
        track = self.tracks.get(metric)
        if track is None:
            track = self.tracks[metric] = Track(MAIN_LEVELS)
        track.add(at, value, self.hold)

    def add_queues(self, at: float, readings: Iterator[tuple[str, float | None, float | None]]) -> None:
        """Name, size and latency of each queue, the most important first; those past `MAX_QUEUES` have no history."""
        seen: set[tuple[str, QueueMetric]] = set()
        for name, size, latency in readings:
            if len(seen) >= 2 * MAX_QUEUES:
                break
            pairs: tuple[tuple[QueueMetric, float | None], ...] = (("size", size), ("latency", latency))
            for metric, value in pairs:
                seen.add((name, metric))
                if value is None:
                    continue
                track = self.queues.get((name, metric))
                if track is None:
                    track = self.queues[name, metric] = Track(QUEUE_LEVELS)
                track.add(at, value, self.hold)
        if len(self.queues) > 2 * MAX_QUEUES:
            for key in [key for key in self.queues if key not in seen]:
                del self.queues[key]
