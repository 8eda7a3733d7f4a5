"""The job classes and how they ran, or one of them in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation.columns.metrics import METRICS, TIMES, MetricsRow, metrics_rows, times_rows
from sidekiq_tui.presentation.metrics_records import class_details, class_record, metrics_record, no_metrics_record
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.histogram import Counts, add_up
from sidekiq_tui.sidekiq.metrics import Metrics

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.presentation.records import Record
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

MINUTES_A_CLASS: Final = 60
"""Histograms read for each of many classes at most, evenly over the period."""
MOST_TIMED: Final = 200
"""Classes whose histograms are read, those with the most run time first; the others' percentiles stay unknown."""

_COLUMNS: Final = tuple(column for column in METRICS if column.key != "times")


@dataclass(frozen=True, slots=True)
class Measured:
    """What was read, and the run times of as many classes as were asked for."""

    metrics: Metrics
    counts: Mapping[str, Counts]

    @property
    def rows(self) -> list[MetricsRow]:
        """A row a class."""
        return metrics_rows(self.metrics, self.counts)


class MetricsView(View[Measured]):
    """All classes, or one with its histogram."""

    word = "metrics"

    def __init__(self, class_name: str | None, *, minutes: int | None, hours: int | None) -> None:
        self._class = class_name
        self._minutes = minutes
        self._hours = hours

    async def read(self, server: Server) -> Measured:
        """Counts first, then histograms of the minutes in which classes ran; these may be forbidden."""
        if self._class is not None:
            metrics = await server.job_metrics(self._class, minutes=self._minutes, hours=self._hours)
            histogram = metrics.jobs[self._class].histogram.values()
            return Measured(metrics, {} if metrics.histograms_denied else {self._class: add_up(histogram)})
        metrics = await server.top_metrics(minutes=self._minutes, hours=self._hours)
        timed = [row.class_name for row in metrics_rows(metrics, {})[:MOST_TIMED]]
        wanted = {name: metrics.minutes(name, MINUTES_A_CLASS) for name in timed}
        try:
            found = await server.histograms(wanted, metrics.forms)
        except ReplyError:
            return Measured(metrics, {})
        return Measured(metrics, {name: add_up(found.get(name, {}).values()) for name in timed})

    def element(self, profile: Profile, value: Measured, now: float) -> Record:
        """The classes; a class asked for by its name has its details too."""
        record = metrics_record(value.metrics, value.rows)
        if self._class is None:
            return record
        details = [
            {**class_record(row), **class_details(row, value.metrics, value.metrics.jobs[row.class_name])}
            for row in value.rows
        ]
        return {**record, "classes": details}

    def element_without(self, profile: Profile, error: Exception) -> Record:
        """That nothing is known."""
        return no_metrics_record()

    def table(self, outcomes: Sequence[Outcome[Measured]], now: float, look: Look) -> list[str]:
        """One row a class; below a class asked for by its name its histogram."""
        known = answers(outcomes)
        groups = [(profile, measured.rows) for profile, measured in known]
        lines = render.grouped(_COLUMNS, groups, look.context(now), look, several=len(outcomes) > 1)
        if self._class is not None:
            columns = [column for column in TIMES if look.tty or not column.live]
            times = [
                (profile, [one for row in measured.rows for one in times_rows(row)]) for profile, measured in known
            ]
            lines += ["", *render.grouped(columns, times, look.context(now), look, several=len(outcomes) > 1)]
        return lines
