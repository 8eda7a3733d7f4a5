"""Keys of every view: servers, views, time, help, leaving."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import APP, EVERYWHERE, GO, SCREEN, SERVERS, Action
from sidekiq_tui.tui.keymap import LEADER
from sidekiq_tui.tui.views import VIEWS


def _go(name: str, title: str, chord: str) -> Action:
    return Action(
        f"go-{name}", (f"{LEADER} {chord}",), title.lower(), f"go to {title}", GO, EVERYWHERE, f"app.go('{name}')"
    )


def _digit(number: int) -> Action:
    return Action(
        f"server-{number}", (str(number),), "server", f"server {number}", SERVERS, EVERYWHERE, f"app.scope({number})"
    )


_VIEWS: Final = (
    *(_digit(number) for number in range(1, 10)),
    Action("all-servers", ("0",), "all servers", "all servers at once", SERVERS, EVERYWHERE, "app.scope(0)"),
    Action("pick-server", ("@",), "find server", "find a server by name", SERVERS, EVERYWHERE, "app.pick_server", 80),
    Action("next-view", ("tab",), "next view", "next view", GO, EVERYWHERE, "app.step_view(1)"),
    Action("previous-view", ("shift+tab",), "previous view", "previous view", GO, EVERYWHERE, "app.step_view(-1)"),
    *(_go(view.name, view.title, view.chord) for view in VIEWS if view.chord),
    Action("refresh", ("ctrl+r",), "refresh", "read again now", SCREEN, EVERYWHERE, "app.refresh_now"),
    Action("redraw", ("ctrl+l",), "redraw", "draw the screen again", SCREEN, EVERYWHERE, "app.redraw"),
    Action("freeze", ("Z",), "freeze", "freeze the screen, or let it go on", SCREEN, EVERYWHERE, "app.freeze", 90),
    Action("time-mode", ("z",), "times", "times relative, local or UTC", SCREEN, EVERYWHERE, "app.time_mode"),
    Action("command-line", (":",), "command", "type a command", SCREEN, EVERYWHERE, "app.command_line", 70),
    Action("help", ("?",), "keys", "the keys of this screen", SCREEN, EVERYWHERE, "app.help"),
    Action("back", ("escape",), "back", "back; clears a filter first", SCREEN, EVERYWHERE, "back", 60, shown="esc"),
    Action("leave", ("q",), "back", "back; at the top quits", SCREEN, EVERYWHERE, "leave"),
)

_APP: Final = (
    Action("quit-now", ("ctrl+q",), "quit", "quit from anywhere", SCREEN, APP, "quit"),
    Action("suspend", ("ctrl+z",), "suspend", "back to the shell; fg returns", SCREEN, APP, "suspend_process"),
    Action("palette", ("ctrl+p",), "palette", "find any action or server by name", SCREEN, APP, "command_palette"),
)

ACTIONS: Final = (*_VIEWS, *_APP)
