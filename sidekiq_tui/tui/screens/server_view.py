"""What the views of one server share that read something of their own while they are in front."""

from __future__ import annotations

from typing import Final

from textual.worker import Worker, WorkerState

from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.tui.screens.base import ViewScreen

LOADING_SECONDS: Final = 0.15
"""Reads faster than this show nothing."""


class ServerView(ViewScreen):
    """A view of the server in the scope, or of the one that was there last."""

    @property
    def server(self) -> str:
        """The server that is shown."""
        return self.app_state.preferred

    @property
    def snapshot(self) -> ServerSnapshot:
        """What the last poll said of it."""
        return self.app_state.snapshots[self.server]

    @property
    def scope_key(self) -> str:
        """What is shown: the server."""
        return self.server

    @property
    def taken_at(self) -> float | None:
        """When the last poll was."""
        return self.snapshot.taken_at

    @property
    def away(self) -> bool:
        """Whether it does not answer."""
        return self.snapshot.error is not None


def broken(event: Worker.StateChanged) -> SidekiqError | None:
    """What to say of a reader that broke in a way nobody thought of; None if it did not."""
    if event.state != WorkerState.ERROR:
        return None
    return SidekiqError(f"reading failed: {type(event.worker.error).__name__}")
