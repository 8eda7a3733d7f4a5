"""Keys: which ones reach a program at all, how they are written, and what follows the leader ``g``."""

from __future__ import annotations

import re
from typing import Final

LEADER: Final = "g"

_NEVER_CTRL: Final = frozenset("hijm[0123456789,.;")
_TERMINAL_KEEPS: Final = frozenset({"ctrl+s", "ctrl+enter", "ctrl+tab", "alt+enter"})
_NAMED: Final = frozenset(
    (
        "tab",
        "shift+tab",
        "pageup",
        "pagedown",
        "home",
        "end",
        "delete",
        "enter",
        "escape",
        "space",
        "backspace",
        "up",
        "down",
        "left",
        "right",
    )
)
_FUNCTION: Final = re.compile(r"(shift\+)?f([1-9]|1[0-2])$")


def chord_key(key: str) -> str | None:
    """The second key of a chord (``d`` of ``g d``); None if the key is no chord."""
    first, blank, second = key.partition(" ")
    return second if first == LEADER and blank and second else None


def deliverable(key: str) -> bool:
    """Whether every common terminal, and tmux in between, delivers this key as itself."""
    second = chord_key(key)
    if second is not None:
        return len(second) == 1 and deliverable(second)
    if key in _NAMED or _FUNCTION.match(key):
        return True
    if key in _TERMINAL_KEEPS:
        return False
    modifier, plus, rest = key.rpartition("+")
    if modifier == "ctrl" and plus:
        return len(rest) == 1 and rest.isascii() and rest.islower() and rest not in _NEVER_CTRL
    return len(key) == 1 and key.isascii() and key.isprintable()


def character_of(key: str, character: str | None) -> str:
    """A pressed key as the registry writes it: its character if it has a printable one, else its name."""
    return character if character is not None and character.isprintable() and len(character) == 1 else key
