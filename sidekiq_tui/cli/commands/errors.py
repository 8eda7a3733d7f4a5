"""``sqtui errors``: what the failed jobs have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import DEFAULT_LIMIT, add_global_options, add_watch_option, job_limit

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_NOTES: Final = """\
filter: words may stand anywhere, and all of them must hold
  Timeout            in class, error, message or queue
  class:Invoice  error:Timeout  queue:mailers  -class:Foo

Jobs are one group when class, error and message agree, without numbers, ids and what is quoted.
All of retries and dead is read for it; --watch reads all once, then only what has changed.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``errors`` to the command line."""
    parser = subparsers.add_parser(
        "errors",
        help="failed jobs by cause, largest group first",
        description="The jobs in retries and dead by class, error and message: how many, since when, where.",
        epilog=_NOTES,
    )
    parser.add_argument("words", nargs="*", metavar="FILTER", help="only groups that match")
    parser.add_argument("--filter", action="append", default=[], metavar="F", help="the same as one argument")
    parser.add_argument(
        "--limit", type=job_limit, default=DEFAULT_LIMIT, metavar="N", help="at most N groups, or all (default 25)"
    )
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the groups."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.errors import ErrorsView
    from sidekiq_tui.sidekiq.error_filter import parse_group_filter
    from sidekiq_tui.sidekiq.filter import Filter

    parts = [parse_group_filter(args.words), *(parse_group_filter(text) for text in args.filter)]
    wanted = Filter(tuple(term for part in parts for term in part.terms))
    return run_view(ErrorsView(wanted, args.limit), args, every_server=bool(wanted.servers))
