"""Jobs that iterate and can be interrupted between two steps (protocol 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sidekiq_tui.sidekiq.worker.fetch import Unit


class Interrupted(Exception):
    """A job stopped between two steps, to go on later: not a failure."""

    def __init__(self, push_again: Callable[[Unit], Awaitable[None]]) -> None:
        super().__init__("interrupted")
        self.push_again = push_again
