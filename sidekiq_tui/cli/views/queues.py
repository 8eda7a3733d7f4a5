"""All queues of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import QUEUES, QueueRow
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.overview import QueueSummary

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

_COLUMNS = tuple(column for column in QUEUES if not column.live and column.key != "busy")  # busy needs the work read


class QueuesView(View[tuple[QueueSummary, ...]]):
    """The queues by name."""

    word = "queues"

    async def read(self, server: Server) -> tuple[QueueSummary, ...]:
        """What a poll reads of them."""
        overview = await server.overview()
        if "queues" in overview.denied and not overview.queues:
            raise Forbidden(f"queues cannot be read: {overview.denied['queues']}", command="queues")
        return overview.queues

    def element(self, profile: Profile, value: tuple[QueueSummary, ...], now: float) -> records.Record:
        """The queues."""
        return records.queues_record(value)

    def table(self, outcomes: Sequence[Outcome[tuple[QueueSummary, ...]]], now: float, look: Look) -> list[str]:
        """One row a queue."""
        groups = [(profile, [QueueRow(queue) for queue in queues]) for profile, queues in answers(outcomes)]
        return render.grouped(_COLUMNS, groups, look.context(now), look, several=len(outcomes) > 1)
