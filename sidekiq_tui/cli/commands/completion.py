"""``sqtui completion SHELL``: a completion script; and the hidden ``__complete`` that such scripts ask for names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import output

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.parser import SqtuiParser, Subparsers

SHELLS: Final = ("bash", "zsh", "fish", "tcsh")
HIDDEN: Final = "__complete"

# bash expands what it is given to choose from, so a name with any other character must never get there.
_HARMLESS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@/+-]*")

_SERVERS: Final = {"--server", "--confirm"}
_FILES: Final = {"--config", "--redis-server", "--file"}
_WORDS: Final = {"place": ("retries", "scheduled", "dead", "queue", "queues"), "processes": ("all",)}
"""Words that are taken besides others, so that the parser itself has no choice of them."""

_DESCRIPTION: Final = "Print a completion script. It also completes the names of your servers."
_EPILOG: Final = """\
bash   sqtui completion bash > ~/.local/share/bash-completion/completions/sqtui
zsh    sqtui completion zsh > ~/.zfunc/_sqtui        (~/.zfunc in fpath, before compinit)
fish   sqtui completion fish > ~/.config/fish/completions/sqtui.fish
tcsh   sqtui completion tcsh > ~/.sqtui.tcsh         (source it in ~/.tcshrc)
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``completion`` to the command line."""
    parser = subparsers.add_parser(
        "completion",
        help="print a completion script for your shell",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=run)
    hidden = subparsers.add_parser(HIDDEN)  # without help it is in no list
    hidden.add_argument("what", choices=("servers", "groups"))
    hidden.set_defaults(run=run_hidden)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from sidekiq_tui.cli.main import commands
    from sidekiq_tui.cli.parser import build_parser

    parser = build_parser(commands())
    _complete_names(parser)
    output.write(shtab.complete(parser, shell=args.shell))
    return 0


def run_hidden(args: argparse.Namespace) -> int:
    """Print the names in the settings file, one a line; nothing where it cannot be read: a shell shows no errors here.

    It reads the file by itself: the profiles' own reader would load ten times as much at each press of tab.
    """
    import tomllib

    from sidekiq_tui.paths import config_file

    try:
        servers = tomllib.loads((args.config or config_file()).read_text("utf-8")).get("servers")
    except (OSError, ValueError, RecursionError):
        return 0
    if isinstance(servers, dict):
        names = list(servers)
        if args.what == "groups":
            groups = [table.get("group") for table in servers.values() if isinstance(table, dict)]
            names = list(dict.fromkeys(group for group in groups if isinstance(group, str)))
        output.write_lines(name for name in names if _HARMLESS.fullmatch(name))
    return 0


def _complete_names(parser: SqtuiParser) -> None:
    import shtab

    servers, groups = (shtab.cmd(f"sqtui {HIDDEN} {what} 2>/dev/null") for what in ("servers", "groups"))
    for one in parser.family():
        for action in one.actions():
            if _SERVERS & set(action.option_strings):
                action.complete = servers  # type: ignore[attr-defined]
            elif "--group" in action.option_strings:
                action.complete = groups  # type: ignore[attr-defined]
            elif _FILES & set(action.option_strings) or action.dest == "file":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.dest in _WORDS and not action.option_strings:
                action.choices = _WORDS[action.dest]
