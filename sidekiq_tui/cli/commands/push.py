"""``sqtui push CLASS``, ``import FILE`` and ``export WHERE FILTER``: jobs into a server, and out of it into files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.commands.jobs import FILTER_HELP
from sidekiq_tui.cli.operation_options import NOTES, PLACES_HELP, add_filter_words, add_operation_options
from sidekiq_tui.cli.parser import add_global_options, path, whole_number

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_PUSH: Final = """\
  sqtui push Invoice::ChargeJob --args '[42, "EUR"]' --queue critical
  sqtui push ReportJob --args '[1]' --args '[2]' --at +2h        two jobs, in two hours
  sqtui push --from 5c1b2f6d8e0a4b7c9d3e1f20 --args '[43]'      a copy with other arguments and a new JID
"""
_IMPORT: Final = """\
Each line is a job: as `sqtui export` or `-o ndjson` wrote it (then the payload's exact bytes count), or a payload.
All lines are checked before the first job is pushed.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the three commands to the command line."""
    parser = subparsers.add_parser(
        "push",
        help="enqueue new jobs, from scratch or from one that is there",
        description="Push new jobs, now or for later; what is written is what Ruby's client would write.",
        epilog=f"{_PUSH}\n{NOTES}",
    )
    parser.add_argument("klass", nargs="?", metavar="CLASS", help="the class of the job, as Ruby calls it")
    parser.add_argument("--from", dest="template", metavar="JID", help="the job to take all else from, instead")
    parser.add_argument(
        "--args", action="append", default=[], metavar="JSON", help="the arguments, a list; repeatable: a job each"
    )
    parser.add_argument("--queue", metavar="QUEUE", help="default: default, or that of the job it comes from")
    parser.add_argument("--at", metavar="WHEN", help="not now but then: +2h, 14:05, 2026-11-22 14:05, @UNIX")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=JSON", help="another field, such as retry=5; repeatable"
    )
    parser.add_argument("--count", type=whole_number, default=1, metavar="N", help="so many of each (default 1)")
    add_operation_options(parser)
    parser.set_defaults(run=run_push)
    parser = subparsers.add_parser(
        "import",
        help="push the jobs of an NDJSON file",
        description="Push the jobs of a file, or of the standard input for `-`.",
        epilog=f"{_IMPORT}\n{NOTES}",
    )
    parser.add_argument("file", metavar="FILE", help="a file, or - for the standard input")
    parser.add_argument("--queue", metavar="QUEUE", help="all to this queue")
    parser.add_argument("--new-jids", action="store_true", help="give each a new JID")
    add_operation_options(parser, plan=False)
    parser.set_defaults(run=run_import)
    parser = subparsers.add_parser(
        "export",
        help="write jobs to a file, with their exact payloads",
        description="Write jobs as NDJSON (the default, exact, for import), JSON or CSV (-o). Only reads.",
        epilog=f"{PLACES_HELP}\n{FILTER_HELP}",
    )
    add_filter_words(parser)
    parser.add_argument("--file", type=path, metavar="FILE", help="a new file, for you alone; default: print them")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    add_global_options(parser)
    parser.set_defaults(run=run_export)


def run_push(args: argparse.Namespace) -> int:
    """Plan, ask and push."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.cli.pushing import push_operation

    return operate(push_operation(args), args)


def run_import(args: argparse.Namespace) -> int:
    """Read all, plan, ask and push."""
    from sidekiq_tui.cli.operate import operate
    from sidekiq_tui.cli.pushing import import_operation

    return operate(import_operation(args), args)


def run_export(args: argparse.Namespace) -> int:
    """Write the jobs."""
    from sidekiq_tui.cli.exporting import export_jobs

    return export_jobs(args)
