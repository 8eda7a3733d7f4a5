"""``sqtui clear WHERE``, ``pause QUEUE…`` and ``unpause QUEUE…``: what is done to whole queues and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.cli.operation_options import NOTES, PLACES_HELP, add_filter_words, add_operation_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the three commands to the command line."""
    parser = subparsers.add_parser(
        "clear",
        help="empty a queue or a set at once; it can be undone for a week",
        description="Take all jobs out of a queue or set at once, whatever its size. They stay in sqtui's trash on "
        "their server for a week. Asks for the server's name.",
        epilog=f"{PLACES_HELP}\n{NOTES}",
    )
    add_filter_words(parser)
    parser.add_argument("--free", action="store_true", help="free the memory now: no undo")
    parser.add_argument(
        "--keep-here",
        action="store_true",
        help="free the memory now, and keep the copy for undo on this machine instead of on the server: slower",
    )
    add_operation_options(parser, bulk=False, undo_copy=True)
    parser.set_defaults(run=run_clear)
    for command, about in (
        ("pause", "pause queues; only Sidekiq Pro's workers obey"),
        ("unpause", "let paused queues run on"),
    ):
        parser = subparsers.add_parser(command, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=NOTES)
        parser.add_argument("queues", nargs="+", metavar="QUEUE", help="a queue")
        add_operation_options(parser, bulk=False)
        parser.set_defaults(run=run_pause)


def run_clear(args: argparse.Namespace) -> int:
    """Plan, ask and clear."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.cli.requests import clear_operation

    make, wants = clear_operation(args)
    return operate(make, args, wants=wants)


def run_pause(args: argparse.Namespace) -> int:
    """Plan, ask, and pause or let run on."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.operations.catalog import Operation, Pause
    from sidekiq_tui.servers.server import Server

    async def make(server: Server) -> Operation:
        return Pause(queues=tuple(dict.fromkeys(args.queues)), paused=args.view == "pause")

    return operate(make, args)
