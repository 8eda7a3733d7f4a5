"""Keys that change a server: jobs, whole queues and sets, processes. What each needs is checked before it begins."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import CHANGES, EVERYWHERE, SCREEN, Action

JOB_CHANGES: Final = "job-changes"
WHOLE_CHANGES: Final = "whole-changes"
QUEUE_CHANGES: Final = "queue-changes"
QUEUE_ROWS: Final = "queue-rows"
PROCESS_CHANGES: Final = "process-changes"
NEW_JOBS: Final = "new-jobs"
STATISTICS: Final = "statistics"
PROFILE_CHANGES: Final = "profile-changes"
PASTE: Final = "paste"
TRASH: Final = "trash"


def _change(
    name: str, key: str, label: str, text: str, where: str, footer: int = 0, needs: str = "operate", *, run: str = ""
) -> Action:
    run = run or f"app.change('{name}')"
    return Action(name, (key,), label, text, CHANGES, where, run, footer, needs=needs)


_JOBS: Final = (
    _change("retry-jobs", "R", "retry", "retry now, one retry less counted", JOB_CHANGES, 11),
    _change("enqueue-jobs", "E", "enqueue", "enqueue now, counts untouched", JOB_CHANGES, 11),
    _change("delete-jobs", "D", "delete", "delete; to the trash for a week", JOB_CHANGES, 12),
    _change("kill-jobs", "K", "kill", "to the dead set", JOB_CHANGES, 13),
    _change("reschedule-jobs", "t", "reschedule", "to another time, or spread over some", JOB_CHANGES, 21),
    _change("edit-jobs", "e", "edit", "edit arguments and options", JOB_CHANGES, 22),
    _change("move-jobs", "M", "move", "to another queue, its front, or another server", JOB_CHANGES, 23),
    _change("copy-jobs", "C", "copy", "copies, to a queue or another server", JOB_CHANGES, 24, needs=""),
    _change("front-jobs", "^", "to the front", "to the front of their queue", JOB_CHANGES, 25),
    _change("retry-anew", "r", "retry anew", "retry with all retries had again", JOB_CHANGES),
    _change("cut-jobs", "m", "take to move", "remember them, to be moved with P", JOB_CHANGES),
    _change("take-jobs", "c", "take to copy", "remember them, to be copied with P", JOB_CHANGES, needs=""),
    _change("export-jobs", "s", "save", "write to a file: NDJSON, JSON, CSV", JOB_CHANGES, 29, needs=""),
)

_WHOLE: Final = (_change("clear-place", "X", "clear", "clear the whole queue or set", WHOLE_CHANGES, 27, "full"),)

_QUEUES: Final = (_change("pause-queue", "p", "pause", "pause the queue, or let it run on", QUEUE_CHANGES, 26),)

_PASTE: Final = (_change("paste-jobs", "P", "put here", "put here what m or c took, also elsewhere", PASTE, 14),)

_QUEUE_ROWS: Final = (
    _change("move-queue", "M", "move all", "all its jobs to another queue or server", QUEUE_ROWS, 28),
    _change("copy-queue", "C", "copy all", "copies of all its jobs, to a queue or server", QUEUE_ROWS, needs=""),
    _change("export-queue", "s", "save", "write its jobs to a file", QUEUE_ROWS, needs=""),
)

_PROCESSES: Final = (
    _change("quiet-processes", "Q", "quiet", "no new jobs for one process or many", PROCESS_CHANGES, 11),
    _change("stop-processes", "T", "stop", "stop a process, or many", PROCESS_CHANGES, 12, "full"),
    _change("dump-threads", "!", "dump", "have one process or many log threads", PROCESS_CHANGES, 13),
    _change("prune-processes", "D", "forget lost", "forget processes that died silently", PROCESS_CHANGES, 14, "full"),
    _change("cancel-job", "c", "cancel job", "ask an iterable job to end", PROCESS_CHANGES),
)

_NEW: Final = (
    _change("new-job", "n", "new job", "a new job, like the one here", NEW_JOBS, 46),
    _change("import-jobs", "I", "import", "jobs from a file of NDJSON", NEW_JOBS),
)

_OTHERS: Final = (
    _change("reset-statistics", "R", "reset", "set the lifetime counters to 0", STATISTICS, 0, "full"),
    _change("delete-profile", "D", "delete", "delete the profile", PROFILE_CHANGES, 14, "full"),
    _change("restore-entries", "R", "put back", "put back all of it, or the marked", TRASH, 11),
    _change("continue-operation", "E", "continue", "go on with what was begun", TRASH, 12),
    _change("end-operation", "D", "leave it", "end what was begun where it stopped", TRASH, 13),
)

_ALWAYS: Final = (
    _change("undo", "u", "undo", "take back the last operation here", EVERYWHERE, 62, run="app.undo"),
    Action(
        "unfinished",
        ("W",),
        "finish",
        "finish what was begun, or put it back",
        CHANGES,
        EVERYWHERE,
        "app.finish",
    ),
    Action("trash", ("U",), "trash", "all that can be undone", CHANGES, EVERYWHERE, "app.go('trash')"),
    Action(
        "stop-scan",
        ("ctrl+x",),
        "stop",
        "stop the operation, or reading",
        SCREEN,
        EVERYWHERE,
        "app.stop",
        10,
    ),
    Action("hold", ("ctrl+y",), "hold", "hold the operation, or let it go on", SCREEN, EVERYWHERE, "app.hold"),
)

_DIALOGS: Final = (
    Action("confirm-cancel", ("escape",), "cancel", "cancel", SCREEN, "confirm", "cancel"),
    Action("confirm-yes", ("y",), "yes", "yes, where that is the question", SCREEN, "confirm", "yes"),
    Action("confirm-other", ("ctrl+t",), "other way", "the other way, where there is one", SCREEN, "confirm", "other"),
    Action("confirm-down", ("down", "pagedown"), "down", "more of it", SCREEN, "confirm", "scroll(1)"),
    Action("confirm-up", ("up", "pageup"), "up", "back", SCREEN, "confirm", "scroll(-1)"),
    Action("outcomes-close", ("escape", "enter", "q"), "close", "close", SCREEN, "outcomes", "close"),
    Action("outcomes-down", ("down", "pagedown", "j"), "down", "more of it", SCREEN, "outcomes", "scroll(1)"),
    Action("outcomes-up", ("up", "pageup", "k"), "up", "back", SCREEN, "outcomes", "scroll(-1)"),
    Action("row-yes", ("y",), "yes", "yes", SCREEN, "row-question", "yes"),
    Action("row-no", ("n", "escape", "q"), "no", "no", SCREEN, "row-question", "no"),
    Action("form-cancel", ("escape",), "cancel", "cancel", SCREEN, "form", "cancel"),
    Action("form-next", ("tab", "down"), "next", "next field", SCREEN, "form", "next(1)"),
    Action("form-previous", ("shift+tab", "up"), "previous", "previous field", SCREEN, "form", "next(-1)"),
    Action("form-submit", ("enter",), "go on", "go on", SCREEN, "form", "submit"),
    Action("form-flip", ("space", "right"), "choose", "another choice", SCREEN, "form", "flip(1)"),
    Action("form-flip-back", ("left",), "choose", "the choice before", SCREEN, "form", "flip(-1)"),
    Action("choice-cancel", ("escape", "q"), "cancel", "cancel", SCREEN, "choice", "cancel"),
    Action("choice-down", ("j", "down", "tab"), "down", "next one", SCREEN, "choice", "move(1)"),
    Action("choice-up", ("k", "up", "shift+tab"), "up", "previous one", SCREEN, "choice", "move(-1)"),
    Action("choice-take", ("enter",), "take", "take it", SCREEN, "choice", "take"),
)

CHANGE_DIALOGS: Final = ("confirm", "outcomes", "row-question", "form", "choice")

ACTIONS: Final = (
    *_JOBS,
    *_WHOLE,
    *_QUEUES,
    *_PASTE,
    *_QUEUE_ROWS,
    *_PROCESSES,
    *_NEW,
    *_OTHERS,
    *_ALWAYS,
    *_DIALOGS,
)
