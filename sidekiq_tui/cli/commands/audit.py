"""``sqtui audit [show|verify|export]``: what was done from this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import DEFAULT_LIMIT, add_look_options, job_limit, path, positive_seconds

if TYPE_CHECKING:
    from sidekiq_tui.cli.parser import Subparsers

_EPILOG: Final = """\
  sqtui audit                    the last operations, the newest first, and how they came out
  sqtui audit --server prod      of one server
  sqtui audit verify             check the chain of lines, also against what the journal and the servers that were
                                 changed have seen of it (--server NAME: only those); exit code 1 when it is broken
  sqtui audit export             every line as it was written (JSON lines)

The chain shows edits. It does not show a rewrite by the owner of the file: forward the lines to keep proof.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``audit`` to the command line."""
    parser = subparsers.add_parser(
        "audit",
        help="what was done from this machine, and whether the record is whole",
        description="Every operation of this machine: who did what where, and how it came out.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "verify", "export"),
        default="show",
        metavar="ACTION",
        help="show, verify or export",
    )
    parser.add_argument(
        "--server", action="append", default=argparse.SUPPRESS, metavar="NAME", help="only on this server; repeatable"
    )
    parser.add_argument(
        "--limit", type=job_limit, default=DEFAULT_LIMIT, metavar="N", help="show at most N, or all (default 25)"
    )
    parser.add_argument(
        "--config", type=path, metavar="FILE", default=argparse.SUPPRESS, help="the file with your servers"
    )
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="S",
        default=argparse.SUPPRESS,
        help="seconds to wait for each answer of a server (default 5)",
    )
    parser.add_argument("--no-input", action="store_true", default=argparse.SUPPRESS, help="never ask for a password")
    add_look_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show, check or export."""
    from sidekiq_tui.cli import auditing

    return {"show": auditing.show, "verify": auditing.verify, "export": auditing.export}[args.action](args)
