"""Begins an action that changes several servers: asks first what it needs to know, once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations import catalog
from sidekiq_tui.presentation import units
from sidekiq_tui.tui.changing import simple_operation
from sidekiq_tui.tui.modals.edit_job import Changes, EditModal
from sidekiq_tui.tui.modals.reschedule import NewTime, RescheduleModal
from sidekiq_tui.tui.operating_many import change_many
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.sidekiq.batch_items import Signal
    from sidekiq_tui.tui.actions.action import Action
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.subject import Subject

Parts = Sequence["Subject"]


def begin_many(screen: ViewScreen, action: Action, parts: Parts) -> None:
    """Begins what is to be done on all of these servers."""
    special = _SPECIAL.get(action.id)
    if special is not None:
        special(screen, parts)
        return
    found = [(part.server, simple_operation(action.id, part)) for part in parts]
    change_many(screen, {server: operation for server, operation in found if operation is not None})


def signal_many(screen: ViewScreen, signal: Signal, parts: Parts) -> None:
    """Sends a signal to all processes of all of these servers."""
    identities = {part.server: tuple(one.identity for one in part.processes) for part in parts}
    doing = {name: catalog.SignalProcesses(signal=signal, identities=those) for name, those in identities.items()}
    change_many(screen, doing)


def _for_jobs(screen: ViewScreen, parts: Parts, build: Callable[[Selection], catalog.Operation]) -> None:
    change_many(screen, {part.server: build(part.jobs) for part in parts if part.jobs is not None})


def _words(parts: Parts) -> str:
    known = [part.count for part in parts if part.count is not None]
    many = f"{units.count(sum(known))} jobs" if len(known) == len(parts) else "jobs"
    return f"{many} on {len(parts)} servers"


def _reschedule(screen: ViewScreen, parts: Parts) -> None:
    def done(new: NewTime | None) -> None:
        if new is not None:
            at, by, over = new.when.at, new.when.by, new.over
            _for_jobs(screen, parts, lambda jobs: catalog.Reschedule(jobs=jobs, at=at, by=by, over=over))

    modal = RescheduleModal(f"Reschedule {_words(parts)}", context_of(screen.app_state))
    screen.app.push_screen(modal, done)


def _edit(screen: ViewScreen, parts: Parts) -> None:
    def done(changes: Changes | None) -> None:
        if changes is not None:
            fields, drop = changes.fields, changes.drop
            _for_jobs(screen, parts, lambda jobs: catalog.Edit(jobs=jobs, fields=fields, drop=drop))

    screen.app.push_screen(EditModal(f"Edit {_words(parts)}", None, ascii=screen.app_state.ascii), done)


def _pause(screen: ViewScreen, parts: Parts) -> None:
    """Pauses the queue where it runs; where it is paused everywhere, lets it run on."""
    running = [part for part in parts if not _is_paused(screen, part)]
    queues = {part.server: (part.queue,) for part in running or parts if part.queue is not None}
    change_many(screen, {name: catalog.Pause(queues=those, paused=bool(running)) for name, those in queues.items()})


def _is_paused(screen: ViewScreen, part: Subject) -> bool:
    overview = screen.app_state.snapshots[part.server].overview
    known = overview.queues if overview is not None else ()
    return any(one.paused for one in known if one.name == part.queue)


_SPECIAL: Final[dict[str, Callable[[ViewScreen, Parts], None]]] = {
    "reschedule-jobs": _reschedule,
    "edit-jobs": _edit,
    "pause-queue": _pause,
}
