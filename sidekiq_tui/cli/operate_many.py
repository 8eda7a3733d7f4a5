"""A command that changes several servers: one plan, one question that names each, and for each how it came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.results import Result, Together
from sidekiq_tui.cli.running import all_to_their_end, left_running
from sidekiq_tui.cli.scope import NotHere
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.global_plan import (
    GlobalPlan,
    GlobalRun,
    Part,
    plan_everywhere,
    question_everywhere,
    start_everywhere,
)
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.confirm import Answers
    from sidekiq_tui.operations.guard import Question
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.plan import Plan

MakePlan = Callable[["Operations", Server, Callable[[int, int], None]], Awaitable["Plan"]]
"""How a command comes to its plan on one server."""


@dataclass(frozen=True, slots=True)
class Many:
    """One command on several servers."""

    make: MakePlan
    args: argparse.Namespace
    answers: Answers
    servers: Sequence[Server]

    async def go(self, operations: Operations) -> tuple[list[Result], Together]:
        """Plans all, asks once, and does it on all at once; what a single server makes of it is in its result."""
        plan = await self._planned(operations)
        diagnostics.PROGRESS.clear()
        if self.args.dry_run or not plan.doable:
            return [_not_begun(part, dry_run=self.args.dry_run) for part in plan.parts], Together(plan)
        try:
            answer = await self._answer(plan, question_everywhere(operations, plan))
            run = start_everywhere(
                operations,
                plan,
                answer,
                rate=getattr(self.args, "rate", None),
                undo_copy=not getattr(self.args, "no_undo", False),
                fingerprints=self.answers.fingerprints,
            )
        except Exception as error:
            return [_not_begun(part, error) for part in plan.parts], Together(plan)
        stopped = await all_to_their_end(run, self.args)
        return [_came_out(part, run, stopped) for part in plan.parts], Together(plan, run)

    async def _planned(self, operations: Operations) -> GlobalPlan:
        by_name = {server.name: server for server in self.servers}
        read: dict[str, tuple[int, int]] = {}

        async def make(name: str, progress: Callable[[int, int], None]) -> Plan:
            return await self.make(operations, by_name[name], progress)

        def show(name: str, entries: int, total: int) -> None:
            read[name] = (entries, total)
            all_read, of = (sum(one[at] for one in read.values()) for at in (0, 1))
            diagnostics.PROGRESS.show(
                f"{all_read:,} of {of:,} read on {len(read)} {'server' if len(read) == 1 else 'servers'}"
            )

        plan = await plan_everywhere([server.profile for server in self.servers], make, progress=show)
        concerned = tuple(part for part in plan.parts if not isinstance(part.error, NotHere))
        return GlobalPlan(concerned) if concerned else plan

    async def _answer(self, plan: GlobalPlan, question: Question) -> str:
        if not self.answers.will_ask(question) and sys.stderr.isatty():
            for part in plan.doable:
                for note in part.plan.notes if part.plan is not None else ():
                    diagnostics.warn(f"{part.server}: {note}")
        return await self.answers.answer_for_all(plan, question, Look.of(self.args), time.time())


def _not_begun(part: Part, error: Exception | None = None, *, dry_run: bool = False) -> Result:
    if part.plan is None:
        return Result(part.profile, error=part.error)
    if part.nothing or dry_run:
        return Result(part.profile, part.plan)
    return Result(part.profile, part.plan, error=CannotBeDone(part.refused) if part.refused else error)


def _came_out(part: Part, run: GlobalRun, stopped: bool) -> Result:
    begun = run.runs.get(part.server)
    if begun is None:
        return _not_begun(part, run.not_begun.get(part.server))
    if begun.outcome is None:
        return Result(part.profile, part.plan, error=left_running(begun))
    return Result(part.profile, part.plan, begun.outcome, interrupted=stopped)
