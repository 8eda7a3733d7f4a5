"""``sqtui metrics [CLASS]``: how often job classes ran and failed, and how long they took."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_global_options, add_watch_option, whole_number

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

MINUTES: Final = 60
MOST_MINUTES: Final = 480
MOST_HOURS: Final = 72

_NOTES: Final = """\
Sidekiq 7 and 8 keep eight hours by the minute, Sidekiq 8 also 72 hours by ten minutes.
Percentiles are estimates: Sidekiq counts runs in 26 buckets of run time, for eight hours.
Run times are those of runs that succeeded.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``metrics`` to the command line."""
    parser = subparsers.add_parser(
        "metrics",
        help="job classes: runs, failures, run times",
        description="The job classes that ran lately: how often, how often they failed, how long they took.",
        epilog=_NOTES,
    )
    parser.add_argument("class_name", nargs="?", metavar="CLASS", help="this class alone, with its histogram")
    period = parser.add_mutually_exclusive_group()
    period.add_argument("--minutes", type=_minutes, metavar="N", help="the last N minutes, up to 480 (default 60)")
    period.add_argument("--hours", type=_hours, metavar="N", help="the last N hours, up to 72; Sidekiq 8 alone")
    add_watch_option(parser)
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the classes."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.metrics import MetricsView

    minutes = None if args.hours is not None else args.minutes or MINUTES
    return run_view(MetricsView(args.class_name, minutes=minutes, hours=args.hours), args)


def _minutes(text: str) -> int:
    return _up_to(text, MOST_MINUTES)


def _hours(text: str) -> int:
    return _up_to(text, MOST_HOURS)


def _up_to(text: str, most: int) -> int:
    number = whole_number(text)
    if not 1 <= number <= most:
        raise ArgumentTypeError(f"not from 1 to {most}: {text}")
    return number
