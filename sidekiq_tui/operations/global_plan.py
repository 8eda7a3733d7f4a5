"""One deed on several servers: a plan for each, one question that names them, and for each how it came out.

Servers do not wait for each other, and what goes wrong on one says nothing about the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations.errors import CannotBeDone, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.guard import MANY, Question, names_typed, short
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.outcome import Outcome, Tally
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.prepared import TOGETHER
from sidekiq_tui.operations.run import Run
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.sidekiq.errors import ServerTimeout

PATIENCE: Final = 30.0
"""Seconds without a sign of life after which a server gives no plan: a dead one must not delay the others."""

Reading = Callable[[int, int], None]
"""Hears how many entries of how many were read."""
MakePlan = Callable[[str, Reading], Awaitable[Plan]]
"""The plan for the server of that name. Only reads."""


@dataclass(frozen=True, slots=True)
class Part:
    """One server: its plan, or why there is none."""

    profile: Profile
    plan: Plan | None = None
    error: Exception | None = None

    @property
    def server(self) -> str:
        """The server's name. A copy's plan is for the server that it goes to."""
        return self.profile.name

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do it to."""
        return self.plan is not None and (self.plan.nothing or not (self.plan.count or self.plan.refused))

    @property
    def refused(self) -> str:
        """Why nothing will be done there; empty when something will."""
        if self.plan is None:
            return "there is no plan" if self.error is None else str(self.error) or type(self.error).__name__
        return self.plan.refused or ("there is nothing to do" if self.nothing else "")


@dataclass(frozen=True, slots=True)
class GlobalPlan:
    """The plans of all servers, in the order in which these were named."""

    parts: tuple[Part, ...]

    @property
    def doable(self) -> tuple[Part, ...]:
        """The servers on which something will be done."""
        return tuple(part for part in self.parts if not part.refused)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Their plans."""
        return tuple(part.plan for part in self.doable if part.plan is not None)

    @property
    def count(self) -> int:
        """Entries on all of them."""
        return sum(plan.count for plan in self.plans)

    @property
    def fingerprint(self) -> str:
        """Hexadecimal; the same for the same plans and the same servers left out, in whatever order they were named."""
        made = hashlib.sha256()
        for part in sorted(self.parts, key=lambda part: part.server):
            done = part.plan.fingerprint if part.plan is not None and not part.refused else ""
            made.update(f"{len(part.server)}:{part.server}={done}\n".encode("utf-8", "surrogatepass"))
        return made.hexdigest()

    def is_named(self, fingerprints: Iterable[str]) -> bool:
        """Whether a person who named these fingerprints, or enough of them, meant this: one of all, or one of each."""
        named = [one.lower() for one in fingerprints if len(one) >= len(short(self.fingerprint))]
        if any(self.fingerprint.startswith(one) for one in named):
            return True
        return all(any(plan.fingerprint.startswith(one) for one in named) for plan in self.plans)


class GlobalRun:
    """The runs of a global plan, by server."""

    def __init__(self, id: str, plan: GlobalPlan, runs: Mapping[str, Run], not_begun: Mapping[str, SqtuiError]) -> None:
        self.id = id
        """What the ids of all of them begin with."""
        self.plan = plan
        self.runs = dict(runs)
        self.not_begun = dict(not_begun)

    @property
    def ended(self) -> bool:
        """Whether all have ended."""
        return all(run.outcome is not None for run in self.runs.values())

    @property
    def stopping(self) -> bool:
        """Whether one was asked to stop."""
        return any(run.stopping for run in self.runs.values())

    @property
    def paused(self) -> bool:
        """Whether all that still run are held."""
        running = [run for run in self.runs.values() if run.outcome is None]
        return bool(running) and all(run.paused for run in running)

    def stop(self) -> None:
        """Ends all of them after the batch that is under way."""
        for run in self.runs.values():
            if run.outcome is None:
                run.stop()

    def pause(self) -> None:
        """Holds all of them before their next batch."""
        for run in self.runs.values():
            run.pause()

    def resume(self) -> None:
        """Lets all of them go on."""
        for run in self.runs.values():
            run.resume()

    async def wait(self) -> dict[str, Outcome]:
        """How it came out, for every server that was named."""
        await asyncio.gather(*(run.wait() for run in self.runs.values()))
        return self.outcomes

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """How it came out for every server that was named, also where nothing could be begun; without what runs."""
        found: dict[str, Outcome] = {}
        for part in self.plan.parts:
            run = self.runs.get(part.server)
            if run is None:
                error = self.not_begun.get(part.server)
                said = str(error) if error is not None else part.refused
                count = 0 if part.plan is None else part.plan.count
                found[part.server] = Outcome("", "refused", Tally(untouched=count), said, error=said)
            elif run.outcome is not None:
                found[part.server] = run.outcome
        return found


async def plan_everywhere(
    profiles: Sequence[Profile], make: MakePlan, *, progress: Callable[[str, int, int], None] | None = None
) -> GlobalPlan:
    """The plans of all servers at once. Only reads; what is wrong with a single server is in its part.

    `progress` hears of each server how many entries of how many were read.
    """

    async def plan(profile: Profile) -> Part:
        name = profile.name
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE) as patience:

                def read(entries: int, total: int) -> None:
                    patience.reschedule(loop.time() + PATIENCE)
                    if progress is not None:
                        progress(name, entries, total)

                return Part(profile, await make(name, read))
        except TimeoutError:
            return Part(profile, error=ServerTimeout(f"{name} said nothing for {PATIENCE:g} s"))
        except Exception as error:  # also a mistake of ours must not hide the others
            return Part(profile, error=error)

    once = {profile.name: profile for profile in profiles}
    return GlobalPlan(_each_database_once(await asyncio.gather(*(plan(profile) for profile in once.values()))))


def _each_database_once(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Two names of one database would count everything twice, and get in each other's way."""
    known: dict[object, str] = {}
    kept: list[Part] = []
    for part in parts:
        plan = part.plan
        if plan is not None and plan.server == part.server and plan.mark.run_id is not None:
            mark = (plan.mark.run_id, plan.mark.database, plan.mark.namespace)
            first = known.setdefault(mark, part.server)
            if first != part.server:
                error = CannotBeDone(f"this is the database of {first}, where it is done already")
                part = replace(part, plan=None, error=error)
        kept.append(part)
    return tuple(kept)


