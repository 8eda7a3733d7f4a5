"""Workers."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class WorkersScreen(ViewScreen):
    """Workers."""

    view: ClassVar[str] = "workers"
