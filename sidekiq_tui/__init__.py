"""sqtui: one terminal for every Sidekiq server you own."""

from __future__ import annotations

__version__ = "0.1.0"
