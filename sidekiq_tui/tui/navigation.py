"""Where one is: the view in front, the server in view, and what follows from a change of either."""

from __future__ import annotations

from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.views import VIEWS, View


def find_view(name: str) -> View:
    """The view of that name; KeyError if there is none."""
    for view in VIEWS:
        if view.name == name:
            return view
    raise KeyError(name)


def next_view(name: str, step: int) -> str:
    """The name of the view so many tabs further, going round."""
    names = [view.name for view in VIEWS if view.tab or view.name == name]
    return names[(names.index(name) + step) % len(names)]


def board() -> View:
    """The view that shows all servers."""
    return next(view for view in VIEWS if view.board)


def enter_view(state: AppState, view: View) -> str:
    """Makes the scope one that the view can show; what to say about that, or nothing."""
    if state.scope is not None or view.spans_servers:
        return ""
    state.look_at(state.preferred)
    return f"{view.title} shows one server at a time"


def follow(state: AppState, view: View) -> None:
    """Has the servers polled at full pace that are on the screen, and the others more slowly."""
    state.registry.view(state.together if view.board else state.names)
