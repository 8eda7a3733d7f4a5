"""The jobs in the trash of one operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.past import matching, trashed
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import JobRow, job_columns
from sidekiq_tui.presentation.columns.jobs import JID

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server
    from sidekiq_tui.sidekiq.filter import Filter
    from sidekiq_tui.sidekiq.job import JobRecord


class TrashView(View[list["JobRecord"]]):
    """What a filter matches of what an operation deleted or cleared, as `search` shows jobs."""

    word = "search"

    def __init__(self, id: str, wanted: Filter, limit: int | None, args: argparse.Namespace) -> None:
        self._id = id
        self._wanted = wanted
        self._limit = limit
        self._args = args

    async def read(self, server: Server) -> list[JobRecord]:
        """Reads the trash from its beginning, in parts."""
        operations = await operations_of(self._args, lambda name: server)
        try:
            entry = trashed(self._id, await operations.undoable(server.name))
            return await matching(operations, server.name, entry.id, self._wanted, entry.count, self._limit)
        finally:
            await operations.close()

    def element(self, profile: Profile, value: list[JobRecord], now: float) -> records.Record:
        """The jobs, each with the place it was taken from."""
        return {"jobs": [records.job_record(job, now, place=True) for job in value]}

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """No jobs."""
        return {"jobs": []}

    def table(self, outcomes: Sequence[Outcome[list[JobRecord]]], now: float, look: Look) -> list[str]:
        """One row a job, with where it was."""
        columns = [*job_columns("search", time_mode=look.time_mode), JID]
        groups = [(profile, [JobRow(job) for job in jobs]) for profile, jobs in answers(outcomes)]
        return render.grouped(columns, groups, look.context(now), look, several=len(outcomes) > 1)
