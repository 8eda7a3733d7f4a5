"""Several servers as one: sums of what the scope's servers know, and of their histories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.servers.series import Metric
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.tui.widgets.totals import answering

Samples = list[float | None]

_AGE_COLUMNS: Final = 120


@dataclass(frozen=True, slots=True)
class ScopeView:
    """The snapshots of a scope: one server, or all of them."""

    snapshots: tuple[ServerSnapshot, ...]
    now: float

    @property
    def overviews(self) -> list[Overview]:
        """What is known: of one server its last data, of several those that answer."""
        several = len(self.snapshots) > 1
        return [one.overview for one in self.snapshots if one.overview and (answering(one) or not several)]

    @property
    def away(self) -> bool:
        """Whether nobody in the scope answers."""
        return not any(answering(one) for one in self.snapshots)

    @property
    def processes(self) -> list[Process]:
        """All processes."""
        return [process for overview in self.overviews for process in overview.processes]

    def total(self, value: Callable[[Overview], float | None]) -> float | None:
        """The sum of one number over the scope; None if nobody knows it."""
        return add(value(overview) for overview in self.overviews)

    def rate(self, metric: Metric) -> float | None:
        """Jobs per second, processed or failed; None while nobody who answers knows it."""
        rates = [one.rates for one in self.snapshots if one.rates is not None and answering(one)]
        return add(rate.processed if metric == "processed" else rate.failed for rate in rates)

    def points(self, metric: Metric, period: float, columns: int) -> Samples:
        """The history of one number over `period` seconds: the sum of the servers, for latency the worst."""
        every = [one.series.points(metric, period, columns, self.now) for one in self.snapshots]
        merge = worst if metric == "latency" else add
        return every[0] if len(every) == 1 else [merge(samples) for samples in zip(*every, strict=True)]

    def known_for(self, longest: float) -> float:
        """Seconds that the history of this scope reaches back, at most `longest`."""
        samples = self.points("enqueued", longest, _AGE_COLUMNS)
        first = next((index for index, sample in enumerate(samples) if sample is not None), _AGE_COLUMNS)
        return (_AGE_COLUMNS - first) * longest / _AGE_COLUMNS

    def change(self, metric: Metric, period: float) -> float | None:
        """How much a number grew in `period` seconds."""
        return add(one.series.change(metric, period) for one in self.snapshots if answering(one))

    def denied(self, panel: str) -> str | None:
        """Why a panel cannot be read, if that is so on the first server that says so."""
        return next((overview.denied[panel] for overview in self.overviews if panel in overview.denied), None)


def add(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def worst(values: Iterable[float | None]) -> float | None:
    """The highest of what is known; None if nothing is."""
    return max((value for value in values if value is not None), default=None)


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
