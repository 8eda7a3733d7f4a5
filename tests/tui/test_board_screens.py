"""The screens that draw what the pollers know: servers, dashboard, queues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_layout import dashboard_layout
from sidekiq_tui.tui.screens.servers import servers_layout
from tests.conftest import LoadDump
from tests.support.boards import (
    QUEUES,
    Registry,
    app_of,
    history,
    prod,
    world,
)
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.live import live_app
from tests.support.painted import Painted
from tests.support.proxy import FaultProxy
from tests.support.tui import (
    FakeRegistry,
    make_overview,
    make_process,
    make_queue,
    make_snapshot,
    make_state,
    offline,
    screen_text,
    until,
)

SIZES = ((120, 40), (80, 24))


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_servers_golden(width: int, height: int, golden: Callable[[str, str], None]) -> None:
    app = app_of(world(), "servers")
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.press("j", "j")
        await until(pilot, lambda: "shop-eu is" in screen_text(app))
        golden(f"servers-{width}x{height}", screen_text(app))


@pytest.mark.parametrize(("width", "height"), [*SIZES, (60, 20)])
async def test_dashboard_golden(width: int, height: int, golden: Callable[[str, str], None]) -> None:
    app = app_of(world(), "dashboard", "prod")
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: "900k" in screen_text(app))
        await pilot.pause()
        golden(f"dashboard-{width}x{height}", screen_text(app))


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_queues_golden(width: int, height: int, golden: Callable[[str, str], None]) -> None:
    app = app_of(world(), "queues", "prod")
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: "mailers" in screen_text(app))
        golden(f"queues-{width}x{height}", screen_text(app))


async def test_the_board_says_why_the_server_under_the_cursor_is_sick() -> None:
    app = app_of(world(), "servers")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "prod is ● ok for 1m00s" in screen_text(app))
        await pilot.press("G")
        await until(pilot, lambda: "connection refused by 10.0.0.7:6379" in screen_text(app))
        assert "is it running?" in screen_text(app)
        await pilot.press("k")
        await until(pilot, lambda: "✗ failures" in screen_text(app))


async def test_the_board_sorts_worst_first_and_keeps_the_cursor_on_its_server() -> None:
    app = app_of(world(), "servers")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "prod is" in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: "worst first" in screen_text(app))
        names = [line.split()[1].lstrip("▌") for line in screen_text(app).splitlines()[5:9]]
        assert [name for name in names if name != "1"][:1] == ["shop-eu"]
        assert "prod is" in screen_text(app)
        await pilot.press("O")
        await until(pilot, lambda: "best first" in screen_text(app))


async def test_enter_on_a_server_opens_its_dashboard() -> None:
    app = app_of(world(), "servers")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("j", "enter")
        await until(pilot, lambda: "Processed 11/s" in screen_text(app))
        assert app.app_state.scope == "staging"


async def test_a_new_answer_keeps_the_cursor_and_changes_the_row() -> None:
    registry = world()
    app = app_of(registry, "servers")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("j", "j")
        registry.answer(make_snapshot("shop-eu", "ok", label="production"))
        await until(pilot, lambda: "shop-eu is ● ok" in screen_text(app))


async def test_fifty_servers_leave_room_for_nothing_else_and_their_range_is_said() -> None:
    snapshots = [make_snapshot(f"server-{number}", reasons=(Reason("warn", "x", "why"),)) for number in range(50)]
    app = app_of(FakeRegistry(*snapshots), "servers")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "1–16 of 50" in screen_text(app))
        assert "50 of 50" in screen_text(app)
        await until(pilot, lambda: "▲ x" in screen_text(app).splitlines()[-2])


async def test_periods_change_with_braces_and_history_is_read_once() -> None:
    registry = world()
    app = app_of(registry, "dashboard", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "today" in screen_text(app))
        assert "30m ago" in screen_text(app)
        await pilot.press("}")
        await until(pilot, lambda: "2h ago" in screen_text(app))
        await pilot.press("{", "{")
        await until(pilot, lambda: "5m ago" in screen_text(app))
        registry.answer(prod())
        await pilot.pause(0.1)
        assert registry.handles["prod"].asked == [30]


async def test_a_young_history_gets_a_short_period() -> None:
    snapshot = make_snapshot("prod", series=history(812.0, QUEUES, seconds=40))
    app = app_of(Registry(snapshot), "dashboard", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "1m ago" in screen_text(app))


async def test_half_a_year_of_weeks_is_read_when_it_is_looked_at() -> None:
    registry = world()
    app = app_of(registry, "dashboard", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Failed per day  0.3% of them" in screen_text(app))
        assert registry.handles["prod"].asked == [30]
        await pilot.press("l")
        await until(pilot, lambda: "Processed per week  26 weeks, UTC" in screen_text(app))
        await until(pilot, lambda: "Jul 18" in screen_text(app))
        assert "Failed per week  0.1% of them" in screen_text(app)
        await pilot.press("h", "l")
        await pilot.pause(0.1)
        assert registry.handles["prod"].asked == [30, 182]


async def test_the_panel_changes_between_days_and_latency_of_the_worst_queues() -> None:
    app = app_of(world(), "dashboard", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Processed per day" in screen_text(app))
        await pilot.press("l", "l")
        await until(pilot, lambda: "Latency 30m  1 exports  2 imports  3 mailers" in screen_text(app))
        await until(pilot, lambda: "2h" in screen_text(app) and "▄" in screen_text(app))
        assert not any("\u2800" <= character <= "\u28ff" for character in screen_text(app))
        await pilot.press("h", "h")
        await until(pilot, lambda: "Processed per day" in screen_text(app))


async def test_enter_on_a_queue_of_the_dashboard_opens_it(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "mailers")
    await raw.lpush("queue:mailers", b'{"class":"MailJob","args":[1]}')
    async with live_app(redis_url, view="dashboard") as live:
        await live.sees("mailers")
        await live.pilot.press("enter")
        await live.sees("MailJob")
        await live.pilot.press("q")
        await live.sees("Processed")


async def test_all_servers_are_added_up_and_their_queues_are_named() -> None:
    app = app_of(world(), "dashboard")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Processed 963/s" in screen_text(app))
        assert "Queues 10" in screen_text(app)
        assert "shop-eu" in screen_text(app)
        assert "Redis 4 servers  3 answer" in screen_text(app)


async def test_queues_are_filtered_by_name_and_esc_brings_them_back() -> None:
    app = app_of(world(), "queues", "prod")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "mailers" in screen_text(app))
        await pilot.press("/", *"MAIL", "enter")
        await until(pilot, lambda: "filter MAIL  1 match" in screen_text(app))
        assert "critical" not in screen_text(app)
        await pilot.press("/", *"nope", "enter")
        await until(pilot, lambda: "Nothing matches nope" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "critical" in screen_text(app))


async def test_queues_sort_by_the_next_column_and_the_other_way() -> None:
    app = app_of(world(), "queues", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "queue↑" in screen_text(app))
        await pilot.press("o", "o")
        await until(pilot, lambda: "latency↓" in screen_text(app))
        assert screen_text(app).splitlines()[5].split()[0] == "exports"
        await pilot.press("O")
        await until(pilot, lambda: "latency↑" in screen_text(app))


async def test_a_server_that_does_not_answer_keeps_its_last_data_with_its_age() -> None:
    away = offline("dev", ServerUnreachable("connection refused by 10.0.0.7:6379"))
    for view, words in (("queues", "as of 4m12s ago"), ("dashboard", "Processed –")):
        app = app_of(Registry(away), view, "dev")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: words in screen_text(app))  # noqa: B023
            assert "dev is offline" in screen_text(app)
            assert "default" in screen_text(app)


async def test_nothing_is_read_from_a_server_that_does_not_answer() -> None:
    away = offline("dev", ServerUnreachable("connection refused by 10.0.0.7:6379"))
    registry = Registry(away)
    for view in ("dashboard", "dead"):
        app = app_of(registry, view, "dev")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "dev is offline" in screen_text(app))  # noqa: B023
            if view == "dead":
                assert "Not read yet: dev does not answer." in screen_text(app)
    assert not registry.handles["dev"].asked


async def test_what_may_not_be_read_is_said_in_its_panel() -> None:
    denied = {
        "processes": "this user may not run HGETALL (NOPERM)",
        "queues": "this user may not run SMEMBERS (NOPERM)",
    }
    overview = make_overview(processes=(), denied=denied)
    overview = type(overview)(**{**{f: getattr(overview, f) for f in overview.__slots__}, "queues": ()})
    app = app_of(Registry(make_snapshot("prod", overview=overview)), "dashboard", "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "⊘ Workers can't be read:" in screen_text(app))
        assert "⊘ Queues can't be read:" in screen_text(app)


async def test_hostile_names_reach_no_screen_as_they_are() -> None:
    queues = tuple(
        make_queue(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"), 1)
        for text in HOSTILE_TEXTS
    )
    process = make_process(hostname=HOSTILE_TEXTS[1], identity=HOSTILE_TEXTS[0], version=HOSTILE_TEXTS[2])
    overview = make_overview(*queues, processes=(process,), redis=RedisInfo(version=HOSTILE_TEXTS[0], used_memory=1))
    snapshot = make_snapshot(
        "prod", "warn", overview=overview, reasons=(Reason("warn", HOSTILE_TEXTS[0], HOSTILE_TEXTS[1]),)
    )
    for view in ("servers", "dashboard", "queues"):
        for size in SIZES:
            app = app_of(Registry(snapshot), view, "prod")
            async with app.run_test(size=size) as pilot:
                await pilot.press("G", "l", "o")
                await pilot.pause()
                assert not CONTROL_PATTERN.search(screen_text(app))


async def test_every_size_draws_and_nothing_stands_on_something_else() -> None:
    for width in (40, 60, 79, 80, 109, 110, 120, 200):
        for height in (3, 8, 12, 19, 27, 28, 35, 60):
            for places in (dashboard_layout(width, height, 7), servers_layout(width, height, 10)):
                regions = list(places.values())
                assert all(region.bottom <= height and region.right <= width + 1 for region in regions), (width, height)
                for index, one in enumerate(regions):
                    for other in regions[index + 1 :]:
                        assert not one.intersection(other), (width, height, places)


async def test_screens_follow_the_size_of_the_terminal() -> None:
    for view in ("servers", "dashboard", "queues"):
        app = app_of(world(), view, "prod")
        async with app.run_test(size=(120, 40)) as pilot:
            for size in ((80, 24), (60, 20), (60, 16), (200, 60), (120, 40)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                await pilot.pause()
                lines = screen_text(app).splitlines()
                assert len(lines) == size[1]
                assert "prod" in screen_text(app)


@pytest.mark.parametrize("view", ["dashboard", "queues"])
async def test_a_screen_behind_a_dialog_follows_the_size_too(view: str) -> None:
    app = app_of(world(), view, "prod")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys of" in screen_text(app))
        strips = app.screen_stack[-2]._compositor.render_strips
        await pilot.press("escape")
        await until(pilot, lambda: "Keys of" not in screen_text(app))
        for _ in range(5):
            await pilot.pause()
        drawn = screen_text(app)
        await pilot.resize_terminal(60, 20)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys of" in screen_text(app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "\n".join(strip.text.rstrip() for strip in strips()) == drawn)


async def test_a_server_that_goes_is_stale_and_its_return_clears_that_without_a_key(
    redis_url: str, raw: redis.asyncio.Redis, tmp_path: Path, redis_server: EmbeddedRedis
) -> None:
    await raw.sadd("queues", "default")
    async with (
        FaultProxy(redis_server.socket, tmp_path) as proxy,
        live_app(proxy.url, redis_url, view="dashboard", size=(80, 24)) as live,
    ):
        await live.sees("Processed")
        await proxy.close()
        await live.until(lambda: live.state.snapshots["prod"].error is not None, tries=3000)
        await live.sees("STALE")
        await live.sees("prod is offline")
        assert live.state.snapshots["server-2"].error is None
        await proxy.listen()
        await live.until(lambda: "STALE" not in live.text and "prod is offline" not in live.text, tries=3000)


async def test_recorded_data_on_every_board(redis_url: str, load_dump: LoadDump) -> None:
    for version in ("6.4.1", "7.3.10", "8.1.7"):
        load_dump(version)
        for view in ("servers", "dashboard", "queues"):
            async with live_app(redis_url, view=view) as live:
                await live.sees("default" if view != "servers" else "prod is")


async def test_in_ascii_mode_no_sign_of_ours_is_anything_else() -> None:
    for view in ("servers", "dashboard", "queues"):
        for size in SIZES:
            app = SqtuiApp(make_state(world(), scope="prod", ascii=True), start_view=view)
            async with app.run_test(size=size) as pilot:
                await pilot.press("l")
                await until(pilot, lambda: "prod" in screen_text(app))  # noqa: B023
                await pilot.pause()
                odd = {character for character in screen_text(app) if not character.isascii()}
                assert not odd, f"{view} {size}: {odd}\n{screen_text(app)}"


async def test_nothing_is_left_of_a_layout_that_changed_while_another_view_was_in_front() -> None:
    app = app_of(world(), "dashboard")
    painted = Painted(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Processed 963/s" in screen_text(app))
        await pilot.press("g", "r", "1", "g", "d")
        await until(pilot, lambda: "Processed 812/s" in screen_text(app))
        await until(pilot, lambda: painted.text == screen_text(app))


async def test_of_a_server_never_seen_nothing_is_counted_and_no_key_is_offered_for_no_rows() -> None:
    away = offline("dev", ServerUnreachable("connection refused by 10.0.0.7:6379"), seen=False)
    for width, height in SIZES:
        for view in ("queues", "dashboard"):
            app = app_of(Registry(away), view, "dev")
            async with app.run_test(size=(width, height)) as pilot:
                await until(pilot, lambda: "Nothing known of dev yet" in screen_text(app))  # noqa: B023
                shown = screen_text(app)
                footer = shown.splitlines()[-1]
                assert "open" not in footer
                assert "sort" not in footer
                assert ("filter" in footer) is False
                assert "Queues 0" not in shown
                assert "0 running" not in shown
                assert "Workers 0" not in shown
                assert "no limit" not in shown


async def test_the_message_line_does_not_name_what_is_unknown_in_ascii_either() -> None:
    for ascii in (False, True):
        app = SqtuiApp(make_state(world(), scope="prod", ascii=ascii), start_view="dashboard")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "mailers" in screen_text(app))  # noqa: B023
            assert "busy" not in screen_text(app).splitlines()[-2]


async def test_what_does_not_fit_the_message_line_is_cut_with_a_sign() -> None:
    app = app_of(world(), "servers")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "prod is" in screen_text(app))
        assert isinstance(app.screen, ViewScreen)
        app.screen.say("word " * 30)
        await until(pilot, lambda: screen_text(app).splitlines()[-2].endswith("wo…"))
        await pilot.resize_terminal(160, 40)
        await until(pilot, lambda: screen_text(app).splitlines()[-2].endswith(" word"))
