"""One queue: its jobs, and beside them what else is to be known about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.screens.job_words import queue_spans
from sidekiq_tui.tui.screens.jobs import JobsScreen
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.state import AppState


class QueueJobsScreen(JobsScreen):
    """The jobs of one queue, newest first, opened from a list of queues."""

    view: ClassVar[str] = "queues"

    def __init__(self, app_state: AppState, server: str, queue: str) -> None:
        self._opened_on = server
        self.place = Place("queue", queue)
        super().__init__(app_state)

    @property
    def server(self) -> str:
        """The server in view; the one it was opened on while all are."""
        return self.app_state.scope or self._opened_on

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """With what the last poll said about the queue."""
        spans = [*super().title_left(narrow)]
        overview = self.app_state.snapshots[self.server].overview
        if self.found is None and not narrow and overview is not None and len(spans) == 1:
            queue = next((one for one in overview.queues if one.name == self.place.queue), None)
            spans += queue_spans(queue, context_of(self.app_state))
        return spans
