"""What may be changed from a screen now, and the operation that a key stands for. Asks nobody and does nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Matching, Rows, Selection, Whole
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.actions.operations import (
    JOB_CHANGES,
    NEW_JOBS,
    PASTE,
    PROCESS_CHANGES,
    PROFILE_CHANGES,
    QUEUE_CHANGES,
    QUEUE_ROWS,
    STATISTICS,
    TRASH,
    WHOLE_CHANGES,
)
from sidekiq_tui.tui.between import any_target
from sidekiq_tui.tui.clipping import why_not_put
from sidekiq_tui.tui.subject import Subject

if TYPE_CHECKING:
    from sidekiq_tui.servers.profile import Access
    from sidekiq_tui.tui.actions.action import Action
    from sidekiq_tui.tui.state import AppState

CHANGING: Final = frozenset(
    {
        JOB_CHANGES,
        WHOLE_CHANGES,
        QUEUE_CHANGES,
        QUEUE_ROWS,
        PASTE,
        PROCESS_CHANGES,
        NEW_JOBS,
        STATISTICS,
        PROFILE_CHANGES,
        TRASH,
    }
)
"""Scopes whose actions are about a screen's subject."""

FOR_SEVERAL: Final = frozenset(
    {
        "retry-jobs",
        "retry-anew",
        "enqueue-jobs",
        "delete-jobs",
        "kill-jobs",
        "front-jobs",
        "reschedule-jobs",
        "edit-jobs",
        "clear-place",
        "pause-queue",
    }
)
"""What can be done on several servers by one question. Processes are asked for in their own way."""

NOTHING: Final = "there is nothing to do that to"
_RANKS: Final = {"read-only": 0, "operate": 1, "full": 2}
_WAITING: Final = frozenset({"retry", "schedule", "dead"})


def refusal(state: AppState, server: str, needs: str) -> str | None:
    """Why nothing that needs that access may be done on a server, in words; None when it may."""
    if not needs:
        return None
    profile = state.snapshots[server].profile
    access: Access = state.access(profile)
    name = display_text(server)
    if state.operations is None:
        return "nothing can be changed in this session"
    if state.read_only:
        return f"{name} is read-only here: sqtui runs with --read-only"
    if _RANKS[access] >= _RANKS[needs]:
        return None
    if access == "read-only":
        return f"{name} is read-only here: access in its profile"
    return f"{name} is for operating only: this takes access = full in its profile"


def reason_against(state: AppState, action: Action, subject: Subject | None) -> str | None:
    """Why an action cannot change anything here and now, in words; None when it can."""
    if subject is None:
        return NOTHING
    if several(action, subject):
        return _reason_for_all(state, action, several(action, subject))
    if subject.refused:
        return subject.refused
    refused = refusal(state, subject.server, action.needs)
    if refused is not None:
        return refused
    if state.snapshots[subject.server].error is not None:
        return f"{display_text(subject.server)} does not answer"
    check = _CHECKS.get(action.id) or _SCOPE_CHECKS.get(action.where)
    return check(state, subject) if check is not None else None


def several(action: Action, subject: Subject) -> tuple[Subject, ...]:
    """What an action would be about on each of several servers; empty where it is about one."""
    if action.where == JOB_CHANGES:
        return subject.parts
    return subject.wider if action.where in (WHOLE_CHANGES, QUEUE_CHANGES) else ()


def _reason_for_all(state: AppState, action: Action, parts: Sequence[Subject]) -> str | None:
    """Why it can be done on no server; the plan names those on which it cannot."""
    if action.id not in FOR_SEVERAL:
        names = ", ".join(display_text(part.server, 20) for part in parts[:3])
        more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
        return f"these are on {len(parts)} servers ({names}{more}): one at a time"
    reasons = [reason_against(state, action, replace(part, parts=(), wider=())) for part in parts]
    return None if None in reasons else reasons[0]


def in_footer(actions: Sequence[Action]) -> list[Action]:
    """Without the ones that another stands for: who retries need not enqueue."""
    retries = any(action.id == "retry-jobs" for action in actions)
    return [action for action in actions if not (retries and action.id == "enqueue-jobs")]


def _about_jobs(state: AppState, subject: Subject) -> str | None:
    if subject.jobs is None:
        return NOTHING
    if isinstance(subject.jobs, Rows) and all(job.place.kind == "work" for job in subject.jobs.jobs):
        return "it is running: what runs can't be changed"
    return None


def _waiting(verb: str) -> Callable[[AppState, Subject], str | None]:
    def check(state: AppState, subject: Subject) -> str | None:
        kinds = _kinds(subject.jobs)
        if kinds and not kinds & _WAITING:
            return f"what waits in a queue needs no {verb}"
        return _about_jobs(state, subject)

    return check


def _retry(state: AppState, subject: Subject) -> str | None:
    if _kinds(subject.jobs) == {"schedule"}:
        return "scheduled jobs have not failed: E enqueues them"
    return _waiting("retry")(state, subject)


def _reschedule(state: AppState, subject: Subject) -> str | None:
    kinds = _kinds(subject.jobs)
    if subject.alive == 0 or (kinds and not kinds & {"retry", "schedule"}):
        return "only retries and scheduled jobs have a time to run"
    return _about_jobs(state, subject)


