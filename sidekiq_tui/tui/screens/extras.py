"""Pro and Enterprise."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class ExtrasScreen(ViewScreen):
    """Pro and Enterprise."""

    view: ClassVar[str] = "extras"
