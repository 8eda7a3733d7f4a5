"""Profiles."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.profiles import PROFILES
from sidekiq_tui.tui.screens.base import ViewScreen


class ProfilesScreen(ViewScreen):
    """Profiles of single runs of jobs."""

    view: ClassVar[str] = "profiles"
    scopes: ClassVar[tuple[str, ...]] = (PROFILES,)
    BINDINGS = bindings(PROFILES)

    def action_save_profile(self) -> None:
        """Writes the profile to a file."""
