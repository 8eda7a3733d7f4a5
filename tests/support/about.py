"""A screen that is nothing but what there is to know about one queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult

from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions.lists import LIST, SCAN
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.queue_about import QueueAbout
from sidekiq_tui.tui.state import AppState


class AboutScreen(ViewScreen):
    """Holds the panel as the screen of a queue does."""

    view: ClassVar[str] = "queues"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SCAN, QUEUE)

    def __init__(self, app_state: AppState, server: str, queue: str) -> None:
        super().__init__(app_state)
        self._named = (server, queue)
        self.chosen: list[str] = []

    def body(self) -> ComposeResult:
        yield QueueAbout(self.app_state, *self._named)
