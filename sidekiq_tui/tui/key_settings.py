"""Keys that a person has set in the settings file: checked at the start, then used in the place of ours."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from sidekiq_tui.tui.actions import ACTIONS, APP, EVERYWHERE, Action, actions_of, find_action
from sidekiq_tui.tui.actions.action import Keys, with_keys
from sidekiq_tui.tui.keymap import LEADER, character_of, chord_key, deliverable
from sidekiq_tui.tui.messages import ActionChosen
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.views import VIEWS


def all_scopes() -> list[tuple[str, ...]]:
    """The scopes of every screen; loads all of them."""
    for view in VIEWS:
        view.screen()
    return list(dict.fromkeys((*screen.scopes, EVERYWHERE, APP) for screen in _below(ViewScreen)))


def check_keys(wanted: Keys, scopes: Sequence[tuple[str, ...]]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The keys that can be used, and in words why the others cannot; these actions keep the keys they come with."""
    good: dict[str, tuple[str, ...]] = {}
    complaints: list[str] = []
    settable = frozenset(scope for screen in scopes for scope in screen)
    for identifier, keys in wanted.items():
        reason = _reason_against(identifier, keys, settable)
        if reason:
            complaints.append(f"[keys] {identifier}: {reason}")
        else:
            good[identifier] = keys
    while True:
        clash = next((found for screen in scopes if (found := _clash(good, screen)) is not None), None)
        if clash is None:
            return good, complaints
        key, loser, other = clash
        del good[loser.id]
        kept = " ".join(find_action(loser.id).keys)
        complaints.append(f"[keys] {loser.id}: {key} is {other.id} already ({other.help}); it stays {kept}")


def take_key(event: events.Key, keys: Keys, screen: ViewScreen | None, target: Widget) -> bool:
    """Whether the settings decide about this key, which then goes nowhere else. In dialogs only some of them count."""
    if not keys:
        return False
    typing = isinstance(target, Input)
    usual = [*actions_of([APP]), *(() if screen is None or typing else actions_of((*screen.scopes, EVERYWHERE)))]
    key = "space" if event.key == "space" else character_of(event.key, event.character)
    now = with_keys(usual, keys)
    chosen = next((action for action in now if action.id in keys and key in action.keys), None)
    if chosen is not None:
        target.post_message(ActionChosen(chosen.id))
        return True
    given_up = any(action.id in keys and key in action.keys for action in usual)
    return given_up and not any(key in action.keys for action in now)


def _below(screen: type[ViewScreen]) -> list[type[ViewScreen]]:
    found = [*screen.__subclasses__()]
    return [*found, *(one for child in found for one in _below(child))]


def _reason_against(identifier: str, keys: Sequence[str], settable: frozenset[str]) -> str:
    action = next((action for action in ACTIONS if action.id == identifier), None)
    if action is None:
        near = difflib.get_close_matches(identifier, [one.id for one in ACTIONS], n=1)
        return f"there is no such action{f'; did you mean {near[0]}?' if near else ''}"
    if action.where not in settable:
        return "the keys of dialogs stay as they are"
    kept = f"; it stays {' '.join(action.keys)}"
    for key in keys:
        if key == LEADER:
            return f"{LEADER} begins two keys in a row, such as {LEADER} d{kept}"
        if not deliverable(key):
            return f"terminals do not deliver {key}{kept}"
        if action.where == APP and (len(key) == 1 or chord_key(key)):
            return f"{key} could not be typed any more; take ctrl and a letter, or a function key{kept}"
    return ""


def _clash(keys: Keys, screen: tuple[str, ...]) -> tuple[str, Action, Action] | None:
    """A key that stands for two actions of a screen: the one whose setting goes, which is never one not set, and the
    other one."""
    known: dict[str, Action] = {}
    order = list(keys)
    for action in sorted(
        with_keys(actions_of(screen), keys), key=lambda one: order.index(one.id) if one.id in keys else -1
    ):
        for key in action.keys:
            other = known.setdefault(key, action)
            if other is not action:
                return key, action, other
    return None
