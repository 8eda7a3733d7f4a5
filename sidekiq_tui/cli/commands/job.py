"""``sqtui job JID``: one job, wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import add_global_options, positive_seconds

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``job`` to the command line."""
    parser = subparsers.add_parser(
        "job",
        help="one job by its JID, wherever it is",
        description="Look for a job in all queues, in retries, scheduled and dead, and among the running ones. "
        "Without --server: on all servers. Exit code 1 when it is nowhere: it is done, or was deleted.",
    )
    parser.add_argument("jid", metavar="JID", help="the job's id")
    parser.add_argument(
        "--deadline",
        type=positive_seconds,
        default=None,
        metavar="S",
        help="stop with a server that is not done after S seconds (default: as long as it answers)",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="go on, and print a line each time that it is somewhere else, until it is gone",
    )
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the job, or follow it."""
    if args.follow:
        from sidekiq_tui.cli.following import follow_job

        return follow_job(args.jid, args)
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.job import JobView

    return run_view(JobView(args.jid, deadline=args.deadline), args, every_server=True)
