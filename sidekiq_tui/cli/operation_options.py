"""The words that commands which change something share. Imports nothing but argparse, as the parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_global_options, positive_seconds

if TYPE_CHECKING:
    from sidekiq_tui.cli.parser import SqtuiParser

PLACES_HELP: Final = """\
where: retries, scheduled, dead, `queue NAME`, or `queues` for all queues; several sets: retries,dead
       without a filter everything that is there
"""

NOTES: Final = """\
several servers (--server again, --group, --all): one plan of all, one answer, side by side
exit codes: 0 done   1 error   2 usage   3 unreachable   4 refused   5 partly done   130 stopped by ctrl-c
            of several servers the worst
"""


PATIENCE: Final = 60.0


def rate(text: str) -> float:
    """Entries a second: `50`, `50/s`."""
    return positive_seconds(text.removesuffix("/s"))


def add_operation_options(
    parser: SqtuiParser, *, bulk: bool = True, undo_copy: bool = False, plan: bool = True
) -> None:
    """How it is confirmed and carried out, and the global options.

    `bulk`: for what goes entry by entry. Without `plan`: no plan comes twice, as each names its own time.
    """
    group = parser.add_argument_group("confirming")
    group.add_argument("--dry-run", action="store_true", help="print the plan with its fingerprint, change nothing")
    group.add_argument("--yes", action="store_true", help="answer yes, and the number where that is asked")
    group.add_argument(
        "--confirm",
        action="append",
        default=[],
        metavar="NAME",
        help="answer with the server's name where that is asked; repeatable for several servers",
    )
    if plan:
        group.add_argument(
            "--plan",
            action="append",
            default=[],
            metavar="FP",
            help="go on only with the plan of this fingerprint; of several servers that of all, or one each",
        )
    if bulk:
        group.add_argument("--rate", type=rate, metavar="N/s", default=None, help="at most N entries a second")
    if undo_copy:
        group.add_argument("--no-undo", action="store_true", help="keep no copy for undo on this machine")
    group.add_argument(
        "--patience",
        type=positive_seconds,
        metavar="S",
        default=PATIENCE,
        help=f"seconds to wait for a server that is lost on the way, before its part is left to resume"
        f" (default {PATIENCE:g})",
    )
    add_global_options(parser)
    parser.set_defaults(operates=True)


def add_filter_words(parser: SqtuiParser, *, place: bool = True) -> None:
    """A place and a filter; filter words may stand anywhere after the place."""
    if place:
        parser.add_argument("place", metavar="WHERE", help="retries, scheduled, dead, queue NAME, queues")
    parser.add_argument("words", nargs="*", metavar="FILTER", help="only jobs that match")
    parser.add_argument("--filter", action="append", default=[], metavar="F", help="the same as one argument")
