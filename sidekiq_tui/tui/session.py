"""What a run begins with, from the settings and from earlier runs, and what it leaves to the next one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sidekiq_tui.tui.key_settings import all_scopes, check_keys
from sidekiq_tui.tui.memory import ALL, Memory, save_memory
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.theme import theme_names
from sidekiq_tui.tui.views import VIEWS

if TYPE_CHECKING:
    from sidekiq_tui.servers.settings import Settings


def start_of(
    memory: Memory, servers: Sequence[str], server: str | None = None, view: str | None = None
) -> tuple[str | None, str | None]:
    """The server (None: all) and the view (None: the first one) to start on: as asked, else as remembered."""
    scope = server or (servers[0] if len(servers) == 1 else memory.last if memory.last in servers else None)
    known = {one.name: one for one in VIEWS}
    wanted = view or memory.views.get(scope or ALL)
    if wanted not in known or (scope is None and view is None and not known[wanted].spans_servers):
        return scope, None
    return scope, wanted


def begin(state: AppState, settings: Settings, memory: Memory) -> list[str]:
    """Puts settings and memories into the state; in words, what of the settings cannot be used."""
    state.time_mode = settings.times
    state.saved_filters = dict(settings.filters)
    state.recent = [name for name in memory.recent if name in state.servers]
    state.views = dict(memory.views)
    state.columns = {kind: list(keys) for kind, keys in memory.columns.items()}
    state.theme = memory.theme
    if settings.history:
        state.commands = memory.commands
    complaints: list[str] = []
    if settings.keys:
        state.keys, complaints = check_keys(settings.keys, all_scopes())
    if settings.theme and settings.theme not in theme_names():
        complaints.append(f"[ui] theme: there is no theme {settings.theme}; known: {', '.join(theme_names())}")
    return complaints


def remember(path: Path, before: Memory, state: AppState, *, history: bool) -> None:
    """Writes what changed. A place that cannot be written to is no reason to complain: nothing depends on it."""
    after = replace(
        before,
        last=state.scope or ALL,
        recent=tuple(state.recent),
        views=dict(state.views),
        columns={kind: tuple(keys) for kind, keys in state.columns.items()},
        theme=state.theme,
    )
    with contextlib.suppress(OSError):
        save_memory(path, before, after, state.typed if history else None)