def question_everywhere(operations: Operations, plan: GlobalPlan) -> Question:
    """One question for all: the names of those servers that take theirs, else the number of all entries, else a yes."""
    asked = [operations.question(one) for one in plan.plans]
    names = list(dict.fromkeys(question.expected for question in asked if question.kind == "name"))
    if names:
        expected = " ".join(names)
        which = "the names of these servers" if len(names) > 1 else "the server's name"
        return Question("name", expected, f"Type {which} to go on: {expected}")
    if plan.count > MANY:
        return Question("count", str(plan.count), f"Type the count of all servers to go on: {plan.count:,}")
    if all(question.kind == "none" for question in asked):
        return Question("none")
    return Question("yes", "y", "y/n")


def start_everywhere(
    operations: Operations,
    plan: GlobalPlan,
    answer: str,
    *,
    rate: float | None = None,
    undo_copy: bool = True,
    fingerprints: Sequence[str] = (),
) -> GlobalRun:
    """Begins on every server at once. `rate`: entries a second on each; `fingerprints`: those a person has named.

    Raises `NotConfirmed`, `PlanOutdated`, and `CannotBeDone` when nothing can be done on any.
    """
    if not plan.plans:
        raise CannotBeDone("; ".join(f"{part.server}: {part.refused}" for part in plan.parts) or "no server")
    if fingerprints and not plan.is_named(fingerprints):
        raise PlanOutdated("these are not the plans that were confirmed", hint="look at them with --dry-run")
    _confirmed(question_everywhere(operations, plan), answer)
    together = secrets.token_hex(TOGETHER // 2)
    runs: dict[str, Run] = {}
    not_begun: dict[str, SqtuiError] = {}
    for part in plan.doable:
        if part.plan is None:
            continue
        try:
            answered = operations.question(part.plan).expected
            runs[part.server] = operations.start(part.plan, answered, rate=rate, undo_copy=undo_copy, together=together)
        except SqtuiError as error:  # its profile was changed meanwhile: the others are not to suffer
            not_begun[part.server] = error
    return GlobalRun(together, plan, runs, not_begun)


def _confirmed(asked: Question, answer: str) -> None:
    given = answer.strip()
    match asked.kind:
        case "none":
            right = True
        case "name":
            right = names_typed(given, asked.expected)
        case "count":
            right = given.replace(",", "") == asked.expected
        case _:
            right = given.lower() in ("y", "yes")
    if not right:
        raise NotConfirmed("this takes another answer: nothing was done on any server")
