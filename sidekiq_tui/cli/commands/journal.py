"""``sqtui journal purge``: forgets the copies of jobs that this machine keeps for undo."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sidekiq_tui.cli.parser import path

if TYPE_CHECKING:
    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``journal`` to the command line."""
    parser = subparsers.add_parser(
        "journal",
        help="forget the copies of jobs that this machine keeps for undo",
        description="Forget every operation of this machine that has ended, with its copies of jobs: what was retried, "
        "edited or moved can no longer be undone. The trash on servers and the audit stay, and so does what has not "
        "ended.",
    )
    parser.add_argument("action", choices=("purge",), metavar="purge", help="forget it all")
    parser.add_argument("--yes", action="store_true", help="really")
    parser.add_argument(
        "--config", type=path, metavar="FILE", default=argparse.SUPPRESS, help="the file with your servers"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Forget it."""
    from sidekiq_tui.cli import auditing
    from sidekiq_tui.errors import UsageError

    if not args.yes:
        raise UsageError("this takes away what undo needs", hint="go on with: sqtui journal purge --yes")
    return auditing.purge(args)
