"""A plan as a dialog, `--dry-run` and JSON show it: what it is for, what it costs, and whether it can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Matching, Rows, Selection, Whole
from sidekiq_tui.presentation import deeds, units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, label_role
from sidekiq_tui.presentation.records import Record, number, plain

if TYPE_CHECKING:
    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.plan import Plan, Price

FINGERPRINT_SHOWN: Final = 12
"""Digits of a fingerprint that are shown, and that `--plan` takes for all of it."""
_MOST: Final = 3
_PUSHES: Final = (catalog.Retry, catalog.Enqueue, catalog.Copy, catalog.Enlist)
"""What puts jobs into queues that they name themselves: even a single one is worth telling."""
_MODES: Final = {
    "A": "",
    "B": "this user may not write sqtui's own keys: no trash, and a lost answer stays unknown",
    "C": "this user may not run scripts: by transactions",
    "R": "nothing can be written",
}


def plan_facts(plan: Plan, context: Context, *, full: bool = False) -> tuple[tuple[str, Cell], ...]:
    """Names and values in the order of the dialog, empty ones left out; `full`: price, mode and fingerprint too."""
    return tuple((key, cell) for key, cell in _facts(plan, context, full) if any(text for text, _ in cell))


def _facts(plan: Plan, context: Context, full: bool) -> Iterator[tuple[str, Cell]]:
    operation = plan.operation
    yield "from" if isinstance(operation, catalog.OfJobs) else "on", _where(plan, context)
    yield "meant for" if isinstance(operation, catalog.ReturnStaged) else "to", _whereto(plan, context)
    selection = selection_of(operation)
    if isinstance(selection, Matching):
        yield "filter", _text(context.safe(selection.matcher.text))
    yield "change", _text(deeds.changes(operation, context))
    yield "classes", _shares(plan.classes, context, full, estimated=plan.estimated)
    if len(plan.queues) > 1 or isinstance(operation, _PUSHES):
        yield "queues", _shares(plan.queues, context, full)
    yield "run at", _text(_times(operation, context))
    yield "counted", _counted(plan, context)
    for reason, count in plan.stays:
        yield "stays", (Span(f"{count:,} {context.safe(reason)}", "warn"),)
    for note in plan.notes:
        yield "note", (Span(f"{context.glyphs.warn} {context.safe(note)}", "warn"),)
    if plan.refused:
        yield "refused", (Span(f"{context.glyphs.forbidden} {context.safe(plan.refused)}", "bad"),)
    if not plan.refused:
        yield "undo", _text(context.safe(plan.undo))
    if not plan.refused and (full or plan.price.memory):
        yield "price", _text(_price(plan.price))
    yield "mode", (Span(_MODES[plan.mode], "warn"),)
    if full:
        yield "user", _text("" if plan.user is None else context.safe(plan.user))
        yield "plan", (Span(plan.fingerprint[:FINGERPRINT_SHOWN], "accent"),)


def selection_of(operation: Operation) -> Selection | None:
    """The jobs that an operation is for, if it is for jobs."""
    if isinstance(operation, catalog.OfJobs):
        return operation.jobs
    return operation.place if isinstance(operation, catalog.Clear) else None


def _where(plan: Plan, context: Context) -> Cell:
    selection = selection_of(plan.operation)
    copied = plan.peer if isinstance(plan.operation, catalog.CopyAcross) else None
    server = (
        _server(plan.server, plan.label, context) if copied is None else _server(copied.name, copied.label, context)
    )
    if selection is None:
        return (*server, *_subjects(plan.operation, context))
    places = deeds.selected_places(selection, context)
    # What goes on with a move from another machine knows the server alone.
    return (Span(f"{places[:1].upper()}{places[1:]} on "), *server) if places else server


def _whereto(plan: Plan, context: Context) -> Cell:
    """The server that jobs go to, of an operation between two."""
    if plan.peer is None:
        return ()
    if isinstance(plan.operation, catalog.CopyAcross):
        return _server(plan.server, plan.label, context)
    return _server(plan.peer.name, plan.peer.label, context)


def _server(name: str, label: str | None, context: Context) -> Cell:
    """A server in the colour of its label."""
    role = label_role(label)
    shown = (Span(f"  {deeds.name(label, context)}", role),) if label else ()
    return (Span(deeds.name(name, context), f"{role} strong"), *shown)


def _subjects(operation: Operation, context: Context) -> Cell:
    """The queues, processes, jobs or profiles that are named."""
    names = (operation.operation,) if isinstance(operation, catalog.Undo) else deeds.named(operation)
    shown = ", ".join(deeds.name(one, context) for one in names[:_MOST])
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return (Span(f"  {shown}{more}"),) if shown else ()


def _shares(counts: Sequence[tuple[str, int]], context: Context, full: bool, *, estimated: bool = False) -> Cell:
    most = len(counts) if full else _MOST
    about = "about " if estimated else ""
    shown = [f"{deeds.name(key, context)} {about}{units.count(count)}" for key, count in counts[:most]]
    rest = len(counts) - most
    return _text("  ".join([*shown, f"and {rest:,} more"] if rest > 0 else shown))


def _times(operation: Operation, context: Context) -> str:
    """When new jobs will run that are not for now."""
    if not isinstance(operation, catalog.Enlist):
        return ""
    times = [at for _, _, at in operation.payloads if at is not None]
    if not times:
        return ""
    first, last = (units.clock(at, context.now, utc=context.time_mode == "utc") for at in (min(times), max(times)))
    span = first if first == last else f"{first} … {last}"
    others = len(operation.payloads) - len(times)
    return f"{span}, but {others:,} at once" if others else span


def _counted(plan: Plan, context: Context) -> Cell:
    if not plan.total:
        return ()
    read = "all read" if plan.read >= plan.total else f"{units.count(plan.read)} read"
    return _text(f"{plan.count:,} of {plan.total:,}, {read}, {units.age(context.now - plan.made_at)} ago")


def _price(price: Price) -> str:
    parts = [f"{price.calls:,} {'call' if price.calls == 1 else 'calls'}"] if price.calls else []
    if price.seconds:
        parts.append(f"about {units.duration(price.seconds)}")
    for bytes_, word in ((price.sent, "sent"), (price.received, "received")):
        if bytes_:
            parts.append(f"{units.size(bytes_)} {word}")
    if price.memory:
        parts.append(f"{units.size(price.memory)} of the server's memory")
    if price.longest_call:
        parts.append(f"others wait {units.duration(price.longest_call)} at most")
    return ", ".join(parts)


def _text(text: str) -> Cell:
    return (Span(text),) if text else ()


def plan_record(plan: Plan) -> Record:
    """A plan for JSON, with nothing left out but the entries themselves."""
    price = plan.price
    return {
        "operation": deeds.word(plan.operation),
        "level": plan.operation.level,
        "parameters": _parameters(plan.operation),
        "selection": _selection_record(selection_of(plan.operation)),
        "label": plan.label,
        "peer": None if plan.peer is None else {"server": plan.peer.name, "label": plan.peer.label},
        "fingerprint": plan.fingerprint,
        "mode": plan.mode,
        "user": plan.user,
        "made_at": number(plan.made_at),
        "count": plan.count,
        "places": dict(plan.places),
        "classes": [{"class": name, "count": count} for name, count in plan.classes],
        "queues": [{"queue": name, "count": count} for name, count in plan.queues],
        "estimated": plan.estimated,
        "read": plan.read,
        "total": plan.total,
        "stays": [{"reason": reason, "count": count} for reason, count in plan.stays],
        "notes": list(plan.notes),
        "refused": plan.refused or None,
        "nothing": plan.nothing,
        "undo": None if plan.refused else plan.undo or None,
        "price": {
            "calls": price.calls,
            "seconds": number(price.seconds),
            "sent": price.sent,
            "received": price.received,
            "memory": price.memory,
            "longest_call": number(price.longest_call),
        },
    }


def _parameters(operation: Operation) -> Record:
    """How it is done: every field of the operation but the selection and the payloads."""
    left_out = ("jobs", "place", "payloads", "lost", "only")
    return {
        one.name: plain(dict(value) if isinstance(value, Mapping) else value)
        for one in fields(operation)
        if one.name not in left_out and (value := _value(operation, one.name)) is not None
    }


def _value(operation: Operation, name: str) -> Any:
    return getattr(operation, name)


def _selection_record(selection: Selection | None) -> Record | None:
    match selection:
        case None:
            return None
        case Rows():
            return {"kind": "rows", "rows": len(selection.jobs)}
        case Matching():
            places = [_place_record(place.kind, place.queue) for place in selection.places]
            return {"kind": "matching", "places": places, "filter": selection.matcher.text}
        case Whole():
            return {"kind": "whole", "places": [_place_record(selection.place.kind, selection.place.queue)]}


def _place_record(kind: str, queue: str | None) -> Record:
    return {"place": kind, "queue": queue}
