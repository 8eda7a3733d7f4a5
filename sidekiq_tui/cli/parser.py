"""The words of the command line. Imports nothing but argparse, so that --help and completion are quick."""

from __future__ import annotations

import argparse
import difflib
import math
import re
import textwrap
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sidekiq_tui import __version__
from sidekiq_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import ModuleType

    Subparsers = argparse._SubParsersAction["SqtuiParser"]
    _CommandBase = Subparsers
else:
    _CommandBase = argparse._SubParsersAction  # not generic when it runs

FORMATS: Final = ("table", "json", "ndjson", "csv")
COLORS: Final = ("auto", "always", "never")
TIMES: Final = ("relative", "local", "utc")
DEFAULT_TIMEOUT: Final = 5.0  # seconds, per server and answer
DEFAULT_LIMIT: Final = 25  # jobs

_REPEATED: Final = ("server", "group", "url")
_MEANINGFUL: Final = {
    "server": "--server",
    "group": "--group",
    "all": "--all",
    "url": "--url",
    "output": "--output",
}
_EXCLUSION: Final = re.compile(r"-(?![-\d])(?!h\Z)(?!o(=?(table|json|ndjson|csv))?\Z)(?P<term>.+)", re.DOTALL)

_EPILOG: Final = """\
environment:
  SQTUI_CONFIG          the file with your servers (see: sqtui profile path)
  REDIS_PROVIDER        name of the variable that holds the address, when no server is configured
  REDIS_URL             the address, when no server is configured; else redis://localhost:6379/0
  SQTUI_NAME_PASSWORD   the password of server NAME
  NO_COLOR              no colours

exit codes:
  0 done   1 error or not found   2 usage   3 a server is unreachable (the others are printed)
  4 refused or not confirmed   5 partly done   6 a limit of `check` is passed   130 interrupted

examples:
  sqtui                                              open the terminal UI
  sqtui --server prod dashboard
  sqtui retries --server prod class:Invoice -Timeout --limit 5
  sqtui servers --watch 5
  sqtui dead --all -o ndjson | jq .jid
  sqtui check --server prod --max-latency 60 --max-latency mailers=5m
  sqtui retry --server prod dead class:Invoice --dry-run
"""


