"""``sqtui search FILTER``: jobs anywhere on a server that a filter matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.commands.jobs import FILTER_HELP
from sidekiq_tui.cli.parser import add_global_options, job_limit, positive_seconds

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``search`` to the command line."""
    parser = subparsers.add_parser(
        "search",
        help="jobs anywhere that match: running, in sets, in queues",
        description="Search running jobs, retries, scheduled, dead and all queues, cheap places first. A JID alone is "
        "looked up as such. Several servers are searched at once; -o ndjson prints what is found as it is found. Exit "
        "code 0, found or not.",
        epilog=FILTER_HELP,
    )
    parser.add_argument("words", nargs="*", metavar="FILTER", help="what jobs must match")
    parser.add_argument("--filter", action="append", default=[], metavar="F", help="the same as one argument")
    parser.add_argument("--limit", type=job_limit, default=None, metavar="N", help="stop at N jobs (default: all)")
    parser.add_argument(
        "--deadline",
        type=positive_seconds,
        default=None,
        metavar="S",
        help="stop with a server that is not done after S seconds (default: as long as it answers)",
    )
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found. Raises `UsageError` without a filter."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.search import SearchView
    from sidekiq_tui.errors import UsageError
    from sidekiq_tui.sidekiq.filter import Filter, parse_filter

    parts = [parse_filter(args.words), *(parse_filter(text) for text in args.filter)]
    wanted = Filter(tuple(term for part in parts for term in part.terms))
    if wanted.empty:
        raise UsageError("search needs a filter", hint="for example: sqtui search class:Invoice error:Timeout")
    stream = _print_line if args.output == "ndjson" else None
    view = SearchView(wanted, limit=args.limit, deadline=args.deadline, stream=stream)
    return run_view(view, args, every_server=bool(wanted.servers))


def _print_line(record: dict[str, object]) -> None:
    import json

    from sidekiq_tui.cli import output

    output.write_lines([json.dumps(record, allow_nan=False)])
