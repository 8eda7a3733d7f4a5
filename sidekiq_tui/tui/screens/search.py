"""Search."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class SearchScreen(ViewScreen):
    """Search."""

    view: ClassVar[str] = "search"
