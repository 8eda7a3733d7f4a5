"""Errors."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class ErrorsScreen(ViewScreen):
    """Errors."""

    view: ClassVar[str] = "errors"
