"""From the pollers to the screen: the newest snapshot of each server, at most a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sidekiq_tui.servers.registry import Registry
    from sidekiq_tui.servers.snapshot import ServerSnapshot

FLUSH_SECONDS: Final = 0.25


class Bridge:
    """Collects snapshots and delivers them together; holds them back while paused."""

    def __init__(self, registry: Registry, deliver: Callable[[Mapping[str, ServerSnapshot]], object]) -> None:
        self._registry = registry
        self._deliver = deliver
        self._waiting: dict[str, ServerSnapshot] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._last = float("-inf")
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Listens from now on; needs a running loop."""
        self._unsubscribe = self._registry.subscribe(self._arrived)

    def stop(self) -> None:
        """Listens no more and delivers nothing that waits."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._cancel()
        self._waiting.clear()

    def pause(self) -> None:
        """Holds everything back."""
        self._paused = True
        self._cancel()

    def resume(self) -> None:
        """Delivers what was held back."""
        self._paused = False
        if self._waiting:
            self._flush()

    def _arrived(self, snapshot: ServerSnapshot) -> None:
        self._waiting[snapshot.server] = snapshot
        if self._paused or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._last + FLUSH_SECONDS - loop.time()
        # Even the first one waits a moment: servers that answer together are drawn together.
        self._timer = loop.call_later(max(wait, 0.02), self._flush)

    def _flush(self) -> None:
        self._cancel()
        self._last = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, {}
        self._deliver(waiting)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
