"""``sqtui queue NAME``, ``retries``, ``scheduled`` and ``dead``: jobs of a list, a page or what a filter matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import DEFAULT_LIMIT, add_global_options, add_watch_option, job_limit, whole_number

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import SqtuiParser, Subparsers

# View: help, order.
_VIEWS: Final = {
    "queue": ("the jobs of a queue", "newest first"),
    "retries": ("jobs that failed and will run again", "soonest first"),
    "scheduled": ("jobs for later", "soonest first"),
    "dead": ("jobs that are out of retries", "newest first"),
}

FILTER_HELP: Final = """\
filter: words may stand anywhere, and all of them must hold
  Timeout               anywhere in the job          "two words"        quoted for the shell
  class:Invoice         in the class                 class:=Foo::Bar    exactly; class:A,B either
  queue: jid: error: tag: arg: server:               the same for other fields
  age>2h  at>=2026-11-21  retry>3                    numbers and times
  -Timeout  !Timeout  -class:Foo                     without
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the four lists to the command line."""
    for view, (about, order) in _VIEWS.items():
        parser = subparsers.add_parser(
            view,
            help=f"{about}, {order}",
            description=f"{about[0].upper()}{about[1:]}, {order}. Without a filter: one page, at the price of a page.",
            epilog=FILTER_HELP,
        )
        if view == "queue":
            parser.add_argument("queue", metavar="NAME", help="the queue; an unknown one is empty")
        _add_list_options(parser)
        add_watch_option(parser)
        add_global_options(parser)
        parser.set_defaults(run=run)


def _add_list_options(parser: SqtuiParser) -> None:
    parser.add_argument("words", nargs="*", metavar="FILTER", help="only jobs that match; reads the whole list")
    parser.add_argument("--filter", action="append", default=[], metavar="F", help="the same as one argument")
    parser.add_argument(
        "--limit", type=job_limit, default=DEFAULT_LIMIT, metavar="N", help="at most N jobs, or all (default 25)"
    )
    parser.add_argument("--offset", type=whole_number, default=0, metavar="N", help="leave out the first N")


def run(args: argparse.Namespace) -> int:
    """Print the jobs."""
    from sidekiq_tui.cli.runner import run_view
    from sidekiq_tui.cli.views.jobs import JobsView
    from sidekiq_tui.sidekiq.filter import Filter, parse_filter

    parts = [parse_filter(args.words), *(parse_filter(text) for text in args.filter)]
    wanted = Filter(tuple(term for part in parts for term in part.terms))
    view = JobsView(
        args.view,
        queue=getattr(args, "queue", None),
        filter=None if wanted.empty else wanted,
        offset=args.offset,
        limit=args.limit,
    )
    return run_view(view, args, every_server=bool(wanted.servers))
