"""The operations of this run: where they keep their journal and audit, and what `--read-only` makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sidekiq_tui.operations.from_settings import kept_in, operation_settings
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.servers.profile_store import load_profiles

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.server import Server


async def operations_of(args: argparse.Namespace, server: Callable[[str], Server]) -> Operations:
    """The facade for a command line; `server` gives one of its servers by name.

    Raises `ConfigError`, and `SecretError` where the audit's key cannot be had.
    """
    stored = load_profiles(args.config)
    settings = await operation_settings(stored.settings)
    home = kept_in(stored.settings, stored.path)
    return Operations(server, home=home, read_only=args.read_only, settings=settings)
