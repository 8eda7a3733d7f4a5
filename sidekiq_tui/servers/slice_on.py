"""What one read of a search of several servers found, and where."""

from __future__ import annotations

from dataclasses import dataclass

from sidekiq_tui.sidekiq.search import Slice


@dataclass(frozen=True, slots=True)
class SliceOn(Slice):
    """One read of a search of several servers."""

    server: str = ""
