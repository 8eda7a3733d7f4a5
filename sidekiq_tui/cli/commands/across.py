"""``sqtui evacuate`` and ``sync``: everything of a server, or what is missing, to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.operation_options import NOTES, add_operation_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import SqtuiParser, Subparsers

_EVACUATE: Final = """\
  sqtui --server old evacuate --to new --dry-run
  sqtui --server old evacuate --to new
  sqtui --server old resume                          an evacuation that was interrupted
"""
_SYNC: Final = """\
  sqtui --server prod sync scheduled --to standby --dry-run
  sqtui --server prod sync queue mailers --to standby:mailers
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add both to the command line."""
    parser = subparsers.add_parser(
        "evacuate",
        help="move everything of a server to another one",
        description="Move all queues, retries, scheduled and dead jobs to another server, each job once, in order.",
        epilog=f"{_EVACUATE}\n{NOTES}",
    )
    parser.add_argument("--to", metavar="SERVER", required=True, help="the server they go to")
    parser.add_argument("--drain", action="store_true", help="also where this server has no memory left (Redis 7)")
    add_redaction(parser)
    add_operation_options(parser)
    parser.set_defaults(run=run_evacuate)
    parser = subparsers.add_parser(
        "sync",
        help="copy to another server what is missing there",
        description="Make a queue or set of another server hold what this one's does, by JID. Nothing is removed.",
        epilog=f"{_SYNC}\n{NOTES}",
    )
    parser.add_argument("place", metavar="WHERE", help="retries, scheduled, dead, queue NAME")
    parser.add_argument("words", nargs="*", metavar="NAME", help="the queue's name")
    parser.add_argument("--to", metavar="SERVER[:QUEUE]", required=True, help="the server that shall hold them too")
    add_redaction(parser)
    add_operation_options(parser)
    parser.set_defaults(run=run_sync, filter=[])


def add_redaction(parser: SqtuiParser) -> None:
    """Whether something is replaced on the way."""
    parser.add_argument(
        "--redact", action="store_true", help="replace e-mail addresses, where the target's profile has no rules"
    )


def run_evacuate(args: argparse.Namespace) -> int:
    """Plan, ask and carry out."""
    from sidekiq_tui.cli.crossing import evacuate_plan
    from sidekiq_tui.cli.operate import operate_plans

    return operate_plans(evacuate_plan(args), args)


def run_sync(args: argparse.Namespace) -> int:
    """Plan, ask and carry out."""
    from sidekiq_tui.cli.crossing import sync_plan
    from sidekiq_tui.cli.operate import operate_plans

    return operate_plans(sync_plan(args), args)
