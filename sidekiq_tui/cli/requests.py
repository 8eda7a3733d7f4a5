"""From the words of a command line to an operation on jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sidekiq_tui.cli.places import Chosen, chosen
from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.when import parse_duration, parse_when

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.servers.server import Server
    from sidekiq_tui.sidekiq.job import PlaceKind

Make = Callable[["Server"], Awaitable["Operation"]]

_SETS: Final[tuple[PlaceKind, ...]] = ("retry", "schedule", "dead")
_ALL: Final[tuple[PlaceKind, ...]] = (*_SETS, "queue")
_KINDS: Final[dict[str, tuple[PlaceKind, ...]]] = {
    "retry": _SETS,
    "enqueue": _SETS,
    "kill": ("retry", "schedule", "queue"),
    "delete": _ALL,
    "move": _ALL,
    "front": ("queue",),
    "copy": _ALL,
    "reschedule": ("retry", "schedule"),
    "edit": _ALL,
}


def job_operation(args: argparse.Namespace) -> tuple[Make, Callable[[str], bool]]:
    """How to make the operation on a server, and which servers its filter is for. Raises `UsageError`."""
    where = chosen(args).only(*_KINDS[args.view], command=args.view)
    build = _builder(args, time.time())
    build(_nothing())  # says what is wrong with the words before any server is asked

    async def make(server: Server) -> Operation:
        return build(await where.selection(server))

    return make, where.wants


def clear_operation(args: argparse.Namespace) -> tuple[Make, Callable[[str], bool]]:
    """The same for `clear`."""
    where: Chosen = chosen(args).only(*_ALL, command="clear")
    place = where.whole("clear")
    if args.free and args.keep_here:
        raise UsageError("--free keeps nothing, --keep-here a copy on this machine: say one of them")

    async def make(server: Server) -> Operation:
        return catalog.Clear(place=place, keep=not args.free, here=args.keep_here)

    return make, where.wants


def _nothing() -> Selection:
    from sidekiq_tui.operations.selection import Rows

    return Rows(())


def _builder(args: argparse.Namespace, now: float) -> Callable[[Selection], Operation]:
    match args.view:
        case "retry":
            return lambda jobs: catalog.Retry(jobs=jobs, reset=args.reset, drain=args.drain)
        case "enqueue":
            return lambda jobs: catalog.Enqueue(jobs=jobs, drain=args.drain)
        case "kill":
            return lambda jobs: catalog.Kill(jobs=jobs)
        case "delete":
            return lambda jobs: catalog.Delete(jobs=jobs, keep=not args.for_good)
        case "move":
            return lambda jobs: catalog.MoveToQueue(jobs=jobs, queue=queue_name(args.to), front=args.front)
        case "front":
            return lambda jobs: catalog.ToFront(jobs=jobs)
        case "copy":
            at, fields = moment(args, now), fields_of(args)
            queue = None if args.to is None else queue_name(args.to)
            return lambda jobs: catalog.Copy(jobs=jobs, queue=queue, at=at, fields=fields)
        case "reschedule":
            return _reschedule(args, now)
    return _edit(args)


def _reschedule(args: argparse.Namespace, now: float) -> Callable[[Selection], Operation]:
    at = moment(args, now)
    by = None if args.by is None else _offset(args.by)
    over = None if args.over is None else parse_duration(args.over)
    if at is None and by is None and over is None:
        raise UsageError("reschedule to when?", hint="--at WHEN, --by DURATION or --over DURATION")
    if by is not None and (at is not None or over is not None):
        raise UsageError("--by shifts, and goes with neither --at nor --over")
    return lambda jobs: catalog.Reschedule(jobs=jobs, at=at, by=by, over=over)


def _edit(args: argparse.Namespace) -> Callable[[Selection], Operation]:
    fields, drop = fields_of(args), tuple(dict.fromkeys(args.drop))
    if not fields and not drop:
        raise UsageError("edit what?", hint="--args JSON, --set FIELD=JSON or --drop FIELD")
    both = [name for name in drop if name in fields]
    if both:
        raise UsageError(f"{both[0]} is both set and dropped")
    return lambda jobs: catalog.Edit(jobs=jobs, fields=fields, drop=drop)


def moment(args: argparse.Namespace, now: float) -> float | None:
    """The time of `--at`, in Unix seconds. Raises `UsageError`."""
    return None if args.at is None else parse_when(args.at, now, utc=args.time == "utc").moment(now)


def _offset(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    return sign * parse_duration(text.lstrip("+-"))


def fields_of(args: argparse.Namespace) -> dict[str, object]:
    """What `--args` and `--set` set. Raises `UsageError` for what is no JSON, and for arguments that are no list."""
    fields = set_fields(args.set)
    if args.args is not None:
        fields["args"] = json_value(args.args, "--args")
    if "args" in fields and not isinstance(fields["args"], list):
        raise UsageError("arguments are a JSON list", hint="""for example: --args '[42, "EUR"]'""")
    return fields


def set_fields(texts: Sequence[str]) -> dict[str, object]:
    """The fields of `--set FIELD=JSON`. Raises `UsageError`."""
    fields: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"--set: not FIELD=JSON: {text}", hint="for example: --set retry=5")
        fields[name] = json_value(value, f"--set {name}")
    return fields


def json_value(text: str, option: str) -> Any:
    """A JSON value. Raises `UsageError`."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise UsageError(f"{option}: not JSON: {text[:60]}", hint="""texts need their quotes: '"EUR"'""") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


def queue_name(text: str) -> str:
    """A queue's name. Raises `UsageError` for an empty one."""
    if not text.strip():
        raise UsageError("a queue needs a name")
    return text
