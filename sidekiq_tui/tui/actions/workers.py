"""Keys of the workers: folding the jobs of processes."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

WORKERS: Final = "workers"

ACTIONS: Final = (
    Action("unfold", ("l", "right"), "unfold", "show the jobs of the process", SCREEN, WORKERS, "unfold", shown="l →"),
    Action(
        "fold-process",
        ("h", "left"),
        "fold",
        "hide the jobs of the process",
        SCREEN,
        WORKERS,
        "fold",
        40,
        shown="h ←",
        footer_key="h/l",
    ),
    Action(
        "worker-details",
        ("i",),
        "details",
        "all about the process or job under the cursor; then all notes",
        SCREEN,
        WORKERS,
        "details",
        35,
    ),
    Action("unfold-all", ("L",), "unfold all", "show the jobs of all processes", SCREEN, WORKERS, "unfold_all"),
    Action("fold-all", ("H",), "fold all", "hide the jobs of all processes", SCREEN, WORKERS, "fold_all", 42),
)
