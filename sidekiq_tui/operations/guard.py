"""The one door to a server's writes: who may do what, what is asked first, and the grant that comes of it.

Below all screens and commands: nothing else makes grants, and no connection writes without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from sidekiq_tui.operations.catalog import (
    Clear,
    Evacuate,
    OfJobs,
    Operation,
    Pause,
    SignalProcesses,
    Transfer,
)
from sidekiq_tui.operations.errors import AccessDenied, CannotBeDone, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.plan import Plan, ServerMark
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.servers.profile import ACCESS_LEVELS, Access, Profile
from sidekiq_tui.servers.write_access import GRANT_LIFE, Grant

PLAN_LIFE: Final = 10 * 60.0
"""Seconds after which a plan is made again before it is carried out."""
_SHORT: Final = 12
"""Digits of a fingerprint that stand for all of it; fewer would fit another plan by chance."""
MANY: Final = 100
"""With more entries than this, their number is asked for."""

QuestionKind = Literal["none", "yes", "count", "name"]
Upkeep = Literal["reap", "close"]
"""What keeps our own keys in order: emptying old trash; closing, finishing and forgetting records of operations."""

_BETWEEN_DIGITS: Final = re.compile(r"[\s,._']")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a plan is carried out. `expected`: the answer; empty for `none`."""

    kind: QuestionKind
    expected: str = ""
    words: str = ""


def level_of(operation: Operation) -> Access:
    """The access that an operation needs: its class's, or more by what it is done to (operations-safety 14.1)."""
    if isinstance(operation, SignalProcesses) and operation.signal == "TERM":
        return "full"
    if isinstance(operation, Transfer) and is_whole(operation):
        return "full"
    return operation.level


def access_refusal(operation: Operation, profile: Profile, *, read_only: bool = False) -> str:
    """Why this may not be done on this server; empty when it may."""
    access: Access = "read-only" if read_only else profile.access
    needed = level_of(operation)
    if ACCESS_LEVELS.index(access) >= ACCESS_LEVELS.index(needed):
        return ""
    if read_only:
        return "sqtui was started with --read-only"
    if access == "read-only":
        return f"{profile.name} is read-only here (access in its profile)"
    return f"{profile.name} allows to {access}; this needs {needed} access (access in its profile)"


def question(plan: Plan, profile: Profile) -> Question:
    """What has to be answered: the heavier the more a plan reaches (design 5).

    A whole set or queue, and anything on a guarded or production server, takes the server's name as the plan has it.
    """
    peer = plan.peer
    if peer is not None and peer.guarded and peer.writes:
        return Question("name", peer.name, f"Type the name of the target to go on: {peer.name}")
    if profile.guard or profile.production or is_whole(plan.operation):
        return Question("name", plan.server, f"Type the server's name to go on: {plan.server}")
    if plan.count > MANY:
        return Question("count", str(plan.count), f"Type the count to go on: {plan.count:,}")
    if _harmless(plan.operation):
        return Question("none")
    return Question("yes", "y", "y/n")


def is_whole(operation: Operation) -> bool:
    """Whether it is for all that is in a place: a clear, all of a set or queue, or a filter that leaves nothing out."""
    if isinstance(operation, Clear | Evacuate):
        return True
    if not isinstance(operation, OfJobs):
        return False
    jobs = operation.jobs
    return isinstance(jobs, Whole) or (isinstance(jobs, Matching) and not jobs.matcher.text.strip())


def _harmless(operation: Operation) -> bool:
    """Writes a log line, or lets run on what somebody had paused."""
    if isinstance(operation, SignalProcesses):
        return operation.signal == "TTIN"
    return isinstance(operation, Pause) and not operation.paused


def admit(
    plan: Plan,
    profile: Profile,
    answer: str,
    now: float,
    *,
    read_only: bool = False,
    fingerprint: str | None = None,
) -> Grant:
    """The grant for a plan whose question was answered; `now` in Unix seconds.

    `profile` is the server's as it is now, `fingerprint` that of the plan a person has named. Raises AccessDenied,
    CannotBeDone, PlanOutdated, NotConfirmed.
    """
    _may(plan, profile, read_only)
    if plan.refused:
        raise CannotBeDone(plan.refused)
    if plan.mode == "R":
        raise CannotBeDone(f"nothing can be written to {plan.server}")
    if fingerprint is not None and (len(fingerprint) < _SHORT or not plan.fingerprint.startswith(fingerprint.lower())):
        raise PlanOutdated(
            f"this is not the plan that was confirmed: it is {short(plan.fingerprint)} now",
            hint="look at it with --dry-run",
        )
    if not 0 <= now - plan.made_at <= PLAN_LIFE:
        raise PlanOutdated("the plan is over 10 minutes old, or the clock was changed", hint="plan it again")
    _confirmed(question(plan, profile), answer)
    return _grant(plan, now)


