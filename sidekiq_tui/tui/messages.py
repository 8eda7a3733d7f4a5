"""What parts of the terminal tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.message import Message

from sidekiq_tui.servers.snapshot import ServerSnapshot


@dataclass
class SnapshotsArrived(Message):
    """Some servers answered, or failed to, since the last one of these."""

    snapshots: Mapping[str, ServerSnapshot]
    """The newest snapshot of each of them."""
