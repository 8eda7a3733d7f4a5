"""All queues of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import QUEUES, QueueRow
from sidekiq_tui.presentation.columns.queues import fetching_processes
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.overview import Overview

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

_COLUMNS = tuple(column for column in QUEUES if not column.live and column.key != "busy")  # busy needs the work read


class QueuesView(View[Overview]):
    """The queues by name."""

    word = "queues"

    async def read(self, server: Server) -> Overview:
        """What a poll reads of them."""
        overview = await server.overview()
        if "queues" in overview.denied and not overview.queues:
            raise Forbidden(f"queues cannot be read: {overview.denied['queues']}", command="queues")
        return overview

    def element(self, profile: Profile, value: Overview, now: float) -> records.Record:
        """The queues."""
        return records.queues_record(value.queues)

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """That they are not known."""
        return records.queues_record(None)

    def table(self, outcomes: Sequence[Outcome[Overview]], now: float, look: Look) -> list[str]:
        """One row a queue."""
        groups = [(profile, _rows(overview)) for profile, overview in answers(outcomes)]
        return render.grouped(_COLUMNS, groups, look.context(now), look, several=len(outcomes) > 1)


def _rows(overview: Overview) -> list[QueueRow]:
    fetching = fetching_processes(overview.processes)
    return [
        QueueRow(queue, fetching=None if queue.processes is None else fetching.get(queue.name, 0))
        for queue in overview.queues
    ]
