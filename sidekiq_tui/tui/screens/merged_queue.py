"""The queue of one name on all servers of the scope, as one list: the newest jobs first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.tui.breadcrumbs import trail_to
from sidekiq_tui.tui.screens.across_set import MergedScreen
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.merged_reader import MergedReader, QueueReader
from sidekiq_tui.tui.state import AppState


class MergedQueueScreen(MergedScreen):
    """Opened from the queues by name. A server that comes into view leaves its own jobs."""

    view: ClassVar[str] = "queues"

    def __init__(self, app_state: AppState, queue: str) -> None:
        self.place = Place("queue", queue)
        super().__init__(app_state)

    def new_reader(self) -> MergedReader:
        """Reads the queue of all servers of the scope."""
        return QueueReader(self.app_state.fleet, self.place, self.app_state)

    def time_of(self, job: JobRecord) -> float:
        """Since when it waits."""
        return job.waiting_since or 0.0

    @property
    def falling(self) -> bool:
        """Those that wait shortest come first."""
        return not self.order.falling

    def nothing(self, where: str) -> Sequence[Cell]:
        """That the queue is empty."""
        words = f"Queue {display_text(self.place.queue or '')} is empty on {where}."
        return [(Span(words, "strong"), Span(" Jobs come here when clients push them.", "muted"))]

    @property
    def crumb(self) -> str:
        """The queue's name."""
        return self.place.queue or ""

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """The way here, and the servers."""
        return [*trail_to(self, narrow=narrow, named=False)[:-1], *super().title_left(narrow)]


def queue_screen(state: AppState, server: str | None, queue: str) -> ViewScreen:
    """The jobs of a queue of one server; of all servers of the scope as one list where none is named."""
    if server is None:
        return MergedQueueScreen(state, queue)
    from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen

    return QueueJobsScreen(state, server, queue)
