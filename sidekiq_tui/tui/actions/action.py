"""What an action is: what a key does, where, and how footer and help tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.tui.keymap import LEADER

Keys = Mapping[str, tuple[str, ...]]
"""Keys that a person set, by the id of the action."""

APP: Final = "app"
"""The scope of keys that work in dialogs too."""
EVERYWHERE: Final = "everywhere"
"""The scope of keys that work on every view."""

MOVE: Final = "Move"
SERVERS: Final = "Servers"
GO: Final = "Go to"
LISTS: Final = "Lists"
CHANGES: Final = "Changes"
SCREEN: Final = "Screen"
GROUPS: Final = (MOVE, LISTS, CHANGES, SERVERS, GO, SCREEN)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does.

    `keys` are as a person types them (``?``, ``ctrl+r``, ``g d`` for g and then d); `run` is the Textual action
    (``app.`` in front: on the app, else on the widget or screen that holds the scope); `footer` is the place in
    the footer, 0 for none; `shown` is how help and footer write the keys where that differs, `footer_key` how the
    footer alone does, when one word there stands for two actions; `needs` is the access that it takes to change a
    server, empty for what changes none.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    where: str
    run: str
    footer: int = 0
    shown: str = ""
    footer_key: str = ""
    needs: str = ""

    @property
    def keys_text(self) -> str:
        """The keys as help, footer and README write them."""
        return self.shown or " ".join(
            key.replace(" ", "") if key.startswith(f"{LEADER} ") else key for key in self.keys
        )


def with_keys(actions: Iterable[Action], keys: Keys) -> tuple[Action, ...]:
    """The actions with the keys that a person set in the place of their own."""
    return tuple(
        replace(action, keys=keys[action.id], shown="", footer_key="") if action.id in keys else action
        for action in actions
    )
