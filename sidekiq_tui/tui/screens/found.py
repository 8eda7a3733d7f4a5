"""The jobs that a search found, opened from another view."""

from __future__ import annotations

from collections.abc import Sequence

from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.state import AppState


class FoundScreen(ViewScreen):
    """What a matcher finds in some places, or all, of one server."""

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
        self.view = view  # type: ignore[misc]  # the view it was opened from
        self._server = server
        self._matcher = matcher
        self._title = title
        self._places = places
