"""The views that exist: tabs, chords, palette and the command line's start view come from this list."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sidekiq_tui.tui.screens.base import ViewScreen


@dataclass(frozen=True, slots=True)
class View:
    """One view: its name, its tab (in full and short), its key after ``g`` (empty: it has a key of its own), where its
    screen is.

    `spans_servers`: it can show all servers at once. `board`: it always does, whatever the scope. `tab`: it always has
    a tab; else only while it is in front, and the tab key passes it by.
    """

    name: str
    title: str
    short: str
    chord: str
    place: str
    spans_servers: bool = False
    board: bool = False
    tab: bool = True

    def screen(self) -> type[ViewScreen]:
        """The screen's class, imported when first shown."""
        module, _, name = self.place.partition(":")
        found: type[ViewScreen] = getattr(import_module(f"sidekiq_tui.tui.screens.{module}"), name)
        return found


VIEWS: Final[tuple[View, ...]] = (
    View("servers", "Servers", "Servers", "v", "servers:ServersScreen", spans_servers=True, board=True),
    View("dashboard", "Dashboard", "Dash", "d", "dashboard_across:DashboardOfScopeScreen", spans_servers=True),
    View("queues", "Queues", "Queues", "q", "queues_across:QueuesOfScopeScreen", spans_servers=True),
    View("retries", "Retries", "Retries", "r", "job_sets:RetriesScreen", spans_servers=True),
    View("scheduled", "Scheduled", "Sched", "s", "job_sets:ScheduledScreen", spans_servers=True),
    View("dead", "Dead", "Dead", "x", "job_sets:DeadScreen", spans_servers=True),
    View("workers", "Workers", "Workers", "w", "workers_across:WorkersOfScopeScreen", spans_servers=True),
    View("errors", "Errors", "Errors", "e", "errors_across:ErrorsOfScopeScreen", spans_servers=True),
    View("metrics", "Metrics", "Metrics", "m", "metrics_across:MetricsOfScopeScreen", spans_servers=True),
    View("audit", "Audit", "Audit", "a", "audit:AuditScreen", spans_servers=True),
    View("changes", "What changed", "Changes", "t", "changes:ChangesScreen", spans_servers=True, tab=False),
    View("compare", "Compare", "Compare", "c", "compare:CompareScreen", spans_servers=True, tab=False),
    View("trash", "Trash", "Trash", "", "trash:TrashScreen", tab=False),
    View("search", "Search", "Search", "/", "search:SearchScreen", spans_servers=True, tab=False),
    View("profiles", "Profiles", "Profiles", "p", "profiles:ProfilesScreen", tab=False),
    View("extras", "Pro & Enterprise", "Pro", "b", "extras:ExtrasScreen", tab=False),
)
