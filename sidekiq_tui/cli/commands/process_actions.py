"""``sqtui quiet|stop|dump|prune PROCESS…`` and ``cancel JID…``: what is done to processes and running jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.operation_options import NOTES, add_operation_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_COMMANDS: Final = {
    "quiet": "let processes take no more jobs",
    "stop": "end processes; what does not end in time goes back to its queue",
    "dump": "have processes write the backtraces of their threads to their log",
    "prune": "forget processes that are gone without a word",
}
_PROCESSES: Final = """\
PROCESS: an identity as `sqtui workers` shows it, the name of a host, or all
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add what can be done to processes to the command line."""
    for command, about in _COMMANDS.items():
        parser = subparsers.add_parser(
            command, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=f"{_PROCESSES}\n{NOTES}"
        )
        parser.add_argument("processes", nargs="+", metavar="PROCESS", help="an identity, a host, or all")
        add_operation_options(parser, bulk=False)
        parser.set_defaults(run=run)
    parser = subparsers.add_parser(
        "cancel",
        help="ask running iterable jobs to stop at their next step",
        description="Ask iterable jobs (Sidekiq 8) to stop at their next step.",
        epilog=NOTES,
    )
    parser.add_argument("jids", nargs="+", metavar="JID", help="a job")
    add_operation_options(parser, bulk=False)
    parser.set_defaults(run=run_cancel)


def run(args: argparse.Namespace) -> int:
    """Plan, ask, and send the signals."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.cli.processes import process_operation

    return operate(process_operation(args), args)


def run_cancel(args: argparse.Namespace) -> int:
    """Plan, ask and cancel."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.operations.catalog import CancelJobs, Operation
    from sidekiq_tui.servers.server import Server

    async def make(server: Server) -> Operation:
        return CancelJobs(jids=tuple(dict.fromkeys(args.jids)))

    return operate(make, args)
