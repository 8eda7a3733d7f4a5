"""``sqtui compare LEFT RIGHT``: what differs between two servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_global_options

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import Subparsers

_NOTES: Final = """\
Numbers that move by themselves (latency, sizes, memory) count as different from a tenth on.
Errors are grouped from the first 10,000 entries each of retries and dead.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``compare`` to the command line."""
    parser = subparsers.add_parser(
        "compare",
        help="what differs between two servers",
        description="Versions, processes, queues and weights, load, errors and Redis of two servers: only what is not "
        "the same. With --server, --group or --url instead of names, or of the only two there are.",
        epilog=_NOTES,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="two servers")
    add_global_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the differences."""
    from sidekiq_tui.cli.comparing import compare_two

    return compare_two(args)
