"""Getting about: servers, views, chords, freezing, what is drawn when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from sidekiq_tui.servers.health import Health
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.views import VIEWS
from sidekiq_tui.tui.widgets.banner import Banner
from sidekiq_tui.tui.widgets.footer import Footer
from sidekiq_tui.tui.widgets.header_strip import HeaderStrip
from sidekiq_tui.tui.widgets.message_line import MessageLine
from sidekiq_tui.tui.widgets.totals import TotalsLine
from tests.support.tui import (
    NOW,
    Clock,
    FakeRegistry,
    make_overview,
    make_snapshot,
    make_state,
    offline,
    screen_text,
    until,
)


class Stand:
    """An app over three pretended servers."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = FakeRegistry(
            make_snapshot("prod", label="production"),
            make_snapshot("staging", "warn", label="staging"),
            make_snapshot("dev", label="development"),
        )
        self.state = make_state(self.registry, self.clock)
        self.app = SqtuiApp(self.state)

    async def listening(self, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: ("start", None) in self.registry.asked)

    @property
    def front(self) -> ViewScreen:
        assert isinstance(self.app.screen, ViewScreen)
        return self.app.screen

    def line(self, kind: type[HeaderStrip | TotalsLine | Footer | MessageLine | Banner]) -> str:
        return self.front.query_one(kind).text

    @property
    def message(self) -> str:
        return self.line(MessageLine).strip()

    @property
    def place(self) -> tuple[str, str | None]:
        return self.front.view, self.state.scope


@pytest.fixture
def stand() -> Stand:
    return Stand()


