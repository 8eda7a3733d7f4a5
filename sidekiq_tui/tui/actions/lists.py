"""Keys of every list: moving, opening, filtering, sorting."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import LISTS, MOVE, Action
from sidekiq_tui.tui.keymap import LEADER

LIST: Final = "list"
SORT: Final = "sort"
FILTER: Final = "filter"

_MOVES: Final = (
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

_TOOLS: Final = (
    Action("filter", ("/",), "filter", "show only what matches", LISTS, FILTER, "filter", 20),
    Action("sort", ("o",), "sort", "sort by the next column", LISTS, SORT, "sort_next", 30),
    Action("sort-reverse", ("O",), "reverse", "sort the other way round", LISTS, SORT, "sort_reverse"),
)

ACTIONS: Final = (*_MOVES, *_TOOLS)
