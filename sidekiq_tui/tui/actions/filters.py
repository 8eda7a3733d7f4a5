"""Keys for filters that have a name. They work where lists are filtered, and run on the app."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import LISTS, Action
from sidekiq_tui.tui.actions.lists import FILTER

ACTIONS: Final = (
    Action("pick-filter", ("f",), "saved", "use a saved filter", LISTS, FILTER, "app.pick_filter"),
    Action("save-filter", ("F",), "save filter", "save this filter under a name", LISTS, FILTER, "app.save_filter"),
)
