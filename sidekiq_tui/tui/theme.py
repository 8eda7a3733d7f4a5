"""Colours by meaning: what a role looks like on a ground, in each theme.

A role says what a piece of text means (``text``, ``muted``, ``warn``, ``label:production`` …), a ground what it lies
on (``ground``, ``panel``, ``cursor``, ``mark``, ``tint:production`` …). A second word may follow a role: ``strong``
(bold) or ``chip`` (inverse), as in ``warn strong`` or ``label:staging chip``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from rich.color import Color
from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

DARK: Final = "sqtui-dark"
LIGHT: Final = "sqtui-light"
ANSI: Final = "sqtui-16"
MONO: Final = "sqtui-mono"
NAMES: Final = (DARK, LIGHT, ANSI, MONO)
THEME_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {DARK: "dark", LIGHT: "light", ANSI: "the terminal's 16 colours", MONO: "no colours"}
)

_MODIFIERS: Final = ("strong", "chip")
_LABELS: Final = ("production", "staging", "development")
_BOLD: Final = frozenset({"strong", "key", "title", "sorted", "active"})
_ALIASES: Final = {
    "key": "accent",
    "title": "strong",
    "heading": "muted",
    "sorted": "accent",
    "active": "strong",
    "": "text",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme: `#RRGGBB`, or names of the 16 colours, where an empty one is the terminal's own."""

    dark: bool
    colours: Mapping[str, str]
    grounds: Mapping[str, str]
    native: bool = False
    bold: frozenset[str] = field(default=frozenset())
    underlined: frozenset[str] = field(default=frozenset())


def _frozen(**values: str) -> Mapping[str, str]:
    return MappingProxyType({name.replace("_", "-"): value for name, value in values.items()})


def _tints(production: str, staging: str, development: str, other: str) -> dict[str, str]:
    return {"production": production, "staging": staging, "development": development, "other": other}


_DARK: Final = Palette(
    dark=True,
    colours=_frozen(
        text="#D3D9E3",
        strong="#F4F6FA",
        muted="#99A3B2",
        accent="#6CB4FF",
        ok="#5CCB7F",
        warn="#E6B13A",
        bad="#FF7A72",
        rule="#465161",
        chart="#4681BC",
        chart_bad="#CA5C56",
        production="#FF86D3",
        staging="#B79BFF",
        development="#4CCDC2",
        other="#B4BDCA",
    ),
    grounds=MappingProxyType(
        {"ground": "#11141A", "panel": "#1B2028", "cursor": "#26344C", "mark": "#1C2634"}
        | _tints("#3A1630", "#272045", "#0F3230", "#262C36")
    ),
)

_LIGHT: Final = Palette(
    dark=False,
    colours=_frozen(
        text="#1F2631",
        strong="#080B10",
        muted="#515B6A",
        accent="#08529E",
        ok="#12652F",
        warn="#774C00",
        bad="#AE1D17",
        rule="#98A2B0",
        chart="#3F7CC0",
        chart_bad="#C4504A",
        production="#98106A",
        staging="#5331B0",
        development="#085C62",
        other="#414B59",
    ),
    grounds=MappingProxyType(
        {"ground": "#FCFCFA", "panel": "#ECEFF3", "cursor": "#CFE1F8", "mark": "#E6EEF8"}
        | _tints("#FADAEE", "#E6DFFB", "#D2F0ED", "#E2E6EB")
    ),
)

_ANSI: Final = Palette(
    dark=True,
    colours=_frozen(
        ok="green",
        warn="yellow",
        bad="bright_red",
        rule="bright_black",
        chart="blue",
        chart_bad="red",
        production="bright_magenta",
        staging="bright_blue",
        development="cyan",
    ),
    grounds=MappingProxyType({}),
    native=True,
    bold=frozenset({"accent"}),
)

_MONO: Final = Palette(
    dark=True,
    colours=MappingProxyType({}),
    grounds=MappingProxyType({}),
    native=True,
    bold=frozenset({"accent"}),
    underlined=frozenset({"heading", "sorted"}),
)

PALETTES: Final[Mapping[str, Palette]] = MappingProxyType({DARK: _DARK, LIGHT: _LIGHT, ANSI: _ANSI, MONO: _MONO})


def own_palette(dark: bool) -> Palette:
    """Our palette on dark or on light ground."""
    return _DARK if dark else _LIGHT


def palette_of(theme: str) -> Palette:
    """The palette of a theme, ours or one of Textual's; the dark one for a name that is neither."""
    own = PALETTES.get(theme)
    if own is not None or theme not in BUILTIN_THEMES or BUILTIN_THEMES[theme].ansi:
        return own or _DARK
    from sidekiq_tui.tui.theme_foreign import foreign_palette

    return foreign_palette(theme)


def theme_names() -> dict[str, str]:
    """What a person may call a theme, and what the app calls it."""
    from sidekiq_tui.tui.theme_foreign import FOREIGN

    return {name.removeprefix("sqtui-"): name for name in NAMES} | {name: name for name in FOREIGN}


def label_key(label: str | None) -> str:
    """The palette's name for a server's label: one of the three that have a colour of their own, else ``other``."""
    folded = label.casefold() if label else ""
    return folded if folded in _LABELS else "other"