def renew(plan: Plan, profile: Profile, grant: Grant, now: float, *, read_only: bool = False) -> Grant:
    """The grant of an operation that runs on, for as long again. Raises AccessDenied if that is no longer allowed."""
    if grant.plan != plan.fingerprint or grant.server != plan.server:
        raise PlanOutdated("this grant is for another plan")
    _may(plan, profile, read_only)
    return replace(grant, expires=now + GRANT_LIFE)


def peer_refusal(profile: Profile, *, read_only: bool = False) -> str:
    """Why nothing may come to a server from another one; empty when it may (operations-safety 14.1)."""
    if read_only:
        return "sqtui was started with --read-only"
    return f"{profile.name} is read-only here (access in its profile)" if profile.access == "read-only" else ""


def admit_peer(plan: Plan, profile: Profile, now: float, *, read_only: bool = False) -> Grant:
    """The grant for the other server of a plan that is admitted, or runs on. Raises AccessDenied, PlanOutdated."""
    peer = plan.peer
    if peer is None or not peer.writes or peer.name != profile.name:
        raise PlanOutdated(f"the plan changes nothing on {profile.name}")
    refusal = peer_refusal(profile, read_only=read_only)
    if refusal:
        raise AccessDenied(refusal)
    return Grant(peer.name, peer.mark, plan.operation.kind, plan.fingerprint, "operate", now + GRANT_LIFE)


def admit_upkeep(mark: ServerMark, profile: Profile, kind: Upkeep, now: float, *, read_only: bool = False) -> Grant:
    """The grant to keep our own keys in order, which asks nothing. Raises AccessDenied."""
    if read_only or profile.access == "read-only":
        raise AccessDenied(f"{profile.name} is read-only here")
    return Grant(profile.name, mark, kind, "", "operate", now + GRANT_LIFE)


def check_server(plan: Plan, mark: ServerMark) -> None:
    """Raises PlanOutdated unless the server that answers now is the one that was planned for."""
    match plan.mark.seen_again(mark):
        case "failover":
            raise PlanOutdated(f"{plan.server} failed over to another server since", hint="plan it again")
        case "other":
            raise PlanOutdated(f"this is not the {plan.server} that you confirmed", hint="plan it again")


def names_typed(typed: str, expected: str) -> bool:
    """Whether the names of all these servers were typed, in whatever order, and no other one."""
    return set(typed.replace(",", " ").split()) == set(expected.replace(",", " ").split())


def short(fingerprint: str) -> str:
    """A plan's fingerprint as shown and typed."""
    return fingerprint[:_SHORT]


def _may(plan: Plan, profile: Profile, read_only: bool) -> None:
    if profile.name != plan.server:
        raise PlanOutdated(f"the plan is for {plan.server}, not for {profile.name}")
    refusal = access_refusal(plan.operation, profile, read_only=read_only)
    if refusal:
        raise AccessDenied(refusal, hint="nothing lifts this but the profile itself" if not read_only else "")


def _confirmed(asked: Question, answer: str) -> None:
    given = answer.strip()
    match asked.kind:
        case "yes":
            right = given.lower() in ("y", "yes")
        case "count":
            right = _BETWEEN_DIGITS.sub("", given) == asked.expected
        case "name":
            right = given == asked.expected
        case "none":
            right = True
    if not right:
        wanted = {"yes": "y", "count": "the count", "name": "the server's name"}
        raise NotConfirmed(f"this takes {wanted[asked.kind]} as the answer: nothing was done")


def _grant(plan: Plan, now: float) -> Grant:
    return Grant(
        plan.server, plan.mark, plan.operation.kind, plan.fingerprint, level_of(plan.operation), now + GRANT_LIFE
    )
