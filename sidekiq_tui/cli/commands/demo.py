"""``sqtui demo``: the words; the demo itself stands behind a door of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.parser import add_look_options, add_mouse_option, path, whole_number

if TYPE_CHECKING:
    from sidekiq_tui.cli.parser import Subparsers

SCENARIOS: Final = ("busy", "calm", "incident", "backlog", "deploy")
"""As demo/scenarios.py has them."""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``demo`` to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="try sqtui on live servers of its own; needs no Redis",
        description="Start private Redis servers with real workers and open the UI on them.",
    )
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="the same data and traffic each time")
    parser.add_argument(
        "--scenario", choices=SCENARIOS, default=SCENARIOS[0], help=f"what happens there (default {SCENARIOS[0]})"
    )
    parser.add_argument("--jobs", type=whole_number, default=None, metavar="N", help="how many jobs to begin with")
    parser.add_argument("--servers", type=whole_number, default=None, metavar="N", help="how many servers (default 3)")
    parser.add_argument("--headless", action="store_true", help="no UI: print the addresses, stay until stopped")
    parser.add_argument(
        "--redis-server", type=path, default=None, metavar="PATH", help="the redis-server or valkey-server to start"
    )
    add_look_options(parser)
    add_mouse_option(parser)
