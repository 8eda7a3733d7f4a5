"""The program over a pretended poll and a real server: the frame is the same on every machine, what is read is not
imitated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.tui.app import SqtuiApp
from tests.support.live import Live
from tests.support.tui import Clock, FakeRegistry, make_state, offline


@asynccontextmanager
async def framed_app(
    url: str,
    snapshot: ServerSnapshot,
    *,
    view: str,
    size: tuple[int, int] = (120, 40),
    clock: Clock | None = None,
    server: Server | None = None,
    ascii: bool = False,
) -> AsyncIterator[Live]:
    """Runs the app in front of one server, called prod."""
    clock = clock or Clock()
    registry = FakeRegistry(snapshot)
    reads = server or Server(Profile.from_url(url, "prod"), clock=clock)
    registry.reads["prod"] = cast(Any, reads)
    state = make_state(registry, clock, scope="prod", ascii=ascii)
    app = SqtuiApp(state, start_view=view)
    async with app.run_test(size=size) as pilot:
        yield Live(app, pilot, state)
    await reads.close()


def answer(live: Live, snapshot: ServerSnapshot) -> None:
    """The next poll says this."""
    cast(FakeRegistry, live.state.registry).answer(snapshot)


def gone(snapshot: ServerSnapshot) -> ServerSnapshot:
    """The same server, which does not answer any more."""
    error = ServerUnreachable("connection refused by 10.0.0.7:6379")
    away = offline("prod", error)
    return replace(away, profile=snapshot.profile, overview=snapshot.overview, series=snapshot.series)
