"""The words of the command line, one record each: parsing, completion and palette are made from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.tui.views import VIEWS

Argument = Literal["", "filter", "queue", "server", "jid", "theme", "saved", "name"]
"""What follows a word: nothing, words of a filter, a name that exists, or (`name`) a new one."""


@dataclass(frozen=True, slots=True)
class Command:
    """One word after `:`.

    `view` is where it goes; `action` the action of the registry that it stands for. `needed`: what must follow it, as
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
    "retries": ("retry",),
    "scheduled": ("schedule",),
    "extras": ("pro", "enterprise", "batches", "periodic", "limiters", "leader"),
}

_UNFILTERED: Final = frozenset({"servers", "dashboard"})


def _view_commands() -> tuple[Command, ...]:
    return tuple(
        Command(
            view.name,
            f"go to {view.title}",
            "" if view.name in _UNFILTERED else "filter",
            _MORE_NAMES.get(view.name, ()),
            view=view.name,
        )
        for view in VIEWS
    )


COMMANDS: Final[tuple[Command, ...]] = (
    *_view_commands(),
    Command("queue", "the jobs of a queue", "queue", needed="the name of a queue"),
    Command("job", "look for a job everywhere on the server", "jid", ("jid",), needed="a JID"),
    Command("server", "look at a server", "server", ("s",), action="pick-server"),
    Command("all", "all servers at once", action="all-servers"),
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