def _kill(state: AppState, subject: Subject) -> str | None:
    dead = subject.alive == 0 or _kinds(subject.jobs) == {"dead"}
    return "they are dead" if dead else _about_jobs(state, subject)


def _front(state: AppState, subject: Subject) -> str | None:
    kinds = _kinds(subject.jobs)
    return "only jobs of a queue can go to its front" if kinds and "queue" not in kinds else _about_jobs(state, subject)


def _kinds(jobs: Selection | None) -> set[str]:
    """The kinds of places that jobs are in; of many rows those of a few are enough to say why a key does not work."""
    match jobs:
        case Rows():
            return {job.place.kind for job in jobs.jobs}
        case Matching():
            return {place.kind for place in jobs.places}
        case Whole():
            return {jobs.place.kind}
    return set()


def _clear(_: AppState, subject: Subject) -> str | None:
    return NOTHING if subject.whole is None else None


def _queue(_: AppState, subject: Subject) -> str | None:
    return NOTHING if subject.queue is None else None


def _copy(state: AppState, subject: Subject) -> str | None:
    """Copies to another server take nothing from this one."""
    refused = refusal(state, subject.server, "operate")
    if refused is not None and (state.operations is None or not any_target(state, subject.server)):
        return refused
    return _about_jobs(state, subject)


def _copy_queue(state: AppState, subject: Subject) -> str | None:
    return _queue(state, subject) or _copy(state, replace(subject, jobs=_whole_queue(subject)))


def _whole_queue(subject: Subject) -> Selection | None:
    return None if subject.queue is None else Whole(Place("queue", subject.queue))


def _take(state: AppState, subject: Subject) -> str | None:
    """What a person takes is to be put somewhere."""
    return "nothing can be changed in this session" if state.operations is None else _about_jobs(state, subject)


def _processes(_: AppState, subject: Subject) -> str | None:
    return None if subject.processes else "no process is there"


def _prune(_: AppState, subject: Subject) -> str | None:
    return None if subject.ghosts else "no process has left only its name behind"


def _cancel(_: AppState, subject: Subject) -> str | None:
    if subject.running is None:
        return "this is no job"
    return None if subject.running.jid else "it has no JID"


def _profile(_: AppState, subject: Subject) -> str | None:
    return None if subject.profile else "there is no profile"


def _entry(_: AppState, subject: Subject) -> str | None:
    return None if subject.entry else "there is nothing to put back"


_SCOPE_CHECKS: Final = {
    JOB_CHANGES: _about_jobs,
    WHOLE_CHANGES: _clear,
    QUEUE_CHANGES: _queue,
    QUEUE_ROWS: _queue,
    PROCESS_CHANGES: _processes,
    PROFILE_CHANGES: _profile,
    TRASH: _entry,
}
_CHECKS: Final[dict[str, Callable[[AppState, Subject], str | None]]] = {
    "retry-jobs": _retry,
    "retry-anew": _retry,
    "enqueue-jobs": _waiting("enqueuing"),
    "reschedule-jobs": _reschedule,
    "kill-jobs": _kill,
    "front-jobs": _front,
    "copy-jobs": _copy,
    "copy-queue": _copy_queue,
    "take-jobs": _take,
    "paste-jobs": why_not_put,
    "prune-processes": _prune,
    "cancel-job": _cancel,
}


def simple_operation(action_id: str, subject: Subject) -> catalog.Operation | None:
    """The operation of an action that needs nothing more than its subject; None for the others."""
    jobs = subject.jobs
    match action_id:
        case "clear-place" if subject.whole is not None:
            return catalog.Clear(place=Whole(subject.whole))
        case "reset-statistics":
            return catalog.ResetStatistics()
        case "prune-processes":
            return catalog.PruneProcesses(identities=subject.ghosts)
        case "cancel-job" if subject.running is not None and subject.running.jid:
            return catalog.CancelJobs(jids=(subject.running.jid,))
        case "delete-profile" if subject.profile:
            return catalog.DeleteProfiles(profiles=(subject.profile,))
    return None if jobs is None else _of_jobs(action_id, jobs)


def _of_jobs(action_id: str, jobs: Selection) -> catalog.Operation | None:
    match action_id:
        case "retry-jobs":
            return catalog.Retry(jobs=jobs)
        case "retry-anew":
            return catalog.Retry(jobs=jobs, reset=True)
        case "enqueue-jobs":
            return catalog.Enqueue(jobs=jobs)
        case "delete-jobs":
            return catalog.Delete(jobs=jobs)
        case "kill-jobs":
            return catalog.Kill(jobs=jobs)
        case "front-jobs":
            return catalog.ToFront(jobs=jobs)
    return None


def selection_words(subject: Subject) -> str:
    """What a dialog is about before anything is counted: `118 jobs`, `all that match class:Foo`, `all of dead`."""
    match subject.jobs:
        case Rows() as rows:
            return "1 job" if len(rows.jobs) == 1 else f"{len(rows.jobs):,} jobs"
        case Matching() as matching:
            return f"all that match {display_text(matching.matcher.text, 60)}"
        case Whole():
            return "all of them" if subject.count is None else f"all {units.count(subject.count)}"
    return ""
