"""Help, server picker, palette."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.widgets import Input

from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.modals.help import HelpModal
from sidekiq_tui.tui.modals.server_picker import (
    FAVOURITES,
    OTHERS,
    RECENT,
    PickerEntry,
    ServerPicker,
    matching,
    picker_entries,
)
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.theme import LIGHT
from sidekiq_tui.tui.widgets.span_lines import SpanLines
from tests.support.tui import FakeRegistry, make_snapshot, make_state, screen_text, until

FLEET = (
    make_snapshot("prod", label="production", profile={"favorite": True, "host": "redis.prod.internal"}),
    make_snapshot("prod-eu", label="production", profile={"group": "shop"}),
    make_snapshot("staging", label="staging", profile={"group": "shop"}),
    make_snapshot("dev"),
    *(make_snapshot(f"node-{number:02d}") for number in range(20)),
)


def app_of_fleet() -> SqtuiApp:
    return SqtuiApp(make_state(FakeRegistry(*FLEET)))


def front(app: SqtuiApp) -> ViewScreen:
    assert isinstance(app.screen, ViewScreen)
    return app.screen


def names(entries: list[PickerEntry]) -> list[str]:
    return [entry.tab.name for entry in entries]


def test_recent_servers_come_first_then_favourites_then_groups() -> None:
    state = make_state(FakeRegistry(*FLEET))
    for name in ("dev", "staging", "prod-eu"):
        state.look_at(name)
    entries = picker_entries(state)
    assert names(entries)[:3] == ["staging", "dev", "prod"]
    assert [entry.heading for entry in entries[:5]] == [RECENT, RECENT, FAVOURITES, "shop", OTHERS]
    assert sorted(names(entries)) == sorted(state.servers)


def test_a_few_letters_find_name_label_group_and_address() -> None:
    entries = picker_entries(make_state(FakeRegistry(*FLEET)))
    assert names(matching(entries, "stag"))[0] == "staging"
    assert names(matching(entries, "shop"))[:2] == ["prod-eu", "staging"]
    assert names(matching(entries, "prod.internal"))[0] == "prod"
    assert names(matching(entries, "peu"))[0] == "prod-eu"
    assert matching(entries, "zzzz") == []
    assert matching(entries, " ") == entries


async def test_typing_and_enter_go_to_the_server() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("@")
        await until(pilot, lambda: isinstance(app.screen, ServerPicker) and isinstance(app.focused, Input))
        await pilot.press(*"node17")
        await until(pilot, lambda: "▌   ● node-17" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.app_state.scope == "node-17")
        assert "● node-17" in screen_text(app)


async def test_a_burst_reaches_the_field_of_the_picker() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("@", *"node17", "enter"):
            app.simulate_key(key) if len(key) > 1 else app.post_message(_key(key))
        await until(pilot, lambda: app.app_state.scope == "node-17")


def _key(character: str) -> Key:
    return Key(_character_to_key(character), character)


async def test_escape_leaves_the_scope_as_it_was() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "@", "d", "escape")
        await until(pilot, lambda: isinstance(app.screen, ViewScreen))
        assert app.app_state.scope == "prod-eu"


async def test_moving_keeps_the_chosen_server_in_sight() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("@")
        await until(pilot, lambda: isinstance(app.screen, ServerPicker))
        for _ in range(3):
            await pilot.press("pagedown")
        await until(pilot, lambda: "▌   ● node-19" in screen_text(app))
        await pilot.press(*(["up"] * 40))
        await until(pilot, lambda: "▌ 1 ● prod " in screen_text(app))


async def test_help_lists_every_key_of_the_screen_with_reasons() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        screen = front(app)
        screen.reason_against = _no_freezing  # type: ignore[method-assign]
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpModal))
        shown = app.screen.query_one(SpanLines).text
        for action in screen.available:
            if not action.id.startswith("server-"):
                assert all(word in shown for word in action.help.split())  # in a line or two
        assert "⊘ nothing to freeze" in shown
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, ViewScreen))


def _no_freezing(action: Action) -> str | None:
    return "nothing to freeze" if action.id == "freeze" else None


async def test_a_key_that_cannot_work_is_not_in_the_footer() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Z freeze" in screen_text(app))
        screen = front(app)
        screen.reason_against = _no_freezing  # type: ignore[method-assign]
        screen.refresh_footer()
        await until(pilot, lambda: "Z freeze" not in screen_text(app))
        assert "? keys" in screen_text(app)


async def test_help_scrolls_on_a_small_terminal() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpModal))
        assert "back; at the top quits" not in screen_text(app)
        for _ in range(6):
            await pilot.press("pagedown")
        await until(pilot, lambda: "back; at the top quits" in screen_text(app))


async def test_the_palette_runs_actions_servers_and_themes() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("ctrl+p", *"servernode03")
        await until(pilot, lambda: "server node-03" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.app_state.scope == "node-03")
        await pilot.press("ctrl+p", *"themelight")
        await until(pilot, lambda: "theme light" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == LIGHT)
        await pilot.press("ctrl+p", *"gotoqueues")
        await until(pilot, lambda: "go to Queues" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ViewScreen) and app.screen.view == "queues")


@pytest.mark.parametrize(("view", "words"), [("extras", "Keys of Pro & Enterprise"), ("queues", "Keys of queues")])
async def test_help_is_called_as_its_view(view: str, words: str) -> None:
    app = SqtuiApp(make_state(FakeRegistry(*FLEET)), start_view=view)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("?")
        await until(pilot, lambda: words in screen_text(app))


async def test_dialogs_and_palette_are_plain_in_ascii() -> None:
    long = make_snapshot("far", profile={"host": "redis." + "far." * 30 + "internal"})
    for key, words in (("?", "Keys of servers"), ("@", "Find a server"), ("ctrl+p", "next view")):
        app = SqtuiApp(make_state(FakeRegistry(*FLEET, long), ascii=True))
        async with app.run_test(size=(60, 20)) as pilot:
            await pilot.press(key)
            await until(pilot, lambda: words in screen_text(app))  # noqa: B023
            shown = screen_text(app).replace("Search for commands…", "")
            assert shown.isascii(), shown


async def test_an_address_that_does_not_fit_is_cut_with_a_sign() -> None:
    long = make_snapshot("far", profile={"host": "redis." + "far." * 30 + "internal"})
    app = SqtuiApp(make_state(FakeRegistry(long)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("@")
        await until(pilot, lambda: "Find a server" in screen_text(app))
        dialog = screen_text(app).partition("Find a server")[2]
        line = next(line for line in dialog.splitlines() if "far.far" in line)
        assert "… " in line


async def test_help_follows_the_size_of_the_terminal() -> None:
    app = app_of_fleet()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "esc closes" in screen_text(app))
        assert "goes on" not in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "space goes on" in screen_text(app))
        assert "… │" not in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: " 11–" in screen_text(app))
        await pilot.resize_terminal(120, 60)
        await until(pilot, lambda: "goes on" not in screen_text(app))
        assert "quit from anywhere" in screen_text(app)


@pytest.mark.parametrize("key", ["?", "@"])
async def test_a_dialog_fits_a_terminal_that_became_smaller(key: str) -> None:
    app = app_of_fleet()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: "esc" in screen_text(app))
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: "╰" in screen_text(app).splitlines()[-1] + screen_text(app).splitlines()[-2])
        assert "esc" in screen_text(app)


async def test_help_begins_with_what_is_this_screens_own() -> None:
    app = SqtuiApp(make_state(FakeRegistry(*FLEET)), start_view="dashboard")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        await until(pilot, lambda: "Keys of dashboard" in screen_text(app))
        shown = app.screen.query_one(SpanLines).text
        titles = ["Lists", "This screen", "Changes", "Move", "Go to", "Servers", "Everywhere"]
        assert [line for line in shown.splitlines() if line in titles] == titles
        assert "shorter charts" in screen_text(app)
