"""The table of keys in the README, made from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterator

from sidekiq_tui.tui.actions import ACTIONS, APP, EVERYWHERE, GROUPS, Action
from sidekiq_tui.tui.actions.job import JOB
from sidekiq_tui.tui.actions.jobs import INNER_TABS
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.actions.metrics import METRICS_CLASS
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.views import VIEWS


def key_table() -> str:
    """Every key of the views as Markdown; digits and views in one row each, dialogs left out."""
    rows = ["| Keys | Do |", "|---|---|"]
    for group in GROUPS:
        rows += [f"| {keys} | {text} |" for keys, text in _rows(group)]
    return "\n".join(rows)


def _rows(group: str) -> Iterator[tuple[str, str]]:
    known = {APP, EVERYWHERE, LIST, QUEUE, INNER_TABS, JOB, METRICS_CLASS, *(view.name for view in VIEWS)}
    scopes = known | {scope for view in VIEWS for scope in view.screen().scopes}
    told: set[str] = set()
    for action in ACTIONS:
        if action.where not in scopes or action.group != group:
            continue
        keys, text = _merged(action)
        if keys not in told:
            told.add(keys)
            yield keys, text


def _merged(action: Action) -> tuple[str, str]:
    if action.id.startswith("server-"):
        return "`1`–`9`", "the server at that place in the top line"
    if action.id.startswith("go-"):
        words = ", ".join(f"`{view.chord}` {view.title}" for view in VIEWS)
        return "`g` and then", words
    return " ".join(f"`{key}`" for key in action.keys_text.split(" ")).replace("|", "\\|"), action.help
