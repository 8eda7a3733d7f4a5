"""``sqtui servers``: the board, one row a server, with what is wrong under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import add_global_options, add_watch_option

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``servers`` to the command line."""
    parser = subparsers.add_parser(
        "servers",
        help="all servers side by side: state, work, latency, what is wrong",
        description="One row a server, and why those that are not well are not. Without --server: all servers.",
    )
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the board."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.servers import ServersView

    return run_view(ServersView(live=args.watch is not None), args, every_server=True)
