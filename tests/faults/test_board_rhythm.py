"""The board while some servers are at their worst: frames and keys are counted, not milliseconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.operator import Operations, Who
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.state import AppState
from tests.conftest import StartRedis
from tests.support.live import Live
from tests.support.nonsense import SOME, talking
from tests.support.painted import Painted
from tests.support.proxy import FaultProxy

GOOD = ("good-0", "good-1")
ROUNDS: Final = 5
MOST_POLLS: Final = 3
"""Polls of a server until a change is on the screen: the one under way, the next, and one more to draw it."""


class Trouble:
    """Two good servers, and four that flap, lag, talk nonsense, and begin to refuse the password."""

    def __init__(self, live: Live, painted: Painted, flaps: FaultProxy, locked: EmbeddedRedis) -> None:
        self.live = live
        self.painted = painted
        self.flaps = flaps
        self.locked = locked

    def state_of(self, name: str) -> str:
        return self.live.state.snapshots[name].health.state

    async def flap(self) -> None:
        """Goes away and comes back."""
        await self.flaps.close()
        await asyncio.sleep(0)
        await self.flaps.listen()

    async def refuse(self) -> None:
        """Another password from now on, and everybody is thrown out."""
        async with redis.asyncio.Redis(unix_socket_path=str(self.locked.socket)) as raw:
            await raw.config_set("requirepass", "other")
            await raw.client_kill_filter(_type="normal", skipme=True)


@pytest.fixture
async def trouble(redis_server: EmbeddedRedis, embedded: StartRedis, tmp_path: Path) -> AsyncIterator[Trouble]:
    """The board over them."""
    locked = embedded("locked")
    async with contextlib.AsyncExitStack() as stack:
        folders = [tmp_path / name for name in ("f", "l", "n")]
        for folder in folders:
            folder.mkdir()
        flaps = await stack.enter_async_context(FaultProxy(redis_server.socket, folders[0]))
        lags = await stack.enter_async_context(FaultProxy(redis_server.socket, folders[1]))
        lags.delay = 2.0
        nonsense = await stack.enter_async_context(talking(folders[2], SOME[3]))
        places = {
            GOOD[0]: redis_server.socket,
            "flaps": flaps.socket,
            "lags": lags.socket,
            "nonsense": nonsense,
            "locked": locked.socket,
            GOOD[1]: redis_server.socket,
        }
        profiles = [Profile(name=name, socket=str(place), poll_interval=0.5) for name, place in places.items()]
        registry = Registry(profiles)
        state = AppState(registry)
        state.operations = Operations(registry.server, home=state_folder(), who=Who("anna", "ws3"))
        app = SqtuiApp(state, start_view="servers")
        painted = Painted(app)
        async with app.run_test(size=(120, 40)) as pilot:
            live = Live(app, pilot, state)
            await live.until(lambda: all(state.snapshots[name].taken_at is not None for name in (*GOOD, "locked")))
            yield Trouble(live, painted, flaps, locked)


async def test_good_servers_are_drawn_at_each_of_their_polls_and_every_key_does_what_it_does(
    trouble: Trouble, raw: redis.asyncio.Redis
) -> None:
    live = trouble.live
    polls: list[float] = []

    def drawn(dead: int) -> bool:
        """Whether the terminal shows so many dead jobs in both rows; counts the polls until then."""
        taken = live.state.snapshots[GOOD[0]].taken_at
        if taken is not None and taken not in polls:
            polls.append(taken)
        rows = [line.split() for line in trouble.painted.text.splitlines() if any(name in line for name in GOOD)]
        return sum(row[-1] == str(dead) for row in rows) >= len(GOOD)

    rows = len(live.state.servers)
    pressed = 0
    for done in range(ROUNDS):
        await trouble.flap()
        if done == 1:
            await trouble.refuse()
        for key in ("j", "j", "k"):
            before = live.table.cursor
            await live.pilot.press(key)
            pressed += 1
            assert live.table.cursor == max(0, min(before + (1 if key == "j" else -1), rows - 1)), pressed
        frames = trouble.painted.frames
        await raw.zadd("dead", {f"{done}": done})
        polls.clear()
        await live.until(lambda: drawn(done + 1), tries=2000)  # noqa: B023
        assert trouble.painted.frames > frames
        assert len(polls) <= MOST_POLLS
    assert pressed == 3 * ROUNDS


async def test_each_of_them_says_what_is_wrong_with_it_and_who_comes_back_is_well_again(trouble: Trouble) -> None:
    live = trouble.live
    await trouble.refuse()
    await trouble.flaps.close()
    live.state.registry.refresh(None)
    await live.until(lambda: trouble.state_of("locked") == "forbidden", tries=3000)
    await live.until(lambda: trouble.state_of("flaps") == "offline", tries=3000)
    await live.until(lambda: trouble.state_of("nonsense") == "offline", tries=3000)
    await live.until(lambda: trouble.state_of("lags") == "slow", tries=3000)
    await live.until(lambda: "2 of 6" in live.body or "3 of 6" in live.body)
    assert live.state.snapshots["locked"].overview is not None  # what was known stays, muted
    await trouble.flaps.listen()
    live.state.registry.refresh("flaps")
    await live.until(lambda: trouble.state_of("flaps") in ("ok", "warn"), tries=3000)
