"""One job: what it is and where, its arguments, its error, its bytes, and what became of it."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.siblings import Siblings
from sidekiq_tui.tui.state import AppState


class JobScreen(ViewScreen):
    """A job over the list it was opened from."""

    scopes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, app_state: AppState, server: str, job: JobRecord, siblings: Siblings | None = None) -> None:
        super().__init__(app_state)
        self._server = server
        self._job = job
        self._siblings = siblings


def open_job(screen: ViewScreen, server: str, job: JobRecord, siblings: Siblings | None = None) -> None:
    """Shows a job over `screen`, whose tab stays the active one."""
    opened = JobScreen(screen.app_state, server, job, siblings)
    opened.view = screen.view  # type: ignore[misc]  # the view it was opened from
    screen.app.push_screen(opened)
