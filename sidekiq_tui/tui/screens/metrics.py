"""Metrics."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class MetricsScreen(ViewScreen):
    """Metrics."""

    view: ClassVar[str] = "metrics"
