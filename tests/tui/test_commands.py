"""The command line, the palette and saved filters, in the whole app over a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sidekiq_tui.servers.profile_store import load_profiles
from sidekiq_tui.tui.actions import find_action
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.chord import choice_lines
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.views import VIEWS
from sidekiq_tui.tui.widgets.prompt import PAUSE_SECONDS, PromptInput
from tests.conftest import LoadDump
from tests.support.live import Live, live_app
from tests.support.tui import FakeRegistry, make_snapshot, make_state, screen_text, until

SIZES = [(120, 40), (80, 24), (60, 20)]

_NAMES = {" ": "space", ":": "colon", "/": "slash", ">": "greater_than_sign", "=": "equals_sign", "-": "minus"}


@pytest.fixture(autouse=True)
def _data(load_dump: LoadDump) -> None:
    load_dump("8.1.7")


async def enter(live: Live, line: str, *keys: str) -> None:
    """Types a line after `:` and then some keys, `enter` if none are given."""
    await live.pilot.press("colon", *(_NAMES.get(letter, letter) for letter in line), *(keys or ("enter",)))


def field(live: Live) -> str:
    """What stands in the prompt."""
    return live.screen.query_one(PromptInput).value


async def test_a_view_with_a_filter(redis_url: str) -> None:
    async with live_app(redis_url, view="queues") as live:
        await enter(live, "dead class:WebhookDelivery")
        await live.until(lambda: live.app.view.name == "dead" and live.screen.filter_text != "")
        assert live.screen.filter_text == "class:WebhookDelivery"
        await live.sees("WebhookDeliveryJob")
        assert "FraudCheckJob" not in live.body
        await enter(live, "retries")
        await live.until(lambda: live.app.view.name == "retries")
        assert live.screen.filter_text == ""


async def test_a_view_that_was_not_there_yet_is_filtered_too(redis_url: str) -> None:
    async with live_app(redis_url, view="retries") as live:
        for line, view in (("dead Fraud", "dead"), ("queues def", "queues"), ("retries Webhook", "retries")):
            await enter(live, line)
            await live.until(lambda view=view: live.app.view.name == view)  # type: ignore[misc]
            await live.until(lambda line=line: live.screen.filter_text == line.split()[1])  # type: ignore[misc]


async def test_a_view_without_a_filter_says_so(redis_url: str) -> None:
    async with live_app(redis_url, view="retries") as live:
        live.app.post_message(GoTo("dashboard", filter="class:Foo"))
        await live.sees("Dashboard has no filter")


async def test_a_queue_by_name_with_a_filter(redis_url: str) -> None:
    async with live_app(redis_url, view="dashboard") as live:
        await enter(live, "queue def", "tab", "enter")
        await live.until(lambda: live.screen.crumb != "Queues" or len(live.app.screen_stack) == 2)
        assert live.app.view.name == "queues"
        await live.sees("default")
        await live.pilot.press("escape")
        await live.until(lambda: len(live.app.screen_stack) == 1)
        await enter(live, "queue defualt")
        await live.sees("there is no queue defualt on prod; did you mean default?")


async def test_servers_by_name(redis_url: str) -> None:
    async with live_app(redis_url, redis_url, view="dead") as live:
        await enter(live, "s server")
        await live.until(lambda: live.state.scope == "server-2")
        assert live.app.view.name == "dead"
        await enter(live, "server PROD")
        await live.until(lambda: live.state.scope == "prod")
        await enter(live, "server nope")
        await live.sees("there is no server nope")
        await enter(live, "all")
        await live.until(lambda: live.state.scope is None)
        await enter(live, "server")
        await live.sees("Find a server")


async def test_small_words(redis_url: str) -> None:
    async with live_app(redis_url, view="dead") as live:
        await enter(live, "utc")
        await live.until(lambda: live.state.time_mode == "utc")
        await enter(live, "relative")
        await live.until(lambda: live.state.time_mode == "relative")
        await enter(live, "freeze")
        await live.until(lambda: live.state.frozen)
        await enter(live, "freeze")
        await live.until(lambda: not live.state.frozen)
        await enter(live, "theme nord")
        await live.until(lambda: live.app.theme == "nord")
        assert live.state.theme == "nord"
        await enter(live, "theme nrod")
        await live.sees("there is no theme nrod; did you mean nord?")
        await enter(live, "ded")
        await live.sees("there is no command ded; did you mean dead?")
        await enter(live, "help")
        await live.sees("Keys of dead")
        await live.pilot.press("escape")
        await enter(live, "dashboard")
        await live.until(lambda: live.app.view.name == "dashboard")
        await enter(live, "columns")
        await live.sees("columns does nothing on this view")
        await enter(live, "q")
        await live.until(lambda: live.app.return_code == 0)


async def test_tab_completes_and_does_not_change_the_view(redis_url: str) -> None:
    async with live_app(redis_url, view="dead") as live:
        await enter(live, "d", "tab")
        assert field(live) == "dashboard"
        await live.pilot.press("tab")
        assert field(live) == "dead"
        await live.pilot.press("shift+tab")
        assert field(live) == "dashboard"
        await live.pilot.press("escape")
        assert live.app.view.name == "dead"
        await enter(live, "queue m", "escape")
        assert live.app.view.name == "dead"


async def test_lines_are_edited_as_in_a_shell(redis_url: str) -> None:
    async with live_app(redis_url, view="dead") as live:
        await enter(live, "dead foo bar", "ctrl+w")
        assert field(live) == "dead foo "
        await live.pilot.press("ctrl+a", "x", "ctrl+e", "y", "ctrl+b", "ctrl+b", "ctrl+f", "z")
        assert field(live) == "xdead foo zy"
        await live.pilot.press("ctrl+k")
        assert field(live) == "xdead foo z"
        await live.pilot.press("ctrl+u")
        assert field(live) == ""


async def test_what_was_typed_comes_back(redis_url: str) -> None:
    async with live_app(redis_url, view="dead") as live:
        live.state.commands = ("retries class:Foo",)
        await enter(live, "utc")
        await enter(live, "nonsense")
        await enter(live, "", "up")
        assert field(live) == "nonsense"
        await live.pilot.press("up", "up")
        assert field(live) == "retries class:Foo"
        await live.pilot.press("down", "escape")
        assert live.state.typed == ["utc", "nonsense"]
        assert list(live.state.commands) == ["retries class:Foo", "utc", "nonsense"]


async def test_what_is_typed_is_told_when_typing_pauses(redis_url: str) -> None:
    async with live_app(redis_url, view="dashboard") as live:
        told: list[str] = []
        done: list[str | None] = []
        live.screen.ask("/", "", done.append, changed=told.append)
        await live.pilot.press(*"foo")
        await live.until(lambda: bool(told))
        await live.pilot.press("b", "enter")
        await live.until(lambda: bool(done))
        await live.pilot.pause(2 * PAUSE_SECONDS)
        assert done == ["foob"]
        assert told[-1] == "foo"
        assert len(told) < 3


async def test_the_palette_has_the_same_commands(redis_url: str) -> None:
    async with live_app(redis_url, redis_url, view="dead") as live:
        live.state.saved_filters = {"slow": "age>2h"}
        await live.pilot.press("ctrl+p", *"server-2")
        await live.sees(":server server-2")
        await live.pilot.press("down", "enter")
        await live.until(lambda: live.state.scope == "server-2")
        await live.pilot.press("ctrl+p", *"times", "space", *"UTC")
        await live.sees(":utc")
        await live.pilot.press("down", "enter")
        await live.until(lambda: live.state.time_mode == "utc")
        await live.pilot.press("ctrl+p", *"theme", "space", *"nord")
        await live.sees(":theme nord")
        await live.pilot.press("escape", "escape")


async def test_a_filter_is_saved_used_and_forgotten(redis_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("# mine\n[ui]\nascii = false\n")
    async with live_app(redis_url, view="dead") as live:
        live.state.config = config
        await live.pilot.press("f")
        await live.sees("no filter is saved yet")
        await live.pilot.press("F")
        await live.sees("there is no filter to save")
        await enter(live, "dead class:Webhook")
        await live.until(lambda: live.screen.filter_text != "")
        await live.pilot.press("F", *"hooks", "enter")
        await live.sees("saved as hooks")
        assert load_profiles(config).settings.filters == {"hooks": "class:Webhook"}
        assert config.read_text().startswith("# mine\n")
        await live.pilot.press("escape")
        await live.until(lambda: live.screen.filter_text == "")
        await live.pilot.press("f", *"hoo", "enter")
        await live.until(lambda: live.screen.filter_text == "class:Webhook")
        await enter(live, "retries")
        await enter(live, "filter hooks")
        await live.until(lambda: live.app.view.name == "retries" and live.screen.filter_text == "class:Webhook")
        await enter(live, "filter hoks")
        await live.sees("no filter is saved as hoks; did you mean hooks?")
        await enter(live, "save two words")
        await live.sees("save takes no more than one word")
        await enter(live, "unsave hooks")
        await live.sees("hooks is forgotten")
        assert load_profiles(config).settings.filters == {}


async def test_a_settings_file_that_cannot_be_written_says_so(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with live_app(redis_url, view="dead") as live:
        live.state.config = tmp_path / "file" / "config.toml"
        await enter(live, "dead class:Webhook")
        await live.until(lambda: live.screen.filter_text != "")
        await enter(live, "save hooks")
        await live.sees("cannot be")
        assert live.state.saved_filters == {}


def test_the_choices_after_g_fit_every_width() -> None:
    actions = [find_action("top"), *(find_action(f"go-{view.name}") for view in VIEWS if view.chord)]
    for width in range(60, 200):
        lines = choice_lines(actions, width - 2, "…")
        assert len(lines) <= 2
        for line in lines:
            assert sum(len(span.text) for span in line) <= width - 2
        keys = [span.text.strip() for line in lines for span in line if span.role == "key"]
        assert keys == ["g", "g", *(view.chord for view in VIEWS if view.chord)]
    assert len(choice_lines(actions, 160, "…")) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_the_screens_of_finding_ones_way(
    golden_screen: Callable[[str, Pilot[Any]], Any], size: tuple[int, int]
) -> None:
    width, height = size
    state = make_state(FakeRegistry(make_snapshot("prod", label="production"), make_snapshot("dev")), scope="prod")
    state.saved_filters = {"slow": "age>2h", "timeouts": "error:Timeout class:Invoice"}
    app = SqtuiApp(state, start_view="dead")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "No dead jobs" in screen_text(app))
        await pilot.press("g")
        await golden_screen(f"way-chord-{width}x{height}", pilot)
        await pilot.press("escape", "colon", "s")
        await golden_screen(f"way-candidates-{width}x{height}", pilot)
        await pilot.press("tab", "tab")
        await golden_screen(f"way-chosen-{width}x{height}", pilot)
        await pilot.press("escape", "f")
        await until(pilot, lambda: "Saved filters" in screen_text(app))
        await golden_screen(f"way-filters-{width}x{height}", pilot)
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: "Keys of" in screen_text(app))
        await golden_screen(f"way-help-{width}x{height}", pilot)


@pytest.mark.parametrize("keys", ["g r", "g m", "g p", "g b", "g e"])
async def test_a_view_that_opens_frozen_says_why_it_is_empty(redis_url: str, keys: str) -> None:
    async with live_app(redis_url, view="dashboard") as live:
        await live.pilot.press("Z", *keys.split())
        await live.sees("Not read: the screen is frozen.")
