"""``sqtui workers``: processes and the jobs they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import add_global_options, add_watch_option

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``workers`` to the command line."""
    parser = subparsers.add_parser(
        "workers",
        help="the processes and what they run",
        description="All Sidekiq processes as of their last heartbeat, and under each the jobs it runs, oldest first.",
    )
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the tree."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.workers import WorkersView

    return run_view(WorkersView(), args)
