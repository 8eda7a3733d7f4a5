"""One queue: its jobs, and beside them what else is to be known about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.columns.queues import fetching_processes
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.overview import QueueSummary
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.jobs import INNER_TABS
from sidekiq_tui.tui.actions.operations import QUEUE_CHANGES
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.breadcrumbs import trail_to
from sidekiq_tui.tui.screens.job_words import queue_spans
from sidekiq_tui.tui.screens.jobs import JobsScreen
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.queue_about import QueueAbout
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject

TABS: Final = ("Jobs", "About")
JOBS, ABOUT = range(len(TABS))

_OF_ABOUT: Final = frozenset({"open", "stop-scan", "count-classes"})
_OF_JOBS: Final = frozenset(
    {
        "filter",
        "save-filter",
        "pick-filter",
        "sort",
        "sort-reverse",
        "mark",
        "mark-range",
        "mark-page",
        "mark-all",
        "columns",
        "copy-jid",
        "copy-json",
    }
)
_JOBS_RUNS: Final = frozenset(
    (
        "filter",
        "sort_next",
        "sort_reverse",
        "mark",
        "mark_range",
        "mark_page",
        "mark_all",
        "columns",
        "copy_jid",
        "copy_json",
    )
)


class QueueJobsScreen(JobsScreen):
    """The jobs of one queue, newest first, opened from a list of queues; `l` goes to what is known about it."""

    view: ClassVar[str] = "queues"
    scopes: ClassVar[tuple[str, ...]] = (*JobsScreen.scopes, INNER_TABS, QUEUE, QUEUE_CHANGES)
    BINDINGS = bindings(INNER_TABS, QUEUE_CHANGES)

    def __init__(self, app_state: AppState, server: str, queue: str) -> None:
        self._opened_on = server
        self.place = Place("queue", queue)
        self._tab = JOBS
        super().__init__(app_state)

    def body(self) -> ComposeResult:
        """Title, list, and the other tab in its place."""
        yield from super().body()
        about = QueueAbout(self.app_state, self._opened_on, self.place.queue or "", id="about")
        about.display = False
        yield about

    @property
    def server(self) -> str:
        """The server in view; the one it was opened on while all are."""
        return self.app_state.scope or self._opened_on

    @property
    def crumb(self) -> str:
        """The queue's name."""
        return self.place.queue or ""

    @property
    def _about(self) -> QueueAbout:
        return self.query_one("#about", QueueAbout)

    # The tabs.

    def action_tab(self, step: int) -> None:
        """To the next or previous tab."""
        self._to_tab(max(JOBS, min(ABOUT, self._tab + step)))

    def _to_tab(self, tab: int) -> None:
        if tab == self._tab:
            return
        self._tab = tab
        self.table.display = tab == JOBS
        self._about.display = tab == ABOUT
        if tab == ABOUT:
            self.stop_reading()
            self._about.focus()
            self._about.shown()
        else:
            self._about.hidden()
            self.table.focus()
        self.redraw()

    @on(QueueAbout.ClassChosen)
    def _class_chosen(self, message: QueueAbout.ClassChosen) -> None:
        self.apply_filter(message.filter)

    def apply_filter(self, text: str) -> None:
        """Filters the jobs, which come to the front."""
        self._to_tab(JOBS)
        super().apply_filter(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the list rest while it is not in front."""
        return None if self._tab == ABOUT and action in _JOBS_RUNS else super().check_action(action, parameters)

    def reason_against(self, action: Action) -> str | None:
        """Each tab has its own keys."""
        if self._tab == ABOUT:
            if action.id in _OF_ABOUT:
                return self._about.reason_against(action)
            if action.id in _OF_JOBS:
                return "h goes to the jobs"
        elif action.id == "count-classes":
            return "l goes to what is known about the queue"
        return super().reason_against(action)

    def on_screen_resume(self) -> None:
        """In front again."""
        if self._tab == ABOUT:
            self._about.shown()

    def on_screen_suspend(self) -> None:
        """Nothing is read for what is not seen."""
        self._about.hidden()

    def stop_scan(self) -> None:
        """Stops what the tab in front reads."""
        if self._tab == ABOUT:
            self._about.stop_scan()
        else:
            super().stop_scan()

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws the tab in front."""
        if self._tab == ABOUT:
            self._about.show()
            self.draw_around()
        else:
            super().show(snapshots)

    def tick(self, now: float) -> None:
        """Ages of the tab in front."""
        if self._tab == ABOUT:
            self._about.show()
            self.draw_around()
        else:
            super().tick(now)

    def refresh_now(self) -> None:
        """Reads the tab in front again."""
        if self._tab == ABOUT:
            self._about.refresh_now()
        else:
            super().refresh_now()

    def subject(self) -> Subject:
        """Its jobs only while they are in front."""
        found = super().subject()
        return found if self._tab == JOBS else replace(found, jobs=None, template=None)

    def clear(self) -> bool:
        """Marks and filter belong to the jobs."""
        return self._tab == JOBS and super().clear()

    # Words.

    def draw_note(self) -> None:
        """The other tab writes its own."""
        if self._tab == JOBS:
            super().draw_note()

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """The way here, and what the last poll said about the queue."""
        spans = [*super().title_left(narrow)]
        if self.found is None and not narrow and len(spans) == 1:
            overview = self.app_state.snapshots[self.server].overview
            fetching = fetching_processes(overview.processes) if overview is not None else {}
            spans += queue_spans(self._summary, fetching.get(self.place.queue or "", 0), context_of(self.app_state))
        return [*trail_to(self, narrow=narrow)[:-1], *spans]

    def title_right(self) -> Sequence[Span]:
        """The tabs, and of the list what is marked and visible."""
        tabs = [Span(f" {name} ", "active" if index == self._tab else "muted") for index, name in enumerate(TABS)]
        rest = super().title_right() if self._tab == JOBS else ()
        return [*rest, Span("  "), *tabs] if rest else tabs

    @property
    def known_size(self) -> int | None:
        """The last poll's, while the list itself is not read."""
        if self._tab == ABOUT and self._summary is not None:
            return self._summary.size
        return super().known_size

    @property
    def _summary(self) -> QueueSummary | None:
        overview = self.app_state.snapshots[self.server].overview
        queues = overview.queues if overview is not None else ()
        return next((one for one in queues if one.name == self.place.queue), None)

    @property
    def named(self) -> str:
        """The way here names the server."""
        return ""
