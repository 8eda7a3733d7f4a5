"""Operations in words: what dialogs, messages and the command line call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Matching, Rows, Selection, Whole
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.values import json_text

if TYPE_CHECKING:
    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.presentation.columns.base import Context
    from sidekiq_tui.sidekiq.job import Place

_NAMED: Final = 3
"""So many places are named; of more only the number is told."""
_NAME_CELLS: Final = 60
"""A longer name could imitate the question (operations-safety 14.3)."""


class Deed(NamedTuple):
    """The forms of a verb, and what it is done to."""

    do: str
    doing: str
    done: str
    thing: str = "job"
    things: str = "jobs"


_DEEDS: Final = {
    "retry": Deed("retry", "retrying", "retried"),
    "enqueue": Deed("enqueue", "enqueuing", "enqueued"),
    "kill": Deed("kill", "killing", "killed"),
    "delete": Deed("delete", "deleting", "deleted"),
    "reschedule": Deed("reschedule", "rescheduling", "rescheduled"),
    "edit": Deed("edit", "editing", "edited"),
    "move": Deed("move", "moving", "moved"),
    "front": Deed("move", "moving", "moved"),
    "copy": Deed("copy", "copying", "copied"),
    "push": Deed("push", "pushing", "pushed"),
    "import": Deed("import", "importing", "imported"),
    "transfer": Deed("move", "moving", "moved"),
    "evacuate": Deed("move everything", "moving", "moved"),
    "copy-across": Deed("copy", "copying", "copied"),
    "synchronise": Deed("copy what is missing", "copying", "copied"),
    "push-again": Deed("push again", "pushing again", "pushed again"),
    "return": Deed("put back", "putting back", "put back"),
    "clear": Deed("clear", "clearing", "cleared"),
    "pause": Deed("pause", "pausing", "paused", "queue", "queues"),
    "unpause": Deed("unpause", "unpausing", "unpaused", "queue", "queues"),
    "quiet": Deed("quiet", "quieting", "quieted", "process", "processes"),
    "stop": Deed("stop", "stopping", "stopped", "process", "processes"),
    "dump": Deed("dump the threads of", "asking", "asked", "process", "processes"),
    "prune": Deed("forget", "forgetting", "forgot", "lost process", "lost processes"),
    "cancel": Deed("cancel", "cancelling", "cancelled", "iterable job", "iterable jobs"),
    "reset": Deed("reset", "resetting", "reset", "counter", "counters"),
    "profile": Deed("delete", "deleting", "deleted", "profile", "profiles"),
    "undo": Deed("put back", "putting back", "put back", "entry", "entries"),
}
_SIGNALS: Final = {"TSTP": "quiet", "TERM": "stop", "TTIN": "dump"}
_PLACES: Final = {"retry": "retries", "schedule": "scheduled", "dead": "dead", "queue": "queue", "work": "running jobs"}


def word(operation: Operation) -> str:
    """The word of the command line for an operation: `retry`, `unpause`, `quiet`."""
    match operation:
        case catalog.SignalProcesses():
            return _SIGNALS[operation.signal]
        case catalog.Pause(paused=False):
            return "unpause"
        case catalog.Enlist(imported=True):
            return "import"
    return operation.kind


def deed(operation: Operation) -> Deed:
    """What doing an operation is called."""
    return _DEEDS[word(operation)]


def deed_of(kind: str) -> Deed:
    """The same for a word, as audit lines and undo entries have it; one that is not known is done as it is called."""
    return _DEEDS.get(kind) or Deed(kind, kind, kind, "entry", "entries")


def amount(count: int, one: Deed) -> str:
    """`1 job`, `12,345 jobs`: what is confirmed is told to the last digit."""
    return f"{count:,} {one.thing if count == 1 else one.things}"


def title(plan: Plan, context: Context) -> str:
    """`Delete 118 jobs`, `Move 3 jobs to queue low`, `Clear retries: 932 jobs`; safe text."""
    one, operation = deed(plan.operation), plan.operation
    done = f"{one.do[0].upper()}{one.do[1:]}"
    many = amount(plan.count, one)
    match operation:
        case catalog.Clear():
            return f"{done} {selected_places(operation.place, context)}: {many}"
        case catalog.ResetStatistics():
            return f"{done} {' and '.join(operation.counters)}"
        case catalog.ToFront():
            return f"Move {many} to the front"
        case catalog.Evacuate():
            return f"Move everything to {name(operation.target, context)}: {many}"
        case catalog.Synchronise():
            place = selected_places(operation.jobs, context)
            return f"Synchronise {place} with {name(operation.source, context)}: copy {many}"
        case catalog.ReturnStaged():
            return f"Put back {many} of an unfinished move"
        case catalog.Undo():
            return f"Undo: put back {many}"
    more = " for good" if isinstance(operation, catalog.Delete) and not operation.keep else ""
    return f"{done} {many}{more}{_whither(plan, context)}"


def _whither(plan: Plan, context: Context) -> str:
    operation = plan.operation
    match operation:
        case catalog.MoveToQueue():
            front = ", at its front" if operation.front else ""
            return f" to queue {name(operation.queue, context)}{front}"
        case catalog.Transfer():
            return f" to {name(operation.target, context)}{_their_queue(operation.queue, context)}"
        case catalog.CopyAcross():
            return f" to {name(plan.server, context)}{_their_queue(operation.queue, context)}"
        case catalog.Copy():
            queue = "" if operation.queue is None else f" to queue {name(operation.queue, context)}"
            return queue + ("" if operation.at is None else f" for {_moment(operation.at, context)}")
        case catalog.Reschedule():
            return _when(operation, context)
        case catalog.Retry(reset=True):
            return " from the beginning"
    return ""


def _their_queue(queue: str | None, context: Context) -> str:
    return "" if queue is None else f", queue {name(queue, context)}"


def _when(operation: catalog.Reschedule, context: Context) -> str:
    if operation.by is not None:
        return f" by {units.duration(abs(operation.by))} {'later' if operation.by >= 0 else 'earlier'}"
    start = "now" if operation.at is None else _moment(operation.at, context)
    return f" to {start}" if operation.over is None else f" over {units.duration(operation.over)} from {start}"


def _moment(at: float, context: Context) -> str:
    return units.clock(at, context.now, utc=context.time_mode == "utc")


def row_question(plan: Plan, context: Context) -> str:
    """The question about one row: `delete Invoice::ChargeJob e5d1f0a9…?`; safe text."""
    one = deed(plan.operation)
    jobs = plan.targets.jobs if plan.targets is not None else None
    if plan.count != 1 or not jobs or not isinstance(plan.operation, catalog.OfJobs):
        shown = title(plan, context)
        return _question_about(plan, context) or f"{shown[0].lower()}{shown[1:]}?"
    job = jobs[0]
    jid = name(job.jid, context, 9) if job.jid else ""
    subject = " ".join(part for part in (name(job.display_class or "an undecodable job", context), jid) if part)
    if isinstance(plan.operation, catalog.ToFront):
        return f"move {subject} to the front?"
    return f"{one.do} {subject}{_whither(plan, context)}?"


def _question_about(plan: Plan, context: Context) -> str:
    """The same about one queue, process, running job, profile or new job; empty for anything else."""
    one, operation = deed(plan.operation), plan.operation
    names = named(operation)
    if plan.count == 1 and len(names) == 1:
        return f"{one.do} {one.thing} {name(names[0], context)}?"
    if isinstance(operation, catalog.Enlist) and plan.count == len(plan.classes) == len(operation.payloads) == 1:
        _, queue, at = operation.payloads[0]
        when = "" if at is None else f" for {_moment(at, context)}"
        return f"{one.do} {name(plan.classes[0][0], context)} to queue {name(queue, context)}{when}?"
    return ""


def named(operation: Operation) -> tuple[str, ...]:
    """The queues, processes, running jobs or profiles that an operation names; not safe to show."""
    match operation:
        case catalog.Pause():
            return operation.queues
        case catalog.SignalProcesses() | catalog.PruneProcesses():
            return operation.identities
        case catalog.CancelJobs():
            return operation.jids
        case catalog.DeleteProfiles():
            return operation.profiles
    return ()


def name(text: str, context: Context, cells: int = _NAME_CELLS) -> str:
    """A name out of Redis, safe and short enough that it cannot imitate what stands around it."""
    from sidekiq_tui.presentation.text import clip

    return clip(context.safe(text), cells, ellipsis=context.glyphs.cut)


def place_words(place: Place, context: Context) -> str:
    """`retries`, `queue mailers`; safe text."""
    words = _PLACES[place.kind]
    return words if place.queue is None else f"{words} {name(place.queue, context)}"


def selected_places(selection: Selection, context: Context) -> str:
    """Where a selection's jobs lie, in words; safe text."""
    match selection:
        case Whole():
            places: list[Place] = [selection.place]
        case Matching():
            places = list(selection.places)
        case Rows():
            places = list(dict.fromkeys(job.place for job in selection.jobs))
    if len(places) <= _NAMED:
        return ", ".join(place_words(place, context) for place in places)
    queues = sum(place.kind == "queue" for place in places)
    sets = [place_words(place, context) for place in places if place.kind != "queue"]
    return ", ".join([*sets, f"{queues:,} queues"] if queues else sets)


def changes(operation: Operation, context: Context) -> str:
    """What an edit sets and drops, with values; safe text, empty for what changes no field."""
    if not isinstance(operation, catalog.Edit | catalog.Copy | catalog.Across):
        return ""
    parts = [f"{name(field, context)} = {context.safe(json_text(value))}" for field, value in operation.fields.items()]
    if isinstance(operation, catalog.Edit | catalog.Across):
        parts += [f"without {name(field, context)}" for field in operation.drop]
    return ", ".join(parts)
