"""Processes and the jobs they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import worker_columns, worker_rows
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.work import Work

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

Workers = tuple[tuple[Process, ...], tuple[Work, ...]]


class WorkersView(View[Workers]):
    """The tree of processes and work."""

    word = "workers"

    async def read(self, server: Server) -> Workers:
        """All processes and all work."""
        return await server.workers()

    def element(self, profile: Profile, value: Workers, now: float) -> records.Record:
        """Processes and work apart."""
        return records.workers_record(*value, now)

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """That neither is known."""
        return {"processes": None, "work": None}

    def table(self, outcomes: Sequence[Outcome[Workers]], now: float, look: Look) -> list[str]:
        """One row a process, and under it one a job."""
        groups = [(profile, worker_rows(*workers)) for profile, workers in answers(outcomes)]
        columns = worker_columns(look.time_mode)
        return render.grouped(columns, groups, look.context(now), look, several=len(outcomes) > 1)
