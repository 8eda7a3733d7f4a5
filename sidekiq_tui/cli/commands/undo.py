"""``sqtui undo [ID|last]``, ``trash [show|restore] …`` and ``resume [ID]``: what operations left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.operation_options import NOTES, add_operation_options
from sidekiq_tui.cli.parser import DEFAULT_LIMIT, job_limit

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_ID: Final = "ID: as the list shows it, or its first digits; the list is what comes without one\n"
_BACK: Final = "    all digits for a move that has ended, of which a server forgot something\n"
_LAST: Final = "ID: as the list shows it, its first digits, or `last`\n"
_TRASH: Final = """\
  sqtui trash                              what was deleted and cleared on this server, and until when it is kept
  sqtui trash show ID class:Invoice        the jobs in it
  sqtui trash restore ID class:Invoice     put those back that match; without a filter all
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the three commands to the command line."""
    parser = subparsers.add_parser(
        "undo",
        help="take back an operation, or list what can be taken back",
        description="Take back what an operation did, as far as that still can be; without a word list what can.",
        epilog=f"{_ID}\n{NOTES}",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="an operation, or `last` for the latest of this machine")
    add_operation_options(parser)
    parser.set_defaults(run=run_undo)
    parser = subparsers.add_parser(
        "trash",
        help="what was deleted and cleared: list, look into it, restore",
        description="What sqtui deleted and cleared, which its server keeps for a week.",
        epilog=f"{_TRASH}\n{_LAST}\n{NOTES}",
    )
    parser.add_argument(
        "action", nargs="?", choices=("list", "show", "restore"), default="list", metavar="ACTION", help="show, restore"
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="an entry of the trash")
    parser.add_argument("words", nargs="*", metavar="FILTER", help="only jobs that match")
    parser.add_argument("--filter", action="append", default=[], metavar="F", help="the same as one argument")
    parser.add_argument(
        "--limit", type=job_limit, default=DEFAULT_LIMIT, metavar="N", help="show at most N jobs, or all (default 25)"
    )
    add_operation_options(parser)
    parser.set_defaults(run=run_trash)
    parser = subparsers.add_parser(
        "resume",
        help="end what was begun: list, go on, or leave it",
        description="Go on with an operation whose sqtui was killed or lost its server; without a word list those.",
        epilog=f"{_ID}{_BACK}\n{NOTES}",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="an operation")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--leave", action="store_true", help="end it where it is, and say how far it got")
    ways.add_argument(
        "--put-back", action="store_true", help="end a move to another server: what is parked returns to its place"
    )
    ways.add_argument(
        "--push-again",
        action="store_true",
        help="where a server went back in time: push the jobs of a move that are on neither; they may run twice",
    )
    ways.add_argument(
        "--delete-twice",
        metavar="NAME",
        help="where a server went back in time: delete the jobs of a move that may be on both on this one of the two",
    )
    parser.add_argument(
        "--force", action="store_true", help="with --put-back: though the other server cannot say what it has"
    )
    add_operation_options(parser)
    parser.set_defaults(run=run_resume)


def run_undo(args: argparse.Namespace) -> int:
    """Undo one, or list."""
    from sidekiq_tui.cli.views.history import undo_list

    if args.id is None:
        return _list(undo_list(), args)
    from sidekiq_tui.cli.operate import operate_plans
    from sidekiq_tui.cli.past import undo_plan
    from sidekiq_tui.cli.scope import scope_of

    scope = scope_of(args)
    return operate_plans(undo_plan(args.id, [one.name for one in scope.profiles]), args, scope=scope)


def run_trash(args: argparse.Namespace) -> int:
    """List, show or restore."""
    from sidekiq_tui.cli.views.history import trash_list
    from sidekiq_tui.errors import UsageError

    if args.action == "list":
        return _list(trash_list(), args)
    if args.id is None:
        raise UsageError(f"{args.action} what?", hint="sqtui trash lists it")
    from sidekiq_tui.cli.places import filter_of

    wanted = filter_of(args.words, args.filter)
    if args.action == "show":
        from sidekiq_tui.cli.runner import run_view
        from sidekiq_tui.cli.views.trash import TrashView

        return run_view(TrashView(args.id, wanted, args.limit, args), args)
    from sidekiq_tui.cli.operate import operate_plans
    from sidekiq_tui.cli.past import restore_plan

    return operate_plans(restore_plan(args.id, wanted), args)


def run_resume(args: argparse.Namespace) -> int:
    """Go on, leave, put back, set right what a server forgot, or list."""
    from sidekiq_tui.cli.views.history import unfinished_list
    from sidekiq_tui.errors import UsageError

    if args.id is None:
        if args.leave or args.put_back or args.push_again or args.delete_twice is not None:
            raise UsageError("which operation?", hint="sqtui resume lists them")
        return _list(unfinished_list(), args)
    if args.put_back:
        from sidekiq_tui.cli.crossing import return_plan
        from sidekiq_tui.cli.operate import operate_plans

        return operate_plans(return_plan(args), args)
    if args.push_again or args.delete_twice is not None:
        from sidekiq_tui.cli.operate import operate_plans
        from sidekiq_tui.cli.setbacks import again_plan, twice_plan

        again = args.delete_twice is None
        return operate_plans(again_plan(args.id) if again else twice_plan(args.id, args.delete_twice), args)
    if args.dry_run:
        raise UsageError("resume first ends what was begun, so it has no dry run", hint="sqtui resume shows how far")
    if args.leave:
        from sidekiq_tui.cli.past import leave

        return leave(args)
    from sidekiq_tui.cli.operate import operate_plans
    from sidekiq_tui.cli.setbacks import resume_plan

    return operate_plans(resume_plan(args.id), args)


def _list(listed: object, args: argparse.Namespace) -> int:
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.history import HistoryView, Listed

    assert isinstance(listed, Listed)
    return run_view(HistoryView(listed, args), args)
