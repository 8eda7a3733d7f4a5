"""The door to the terminal: checks that there is one, runs the app, gives the exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.errors import UsageError
from sidekiq_tui.tui import collector
from sidekiq_tui.tui.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.settings import Settings
    from sidekiq_tui.tui.state import AppState


def run(
    profiles: Sequence[Profile],
    *,
    settings: Settings | None = None,
    config: Path | None = None,
    remembered: Path | None = None,
    problems: Sequence[str] = (),
    warn: Callable[[str], None] = lambda text: None,
    read_only: bool = False,
    start_server: str | None = None,
    start_view: str | None = None,
    ascii: bool = False,
    mouse: bool = True,
) -> int:
    """Runs the terminal over some servers until the person leaves; the exit code.

    `settings` come from the file `config`, where `problems` were found already, in words; `warn` tells of more of
    them. `remembered`: the file of what earlier runs knew; None remembers nothing.
    Raises UsageError where there is no terminal, or no such server or view.
    """
    require_terminal()
    for exported in ("COLUMNS", "LINES"):  # Textual would take them for the terminal's size, whatever it becomes
        os.environ.pop(exported, None)
    # Textual reads this when it is imported: what scrolls here are whole lines.
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")

    names = [profile.name for profile in profiles]
    _check(names, start_server, start_view)
    collector.postpone()
    # Keys are read and pictures written by threads of their own: they need not wait 5 ms for their turn.
    sys.setswitchinterval(0.001)

    from rich.console import Console

    from sidekiq_tui.servers.registry import Registry
    from sidekiq_tui.servers.settings import Settings
    from sidekiq_tui.servers.timeline_file import FILE_NAME, load_timeline, save_timeline
    from sidekiq_tui.tui.app import SqtuiApp
    from sidekiq_tui.tui.memory import Memory, load_memory
    from sidekiq_tui.tui.session import begin, remember, start_of
    from sidekiq_tui.tui.state import AppState
    from sidekiq_tui.tui.theme import MONO, choose_theme

    settings = settings or Settings()
    memory = Memory() if remembered is None else load_memory(remembered)
    scope, view = start_of(memory, names, start_server, start_view)
    state = AppState(Registry(profiles), scope=scope, ascii=ascii or settings.ascii, read_only=read_only)
    state.config = config
    problem = _open_door(state, settings, config)
    problems = (*problems, *([problem] if problem else []))
    complaints = begin(state, settings, memory)
    state.notices = (*problems, *complaints)
    for complaint in complaints:
        warn(complaint)
    colours = Console(stderr=True, force_terminal=True).color_system
    theme = choose_theme(os.environ, colours, configured=settings.theme, remembered=memory.theme)
    if theme == MONO:
        os.environ["NO_COLOR"] = "1"  # for what Textual draws itself
    app = SqtuiApp(state, start_view=view, theme=theme)
    events = None if remembered is None else remembered.with_name(FILE_NAME)
    if events is not None:
        load_timeline(events, state.timeline, now=time.time())
    try:
        app.run(mouse=mouse and settings.mouse)
    finally:
        if remembered is not None:
            remember(remembered, memory, state, history=settings.history)
        if events is not None:
            with contextlib.suppress(OSError):
                save_timeline(events, state.timeline, now=time.time())
    return app.return_code or 0


def _open_door(state: AppState, settings: Settings, config: Path | None) -> str:
    """Lets the session change servers; where it cannot keep what it must keep, says why it may not."""
    import asyncio
    from pathlib import Path

    from sidekiq_tui.errors import SecretError
    from sidekiq_tui.operations.from_settings import kept_in, operation_settings
    from sidekiq_tui.operations.operator import Operations

    try:
        kept = asyncio.run(operation_settings(settings))
    except SecretError as error:
        return f"nothing can be changed: {error.message}"
    home = kept_in(settings, config or Path())
    state.operations = Operations(state.registry.server, home=home, read_only=state.read_only, settings=kept)
    return ""


def _check(names: Sequence[str], start_server: str | None, start_view: str | None) -> None:
    if not names:
        raise UsageError("no server to show", hint="name one with --url, or add one with sqtui profile add")
    if start_server is not None and start_server not in names:
        raise UsageError(f"no server is called {start_server}", hint="sqtui profile list names them")
    if start_view is not None and start_view not in [view.name for view in VIEWS]:
        raise UsageError(f"no view is called {start_view}")


def require_terminal() -> None:
    """Textual draws on stderr and reads stdin; without a terminal there it would hang or write rubbish."""
    hint = "for one-shot commands see sqtui --help"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the terminal UI needs a terminal on stdin and stderr", hint=hint)
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError("the terminal UI needs a terminal that can move its cursor (TERM is dumb)", hint=hint)
