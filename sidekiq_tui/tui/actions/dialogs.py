"""Keys of dialogs."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import MOVE, SCREEN, Action
from sidekiq_tui.tui.actions.operations import CHANGE_DIALOGS

DIALOGS: Final = ("help", "picker", "chooser", "buckets-dialog", *CHANGE_DIALOGS)
"""Scopes of dialogs, each with `app` alone."""

ACTIONS: Final = (
    Action("close-help", ("escape", "q", "?", "enter"), "close", "close", SCREEN, "help", "close"),
    Action("help-down", ("j", "down"), "down", "down", MOVE, "help", "scroll(1)"),
    Action("help-up", ("k", "up"), "up", "up", MOVE, "help", "scroll(-1)"),
    Action("help-page-down", ("pagedown", "ctrl+f", "space"), "screen down", "screen down", MOVE, "help", "scroll(10)"),
    Action("help-page-up", ("pageup", "ctrl+b"), "screen up", "screen up", MOVE, "help", "scroll(-10)"),
    Action("picker-cancel", ("escape",), "cancel", "cancel", SCREEN, "picker", "cancel"),
    Action("picker-down", ("down", "ctrl+n", "tab"), "down", "next one", MOVE, "picker", "move(1)"),
    Action("picker-up", ("up", "shift+tab"), "up", "previous one", MOVE, "picker", "move(-1)"),
    Action("picker-page-down", ("pagedown",), "screen down", "ten down", MOVE, "picker", "move(10)"),
    Action("picker-page-up", ("pageup",), "screen up", "ten up", MOVE, "picker", "move(-10)"),
)
