"""The tables of keys in the README, made from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterator

from sidekiq_tui.tui.actions import ACTIONS, GROUPS, Action
from sidekiq_tui.tui.actions.dialogs import DIALOGS
from sidekiq_tui.tui.views import VIEWS


def key_table() -> str:
    """Every key of the views as Markdown, a table a group; digits and views in one row each, dialogs left out."""
    return "\n\n".join("\n".join(_table(group)) for group in GROUPS)


def _table(group: str) -> Iterator[str]:
    yield f"| {group} | | name |"
    yield "|---|---|---|"
    told: set[tuple[str, str, str]] = set()
    for action in ACTIONS:
        if action.where in DIALOGS or action.group != group:
            continue
        keys, text, name = _merged(action)
        if (keys, text, name) not in told:
            told.add((keys, text, name))
            yield f"| {keys} | {text} | {name} |"


def _merged(action: Action) -> tuple[str, str, str]:
    if action.id.startswith("server-"):
        return "`1`–`9`", "the server at that place in the top line", "`server-1` …"
    if action.id.startswith("go-"):
        words = ", ".join(f"`{view.chord}` {view.title}" for view in VIEWS if view.chord)
        return "`g` and then", words, "`go-servers` …"
    keys = " ".join(f"`{key}`" for key in action.keys_text.split(" ")).replace("|", "\\|")
    return keys, action.help, f"`{action.id}`"
