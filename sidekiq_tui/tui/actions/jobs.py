"""Keys of lists of jobs: marks, columns, times grouped, and the inner tabs of a queue."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import LISTS, MOVE, SCREEN, Action

MARKS: Final = "marks"
COLUMNS: Final = "columns"
BUCKETS: Final = "buckets"
INNER_TABS: Final = "inner-tabs"

_TOOLS: Final = (
    Action("mark", ("space",), "mark", "mark the row, or take the mark away", LISTS, MARKS, "mark", 16),
    Action("mark-range", ("v",), "range", "mark from the last mark to here", LISTS, MARKS, "mark_range"),
    Action("mark-page", ("a",), "mark page", "mark what is visible", LISTS, MARKS, "mark_page"),
    Action("mark-all", ("A",), "all", "mark all that match", LISTS, MARKS, "mark_all", 18),
    Action("columns", (",",), "columns", "choose columns", LISTS, COLUMNS, "columns", 45),
    Action("buckets", ("b",), "by time", "how many run when; enter goes there", LISTS, BUCKETS, "buckets", 35),
)

_TABS: Final = (
    Action("tab-next", ("l", "right"), "tab", "next inner tab", MOVE, INNER_TABS, "tab(1)", 50, "l →", "h/l"),
    Action("tab-previous", ("h", "left"), "tab", "previous inner tab", MOVE, INNER_TABS, "tab(-1)", shown="h ←"),
)

_DIALOGS: Final = (
    Action("chooser-close", ("escape", "q", ",", "enter"), "done", "done", SCREEN, "chooser", "done", shown="enter"),
    Action("chooser-down", ("j", "down"), "down", "next column", MOVE, "chooser", "move(1)"),
    Action("chooser-up", ("k", "up"), "up", "previous column", MOVE, "chooser", "move(-1)"),
    Action("chooser-toggle", ("space",), "toggle", "show the column or not", LISTS, "chooser", "flip"),
    Action("chooser-reset", ("r",), "reset", "the columns as they come", LISTS, "chooser", "reset"),
    Action("buckets-cancel", ("escape", "q", "b"), "cancel", "cancel", SCREEN, "buckets-dialog", "cancel"),
    Action("buckets-down", ("j", "down"), "down", "later", MOVE, "buckets-dialog", "move(1)"),
    Action("buckets-up", ("k", "up"), "up", "sooner", MOVE, "buckets-dialog", "move(-1)"),
    Action("buckets-go", ("enter",), "go there", "go to the first job of that time", LISTS, "buckets-dialog", "go"),
)

ACTIONS: Final = (*_TOOLS, *_TABS, *_DIALOGS)
