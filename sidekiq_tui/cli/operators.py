"""The operations of this run: where they keep their journal and audit, and what `--read-only` makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.paths import state_folder

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.server import Server


def operations_of(args: argparse.Namespace, server: Callable[[str], Server]) -> Operations:
    """The facade for a command line; `server` gives one of its servers by name."""
    return Operations(server, home=state_folder(), read_only=args.read_only)
