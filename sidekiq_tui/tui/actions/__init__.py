"""Every action of the terminal, one record each: bindings, footer, help, palette and README are made from these.

A scope is where a key works: ``app`` (also in dialogs), ``everywhere`` (on every view), ``list`` (in a list),
or what a module here names. A screen names its scopes; within them no key may mean two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from textual.binding import Binding, BindingType

from sidekiq_tui.tui.actions import (
    changes,
    dashboard,
    dialogs,
    errors,
    everywhere,
    filters,
    job,
    jobs,
    lists,
    metrics,
    operations,
    profiles,
    queue,
    workers,
)
from sidekiq_tui.tui.actions.action import APP, EVERYWHERE, GROUPS, Action
from sidekiq_tui.tui.keymap import chord_key

__all__ = [
    "ACTIONS",
    "APP",
    "EVERYWHERE",
    "GROUPS",
    "Action",
    "actions_of",
    "bindings",
    "find_action",
    "footer_actions",
]

ACTIONS: Final[tuple[Action, ...]] = (
    *lists.ACTIONS,
    *jobs.ACTIONS,
    *job.ACTIONS,
    *operations.ACTIONS,
    *filters.ACTIONS,
    *dashboard.ACTIONS,
    *changes.ACTIONS,
    *errors.ACTIONS,
    *metrics.ACTIONS,
    *queue.ACTIONS,
    *profiles.ACTIONS,
    *workers.ACTIONS,
    *everywhere.ACTIONS,
    *dialogs.ACTIONS,
)

_NAMED: Final = {",": "comma"}
"""Keys whose character means something else in a Textual binding."""


def actions_of(scopes: Iterable[str]) -> tuple[Action, ...]:
    """The actions of some scopes, in the order of the registry."""
    wanted = frozenset(scopes)
    return tuple(action for action in ACTIONS if action.where in wanted)


def find_action(identifier: str) -> Action:
    """The action of that id; KeyError if there is none."""
    for action in ACTIONS:
        if action.id == identifier:
            return action
    raise KeyError(identifier)


def bindings(*scopes: str) -> list[BindingType]:
    """Textual bindings of some scopes, for the BINDINGS of the class that holds them; chords are the app's business."""
    return [
        Binding(
            _NAMED.get(key, key),
            action.run,
            action.help,
            show=False,
            id=f"{action.id}-{index}",
            priority=action.where == APP,
        )
        for action in actions_of(scopes)
        for index, key in enumerate(action.keys)
        if chord_key(key) is None
    ]


def footer_actions(actions: Sequence[Action]) -> tuple[Action, ...]:
    """Those of some actions that the footer shows, in its order."""
    return tuple(sorted((action for action in actions if action.footer), key=lambda action: action.footer))
