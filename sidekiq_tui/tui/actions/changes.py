"""Keys of what changed, and of two servers compared."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

CHANGES: Final = "changes"
COMPARE: Final = "compare"

ACTIONS: Final = (
    Action("changes-shorter", ("{",), "period", "shorter chart", SCREEN, CHANGES, "period(-1)", 40, footer_key="{}"),
    Action("changes-longer", ("}",), "period", "longer chart", SCREEN, CHANGES, "period(1)"),
    Action("compare-other", (">",), "other", "the next server at the right", SCREEN, COMPARE, "other(1)", 40),
    Action("compare-previous", ("<",), "other", "the previous server at the right", SCREEN, COMPARE, "other(-1)"),
    Action("compare-swap", ("s",), "swap", "left and right change places", SCREEN, COMPARE, "swap", 50),
)
