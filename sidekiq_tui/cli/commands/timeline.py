"""``sqtui timeline``: what changed on a server lately, as far as can be told at one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_global_options, positive_seconds

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

HOURS: Final = 24.0

_NOTES: Final = """\
From the server itself: marks of deploys, when its processes and its Redis started.
From this machine: operations in the audit; what the terminal saw change while it was open, and since then.
`within` says how much earlier something may have happened than it was seen.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``timeline`` to the command line."""
    parser = subparsers.add_parser(
        "timeline",
        help="what changed: deploys, processes, queues, errors, operations",
        description="What happened on a server lately, newest first.",
        epilog=_NOTES,
    )
    parser.add_argument(
        "--hours", type=positive_seconds, default=HOURS, metavar="N", help="only the last N hours (default 24)"
    )
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the events."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.timeline import TimelineView, kept_timeline

    timeline, operations = kept_timeline(args)
    return run_view(TimelineView(timeline, operations, args.hours * 3600), args)
