"""The words of the command line, one record each: parsing, completion and palette are made from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.tui.views import VIEWS

Argument = Literal[
    "",
    "filter",
    "queue",
    "server",
    "servers",
    "group",
    "jid",
    "theme",
    "saved",
    "name",
    "to-queue",
    "to-anywhere",
    "to-server",
    "when",
    "file",
]
"""What follows a word: nothing, words of a filter, a name that exists, or (`name`) a new one; for changes a queue, a
queue or another server or both (`staging:low`), another server, a time or a file."""


@dataclass(frozen=True, slots=True)
class Command:
    """One word after `:`.

    `view` is where it goes; `action` the action of the registry that it stands for: of several, with blanks between,
    the one that the view has. `needed`: what must follow it, as
    a sentence ends that says so; empty if it can stand alone.
    """

    name: str
    help: str
    argument: Argument = ""
    aliases: tuple[str, ...] = ()
    view: str = ""
    action: str = ""
    needed: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """All that it is called."""
        return (self.name, *self.aliases)


_MORE_NAMES: Final = {
    "scheduled": ("schedule",),
    "changes": ("timeline",),
    "extras": ("pro", "enterprise", "batches", "periodic", "limiters", "leader"),
}

_ARGUMENTS: Final[dict[str, Argument]] = {"servers": "", "dashboard": "", "compare": "servers"}
"""Of the views that take no filter."""


def _view_commands() -> tuple[Command, ...]:
    return tuple(
        Command(
            view.name,
            f"go to {view.title}",
            _ARGUMENTS.get(view.name, "filter"),
            _MORE_NAMES.get(view.name, ()),
            view=view.name,
        )
        for view in VIEWS
    )


_CHANGES: Final = (
    Command("retry", "retry the marked jobs, or the one under the cursor", action="retry-jobs"),
    Command("retry-anew", "the same, with all retries had again", action="retry-anew"),
    Command("enqueue", "to their queue at once", action="enqueue-jobs"),
    Command("delete", "delete jobs, or a profile", action="delete-jobs delete-profile"),
    Command("kill", "to the dead set", action="kill-jobs"),
    Command("reschedule", "to another time: +2h, 14:05", "when", action="reschedule-jobs"),
    Command("edit", "edit arguments and options", action="edit-jobs"),
    Command("move", "to another queue, a server, or server:queue", "to-anywhere", action="move-jobs move-queue"),
    Command("front", "to the front of their queue", action="front-jobs"),
    Command("copy", "copies, to a queue, a server, or server:queue", "to-anywhere", action="copy-jobs copy-queue"),
    Command(
        "evacuate", "everything that waits here, to another server", "to-server", needed="the name of another server"
    ),
    Command(
        "sync",
        "copy to another server what its queue or set lacks of this one",
        "to-server",
        ("synchronise",),
        needed="the name of another server, or server:queue",
    ),
    Command("finish", "finish a move or what else was begun, or put it back", action="unfinished"),
    Command("new", "a new job", "to-queue", ("push",), action="new-job"),
    Command("import", "jobs from a file of NDJSON", "file", action="import-jobs"),
    Command("export", "write jobs to a file: .ndjson, .json, .csv", "file", action="export-jobs export-queue"),
    Command("clear", "clear the whole queue or set", action="clear-place"),
    Command("pause", "pause a queue, or let it run on", "to-queue", ("unpause",), action="pause-queue"),
    Command("quiet", "no new jobs for a process, or for many", action="quiet-processes"),
    Command("stop", "stop a process, or many", action="stop-processes"),
    Command("dump", "have a process log its threads, or many", action="dump-threads"),
    Command("prune", "forget processes that died silently", action="prune-processes"),
    Command("cancel", "ask an iterable job to end at its next step", action="cancel-job"),
    Command("reset-stats", "set the lifetime counters to 0", action="reset-statistics"),
    Command("undo", "take back the last operation here", action="undo"),
)

COMMANDS: Final[tuple[Command, ...]] = (
    *_view_commands(),
    *_CHANGES,
    Command("queue", "the jobs of a queue", "queue", needed="the name of a queue"),
    Command("job", "where a job is, on all servers", "jid", ("jid",), needed="a JID"),
    Command("server", "look at a server", "server", ("s",), action="pick-server"),
    Command("all", "all servers at once", action="all-servers"),
    Command("group", "the servers of a group at once; alone: of all", "group"),
    Command("filter", "use a saved filter", "saved", ("f",), action="pick-filter"),
    Command("save", "save the filter of this view under a name", "name", action="save-filter"),
    Command("unsave", "forget a saved filter", "saved", needed="the name of a saved filter"),
    Command("theme", "other colours", "theme", ("colours", "colors"), needed="the name of a theme"),
    Command("relative", "times relative to now"),
    Command("local", "times of this machine's zone"),
    Command("utc", "times in UTC"),
    Command("freeze", "freeze the screen, or let it go on", action="freeze"),
    Command("refresh", "read again now", action="refresh"),
    Command("columns", "choose the columns of this list", action="columns"),
    Command("help", "the keys of this screen", aliases=("h", "keys"), action="help"),
    Command("quit", "leave sqtui", aliases=("q", "exit"), action="quit-now"),
)
