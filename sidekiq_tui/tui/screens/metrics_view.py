"""What list and class of the metrics share: their period, and reading what it asks for while somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import work
from textual.message import Message
from textual.worker import Worker

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation.columns.base import Context
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.actions.metrics import METRICS
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.metrics_periods import (
    LONGEST,
    PERIODS,
    Period,
    keeps_metrics,
    longest_period,
    versions_text,
)
from sidekiq_tui.tui.screens.server_view import LOADING_SECONDS, ServerView, broken
from sidekiq_tui.tui.state import AppState

RETRY_SECONDS: Final = 10.0
"""After this what could not be read is tried again."""

Source = tuple[str, int]
"""What is shown, a server as a rule, and the index of a period."""


class MetricsView(ServerView):
    """Subclasses read with `read` and draw with `draw`. What is read is good for the width of a bucket."""

    view: ClassVar[str] = "metrics"

    @dataclass
    class Arrived(Message):
        """Metrics were read."""

        source: Source
        metrics: Metrics

    @dataclass
    class Failed(Message):
        """Or could not be."""

        source: Source
        error: SqtuiError

    def __init__(self, app_state: AppState, period: int = 0) -> None:
        super().__init__(app_state)
        self._period = self._shown_period = period
        self._source: Source | None = None
        self.metrics: Metrics | None = None
        self._read_at: float | None = None
        self._error: SqtuiError | None = None
        self._reading = False
        self._slow = False

    # What a subclass gives

    async def read(self, period: Period) -> Metrics:
        """Asks the server."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draws title and body from what is known."""

    def restart(self) -> None:
        """What comes next is of another server or period: forget what belongs to the last one."""

    # What it may use

    @property
    def period(self) -> Period:
        """The period of what is shown; while another one is read, the last one's numbers stay."""
        return PERIODS[self._shown_period]

    @property
    def source(self) -> Source:
        """What is to be shown."""
        return (self.scope_key, self._period)

    @property
    def drawing(self) -> Context:
        """What cells depend on: the moment is that of the read, as nothing here changes with the clock."""
        context = context_of(self.app_state)
        return context if self.metrics is None else replace(context, now=self.metrics.ends_at)

    def reason_against(self, action: Action) -> str | None:
        """Another period has to be read."""
        return self._no_other_period() if action.where == METRICS else None

    def _no_other_period(self) -> str | None:
        overview = self.snapshot.overview
        if not keeps_metrics(overview):
            return f"{versions_text(overview)} keeps no metrics"
        if self.app_state.frozen:
            return "frozen: Z lets the screen go on"
        return f"{display_text(self.server)} does not answer" if self.away else None

    # Data

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known, and reads what is not or no longer good."""
        self._period = min(self._period, longest_period(self.snapshot.overview))
        if self._source != self.source:
            self._start_over()
        self.draw()
        self._read_if_due()

    def tick(self, now: float) -> None:
        """Reads when it is time to; what is shown does not change with the clock, but for its age."""
        if self.away:
            self.draw()
        self._read_if_due()

    def refresh_now(self) -> None:
        """Reads again at once."""
        self._read_at = None
        self._read_if_due()

    def on_screen_suspend(self) -> None:
        """Nothing is read for a screen that is not seen."""
        self.stop_reading()

    def stop_reading(self) -> None:
        """Drops the read that is under way."""
        self.workers.cancel_group(self, "metrics")
        self._reading = self._slow = False

    def action_period(self, step: int) -> None:
        """A longer or shorter period, as far as the server keeps it."""
        wanted = max(0, min(self._period + step, LONGEST))
        overview = self.snapshot.overview
        if (reason := self._no_other_period()) is not None:
            self.say(reason, "warn")
        elif wanted > longest_period(overview):
            self.say(f"{versions_text(overview)} keeps 8h of metrics; Sidekiq 8 keeps 72h", "warn")
        elif wanted != self._period:
            self._period = wanted
            self.redraw()

    def _start_over(self) -> None:
        self.stop_reading()
        before, self._source = self._source, self.source
        self._read_at = self._error = None
        if before is None or before[0] != self.source[0]:
            self.metrics = None
            self._shown_period = self._period
            self.restart()

    def _read_if_due(self) -> None:
        if self._reading or self.app_state.frozen or not self.is_front or self.away:
            return
        if not keeps_metrics(self.snapshot.overview):
            return
        good_for = RETRY_SECONDS if self._error is not None or self.metrics is None else self.metrics.width
        if self._read_at is None or self.app_state.now() - self._read_at >= good_for:
            self._reading = True
            self.set_timer(LOADING_SECONDS, self._still_reading)
            self._read_metrics()

    def _still_reading(self) -> None:
        self._slow = self._reading
        if self._slow and self.is_front:
            self.draw()

    @work(group="metrics", exclusive=True, exit_on_error=False)
    async def _read_metrics(self) -> None:
        source = self.source
        try:
            metrics = await self.read(PERIODS[source[1]])
        except SqtuiError as error:
            self.post_message(self.Failed(source, error))
        else:
            self.post_message(self.Arrived(source, metrics))

    def on_metrics_view_arrived(self, message: Arrived) -> None:
        """Draws what was read, if it is still asked for."""
        if message.source == self._source:
            self._settle(None)
            self.metrics = message.metrics
            if self._shown_period != self._period:
                self._shown_period = self._period
                self.restart()
            self.redraw()

    def on_metrics_view_failed(self, message: Failed) -> None:
        """Keeps what was there; says why where there is nothing."""
        if message.source == self._source:
            self._settle(message.error)
            self.redraw()
            if self.is_front and self.metrics is not None and not self.away:
                self.say(display_text(message.error.message), "warn")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        error = broken(event)
        if error is not None and self._source is not None:
            self.post_message(self.Failed(self._source, error))

    def _settle(self, error: SqtuiError | None) -> None:
        self._reading = self._slow = False
        self._error = error
        self._read_at = self.app_state.now()
