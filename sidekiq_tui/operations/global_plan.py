"""One deed on several servers: a plan for each, one question that names them, and for each how it came out.

Servers do not wait for each other, and what goes wrong on one says nothing about the others.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.errors import CannotBeDone, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.guard import MANY, Question
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.outcome import Outcome, Tally
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.run import Run
from sidekiq_tui.sidekiq.errors import ServerTimeout, SidekiqError

DEADLINE: Final = 30.0
"""Seconds for the plan of one server, which a dead one must not delay."""

Make = Callable[[str], Awaitable[Operation]]
"""What is to be done on the server of that name."""


@dataclass(frozen=True, slots=True)
class Part:
    """One server: its plan, or why there is none."""

    server: str
    plan: Plan | None = None
    error: SidekiqError | None = None

    @property
    def refused(self) -> str:
        """Why nothing will be done there; empty when something will."""
        if self.plan is None:
            return str(self.error) or "there is no plan"
        return self.plan.refused


@dataclass(frozen=True, slots=True)
class GlobalPlan:
    """The plans of all servers, in the order in which these were named."""

    parts: tuple[Part, ...]

    @property
    def doable(self) -> tuple[Plan, ...]:
        """The plans of servers on which something will be done."""
        return tuple(part.plan for part in self.parts if part.plan is not None and not part.refused)

    @property
    def count(self) -> int:
        """Entries on all of them."""
        return sum(plan.count for plan in self.doable)

    @property
    def fingerprint(self) -> str:
        """Hexadecimal; the same for the same plans, in whatever order the servers were named."""
        made = hashlib.sha256()
        for plan in sorted(self.doable, key=lambda plan: plan.server):
            made.update(plan.fingerprint.encode())
        return made.hexdigest()


class GlobalRun:
    """The runs of a global plan. `outcomes` has one for each server, also where nothing could be begun."""

    def __init__(self, plan: GlobalPlan, runs: Mapping[str, Run], not_begun: Mapping[str, SidekiqError]) -> None:
        self.plan = plan
        self.runs = dict(runs)
        self._not_begun = dict(not_begun)

    def stop(self) -> None:
        """Ends all of them after the batch that is under way."""
        for run in self.runs.values():
            run.stop()

    async def wait(self) -> dict[str, Outcome]:
        """How it came out, for every server that was named."""
        ended = await asyncio.gather(*(run.wait() for run in self.runs.values()))
        found = dict(zip(self.runs, ended, strict=True))
        for part in self.plan.parts:
            if part.server not in found:
                error = self._not_begun.get(part.server)
                said = str(error) if error is not None else part.refused
                count = 0 if part.plan is None else part.plan.count
                found[part.server] = Outcome("", "refused", Tally(untouched=count), said, error=said)
        return {part.server: found[part.server] for part in self.plan.parts}


async def plan_everywhere(operations: Operations, servers: Sequence[str], make: Make) -> GlobalPlan:
    """The plans of all servers at once. Only reads; raises nothing of a single server's."""

    async def plan(server: str) -> Part:
        try:
            async with asyncio.timeout(DEADLINE):
                return Part(server, await operations.plan(server, await make(server)))
        except TimeoutError:
            return Part(server, error=ServerTimeout(f"{server} gave no plan within {DEADLINE:g} s"))
        except SidekiqError as error:
            return Part(server, error=error)

    return GlobalPlan(tuple(await asyncio.gather(*(plan(server) for server in dict.fromkeys(servers)))))


def question_everywhere(operations: Operations, plan: GlobalPlan) -> Question:
    """One question for all: the names of those servers that take theirs, else the number of all entries, else a yes."""
    asked = {one.server: operations.question(one) for one in plan.doable}
    names = [question.expected for question in asked.values() if question.kind == "name"]
    if names:
        expected = " ".join(dict.fromkeys(names))
        many = "the names of these servers" if len(names) > 1 else "the server's name"
        return Question("name", expected, f"Type {many} to go on: {expected}")
    if plan.count > MANY:
        return Question("count", str(plan.count), f"Type the count of all servers to go on: {plan.count:,}")
    if all(question.kind == "none" for question in asked.values()):
        return Question("none")
    return Question("yes", "y", "y/n")


def start_everywhere(
    operations: Operations,
    plan: GlobalPlan,
    answer: str,
    *,
    rate: float | None = None,
    fingerprint: str | None = None,
) -> GlobalRun:
    """Begins on every server at once. `rate`: entries a second on each.

    Raises `NotConfirmed`, `PlanOutdated`, and `CannotBeDone` when nothing can be done on any.
    """
    if not plan.doable:
        raise CannotBeDone("; ".join(f"{part.server}: {part.refused}" for part in plan.parts) or "no server")
    if fingerprint is not None and (not fingerprint or not plan.fingerprint.startswith(fingerprint.lower())):
        raise PlanOutdated("these are not the plans that were confirmed", hint="look at them with --dry-run")
    _confirmed(question_everywhere(operations, plan), answer)
    runs: dict[str, Run] = {}
    not_begun: dict[str, SidekiqError] = {}
    for one in plan.doable:
        try:
            runs[one.server] = operations.start(one, operations.question(one).expected, rate=rate)
        except SidekiqError as error:  # its profile was changed meanwhile: the others are not to suffer
            not_begun[one.server] = error
    return GlobalRun(plan, runs, not_begun)


def _confirmed(asked: Question, answer: str) -> None:
    given = answer.strip()
    match asked.kind:
        case "none":
            right = True
        case "name":
            right = set(given.replace(",", " ").split()) == set(asked.expected.split())
        case "count":
            right = given.replace(",", "") == asked.expected
        case _:
            right = given.lower() in ("y", "yes")
    if not right:
        raise NotConfirmed("this takes another answer: nothing was done on any server")
