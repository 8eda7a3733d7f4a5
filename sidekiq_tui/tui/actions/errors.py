"""Keys of the errors: the chart of failures."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

ERRORS: Final = "errors"

ACTIONS: Final = (
    Action("errors-shorter", ("{",), "chart", "shorter charts", SCREEN, ERRORS, "span(0)", 40, "", "{}"),
    Action("errors-longer", ("}",), "chart", "longer charts", SCREEN, ERRORS, "span(1)"),
)
