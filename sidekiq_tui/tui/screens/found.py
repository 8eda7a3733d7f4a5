"""What a matcher finds anywhere on a server, as a list that fills while places are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence

from textual import on

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.jobs import ListKind
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.breadcrumbs import trail_to
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.job_scan import ScanScreen
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.search_words import entries_of, nothing_found, progress_spans, result_spans
from sidekiq_tui.tui.state import AppState


class ResultsScreen(ScanScreen):
    """Subclasses say when the search begins. `places` None: everywhere."""

    places: Sequence[Place] | None = None

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._all_read = False
        self._error: SidekiqError | None = None

    @property
    def kind(self) -> ListKind:
        """With the place of each job."""
        return "search"

    @property
    def list_name(self) -> str:
        """How many there are."""
        return f"{units.count(len(self.matches))} found"

    @property
    def searched(self) -> tuple[Place, ...]:
        """Where jobs can be changed, of the places that were searched: not those that run."""
        if self.places is not None:
            return tuple(place for place in self.places if place.kind != "work")
        overview = self.app_state.snapshots[self.server].overview
        queues = overview.queues if overview is not None else ()
        sets = (Place("retry"), Place("schedule"), Place("dead"))
        return (*sets, *(Place("queue", queue.name) for queue in queues))

    @property
    def missed(self) -> tuple[Place, ...]:
        """The places that could not be read."""
        if not self._all_read:
            return ()
        return tuple(one.place for one in self._progress.values() if not one.complete and not one.total)

    def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """All places, cheap ones first."""
        return self.app_state.registry.server(self.server).search(matcher, self.places)

    def start_scan(self, matcher: Matcher, *, again: bool = False) -> None:
        """Searches."""
        self._all_read, self._error = False, None
        super().start_scan(matcher, again=again)

    @on(ScanScreen.Scanned)
    def _all_were_read(self, message: ScanScreen.Scanned) -> None:
        self._all_read = self._all_read or (message.ended and message.number == self._scan_number)

    def scan_failed(self, error: SidekiqError) -> None:
        """Keeps what was found, and says why there is no more."""
        self._error = error
        if self.is_front:
            self.draw()
            if self.app_state.snapshots[self.server].error is None:
                self.say_error(error)

    def refresh_now(self) -> None:
        """Searches again."""
        if self.matcher is not None:
            self.start_scan(self.matcher, again=True)

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known; reads nothing."""
        self.draw()

    def tick(self, now: float) -> None:
        """Ages in rows."""
        self.draw()

    def draw_note(self) -> None:
        """Progress while it reads, else more about the job under the cursor."""
        if self.scanning:
            self.note(progress_spans(self._progress.values(), context_of(self.app_state)))
        else:
            super().draw_note()

    def results(self, narrow: bool) -> list[Span]:
        """How much was found in how much."""
        if self.found is None:
            return []
        entries = entries_of(self.app_state.snapshots[self.server], self.places)
        return result_spans(self.found, entries, self.missed, narrow=narrow)

    def no_rows(self, leaves: str) -> Sequence[Cell]:
        """Why nothing was found; empty while it may still come."""
        if self.found is None or self.scanning:
            return ()
        if self._error is not None:
            return [denied_line(display_text(self.server), self._error.message, context_of(self.app_state).glyphs)]
        return nothing_found(self.found, self.missed, again="ctrl+r", leaves=leaves)


class FoundScreen(ResultsScreen):
    """What a matcher finds in some places, or all, of one server; opened from another view."""

    def __init__(
        self,
        app_state: AppState,
        server: str,
        matcher: Matcher,
        *,
        title: str,
        places: Sequence[Place] | None = None,
        view: str = "search",
    ) -> None:
        super().__init__(app_state)
        self.view = view  # type: ignore[misc]  # of the view it was opened from
        self.places = places
        self._server = server
        self._wanted = matcher
        self._title = title

    @property
    def server(self) -> str:
        """The server it was opened on."""
        return self._server

    @property
    def crumb(self) -> str:
        """What was looked for."""
        return self._title

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Begins when it comes to the front; afterwards only `ctrl+r` reads again."""
        if self.matcher is None and not self.app_state.frozen:
            self.start_scan(self._wanted)
        super().show(snapshots)

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """The way here, and how much was found."""
        return [*trail_to(self, narrow=narrow), *self.results(narrow)]

    def notice(self) -> Sequence[Cell]:
        """Why there is nothing."""
        return self.no_rows("goes back")
