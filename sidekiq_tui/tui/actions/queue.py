"""Keys of what there is to know about one queue."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import SCREEN, Action

QUEUE: Final = "queue"

ACTIONS: Final = (
    Action(
        "count-classes",
        ("i",),
        "count all",
        "read the whole queue and count its classes",
        SCREEN,
        QUEUE,
        "count_classes",
        25,
    ),
)