class SqtuiParser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` and knows the nearest right spelling."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)  # an abbreviation changes its meaning with the next option
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)  # for the tables of epilogs
        if kwargs.get("description"):
            kwargs["description"] = textwrap.fill(kwargs["description"], 78)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see: {self.prog} --help")

    def options(self) -> tuple[str, ...]:
        """Every option this parser takes."""
        return tuple(self._option_string_actions)

    def actions(self) -> tuple[argparse.Action, ...]:
        """Every option and word this parser takes."""
        return tuple(self._actions)

    def children(self) -> dict[str, SqtuiParser]:
        """The parsers of its commands."""
        return {
            name: child
            for action in self._actions
            if isinstance(action, argparse._SubParsersAction)
            for name, child in action.choices.items()
        }

    def family(self) -> tuple[SqtuiParser, ...]:
        """This parser and all below it."""
        return (self, *(one for child in self.children().values() for one in child.family()))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # Private, but the only place that knows both the wrong word and the right ones.
        if action.choices is None or value in action.choices:
            return
        hint = _suggestion(str(value), action.choices, self.prog)
        if isinstance(action, argparse._SubParsersAction):
            raise UsageError(f"no such view or command: {value}", hint=hint)
        name = "/".join(action.option_strings) or str(action.metavar or action.dest)
        raise UsageError(f"{name}: no such value: {value}", hint=hint)


class _CommandAction(_CommandBase):
    """Options given before *and* after the view: repeatable ones add up (argparse would drop the first ones)."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        before = {name: getattr(namespace, name, None) or [] for name in _REPEATED}
        for name in _REPEATED:
            setattr(namespace, name, [])
        super().__call__(parser, namespace, values, option_string)
        for name, first in before.items():
            setattr(namespace, name, [*first, *(getattr(namespace, name, None) or [])])


def _suggestion(word: str, known: Iterable[Any], prog: str) -> str:
    names = {str(one).lstrip("-"): str(one) for one in known}  # dashes alone make no likeness
    nearest = difflib.get_close_matches(word.lstrip("-"), names, n=1)
    return f"did you mean {names[nearest[0]]}?" if nearest else f"see: {prog} --help"


def positive_seconds(text: str) -> float:
    """A time span above zero, in seconds."""
    value = _number(text, float)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"not a time above zero: {text}")
    return value


def whole_number(text: str) -> int:
    """A whole number from 0 up."""
    value = _number(text, int)
    if value < 0:
        raise argparse.ArgumentTypeError(f"below zero: {text}")
    return int(value)


def job_limit(text: str) -> int | None:
    """How many jobs; None for `all`."""
    return None if text == "all" else whole_number(text)


def path(text: str) -> Path:
    """A file, `~` allowed."""
    from pathlib import Path  # as slow to load as argparse itself, and most lines have no path

    return Path(text).expanduser()


def _number(text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number: {text}") from None


def add_global_options(parser: SqtuiParser, *, copy: bool = True) -> None:
    """The options that may stand before or after the view.

    A copy (any parser but the outermost one) has no defaults, so that what stood before the view stays.
    """
    add_scope_options(parser, copy=copy)
    add_look_options(parser, copy=copy)


def add_scope_options(parser: SqtuiParser, *, copy: bool = True) -> None:
    """Which servers, and how to reach them."""
    group, default = parser.add_argument_group("servers"), _defaults(copy)
    group.add_argument(
        "--server",
        action="append",
        metavar="NAME",
        default=default(None),
        help="a configured server; repeatable. Default: the only one; of several, `servers` and `job` take all",
    )
    group.add_argument(
        "--group",
        action="append",
        metavar="NAME",
        default=default(None),
        help="the servers of a group (see `group` in a profile), and their total; repeatable",
    )
    group.add_argument("--all", action="store_true", default=default(False), help="all servers, and their total")
    group.add_argument(
        "--url",
        action="append",
        metavar="URL",
        default=default(None),
        help="a server by its address (redis:// rediss:// unix://); repeatable",
    )
    group.add_argument("--config", type=path, metavar="FILE", default=default(None), help="the file with your servers")
    group.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="S",
        default=default(DEFAULT_TIMEOUT),
        help="seconds to wait for each answer of a server (default 5)",
    )
    group.add_argument(
        "--read-only", action="store_true", default=default(False), help="change nothing, whatever is asked"
    )
    group.add_argument("--no-input", action="store_true", default=default(False), help="never ask, not even a password")


def add_look_options(parser: SqtuiParser, *, copy: bool = True) -> None:
    """How the output looks."""
    group, default = parser.add_argument_group("output"), _defaults(copy)
    group.add_argument(
        "-o", "--output", choices=FORMATS, metavar="FORMAT", default=default("table"), help="table, json, ndjson or csv"
    )
    group.add_argument("--color", choices=COLORS, metavar="WHEN", default=default("auto"), help="auto, always or never")
    group.add_argument(
        "--time", choices=TIMES, metavar="HOW", default=default("relative"), help="relative, local or utc"
    )
    group.add_argument("--ascii", action="store_true", default=default(False), help="only ASCII signs")
    group.add_argument("--debug", action="store_true", default=default(False), help="show the trace of an error")


def add_mouse_option(parser: SqtuiParser, *, copy: bool = True) -> None:
    """For what opens the terminal UI."""
    parser.add_argument(
        "--no-mouse",
        dest="mouse",
        action="store_false",
        default=_defaults(copy)(True),
        help="leave the mouse to the terminal",
    )


def _defaults(copy: bool) -> Callable[[object], object]:
    return lambda value: argparse.SUPPRESS if copy else value


def add_watch_option(parser: SqtuiParser) -> None:
    """``--watch``: print again and again."""
    parser.add_argument(
        "--watch", type=positive_seconds, metavar="S", default=None, help="print again every S seconds, until ctrl-c"
    )


def build_parser(commands: Sequence[ModuleType]) -> SqtuiParser:
    """The whole command line; each module of `commands` adds its own words with ``add_parser``."""
    parser = SqtuiParser(
        prog="sqtui",
        usage="sqtui [options] [VIEW [options] [words]]",
        description="One terminal for every Sidekiq you run. Without a view it opens the terminal UI.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"sqtui {__version__}")
    subparsers = parser.add_subparsers(
        title="views and commands",
        prog="sqtui",
        dest="view",
        metavar="VIEW",
        action=_CommandAction,
        parser_class=SqtuiParser,
    )
    add_global_options(parser, copy=False)
    add_mouse_option(parser, copy=False)
    for command in commands:
        command.add_parser(subparsers)
    return parser


def parse(parser: SqtuiParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse; filter words may stand anywhere after the view that takes them, ``-Word`` meaning ``!Word``.

    Raises `UsageError`, naming the nearest right spelling.
    """
    takes_words = [mark_exclusions(word) for word in argv]
    args, extras = parser.parse_known_args(takes_words)
    words: list[str] | None = getattr(args, "words", None)
    unknown = [word for word in extras if words is None or (word.startswith("--") and word != "--")]
    if unknown:
        sub = _parser_of(parser, args)
        original = dict(zip(takes_words, argv, strict=True)).get(unknown[0], unknown[0])
        kind = "option" if original.startswith("-") else "word"
        known = sub.options() if kind == "option" else ()
        raise UsageError(f"unknown {kind}: {original}", hint=_suggestion(original, known, sub.prog))
    if words is not None:
        args.words = [*words, *(word for word in extras if word != "--")]
    _refuse_meaningless(parser, args)
    return args


def _refuse_meaningless(parser: SqtuiParser, args: argparse.Namespace) -> None:
    """An option before the command that the command would not take after it either: to ignore it would mislead."""
    leaf = _parser_of(parser, args)
    for dest, option in _MEANINGFUL.items():
        given = getattr(args, dest) or None
        if leaf is not parser and given not in (None, parser.get_default(dest)) and option not in leaf.options():
            raise UsageError(f"{option} means nothing to {leaf.prog}", hint=f"see: {leaf.prog} --help")


def mark_exclusions(word: str) -> str:
    """``-Foo``, which no option of ours is, as ``!Foo``: the same filter term, and no option to argparse."""
    found = _EXCLUSION.fullmatch(word)
    return f"!{found['term']}" if found else word


def _parser_of(parser: SqtuiParser, args: argparse.Namespace) -> SqtuiParser:
    """The innermost parser that the words led to."""
    for action in parser.actions():
        if isinstance(action, argparse._SubParsersAction):
            chosen = parser.children().get(getattr(args, action.dest, None) or "")
            return parser if chosen is None else _parser_of(chosen, args)
    return parser