async def test_begins_with_all_servers_and_polls_them_after_the_first_paint(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await stand.listening(pilot)
        assert stand.place == ("servers", None)
        assert ("view", ("prod", "staging", "dev")) in stand.registry.asked
    assert stand.registry.asked[-1] == ("stop", None)


async def test_a_digit_keeps_the_view_and_changes_the_server(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("g", "d", "2")
        await until(pilot, lambda: stand.place == ("dashboard", "staging"))
        await pilot.press("1")
        await until(pilot, lambda: stand.place == ("dashboard", "prod"))
        assert stand.registry.asked[-1] == ("view", ("prod",))
        assert "PRODUCTION" in stand.line(HeaderStrip)
        await pilot.press("0")
        await until(pilot, lambda: stand.state.scope is None)


async def test_a_digit_without_a_server_says_so(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: stand.message == "there is no server 7")
        await pilot.press("j")
        await until(pilot, lambda: "no server" not in stand.message)
        assert stand.place == ("servers", None)


async def test_tab_goes_round_the_views(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1")
        seen = []
        for _ in range(sum(view.tab for view in VIEWS)):
            seen.append(stand.front.view)
            before = stand.front
            await pilot.press("tab")
            await until(pilot, lambda before=before: stand.app.screen is not before)  # type: ignore[misc]
        assert seen == [view.name for view in VIEWS if view.tab]
        assert stand.front.view == "servers"
        await pilot.press("shift+tab")
        await until(pilot, lambda: stand.place == ("audit", "prod"))


async def test_a_view_of_one_server_takes_the_latest_one_and_says_so(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "0", "g", "b")
        await until(pilot, lambda: stand.place == ("extras", "staging"))
        await until(pilot, lambda: "one server at a time" in stand.message)
        await pilot.press("0")
        await until(pilot, lambda: stand.place == ("servers", None))


async def test_a_chord_waits_shows_its_choices_and_can_be_cancelled(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: stand.message.startswith("g"))
        assert "d dash" in stand.message
        assert "x dead" in stand.message
        for key in ("escape", "f5", "Q"):
            await pilot.press(key)
            await until(pilot, lambda: not stand.message.startswith("g "))
            assert stand.place == ("servers", None)
            await pilot.press("g")
            await until(pilot, lambda: stand.message.startswith("g "))
        await pilot.press("2")  # a digit is an unknown second key like any other
        await until(pilot, lambda: not stand.message.startswith("g "))
        assert stand.state.scope is None


async def test_keys_of_one_burst_are_taken_in_order(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        for key in ("1", "g", "q", "2", "tab"):  # not awaited one by one
            stand.app.simulate_key(key)
        await until(pilot, lambda: stand.place == ("retries", "staging"))


async def test_q_goes_back_and_quits_at_the_top(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1")
        stand.app.push_screen(type(stand.front)(stand.state))
        await until(pilot, lambda: len(stand.app.screen_stack) == 2)
        await pilot.press("q")
        await until(pilot, lambda: len(stand.app.screen_stack) == 1)
        await pilot.press("escape")
        await pilot.pause()
        assert stand.app.is_running
        await pilot.press("q")
        await until(pilot, lambda: not stand.app.is_running)
    assert stand.app.return_code == 0


async def test_freezing_holds_the_screen_and_not_the_pollers(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "Z")
        await until(pilot, lambda: "FROZEN" in stand.line(HeaderStrip))
        stand.registry.answer(make_snapshot("prod", overview=make_overview(dead=999)))
        stand.clock.now += 120
        await until(pilot, lambda: "FROZEN 2m00s" in stand.line(HeaderStrip))
        assert "999" not in screen_text(stand.app)
        assert "dead 7" in stand.line(TotalsLine)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Z lets the screen go on" in stand.message)
        await pilot.press("Z")
        await until(pilot, lambda: "dead 999" in stand.line(TotalsLine))
        assert "FROZEN" not in stand.line(HeaderStrip)
        assert ("stop", None) not in stand.registry.asked


async def test_ctrl_r_asks_the_servers_in_view(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+r")
        await until(pilot, lambda: ("refresh", None) in stand.registry.asked)
        await pilot.press("g", "d", "2", "ctrl+r")
        await until(pilot, lambda: ("refresh", "staging") in stand.registry.asked)


async def test_times_change_for_all_screens(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        for mode in ("local", "utc", "relative"):
            await pilot.press("z")
            await until(pilot, lambda mode=mode: stand.state.time_mode == mode)  # type: ignore[misc]


async def test_the_age_turns_warn_after_two_intervals(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: stand.line(HeaderStrip).rstrip().endswith(" live"))
        stand.clock.now += 4
        await until(pilot, lambda: stand.line(HeaderStrip).rstrip().endswith("5s ago"))
        assert stand.front.query_one(HeaderStrip).age_role == "warn strong"


async def test_a_lost_server_is_told_in_banner_chip_and_strip_and_recovery_takes_it_away(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "g", "d")
        await until(pilot, lambda: stand.place == ("dashboard", "dev"))
        lost = offline("dev", ServerUnreachable("Connection refused"), profile=Profile(name="dev", host="10.0.0.7"))
        stand.registry.answer(lost)
        await until(pilot, lambda: "STALE 4m12s" in stand.line(HeaderStrip))
        assert "3 ○ dev" in stand.line(HeaderStrip)
        words = "dev is offline  connection refused (10.0.0.7:6379)"
        await until(pilot, lambda: words in screen_text(stand.app))
        assert "try 9, next in 8s" in stand.line(Banner)
        assert "ctrl+r try now" in stand.line(Footer)
        assert stand.message == "Last known data, until dev answers."
        assert stand.line(TotalsLine).split()[:4] == ["processed", "–", "failed", "–"]
        stand.clock.now += 3
        await until(pilot, lambda: "next in 5s" in stand.line(Banner))
        stand.registry.answer(make_snapshot("dev", taken_at=NOW + 3))
        await until(pilot, lambda: "STALE" not in stand.line(HeaderStrip))
        await until(pilot, lambda: not stand.front.query_one(Banner).display)
        await until(pilot, lambda: "offline" not in screen_text(stand.app))
        assert "try now" not in stand.line(Footer)
        assert "Last known" not in stand.message


async def test_a_server_never_seen_says_so(stand: Stand) -> None:
    async with stand.app.run_test(size=(100, 30)) as pilot:
        await stand.listening(pilot)
        error = ServerUnreachable("name not known (redis.dev.internal)")
        stand.registry.answer(offline("dev", error, seen=False))
        await pilot.press("3", "g", "d")
        await until(
            pilot, lambda: "dev has not answered yet: name not known (redis.dev.internal)" in screen_text(stand.app)
        )


async def test_forbidden_is_not_called_offline(stand: Stand) -> None:
    async with stand.app.run_test(size=(100, 30)) as pilot:
        await stand.listening(pilot)
        refused = offline("dev", ServerUnreachable("this user may not run INFO (NOPERM)"))
        stand.registry.answer(replace(refused, health=Health("forbidden")))
        await pilot.press("3", "g", "d")
        await until(pilot, lambda: "⊘ dev is forbidden" in stand.line(Banner))


async def test_snapshots_are_drawn_together(stand: Stand) -> None:
    async with stand.app.run_test(size=(120, 40)) as pilot:
        await stand.listening(pilot)
        drawn = 0
        front, redraw = stand.front, stand.front.redraw

        def counted() -> None:
            nonlocal drawn
            drawn += 1
            redraw()

        front.redraw = counted  # type: ignore[method-assign]
        for number in range(50):
            for name in ("prod", "staging", "dev"):
                stand.registry.answer(make_snapshot(name, overview=make_overview(dead=number)))
        await until(pilot, lambda: "dead 147" in stand.line(TotalsLine))
        assert drawn == 1


async def test_read_only_and_insecure_are_visible() -> None:
    registry = FakeRegistry(make_snapshot("prod", label="production"))
    app = SqtuiApp(make_state(registry, scope="prod", read_only=True))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "PRODUCTION · read-only" in screen_text(app))


@pytest.mark.parametrize(
    ("size", "tabs", "body"), [((80, 19), False, True), ((80, 20), True, True), ((59, 30), False, False)]
)
async def test_lines_go_as_the_terminal_gets_small(stand: Stand, size: tuple[int, int], tabs: bool, body: bool) -> None:
    async with stand.app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = screen_text(stand.app)
        assert (" Dash " in shown) is tabs
        assert ("? keys" in shown) is body
        assert ("make me larger" in shown) is not body


async def test_growing_brings_everything_back(stand: Stand) -> None:
    async with stand.app.run_test(size=(50, 10)) as pilot:
        await until(pilot, lambda: screen_text(stand.app).strip() == "make me larger")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: " Dashboard " in screen_text(stand.app) and "? keys" in screen_text(stand.app))


async def test_hostile_names_and_errors_stay_text() -> None:
    bad = "x\x1b]52;c;eA==\x07[/][@click=app.quit]q[/]\u202e"
    redis = RedisInfo(version=f"7{bad}.2", server=f"redis{bad}")
    registry = FakeRegistry(
        make_snapshot(bad, label="[bold\x1b[2J", overview=make_overview(redis=redis)),
        offline("gone", ServerUnreachable(f"NOAUTH {bad}"), seen=False),
    )
    app = SqtuiApp(make_state(registry))
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("1", "g", "d", "2", "@", "escape", "?", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert all(line.isprintable() for line in screen_text(app).splitlines())
