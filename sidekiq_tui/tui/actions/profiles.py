"""Keys of the profiles of single runs."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import LISTS, Action

PROFILES: Final = "profiles"

ACTIONS: Final = (
    Action("save-profile", ("s",), "save", "write the profile to a file", LISTS, PROFILES, "save_profile", 12),
)
