"""How moves between servers look: choosing a server, how jobs go there, the plan, what was cut, what has no end."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import operator
from sidekiq_tui.presentation import plans, units
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.cross import CrossModal
from sidekiq_tui.tui.modals.pick_target import TargetPicker
from tests.support.job_lists import ready
from tests.support.two_sides import QUEUE, Sides, asked, two_sides
from tests.tui.conftest import GoldenScreen

SIZES = [(120, 40), (80, 24)]


@pytest.fixture(autouse=True)
def plain_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations are numbered instead of drawn by lot."""
    numbers = itertools.count(1)
    monkeypatch.setattr(operator, "new_id", lambda *_: f"{next(numbers):08x}{'0' * 12}")
    monkeypatch.setattr(plans, "_price", lambda price: "3 calls, about 9ms")
    monkeypatch.setattr(units, "clock", lambda *_, **__: "14:05:00")


@pytest.fixture
async def sides(redis_server: EmbeddedRedis, many_databases: EmbeddedRedis) -> AsyncIterator[Sides]:
    """Prod, guarded; staging, guarded; dev, which may not be written to; mail, which is not there."""
    async with two_sides(redis_server, many_databases) as found:
        ago = int(time.time() * 1000) - 630_000
        found.change("prod", label="production")
        found.change("staging", guard=True)
        found.change("dev", access="read-only")
        found.away()
        found.queued(4, created_at=ago, enqueued_at=ago)
        found.staging.sadd("queues", "mail", "low")
        yield found


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_from_the_key_to_the_plan(sides: Sides, size: tuple[int, int], golden_screen: GoldenScreen) -> None:
    name = f"{size[0]}x{size[1]}"
    now = float(int(time.time()))
    async with sides.app(view="queues", size=size, clock=lambda: now) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.sees("Invoice")
        await live.pilot.press("C")
        await asked(live, TargetPicker)
        await golden_screen(f"between-target-{name}", live.pilot)
        await live.pilot.press(*"staging", "enter")
        await asked(live, CrossModal)
        await golden_screen(f"between-how-{name}", live.pilot)
        await live.pilot.press("enter")
        await asked(live, ConfirmModal)
        await live.sees("Type the target's name")
        await golden_screen(f"between-plan-{name}", live.pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_is_cut_and_a_move_without_an_end(
    sides: Sides, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    now = float(int(time.time()))
    async with sides.app(view="queues", size=size, clock=lambda: now) as live:
        await ready(live)
        await live.pilot.press("enter")
        await live.sees("Invoice")
        await live.pilot.press("space", "space", "m", "k")
        await live.until(lambda: "P pastes" in live.text.splitlines()[-2])
        await golden_screen(f"between-cut-{name}", live.pilot)
        await live.pilot.press("2", "P")
        await asked(live, ConfirmModal)
        sides.broken()
        await live.pilot.press(*"staging", "enter")
        await live.until(lambda: bool(live.state.unfinished["prod"]))
        sides.mended()
        await live.pilot.press("1")
        await live.sees("W finishes or puts back")
        await live.pilot.press("g", "x")
        await live.sees("No dead jobs on prod")
        await live.until(lambda: live.state.snapshots["prod"].interval < 5)  # it is the one in view again
        assert sides.prod.llen(QUEUE) == 2
        await golden_screen(f"between-banner-{name}", live.pilot)
        await live.pilot.press("W")
        await asked(live, ChoiceModal)
        await golden_screen(f"between-end-{name}", live.pilot)
