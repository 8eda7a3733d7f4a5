"""The views that exist: tabs, chords, palette and the command line's start view come from this list."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sidekiq_tui.tui.screens.base import ViewScreen


@dataclass(frozen=True, slots=True)
class View:
    """One view: its name, its tab (in full and short), its key after ``g``, where its screen is."""

    name: str
    title: str
    short: str
    chord: str
    place: str
    spans_servers: bool = False

    def screen(self) -> type[ViewScreen]:
        """The screen's class, imported when first shown."""
        module, _, name = self.place.partition(":")
        found: type[ViewScreen] = getattr(import_module(f"sidekiq_tui.tui.screens.{module}"), name)
        return found


VIEWS: Final[tuple[View, ...]] = ()
