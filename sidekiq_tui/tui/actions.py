"""Every action of the terminal, one record each: bindings, footer, help, palette and README are made from these.

A scope is where a key works: ``app`` (also in dialogs), ``everywhere`` (on every view), ``list`` (in a list),
or the name of a view. A screen names its scopes; within them no key may mean two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

from sidekiq_tui.tui.keymap import LEADER, chord_key
from sidekiq_tui.tui.views import VIEWS

APP: Final = "app"
EVERYWHERE: Final = "everywhere"
LIST: Final = "list"
SORT: Final = "sort"
FILTER: Final = "filter"
SCAN: Final = "scan"
DASHBOARD: Final = "dashboard"

MOVE: Final = "Move"
SERVERS: Final = "Servers"
GO: Final = "Go to"
LISTS: Final = "Lists"
SCREEN: Final = "Screen"
GROUPS: Final = (MOVE, LISTS, SERVERS, GO, SCREEN)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does.

    `keys` are as a person types them (``?``, ``ctrl+r``, ``g d`` for g and then d); `run` is the Textual action
    (``app.`` in front: on the app, else on the widget or screen that holds the scope); `footer` is the place in
    the footer, 0 for none; `shown` is how help and footer write the keys where that differs, `footer_key` how the
    footer alone does, when one word there stands for two actions.
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

    @property
    def keys_text(self) -> str:
        """The keys as help, footer and README write them."""
        return self.shown or " ".join(
            key.replace(" ", "") if key.startswith(f"{LEADER} ") else key for key in self.keys
        )


def _go(name: str, title: str, chord: str) -> Action:
    return Action(
        f"go-{name}", (f"{LEADER} {chord}",), title.lower(), f"go to {title}", GO, EVERYWHERE, f"app.go('{name}')"
    )


def _digit(number: int) -> Action:
    return Action(
        f"server-{number}", (str(number),), "server", f"server {number}", SERVERS, EVERYWHERE, f"app.scope({number})"
    )


_APP: Final = (
    Action("quit-now", ("ctrl+q",), "quit", "quit from anywhere", SCREEN, APP, "quit"),
    Action("suspend", ("ctrl+z",), "suspend", "back to the shell; fg returns", SCREEN, APP, "suspend_process"),
    Action("palette", ("ctrl+p",), "palette", "find any action or server by name", SCREEN, APP, "command_palette"),
)

_EVERYWHERE: Final = (
    *(_digit(number) for number in range(1, 10)),
    Action("all-servers", ("0",), "all servers", "all servers at once", SERVERS, EVERYWHERE, "app.scope(0)"),
    Action("pick-server", ("@",), "find server", "find a server by name", SERVERS, EVERYWHERE, "app.pick_server", 80),
    Action("next-view", ("tab",), "next view", "next view", GO, EVERYWHERE, "app.step_view(1)"),
    Action("previous-view", ("shift+tab",), "previous view", "previous view", GO, EVERYWHERE, "app.step_view(-1)"),
    *(_go(view.name, view.title, view.chord) for view in VIEWS),
    Action("refresh", ("ctrl+r",), "refresh", "read again now", SCREEN, EVERYWHERE, "app.refresh_now"),
    Action("freeze", ("Z",), "freeze", "freeze the screen, or let it go on", SCREEN, EVERYWHERE, "app.freeze", 90),
    Action("time-mode", ("z",), "times", "times relative, local or UTC", SCREEN, EVERYWHERE, "app.time_mode"),
    Action("help", ("?",), "keys", "the keys of this screen", SCREEN, EVERYWHERE, "app.help"),
    Action("back", ("escape",), "back", "back; clears a filter first", SCREEN, EVERYWHERE, "back", 60, shown="esc"),
    Action("leave", ("q",), "back", "back; at the top quits", SCREEN, EVERYWHERE, "leave"),
)

_LIST: Final = (
    Action("open", ("enter",), "open", "open the row under the cursor", LISTS, LIST, "open", 10),
    Action("down", ("j", "down"), "down", "one row down", MOVE, LIST, "cursor_down", shown="j ↓"),
    Action("up", ("k", "up"), "up", "one row up", MOVE, LIST, "cursor_up", shown="k ↑"),
    Action("top", (f"{LEADER} {LEADER}", "home"), "top", "first row", MOVE, LIST, "cursor_top"),
    Action("bottom", ("G", "end"), "bottom", "last row", MOVE, LIST, "cursor_bottom"),
    Action(
        "page-down",
        ("pagedown", "ctrl+f", "]"),
        "screen down",
        "one screen down",
        MOVE,
        LIST,
        "page_down",
        shown="PgDn ] ctrl+f",
    ),
    Action(
        "page-up", ("pageup", "ctrl+b", "["), "screen up", "one screen up", MOVE, LIST, "page_up", shown="PgUp [ ctrl+b"
    ),
    Action("half-down", ("ctrl+d",), "half down", "half a screen down", MOVE, LIST, "half_down"),
    Action("half-up", ("ctrl+u",), "half up", "half a screen up", MOVE, LIST, "half_up"),
)

_DIALOGS: Final = (
    Action("close-help", ("escape", "q", "?", "enter"), "close", "close", SCREEN, "help", "close"),
    Action("help-down", ("j", "down"), "down", "down", MOVE, "help", "scroll(1)"),
    Action("help-up", ("k", "up"), "up", "up", MOVE, "help", "scroll(-1)"),
    Action("help-page-down", ("pagedown", "ctrl+f", "space"), "screen down", "screen down", MOVE, "help", "scroll(10)"),
    Action("help-page-up", ("pageup", "ctrl+b"), "screen up", "screen up", MOVE, "help", "scroll(-10)"),
    Action("picker-cancel", ("escape",), "cancel", "cancel", SCREEN, "picker", "cancel"),
    Action("picker-down", ("down", "ctrl+n", "tab"), "down", "next server", MOVE, "picker", "move(1)"),
    Action("picker-up", ("up", "shift+tab"), "up", "previous server", MOVE, "picker", "move(-1)"),
    Action("picker-page-down", ("pagedown",), "screen down", "ten servers down", MOVE, "picker", "move(10)"),
    Action("picker-page-up", ("pageup",), "screen up", "ten servers up", MOVE, "picker", "move(-10)"),
)

_VIEWS: Final = (
    Action("filter", ("/",), "filter", "show only what matches", LISTS, FILTER, "filter", 20),
    Action("stop-scan", ("ctrl+x",), "stop", "stop reading for the filter", LISTS, SCAN, "stop_scan", 15),
    Action("sort", ("o",), "sort", "sort by the next column", LISTS, SORT, "sort_next", 30),
    Action("sort-reverse", ("O",), "reverse", "sort the other way round", LISTS, SORT, "sort_reverse"),
    Action("period-shorter", ("{",), "period", "shorter charts", SCREEN, DASHBOARD, "period(-1)", 40, footer_key="{}"),
    Action("period-longer", ("}",), "period", "longer charts", SCREEN, DASHBOARD, "period(1)"),
    Action(
        "panel-next",
        ("l", "right"),
        "panel",
        "next panel",
        SCREEN,
        DASHBOARD,
        "panel(1)",
        50,
        shown="l →",
        footer_key="h/l",
    ),
    Action("panel-previous", ("h", "left"), "panel", "previous panel", SCREEN, DASHBOARD, "panel(-1)", shown="h ←"),
)

ACTIONS: Final[tuple[Action, ...]] = (*_LIST, *_VIEWS, *_EVERYWHERE, *_APP, *_DIALOGS)


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
        Binding(key, action.run, action.help, show=False, id=f"{action.id}-{index}", priority=action.where == APP)
        for action in actions_of(scopes)
        for index, key in enumerate(action.keys)
        if chord_key(key) is None
    ]


def footer_actions(actions: Sequence[Action]) -> tuple[Action, ...]:
    """Those of some actions that the footer shows, in its order."""
    return tuple(sorted((action for action in actions if action.footer), key=lambda action: action.footer))
