"""Why an operation is not begun. All of them leave the server as it was; the command line exits with 4."""

from __future__ import annotations

from sidekiq_tui.sidekiq.errors import SidekiqError


class GuardRefused(SidekiqError):
    """The root: nothing was sent that changes anything."""

    title = "Refused by the guard"
    exit_code = 4


class AccessDenied(GuardRefused):
    """The profile, or `--read-only`, does not let anyone do this."""

    title = "Not allowed here"


class CannotBeDone(GuardRefused):
    """The plan itself says that it can't be done."""

    title = "Cannot be done"


class PlanOutdated(GuardRefused):
    """The plan is too old, is not the one that was named, or was made for a server that is no longer this one."""

    title = "Plan again"


class NotConfirmed(GuardRefused):
    """The question was not answered as it has to be."""

    title = "Not confirmed"


class CannotBeKept(GuardRefused):
    """What undo needs, or the audit's line, can't be written on this machine."""

    title = "Cannot be kept"
