"""Moves and copies between servers as a person asks for them: which servers there are, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.redaction import EMAIL
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.presentation import deeds
from sidekiq_tui.presentation.columns.base import Cell, Span, label_role
from sidekiq_tui.presentation.columns.queues import fetching_processes
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.named import server_and_queue
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.corner import server_tabs
from sidekiq_tui.tui.modals.cross import Crossing, CrossModal
from sidekiq_tui.tui.modals.pick_queue import Destination
from sidekiq_tui.tui.modals.pick_target import ServerChoice
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.sidekiq.job import JobRecord
    from sidekiq_tui.tui.modals.confirm import Fact
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.state import AppState
    from sidekiq_tui.tui.subject import Subject

SHORT_CELLS: Final = 40
"""Of a queue's name in a title."""


# Which servers.


def why_not_target(state: AppState, server: str) -> str:
    """Why nothing can be put on a server from another one, in words; empty: it can."""
    snapshot = state.snapshots[server]
    if state.operations is None:
        return "nothing can be changed in this session"
    if state.access(snapshot.profile) == "read-only":
        return "read-only here"
    if snapshot.error is not None:
        return "does not answer"
    return "" if snapshot.overview is not None else "has not answered yet"


def other_servers(state: AppState, own: str) -> list[ServerChoice]:
    """All servers but the jobs' own, as they may be chosen."""
    return [
        ServerChoice(tab.name, words="the same queue or set there", tab=tab, refused=why_not_target(state, tab.name))
        for tab in server_tabs(state)
        if tab.name != own
    ]


def any_target(state: AppState, own: str) -> bool:
    """Whether there is another server that jobs may come to."""
    return any(not why_not_target(state, name) for name in state.servers if name != own)


def queues_of(state: AppState, server: str, *, without: str | None = None) -> list[Destination]:
    """The queues of the last poll, by name, with who serves them."""
    overview = state.snapshots[server].overview
    if overview is None:
        return []
    known = overview.live_processes is not None
    serving = fetching_processes(overview.processes)
    return [
        Destination(queue.name, queue.size, serving.get(queue.name, 0) if known else None)
        for queue in sorted(overview.queues, key=lambda one: one.name)
        if queue.name != without
    ]


def named_target(state: AppState, own: str, text: str) -> tuple[str, str] | None:
    """The other server, and the queue there, that `staging` or `staging:low` names; None: it names none.

    Raises `UsageError` when nothing can go there.
    """
    found = server_and_queue(text, (name for name in state.servers if name != own))
    if found is None:
        return None
    name, queue = found
    reason = why_not_target(state, name)
    if reason:
        raise UsageError(f"{name}: {reason}")
    return name, queue or ""


# What it comes to.


def ask_crossing(
    screen: ViewScreen, subject: Subject, jobs: Selection, target: str, queue: str, *, copies: bool, what: str
) -> None:
    """Asks how, then shows the plan. `what`: the jobs in words, for the title."""
    state = screen.app_state
    profile = state.snapshots[target].profile
    rules = tuple(profile.redact)
    facts: list[Fact] = [("from", (*_places(state, jobs), *server_cell(state, subject.server)))]
    facts.append(("to", server_cell(state, target)))
    if rules:
        facts.append(("redact", (Span(display_text(f"by the rules of its profile: {', '.join(rules)}", 70)),)))

    def done(chosen: Crossing | None) -> None:
        if chosen is not None:
            where, operation = crossing(state, subject.server, jobs, target, chosen, copies=copies)
            operating.change(screen, where, operation)

    modal = CrossModal(
        f"{'Copy' if copies else 'Move'} {what} to {display_text(target, SHORT_CELLS)}",
        facts,
        queues_of(state, target),
        copies=copies,
        whole=isinstance(jobs, Whole),
        job=only_job(jobs),
        redacts=bool(rules),
        queue=queue,
        ascii=state.ascii,
    )
    screen.app.push_screen(modal, done)


def crossing(
    state: AppState, source: str, jobs: Selection, target: str, chosen: Crossing, *, copies: bool
) -> tuple[str, catalog.Operation]:
    """The server to plan on, and the operation."""
    redact = rules_of(state, target, emails=chosen.redact)
    if not copies:
        moved = catalog.Transfer(jobs=jobs, target=target, queue=chosen.queue, fields=chosen.fields, redact=redact)
        return source, moved
    if chosen.missing:
        return target, catalog.Synchronise(
            jobs=jobs, source=source, queue=chosen.queue, fields=chosen.fields, redact=redact
        )
    return target, catalog.CopyAcross(
        jobs=jobs,
        source=source,
        queue=chosen.queue,
        fields=chosen.fields,
        redact=redact,
        new_jids=chosen.new_jids,
    )


def rules_of(state: AppState, target: str, *, emails: bool = False) -> tuple[str, ...]:
    """What is replaced in jobs that go to a server: by the rules of its profile, or as was asked."""
    return tuple(state.snapshots[target].profile.redact) or ((EMAIL,) if emails else ())


def only_job(jobs: Selection) -> JobRecord | None:
    """The job, where it is one."""
    return jobs.jobs[0] if isinstance(jobs, Rows) and len(jobs.jobs) == 1 else None


def server_cell(state: AppState, name: str) -> Cell:
    """A server in the colour of its label, with its label."""
    context, label = context_of(state), state.snapshots[name].profile.label
    role = label_role(label)
    shown = (Span(f"  {deeds.name(label, context)}", role),) if label else ()
    return (Span(deeds.name(name, context), f"{role} strong"), *shown)


def _places(state: AppState, jobs: Selection) -> Cell:
    words = deeds.selected_places(jobs, context_of(state))
    return (Span(f"{words[:1].upper()}{words[1:]} on "),)


# Whole servers, and places that shall hold the same.


def evacuate(screen: ViewScreen, source: str, name: str) -> None:
    """Has everything that waits on a server moved to another one. Raises `UsageError`."""
    target, queue = _other(screen.app_state, source, name)
    if queue:
        raise UsageError("everything goes to where it is here", hint="evacuate SERVER")
    operating.change(screen, source, catalog.Evacuate(target=target, redact=rules_of(screen.app_state, target)))


def synchronise(screen: ViewScreen, subject: Subject | None, name: str) -> None:
    """Has the place in view copied to another server, as far as it is missing there. Raises `UsageError`."""
    place = None if subject is None else subject.whole
    if subject is None or place is None:
        raise UsageError("sync is for a queue or a set: go to the one that another server shall hold too")
    target, queue = _other(screen.app_state, subject.server, name)
    operation = catalog.Synchronise(
        jobs=Whole(place),
        source=subject.server,
        queue=queue or None,
        redact=rules_of(screen.app_state, target),
    )
    operating.change(screen, target, operation)


def _other(state: AppState, own: str, text: str) -> tuple[str, str]:
    found = named_target(state, own, text)
    if found is None:
        known = ", ".join(one for one in state.servers if one != own)
        itself = server_and_queue(text, (own,)) is not None
        words = f"{own} is where they are" if itself else f"there is no server {text}"
        raise UsageError(words, hint=f"others: {known}" if known else "there is no other")
    return found


def kinds_of(jobs: Selection) -> Sequence[str]:
    """The kinds of places that jobs lie in."""
    match jobs:
        case Rows():
            return list(dict.fromkeys(job.place.kind for job in jobs.jobs))
        case Matching():
            return list(dict.fromkeys(place.kind for place in jobs.places))
        case Whole():
            return [jobs.place.kind]
