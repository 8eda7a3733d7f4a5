"""Profiles."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.screens.base import ViewScreen


class ProfilesScreen(ViewScreen):
    """Profiles."""

    view: ClassVar[str] = "profiles"
