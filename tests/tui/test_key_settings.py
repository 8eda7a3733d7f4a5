"""Keys from the settings: what cannot be used is said and left, what can is used everywhere."""

from __future__ import annotations

import pytest

from sidekiq_tui.tui.actions import EVERYWHERE, actions_of, find_action
from sidekiq_tui.tui.actions.action import with_keys
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.key_settings import all_scopes, check_keys
from sidekiq_tui.tui.widgets.footer import Footer
from sidekiq_tui.tui.widgets.prompt import PromptInput
from tests.support.tui import FakeRegistry, make_snapshot, make_state, screen_text, until


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"freez": ("f8",)}, "[keys] freez: there is no such action; did you mean freeze?"),
        ({"zzzzzz": ("f8",)}, "[keys] zzzzzz: there is no such action"),
        ({"freeze": ("ctrl+1",)}, "[keys] freeze: terminals do not deliver ctrl+1; it stays Z"),
        ({"freeze": ("F13",)}, "[keys] freeze: terminals do not deliver F13; it stays Z"),
        ({"freeze": ("g",)}, "[keys] freeze: g begins two keys in a row, such as g d; it stays Z"),
        (
            {"quit-now": ("x",)},
            "[keys] quit-now: x could not be typed any more; take ctrl and a letter, or a function key; "
            "it stays ctrl+q",
        ),
        ({"close-help": ("x",)}, "[keys] close-help: the keys of dialogs stay as they are"),
        ({"freeze": ("z",)}, "[keys] freeze: z is time-mode already (times relative, local or UTC); it stays Z"),
        ({"freeze": ("g d",)}, "[keys] freeze: g d is go-dashboard already (go to Dashboard); it stays Z"),
        ({"filter": ("j",)}, "[keys] filter: j is down already (one row down); it stays /"),
        (
            {"freeze": ("f8",), "time-mode": ("f8",)},
            "[keys] time-mode: f8 is freeze already (freeze the screen, or let it go on); it stays z",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_words(keys: dict[str, tuple[str, ...]], words: str) -> None:
    good, complaints = check_keys(keys, all_scopes())
    assert complaints == [words]
    assert len(good) == len(keys) - 1


def test_two_actions_may_change_places() -> None:
    keys = {"freeze": ("z",), "time-mode": ("Z",)}
    assert check_keys(keys, all_scopes()) == (keys, [])


def test_a_key_of_another_screen_is_free_here() -> None:
    assert check_keys({"period-shorter": ("space",)}, [("dashboard", EVERYWHERE), ("marks", EVERYWHERE)])[1] == []


def test_a_refused_key_may_make_another_one_clash() -> None:
    good, complaints = check_keys({"freeze": ("z",), "time-mode": ("Z",), "refresh": ("Z",)}, all_scopes())
    assert good == {"freeze": ("z",), "time-mode": ("Z",)}
    assert len(complaints) == 1


def test_help_and_footer_write_the_keys_that_were_set() -> None:
    (action,) = with_keys([find_action("period-shorter")], {"period-shorter": ("b", "g b")})
    assert action.keys_text == "b gb"
    assert action.footer_key == ""
    assert with_keys(actions_of([EVERYWHERE]), {}) == actions_of([EVERYWHERE])


async def test_the_keys_that_were_set_work_and_the_old_ones_do_not() -> None:
    registry = FakeRegistry(make_snapshot("prod"), make_snapshot("dev"))
    state = make_state(registry, scope="prod")
    state.keys = {"freeze": ("ctrl+y",), "down": ("n",), "help": ("f1",), "go-dead": ("g D",), "palette": ("f9",)}
    app = SqtuiApp(state, start_view="queues")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("Z", "x")
        assert not state.frozen
        await pilot.press("ctrl+y")
        assert state.frozen
        await pilot.press("ctrl+y")
        assert not state.frozen
        await pilot.press("j", "n")
        assert "f1 keys" in app.screen.query_one(Footer).text
        await pilot.press("g")
        assert " D dead" in screen_text(app)
        await pilot.press("x")
        assert app.view.name == "queues"
        await pilot.press("g", "D")
        await until(pilot, lambda: app.view.name == "dead")
        await pilot.press("question_mark")
        assert "Keys of" not in screen_text(app)
        await pilot.press("f1")
        await until(pilot, lambda: "Keys of dead" in screen_text(app))
        while "one row down" not in screen_text(app):
            await pilot.press("pagedown")
        line = next(line for line in screen_text(app).splitlines() if "one row down" in line)
        assert line.partition("│")[2].split()[0] == "n"
        await pilot.press("escape", "ctrl+p")
        await pilot.pause()
        assert "Search for commands" not in screen_text(app)
        await pilot.press("f9")
        await until(pilot, lambda: "Search for commands" in screen_text(app))


async def test_what_is_typed_goes_into_a_field_whatever_the_keys() -> None:
    state = make_state(FakeRegistry(make_snapshot("prod")), scope="prod")
    state.keys = {"freeze": ("n", "ctrl+f"), "back": ("x",)}
    app = SqtuiApp(state, start_view="queues")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"nx", "home", "ctrl+f", "d")
        assert app.screen.query_one(PromptInput).value == "ndx"
        assert not state.frozen
        await pilot.press("escape", "n")
        assert state.frozen


async def test_what_is_wrong_with_the_settings_is_said_on_the_first_screen() -> None:
    state = make_state(FakeRegistry(make_snapshot("prod")), scope="prod")
    state.notices = ("[keys] freez: there is no such action; did you mean freeze?", "another")
    app = SqtuiApp(state)
    async with app.run_test(size=(120, 40)) as pilot:
        words = "settings: [keys] freez: there is no such action; did you mean freeze?; 1 more, see after leaving"
        await until(pilot, lambda: words in screen_text(app))
