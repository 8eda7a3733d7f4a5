"""What every list of queues needs: what a row is called, what stands there when there is none, how one is opened."""

from __future__ import annotations

from collections.abc import Hashable

from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.columns.queues import QueueRow
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.subject import Subject


def queue_key(row: QueueRow) -> Hashable:
    """The same queue from one poll to the next."""
    return (row.server, row.summary.name)


def queues_notice(view: ScopeView, context: Context) -> list[Cell]:
    """Why there are no queues, in words."""
    where = display_text(view.snapshots[0].server) if len(view.snapshots) == 1 else "any server"
    reason = view.denied("queues")
    if reason is not None:
        return [denied_line("Queues", reason, context.glyphs)]
    if not view.overviews:
        return [(Span(f"Nothing known of {where} yet.", "muted"),)]
    return [
        (Span(f"No queues on {where}.", "strong"), Span(" A queue comes with its first job.", "muted")),
    ]


def queue_subject(screen: ViewScreen, row: QueueRow | None) -> Subject:
    """A queue, for what changes it."""
    server = (row.server if row is not None else None) or screen.app_state.preferred
    if row is None:
        return Subject(server)
    return Subject(server, whole=Place("queue", row.summary.name), queue=row.summary.name)


def open_queue(screen: ViewScreen, row: QueueRow) -> None:
    """Shows the jobs of a queue over the screen."""
    from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen

    server = row.server or screen.app_state.preferred
    screen.app.push_screen(QueueJobsScreen(screen.app_state, server, row.summary.name))
