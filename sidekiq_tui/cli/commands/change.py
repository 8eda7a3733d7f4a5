"""``sqtui retry|enqueue|kill|delete|move|front|copy|reschedule|edit WHERE FILTER``: what is done to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.commands.across import add_redaction
from sidekiq_tui.cli.commands.jobs import FILTER_HELP
from sidekiq_tui.cli.operation_options import NOTES, PLACES_HELP, add_filter_words, add_operation_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import SqtuiParser, Subparsers

# Command: help, description.
_COMMANDS: Final = {
    "retry": (
        "send retries and dead jobs to their queues, now",
        "Send jobs to their queues at once, with one retry less counted, as Sidekiq's own Web UI does.",
    ),
    "enqueue": (
        "send jobs of a set to their queues, now",
        "Send retries, scheduled or dead jobs to their queues at once; counts stay as they are.",
    ),
    "kill": ("move jobs to the dead set", "Move jobs to the dead set, as they are."),
    "delete": (
        "delete jobs; they can be undone for a week",
        "Move jobs to sqtui's trash on their server, which is emptied after a week.",
    ),
    "move": (
        "move jobs to another queue",
        "Jobs in queues move to the other one; those in sets will be pushed there when their time comes.",
    ),
    "front": ("let jobs of a queue run next", "Move jobs to the front of their own queue."),
    "copy": ("copy jobs, each with a new JID", "Push copies of jobs with new JIDs; the originals stay."),
    "reschedule": (
        "change when retries and scheduled jobs run",
        "Give retries or scheduled jobs another time, shift them, or spread them over some time.",
    ),
    "edit": (
        "change arguments or options of jobs",
        "Set or drop fields of jobs' payloads; every other byte stays as it is.",
    ),
}
_TIMES: Final = "WHEN: now, +2h, 14:05, 2026-11-22 14:05, @UNIX. DURATION: 90s, 15m, 2h30m, 1d.\n"


def add_parser(subparsers: Subparsers) -> None:
    """Add what can be done to jobs to the command line."""
    for command, (about, description) in _COMMANDS.items():
        times = _TIMES if command in ("copy", "reschedule") else ""
        parser = subparsers.add_parser(
            command, help=about, description=description, epilog="\n".join((PLACES_HELP, FILTER_HELP, times + NOTES))
        )
        add_filter_words(parser)
        _add_own_options(parser, command)
        add_operation_options(parser, undo_copy=command not in ("delete", "front"))
        parser.set_defaults(run=run)


def _add_own_options(parser: SqtuiParser, command: str) -> None:
    match command:
        case "retry":
            parser.add_argument("--reset", action="store_true", help="forget errors and counts: all retries again")
            _add_drain(parser)
        case "enqueue":
            _add_drain(parser)
        case "delete":
            parser.add_argument("--for-good", action="store_true", help="keep nothing in the trash: no undo")
        case "move":
            parser.add_argument(
                "--to", metavar="QUEUE|SERVER[:QUEUE]", required=True, help="the queue, or the other server, they go to"
            )
            add_redaction(parser)
            parser.add_argument("--front", action="store_true", help="to its front, to run next")
        case "copy":
            parser.add_argument("--to", metavar="QUEUE|SERVER[:QUEUE]", help="another queue, or another server")
            parser.add_argument(
                "--new-jids", action="store_true", help="on another server, too (else they keep theirs)"
            )
            add_redaction(parser)
            parser.add_argument("--at", metavar="WHEN", help="into the schedule, for then")
            _add_fields(parser)
        case "reschedule":
            parser.add_argument("--at", metavar="WHEN", help="to this time")
            parser.add_argument("--by", metavar="DURATION", help="later by so much; earlier: --by=-1h")
            parser.add_argument("--over", metavar="DURATION", help="evenly over so much time, from --at or now")
        case "edit":
            _add_fields(parser)
            parser.add_argument("--drop", action="append", default=[], metavar="FIELD", help="drop a field; repeatable")


def _add_drain(parser: SqtuiParser) -> None:
    parser.add_argument(
        "--drain", action="store_true", help="also where the server has no memory left for writes (Redis 7)"
    )


def _add_fields(parser: SqtuiParser) -> None:
    parser.add_argument("--args", metavar="JSON", help="the new arguments, a list (of ActiveJob: the inner ones)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=JSON", help="set a field, such as retry=5; repeatable"
    )


def run(args: argparse.Namespace) -> int:
    """Plan, ask and carry out."""
    from sidekiq_tui.cli.operate import operate, operate_plans
    from sidekiq_tui.cli.requests import job_operation

    if args.view in ("move", "copy"):
        from sidekiq_tui.cli.crossing import across_plan, peer_of

        if (peer := peer_of(args)) is not None:
            plan, wants = across_plan(args, *peer)
            return operate_plans(plan, args, wants=wants)
    make, wants = job_operation(args)
    return operate(make, args, wants=wants)
