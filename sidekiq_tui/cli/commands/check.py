"""``sqtui check``: for monitoring; exit code 6 when a limit is passed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_global_options, whole_number
from sidekiq_tui.errors import UsageError

if TYPE_CHECKING:
    from sidekiq_tui.cli.limits import Limit
    from sidekiq_tui.cli.parser import Subparsers

_EPILOG: Final = """\
exit codes: 0 all is within its limits, 6 a limit is passed (or its value cannot be known), 3 a server is unreachable
example: sqtui check --server prod --max-latency 60 --max-latency mailers=5m --max-dead 100 --min-processes 2
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``check`` to the command line."""
    parser = subparsers.add_parser(
        "check",
        help="for monitoring: exit code 6 when a limit is passed",
        description="Compare a server with limits and print one line. Durations: 60, 60s, 2m, 1h30m.",
        epilog=_EPILOG,
    )
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--max-latency",
        type=_latency,
        action="append",
        default=[],
        metavar="[QUEUE=]S",
        help="of the worst queue, or of QUEUE; repeatable",
    )
    group.add_argument(
        "--max-enqueued",
        type=_enqueued,
        action="append",
        default=[],
        metavar="[QUEUE=]N",
        help="jobs in all queues, or in QUEUE; repeatable",
    )
    for name in ("retries", "scheduled", "dead"):
        group.add_argument(f"--max-{name}", type=whole_number, metavar="N", help=f"jobs in {name}")
    group.add_argument("--min-processes", type=whole_number, metavar="N", help="live processes")
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    limits = _limits(args)
    if not limits:
        raise UsageError("check needs a limit", hint="for example: sqtui check --max-latency 60")
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.check import CheckView

    return run_view(CheckView(limits), args)


def _latency(text: str) -> Limit:
    from sidekiq_tui.cli.limits import latency_limit  # loads dataclasses, which --help need not

    return latency_limit(text)


def _enqueued(text: str) -> Limit:
    from sidekiq_tui.cli.limits import enqueued_limit

    return enqueued_limit(text)


def _limits(args: argparse.Namespace) -> list[Limit]:
    from sidekiq_tui.cli.limits import Limit

    limits: list[Limit] = [*args.max_latency, *args.max_enqueued]
    if args.max_retries is not None:
        limits.append(Limit("retries", args.max_retries))
    if args.max_scheduled is not None:
        limits.append(Limit("scheduled", args.max_scheduled))
    if args.max_dead is not None:
        limits.append(Limit("dead", args.max_dead))
    if args.min_processes is not None:
        limits.append(Limit("processes", args.min_processes, least=True))
    return limits
