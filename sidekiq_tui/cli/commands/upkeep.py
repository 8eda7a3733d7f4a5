"""``sqtui reset-stats`` and ``delete-profile KEY…``: the lifetime counters, and profiles of single runs."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.operation_options import NOTES, add_operation_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_COUNTERS: Final = ("processed", "failed")


def add_parser(subparsers: Subparsers) -> None:
    """Add both to the command line."""
    parser = subparsers.add_parser(
        "reset-stats",
        help="set the lifetime counters to 0",
        description="Set processed and failed, or one of them, to 0; the counters of the days stay.",
        epilog=NOTES,
    )
    parser.add_argument(
        "counters", nargs="*", type=_counter, metavar="COUNTER", help="processed or failed; both by default"
    )
    add_operation_options(parser, bulk=False)
    parser.set_defaults(run=run_reset)
    parser = subparsers.add_parser(
        "delete-profile",
        help="delete profiles of single runs (Sidekiq 8)",
        description="Delete profiles of single runs, by the keys that the terminal's Profiles screen shows.",
        epilog=NOTES,
    )
    parser.add_argument("profiles", nargs="+", metavar="KEY", help="a profile")
    add_operation_options(parser, bulk=False)
    parser.set_defaults(run=run_profiles)


def _counter(text: str) -> str:
    if text not in _COUNTERS:
        raise ArgumentTypeError(f"no such counter: {text} (processed, failed)")
    return text


def run_reset(args: argparse.Namespace) -> int:
    """Plan, ask and reset."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.operations.catalog import Operation, ResetStatistics
    from sidekiq_tui.servers.server import Server

    async def make(server: Server) -> Operation:
        return ResetStatistics(counters=tuple(dict.fromkeys(args.counters)) or _COUNTERS)

    return operate(make, args)


def run_profiles(args: argparse.Namespace) -> int:
    """Plan, ask and delete."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.operations.catalog import DeleteProfiles, Operation
    from sidekiq_tui.servers.server import Server

    async def make(server: Server) -> Operation:
        return DeleteProfiles(profiles=tuple(dict.fromkeys(args.profiles)))

    return operate(make, args)
