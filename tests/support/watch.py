"""Waits for what a registry publishes: for conditions, with a limit that only a broken program reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.servers.snapshot import ServerSnapshot

LIMIT = 30.0


class Watched:
    """A running registry that remembers every snapshot it published."""

    def __init__(self, *profiles: Profile) -> None:
        self.registry = Registry(profiles)
        self.seen: list[ServerSnapshot] = []
        self._news = asyncio.Event()
        self.registry.subscribe(self._take)

    def _take(self, snapshot: ServerSnapshot) -> None:
        self.seen.append(snapshot)
        self._news.set()

    async def __aenter__(self) -> Watched:
        self.registry.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.registry.stop()

    def of(self, name: str) -> list[ServerSnapshot]:
        """The snapshots of one server so far."""
        return [snapshot for snapshot in self.seen if snapshot.server == name]

    async def until(self, condition: Callable[[Any], bool], *, server: str = "") -> ServerSnapshot:
        """The next published snapshot, from now on, that fulfils the condition."""
        start = len(self.seen)
        async with asyncio.timeout(LIMIT):
            while True:
                for snapshot in self.seen[start:]:
                    if (not server or snapshot.server == server) and condition(snapshot):
                        return snapshot
                start = len(self.seen)
                self._news.clear()
                await self._news.wait()


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds; fails when it does not within `LIMIT` seconds."""
    for _ in range(int(LIMIT / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the condition never held")
