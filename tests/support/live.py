"""The whole program in a test: its app over real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from sidekiq_tui.operations.operator import Operations, Who
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.servers.server import Server
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable
from tests.support.tui import screen_text, until


@dataclass
class Live:
    """A running app, and what tests ask of it."""

    app: SqtuiApp
    pilot: Pilot[Any]
    state: AppState

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return screen_text(self.app)

    @property
    def body(self) -> str:
        """What stands between the frame's lines."""
        return "\n".join(self.text.splitlines()[3:-2])

    @property
    def table(self) -> RecordTable[Any]:
        """The list in front."""
        return self.app.screen.query_one(RecordTable)

    @property
    def screen(self) -> ViewScreen:
        """The view in front."""
        assert isinstance(self.app.screen, ViewScreen)
        return self.app.screen

    def server(self, name: str = "prod") -> Server:
        """The handle that the app reads with."""
        return self.state.registry.server(name)

    async def until(self, ready: Callable[[], bool], tries: int = 500) -> None:
        """Waits for a condition."""
        await until(self.pilot, ready, tries)

    async def sees(self, words: str) -> None:
        """Waits until the terminal shows some words."""
        await self.until(lambda: words in self.text)

    async def polled(self, name: str = "prod") -> None:
        """Polls now and waits for what comes of it."""
        before = self.state.snapshots[name].taken_at
        self.state.registry.refresh(name)
        await self.until(lambda: self.state.snapshots[name].taken_at != before)


@asynccontextmanager
async def live_app(
    *urls: str,
    view: str = "servers",
    size: tuple[int, int] = (120, 40),
    clock: Callable[[], float] | None = None,
    scope: str | None = "prod",
    label: str | None = "production",
    ascii: bool = False,
    read_only: bool = False,
    access: Access = "full",
) -> AsyncIterator[Live]:
    """Runs the app over servers called prod, server-2 …"""
    names = ["prod", *(f"server-{number}" for number in range(2, len(urls) + 1))]
    labels = {"prod": label}
    profiles = [_profile(url, name, labels.get(name), access) for url, name in zip(urls, names, strict=True)]
    async with app_over(
        profiles, view=view, size=size, clock=clock, scope=scope, ascii=ascii, read_only=read_only
    ) as live:
        yield live


@asynccontextmanager
async def app_over(
    profiles: Sequence[Profile],
    *,
    view: str = "servers",
    size: tuple[int, int] = (120, 40),
    clock: Callable[[], float] | None = None,
    scope: str | None = "prod",
    ascii: bool = False,
    read_only: bool = False,
    home: Path | None = None,
) -> AsyncIterator[Live]:
    """Runs the app over these servers, some of which may not answer. `home`: another machine's state."""
    names = [profile.name for profile in profiles]
    registry = Registry(profiles) if clock is None else Registry(profiles, clock=clock)
    state = AppState(registry) if clock is None else AppState(registry, clock=clock)
    state.scope, state.ascii, state.read_only = scope, ascii, read_only
    # By the true time, also while the screen's stands still: the servers have it too.
    kept = home or state_folder()
    state.operations = Operations(registry.server, home=kept, read_only=read_only, who=Who("anna", "ws3"))
    app = SqtuiApp(state, start_view=view)
    async with app.run_test(size=size) as pilot:
        live = Live(app, pilot, state)
        await live.until(lambda: all(state.snapshots[name].taken_at or state.snapshots[name].error for name in names))
        answering = [name for name in names if state.snapshots[name].overview is not None]
        await live.until(lambda: all(name in state.unfinished for name in answering))  # asked once, at the start
        yield live


def _profile(url: str, name: str, label: str | None, access: Access) -> Profile:
    return replace(Profile.from_url(url, name), label=label, access=access)
