"""``sqtui dashboard``: the numbers of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import add_global_options, add_watch_option

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``dashboard`` to the command line."""
    parser = subparsers.add_parser(
        "dashboard",
        help="the numbers of a server",
        description="Counters, queues, threads, memory and what is wrong.",
    )
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the numbers."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.dashboard import DashboardView

    return run_view(DashboardView(), args)