def is_production(label: str | None) -> bool:
    """Whether a label is the one written in capitals."""
    return label_key(label) == "production"


@lru_cache(maxsize=2048)
def style_for(role: str, ground: str = "ground", theme: str = DARK) -> Style:
    """The Rich style of a role on a ground; unknown roles read as ``text``, unknown grounds as ``ground``."""
    palette = palette_of(theme)
    kind, modifier = _parts(role)
    colour = _colour(kind, palette)
    bold = bool(modifier) or kind in _BOLD or _ALIASES.get(kind, kind) in palette.bold
    underline = kind in palette.underlined
    if kind == "active":
        ground = "cursor"
    behind = _ground(ground, palette)
    if modifier == "chip":
        return _chip(colour, palette)
    if palette.native and ground == "cursor":
        return Style(bold=bold, underline=underline, reverse=True, color="default", bgcolor="default")
    return Style(color=colour or "default", bgcolor=behind or "default", bold=bold, underline=underline)


def _parts(role: str) -> tuple[str, str]:
    """A role and its second word; the label in a role may itself have blanks."""
    kind, _, modifier = role.rpartition(" ")
    return (kind, modifier) if kind and modifier in _MODIFIERS else (role, "")


def _chip(colour: str, palette: Palette) -> Style:
    if palette.native:
        return Style(bold=True, reverse=True, color=colour or "default", bgcolor="default")
    return Style(bold=True, color=palette.grounds["ground"], bgcolor=colour)


def _colour(kind: str, palette: Palette) -> str:
    name = _ALIASES.get(kind, kind)
    if name.startswith("label:"):
        name = label_key(name.removeprefix("label:"))
    return palette.colours.get(name, palette.colours.get("text", ""))


def _ground(ground: str, palette: Palette) -> str:
    name = label_key(ground.removeprefix("tint:")) if ground.startswith("tint:") else ground
    return palette.grounds.get(name, palette.grounds.get("ground", ""))


def textual_themes() -> tuple[Theme, ...]:
    """The themes to register with the app; app.tcss uses only the variables named here."""
    return tuple(textual_theme(name) for name in PALETTES)


def textual_theme(name: str) -> Theme:
    """A theme as Textual takes it, with the colours of its palette."""
    palette = palette_of(name)

    def colour(role: str) -> str:
        return _css(palette.colours.get(role, ""))

    def ground(role: str) -> str:
        return _css(palette.grounds.get(role, ""))

    inverse = ("ansi_black", "ansi_white") if palette.native else (ground("ground"), colour("text"))
    return Theme(
        name=name,
        dark=palette.dark,
        ansi=palette.native,
        primary=colour("accent"),
        secondary=colour("staging"),
        accent=colour("accent"),
        warning=colour("warn"),
        error=colour("bad"),
        success=colour("ok"),
        foreground=colour("text"),
        background=ground("ground"),
        surface=ground("panel"),
        panel=ground("panel"),
        boost=ground("panel"),
        variables=(BUILTIN_THEMES["ansi-dark"].variables if palette.native else {})
        | {
            "muted": colour("muted"),
            "rule": colour("rule"),
            "cursor-ground": ground("cursor"),
            "mark-ground": ground("mark"),
            "border": colour("accent"),
            "border-blurred": colour("rule"),
            "block-cursor-foreground": inverse[0] if palette.native else colour("strong"),
            "block-cursor-background": inverse[1] if palette.native else ground("cursor"),
            "block-cursor-text-style": "bold",
            "input-cursor-foreground": inverse[0],
            "input-cursor-background": inverse[1],
            "input-cursor-text-style": "none",
            "footer-key-foreground": colour("accent"),
            "scrollbar": colour("rule"),
            "scrollbar-hover": colour("rule"),
            "scrollbar-active": colour("accent"),
            "scrollbar-background": ground("ground"),
            "scrollbar-background-hover": ground("ground"),
            "scrollbar-background-active": ground("ground"),
            "scrollbar-corner-color": ground("ground"),
        },
    )


def _css(colour: str) -> str:
    if not colour:
        return "ansi_default"
    return colour if colour.startswith("#") else f"ansi_{colour}"


def choose_theme(
    environ: Mapping[str, str], colour_system: str | None, *, configured: str = "", remembered: str = ""
) -> str:
    """The theme to start with.

    ``SQTUI_THEME`` decides (dark, light, 16, mono, or one of Textual's), then ``NO_COLOR``, then the settings; then
    what the terminal can show, what was chosen the last time, ``COLORFGBG``. Names that do not exist are passed over.
    """
    wanted = environ.get("SQTUI_THEME", "")
    names = theme_names() if wanted or configured or remembered else {}
    if wanted in names:
        return names[wanted]
    if "NO_COLOR" in environ or colour_system is None:
        return MONO
    if configured in names:
        return names[configured]
    if colour_system == "standard":
        return ANSI
    if remembered.removeprefix("sqtui-") in names:
        return names[remembered.removeprefix("sqtui-")]
    behind = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if behind in ("7", "15") else DARK


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two ``#RRGGBB`` colours, 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    triplet = Color.parse(colour).get_truecolor()
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in triplet.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
