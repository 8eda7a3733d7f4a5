"""The whole program in a test over several servers: databases of one Redis, and one that is not there."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.operator import Operations, Who
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.state import AppState
from tests.support.job_lists import NOW, job
from tests.support.live import Live

SERVERS: Final[Mapping[str, tuple[str, str]]] = {
    "prod": ("production", "shop"),
    "staging": ("staging", "shop"),
    "dev": ("development", "lab"),
}
"""Label and group of each, in the order of their databases."""


def interleaved(count: int) -> list[dict[bytes, float]]:
    """Jobs a second apart, each on the next server: the number of the job is its place in the merged list."""
    data: list[dict[bytes, float]] = [{} for _ in SERVERS]
    for number in range(count):
        data[number % len(data)][job(number)] = NOW + 1 + number
    return data


def ticking() -> Callable[[], float]:
    """A clock that goes on a millisecond with each look at it: polls can be told apart."""
    ticks = itertools.count()
    return lambda: NOW + next(ticks) / 1000


@asynccontextmanager
async def across_app(
    server: EmbeddedRedis,
    *,
    view: str = "retries",
    size: tuple[int, int] = (120, 40),
    away: bool = False,
    scope: str | None = None,
    group: str = "",
    sockets: Mapping[str, Path] = MappingProxyType({}),
    access: Mapping[str, Access] = MappingProxyType({}),
    poll_interval: float = 2.0,
    clock: Callable[[], float] = lambda: NOW,
) -> AsyncIterator[Live]:
    """Runs the app over them; `away` adds `mail`, whose socket is not there. `sockets`: what lies between, by name."""
    profiles = [
        Profile(
            name=name,
            socket=str(sockets.get(name, server.socket)),
            database=database,
            label=label,
            group=project,
            access=access.get(name, "full"),
            poll_interval=poll_interval,
        )
        for database, (name, (label, project)) in enumerate(SERVERS.items())
    ]
    if away:
        profiles.append(Profile(name="mail", socket=str(Path("no") / "such.sock"), label="production", group="shop"))
    registry = Registry(profiles, clock=clock)
    state = AppState(registry, clock=clock)
    state.scope, state.group = scope, group
    state.operations = Operations(registry.server, home=state_folder(), who=Who("anna", "ws3"))
    app = SqtuiApp(state, start_view=view)
    async with app.run_test(size=size) as pilot:
        live = Live(app, pilot, state)
        names = [profile.name for profile in profiles]
        await live.until(lambda: all(state.snapshots[name].taken_at or state.snapshots[name].error for name in names))
        yield live
