"""Keys of the dashboard: the period of its charts, and its panels."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

DASHBOARD: Final = "dashboard"

ACTIONS: Final = (
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
