"""Begins an action that changes a server: asks first what it needs to know, then has it planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.when import When, parse_when
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.between import SHORT_CELLS, ask_crossing, named_target, other_servers, queues_of
from sidekiq_tui.tui.change_files import ask_export, ask_import, fill_in
from sidekiq_tui.tui.change_many import begin_many, signal_many
from sidekiq_tui.tui.changing import refusal, selection_words, several, simple_operation
from sidekiq_tui.tui.clipping import put, take
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.edit_job import Changes, EditModal
from sidekiq_tui.tui.modals.pick_queue import OWN_FRONT, Destination
from sidekiq_tui.tui.modals.pick_target import TargetPicker, elsewhere
from sidekiq_tui.tui.modals.reschedule import NewTime, RescheduleModal
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.unfinished import put_back

if TYPE_CHECKING:
    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.sidekiq.batch_items import Signal
    from sidekiq_tui.sidekiq.process import Process
    from sidekiq_tui.tui.actions.action import Action
    from sidekiq_tui.tui.screens.base import ViewScreen

Begin = Callable[["ViewScreen", Subject, str], None]


@runtime_checkable
class PartlyChosen(Protocol):
    """A screen that shows what one operation put into the trash."""

    @property
    def chosen_digests(self) -> tuple[bytes, ...] | None:
        """What stands for the entries that were chosen; None: all."""


_SIGNALS: Final[dict[str, tuple[Signal, str]]] = {
    "quiet-processes": ("TSTP", "Quiet"),
    "stop-processes": ("TERM", "Stop"),
    "dump-threads": ("TTIN", "Dump threads of"),
}


def begin(screen: ViewScreen, action: Action, subject: Subject, argument: str = "") -> None:
    """Begins; `argument` is what followed the word on the command line, and answers the first question."""
    parts = several(action, subject)
    if parts:
        begin_many(screen, action, parts)
        return
    if action.id in _SIGNALS:
        _signal(screen, action.id, subject)
        return
    special = _SPECIAL.get(action.id)
    if special is not None:
        special(screen, subject, argument)
        return
    operation = simple_operation(action.id, subject)
    if operation is not None:
        operating.change(screen, subject.server, operation)


# Queues.


def _pick_target(
    screen: ViewScreen,
    subject: Subject,
    jobs: Selection,
    what: str,
    here: list[Destination],
    argument: str,
    done: Callable[[str], None],
    *,
    copies: bool,
) -> None:
    """Asks for a queue of their own server, or another server; `argument` names one or the other."""
    state = screen.app_state

    def cross(target: str, queue: str) -> None:
        ask_crossing(screen, subject, jobs, target, queue, copies=copies, what=what)

    def picked(answer: str | None) -> None:
        found = None if answer is None else elsewhere(answer)
        if found is not None:
            cross(*found)
        elif answer is not None:
            done(answer)

    if argument:
        try:
            found = named_target(state, subject.server, argument)
        except SqtuiError as error:
            screen.say(operating.words_of(error), "bad")
            return
        refused = refusal(state, subject.server, "operate")
        if found is not None:
            cross(*found)
        elif refused is not None:
            screen.say(refused, "warn")
        else:
            done(argument)
        return
    if refusal(state, subject.server, "operate") is not None:
        here = []  # copies can leave a server on which nothing may be changed
    others = other_servers(state, subject.server)
    title = f"{'Copy' if copies else 'Move'} {what} to"
    screen.app.push_screen(TargetPicker(title, subject.server, here, others, ascii=state.ascii), picked)


def _move(screen: ViewScreen, subject: Subject, argument: str) -> None:
    jobs = subject.jobs
    if jobs is None:
        return
    own = _own_queue(jobs, subject)
    entries = queues_of(screen.app_state, subject.server, without=own)
    if own is not None:
        entries.insert(0, Destination(OWN_FRONT, words=f"of {display_text(own, 40)}: they run next"))

    def done(name: str) -> None:
        operation: catalog.Operation = (
            catalog.ToFront(jobs=jobs) if name == OWN_FRONT else catalog.MoveToQueue(jobs=jobs, queue=name)
        )
        operating.change(screen, subject.server, operation)

    _pick_target(screen, subject, jobs, selection_words(subject), entries, argument, done, copies=False)


def _own_queue(jobs: Selection, subject: Subject) -> str | None:
    """The queue that the jobs lie in, where that is one."""
    if isinstance(jobs, Whole):
        return jobs.place.queue
    return subject.whole.queue if subject.whole is not None else None


def _move_queue(screen: ViewScreen, subject: Subject, argument: str) -> None:
    if subject.queue is None:
        return
    jobs = Whole(Place("queue", subject.queue))

    def done(name: str) -> None:
        operating.change(screen, subject.server, catalog.MoveToQueue(jobs=jobs, queue=name))

    entries = queues_of(screen.app_state, subject.server, without=subject.queue)
    what = f"all of {display_text(subject.queue, SHORT_CELLS)}"
    _pick_target(screen, subject, jobs, what, entries, argument, done, copies=False)


def _copy_queue(screen: ViewScreen, subject: Subject, argument: str) -> None:
    if subject.queue is not None:
        what = f"all of {display_text(subject.queue, SHORT_CELLS)}"
        _copy_these(screen, subject, Whole(Place("queue", subject.queue)), what, argument)


def _copy(screen: ViewScreen, subject: Subject, argument: str) -> None:
    if subject.jobs is not None:
        _copy_these(screen, subject, subject.jobs, selection_words(subject), argument)


def _copy_these(screen: ViewScreen, subject: Subject, jobs: Selection, what: str, argument: str) -> None:
    def done(name: str) -> None:
        operating.change(screen, subject.server, catalog.Copy(jobs=jobs, queue=name))

    entries = queues_of(screen.app_state, subject.server)
    _pick_target(screen, subject, jobs, what, entries, argument, done, copies=True)


def _pause(screen: ViewScreen, subject: Subject, argument: str) -> None:
    queue = argument or subject.queue
    if queue is None:
        return
    overview = screen.app_state.snapshots[subject.server].overview
    known = overview.queues if overview is not None else ()
    paused = any(one.paused for one in known if one.name == queue)
    operating.change(screen, subject.server, catalog.Pause(queues=(queue,), paused=not paused))


# Jobs.


def _reschedule(screen: ViewScreen, subject: Subject, argument: str) -> None:
    jobs = subject.jobs
    if jobs is None:
        return

    def done(new: NewTime | None) -> None:
        if new is not None:
            operation = catalog.Reschedule(jobs=jobs, at=new.when.at, by=new.when.by, over=new.over)
            operating.change(screen, subject.server, operation)

    state = screen.app_state
    if argument:
        when = _typed_when(screen, argument)
        if when is not None:
            done(NewTime(when))
        return
    screen.app.push_screen(RescheduleModal(f"Reschedule {selection_words(subject)}", context_of(state)), done)


def _typed_when(screen: ViewScreen, text: str) -> When | None:
    state = screen.app_state
    try:
        return parse_when(text, state.clock(), utc=state.time_mode == "utc")
    except SqtuiError as error:
        screen.say(operating.words_of(error), "bad")
        return None


def _edit(screen: ViewScreen, subject: Subject, _: str) -> None:
    jobs = subject.jobs
    if jobs is None:
        return

    def done(changes: Changes | None) -> None:
        if changes is not None:
            operation = catalog.Edit(jobs=jobs, fields=changes.fields, drop=changes.drop)
            operating.change(screen, subject.server, operation)

    job = subject.job
    named = job.display_class if job is not None else None
    title = f"Edit {display_text(named, 60) if named else selection_words(subject)}"
    screen.app.push_screen(EditModal(title, job, ascii=screen.app_state.ascii), done)


# Processes.


def _signal(screen: ViewScreen, identifier: str, subject: Subject) -> None:
    signal, verb = _SIGNALS[identifier]
    groups: list[tuple[str, str, tuple[Process, ...]]] = []
    if subject.process is not None:
        own = subject.process
        groups.append((display_text(own.identity.rpartition(":")[0] or own.identity, 40), "this one", (own,)))
    which = "that the filter shows" if subject.narrowed else "all there are"
    if len(subject.processes) > 1 or not groups:
        on = f" on {display_text(subject.server, 20)}" if subject.wider else ""
        groups.append((f"{len(subject.processes):,} processes{on}", which, subject.processes))
    if len(subject.wider) > 1:
        every = tuple(process for part in subject.wider for process in part.processes)
        groups.append((f"{len(every):,} processes on {len(subject.wider)} servers", which, every))

    def taken(index: int | None) -> None:
        if index is not None and len(subject.wider) > 1 and index == len(groups) - 1:
            signal_many(screen, signal, subject.wider)
        elif index is not None:
            identities = tuple(one.identity for one in groups[index][2])
            operation = catalog.SignalProcesses(signal=signal, identities=identities)
            operating.change(screen, subject.server, operation)

    if len(groups) == 1:
        taken(0)
        return
    ways = [(name, meaning) for name, meaning, _ in groups]
    screen.app.push_screen(ChoiceModal(verb, ways, ascii=screen.app_state.ascii), taken)


# What was done before.


def _restore(screen: ViewScreen, subject: Subject, _: str) -> None:
    if subject.entry is None:
        return
    begun = screen.app_state.unfinished.get(subject.server, ())
    if any(one.id == subject.entry for one in begun):
        put_back(screen, subject.server, subject.entry)
    else:
        only = screen.chosen_digests if isinstance(screen, PartlyChosen) else None
        words = subject.entry_words if only is None else f"{len(only):,} of '{subject.entry_words}'"
        undo = catalog.Undo(operation=subject.entry, only=only)
        operating.change(screen, subject.server, undo, (("what", (Span(words),)),))


def _continue(screen: ViewScreen, subject: Subject, _: str) -> None:
    if subject.entry is not None:
        operating.resume(screen, subject.server, subject.entry)


def _end(screen: ViewScreen, subject: Subject, _: str) -> None:
    if subject.entry is not None:
        operating.end(screen, subject.server, subject.entry)


_SPECIAL: Final[dict[str, Begin]] = {
    "move-jobs": _move,
    "move-queue": _move_queue,
    "copy-queue": _copy_queue,
    "copy-jobs": _copy,
    "cut-jobs": lambda screen, subject, _: take(screen, subject, moves=True),
    "take-jobs": lambda screen, subject, _: take(screen, subject, moves=False),
    "paste-jobs": put,
    "pause-queue": _pause,
    "reschedule-jobs": _reschedule,
    "edit-jobs": _edit,
    "new-job": fill_in,
    "import-jobs": ask_import,
    "export-jobs": ask_export,
    "export-queue": ask_export,
    "restore-entries": _restore,
    "continue-operation": _continue,
    "end-operation": _end,
}
