"""Keys of the metrics: their period, and what the chart shows; told in the same words as the dashboard's."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

METRICS: Final = "metrics"
METRICS_CHART: Final = "metrics-chart"
METRICS_CLASS: Final = "metrics-class"

_SHORTER: Final = "metrics-shorter"

ACTIONS: Final = (
    Action(_SHORTER, ("{",), "period", "shorter charts", SCREEN, METRICS, "period(-1)", 40, footer_key="{}"),
    Action("metrics-longer", ("}",), "period", "longer charts", SCREEN, METRICS, "period(1)"),
    Action(
        "metrics-chart-next",
        ("l", "right"),
        "chart",
        "next panel",
        SCREEN,
        METRICS_CHART,
        "chart(1)",
        50,
        shown="l →",
        footer_key="h/l",
    ),
    Action(
        "metrics-chart-previous",
        ("h", "left"),
        "chart",
        "previous panel",
        SCREEN,
        METRICS_CHART,
        "chart(-1)",
        shown="h ←",
    ),
    Action(
        "metrics-jobs",
        ("enter",),
        "its jobs",
        "find the jobs of this class in queues and sets",
        SCREEN,
        METRICS_CLASS,
        "find_jobs",
        10,
    ),
)
