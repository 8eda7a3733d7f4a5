"""Colours: readable on every ground, and meaning without colours too."""

from __future__ import annotations

import pytest

from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.theme import (
    ANSI,
    DARK,
    LIGHT,
    MONO,
    NAMES,
    PALETTES,
    choose_theme,
    contrast,
    label_key,
    palette_of,
    style_for,
)
from sidekiq_tui.tui.theme_foreign import FOREIGN
from tests.support.tui import FakeRegistry, make_snapshot, make_state, offline, screen_text, until

TEXT_ROLES = ("text", "strong", "muted", "accent", "ok", "warn", "bad")
TINTED = ("text", "muted", "warn", "bad", "ok")
LABELS = ("production", "staging", "development", "other")


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("role", TEXT_ROLES)
@pytest.mark.parametrize("ground", ["ground", "panel", "cursor", "mark"])
def test_text_is_readable_on_every_ground(theme: str, role: str, ground: str) -> None:
    palette = PALETTES[theme]
    assert contrast(palette.colours[role], palette.grounds[ground]) >= 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("label", LABELS)
def test_labels_are_readable_on_grounds_and_on_tints(theme: str, label: str) -> None:
    palette = PALETTES[theme]
    for ground in ("ground", "panel", "cursor", *LABELS):
        assert contrast(palette.colours[label], palette.grounds[ground]) >= 4.5
    for role in TINTED:
        assert contrast(palette.colours[role], palette.grounds[label]) >= 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("role", ["chart", "chart-bad"])
def test_charts_stand_out(theme: str, role: str) -> None:
    palette = PALETTES[theme]
    assert contrast(palette.colours[role], palette.grounds["ground"]) >= 3


@pytest.mark.parametrize("theme", NAMES)
def test_every_role_has_a_style_in_every_theme(theme: str) -> None:
    for role in (*TEXT_ROLES, "rule", "chart", "label:production", "label:any thing", "warn strong", "key", "active"):
        for ground in ("ground", "cursor", "tint:staging"):
            style_for(role, ground, theme)


def test_sixteen_colours_use_no_grounds() -> None:
    for role in TEXT_ROLES:
        for ground in ("panel", "mark", "tint:production"):
            style = style_for(role, ground, ANSI)
            assert style.bgcolor is not None
            assert style.bgcolor.is_default


@pytest.mark.parametrize("theme", [ANSI, MONO])
def test_the_cursor_row_is_reversed_without_colours(theme: str) -> None:
    style = style_for("bad", "cursor", theme)
    assert style.reverse
    assert style.color is not None
    assert style.color.is_default


def test_no_colour_means_none_and_headings_are_underlined() -> None:
    for role in (*TEXT_ROLES, "label:production", "warn chip"):
        colour = style_for(role, "ground", MONO).color
        assert colour is not None
        assert colour.is_default
    assert style_for("heading", "ground", MONO).underline
    assert not style_for("heading", "ground", DARK).underline


def test_chips_are_inverse() -> None:
    chip = style_for("label:production chip", "panel", DARK)
    assert chip.bgcolor == style_for("label:production", "panel", DARK).color
    assert style_for("warn chip", "ground", ANSI).reverse


def test_labels_of_any_text_and_case() -> None:
    assert label_key("Production") == "production"
    assert label_key("blue green") == "other"
    assert label_key(None) == "other"
    assert style_for("label:blue strong", "ground", DARK).bold
    assert style_for("label:very strong", "ground", DARK).color == style_for("label:x", "ground", DARK).color


@pytest.mark.parametrize("theme", NAMES)
async def test_every_theme_draws_every_part(theme: str) -> None:
    registry = FakeRegistry(
        make_snapshot("prod", label="production"), offline("dev", ServerUnreachable("refused by host:1"))
    )
    app = SqtuiApp(make_state(registry), theme=theme)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "g", "d")
        await until(pilot, lambda: "refused by host:1" in screen_text(app))
        await pilot.press("@", "escape", "question_mark", "escape", "ctrl+p", "escape")
        await until(pilot, lambda: isinstance(app.screen, ViewScreen))


@pytest.mark.parametrize(
    ("environ", "colours", "theme"),
    [
        ({}, "truecolor", DARK),
        ({}, "256", DARK),
        ({"COLORFGBG": "0;15"}, "truecolor", LIGHT),
        ({"COLORFGBG": "0;default;7"}, "256", LIGHT),
        ({"COLORFGBG": "15;0"}, "truecolor", DARK),
        ({"NO_COLOR": ""}, "truecolor", MONO),
        ({}, "standard", ANSI),
        ({}, None, MONO),
        ({"SQTUI_THEME": "light", "NO_COLOR": "1"}, None, LIGHT),
        ({"SQTUI_THEME": "nonsense"}, "truecolor", DARK),
    ],
)
def test_the_theme_to_start_with(environ: dict[str, str], colours: str | None, theme: str) -> None:
    assert choose_theme(environ, colours) == theme


@pytest.mark.parametrize("theme", FOREIGN)
def test_textuals_themes_are_readable_too(theme: str) -> None:
    palette = palette_of(theme)
    for role in (*TEXT_ROLES, *LABELS):
        for ground in ("ground", "panel", "cursor", "mark", *LABELS):
            assert contrast(palette.colours[role], palette.grounds[ground]) >= 4.5, (role, ground)
    for role in ("chart", "chart-bad"):
        assert contrast(palette.colours[role], palette.grounds["ground"]) >= 3


@pytest.mark.parametrize(
    ("environ", "system", "configured", "remembered", "theme"),
    [
        ({}, "truecolor", "", "", DARK),
        ({}, "truecolor", "nord", "light", "nord"),
        ({}, "truecolor", "", "light", LIGHT),
        ({}, "truecolor", "nothing", "gone", DARK),
        ({}, "standard", "", "nord", ANSI),
        ({}, "standard", "nord", "", "nord"),
        ({"NO_COLOR": ""}, "truecolor", "nord", "nord", MONO),
        ({"SQTUI_THEME": "gruvbox"}, "truecolor", "nord", "", "gruvbox"),
        ({"COLORFGBG": "0;15"}, "truecolor", "", "", LIGHT),
    ],
)
def test_which_theme_a_run_begins_with(
    environ: dict[str, str], system: str, configured: str, remembered: str, theme: str
) -> None:
    assert choose_theme(environ, system, configured=configured, remembered=remembered) == theme
