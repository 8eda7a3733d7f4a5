"""Textual's own themes, turned into palettes of ours: their colours, moved until they can be read on every ground."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from textual.color import BLACK, WHITE, Color
from textual.theme import BUILTIN_THEMES

from sidekiq_tui.tui.theme import Palette, contrast, own_palette

FOREIGN: Final = tuple(name for name, theme in BUILTIN_THEMES.items() if not theme.ansi)
"""The names of Textual's themes that have colours of their own."""

_READABLE: Final = 4.5
_VISIBLE: Final = 3.0
_STEPS: Final = 40
_TAKEN: Final = ("background", "foreground", "primary", "success", "warning", "error")
_LABELS: Final = ("production", "staging", "development", "other")


@lru_cache(maxsize=4)
def foreign_palette(name: str) -> Palette:
    """The palette of one of Textual's themes."""
    theme = BUILTIN_THEMES[name]
    generated = theme.to_color_system().generate()
    colours = {role: Color.parse(generated[role]) for role in _TAKEN}
    ground, text = colours["background"], colours["foreground"]
    far = WHITE if theme.dark else BLACK
    labels = own_palette(theme.dark).colours
    grounds = {
        "ground": ground,
        "panel": ground.blend(text, 0.08),
        "cursor": ground.blend(colours["primary"], 0.2),
        "mark": ground.blend(colours["primary"], 0.1),
    } | {label: ground.blend(Color.parse(labels[label]), 0.18) for label in _LABELS}
    wanted = {
        "text": text,
        "strong": text.blend(far, 0.6),
        "muted": text.blend(ground, 0.35),
        "accent": colours["primary"],
        "ok": colours["success"],
        "warn": colours["warning"],
        "bad": colours["error"],
    } | {label: Color.parse(labels[label]) for label in _LABELS}
    readable = {role: _moved(colour, far, grounds.values(), _READABLE) for role, colour in wanted.items()}
    visible = {
        "rule": ground.blend(text, 0.3),
        "chart": _moved(colours["primary"], far, [ground], _VISIBLE),
        "chart-bad": _moved(colours["error"], far, [ground], _VISIBLE),
    }
    return Palette(
        dark=theme.dark,
        colours=MappingProxyType({role: colour.hex6 for role, colour in (readable | visible).items()}),
        grounds=MappingProxyType({role: colour.hex6 for role, colour in grounds.items()}),
    )


def _moved(colour: Color, far: Color, grounds: Iterable[Color], wanted: float) -> Color:
    """The colour, as far towards black or white as it must go to stand out from all grounds."""
    behind = [ground.hex6 for ground in grounds]
    for step in range(_STEPS + 1):
        moved = colour.blend(far, step / _STEPS)
        if min(contrast(moved.hex6, ground) for ground in behind) >= wanted:
            return moved
    return far
