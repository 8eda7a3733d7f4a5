"""``sqtui queues``: all queues of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import add_global_options, add_watch_option

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``queues`` to the command line."""
    parser = subparsers.add_parser(
        "queues",
        help="all queues: size, latency, who serves them",
        description="All queues by name: how many jobs, how long the next one has waited, how many processes serve it.",
    )
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the queues."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.queues import QueuesView

    return run_view(QueuesView(), args)
