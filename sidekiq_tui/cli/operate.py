"""Runs a command that changes servers: plans, asks, starts, shows how far it is, says what became of it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.confirm import Answers
from sidekiq_tui.cli.operate_many import MakePlan, Many
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.results import Result, Together, exit_code, print_results
from sidekiq_tui.cli.running import LeftRunning, to_its_end
from sidekiq_tui.cli.scope import Scope, known_profiles, scope_of
from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.servers.profile import Profile

__all__ = ["MakePlan", "operate", "operate_plans"]


def operate(make: Callable[[Server], Awaitable[Operation]], args: argparse.Namespace, *, wants: Wants = None) -> int:
    """Carry out on each server of the scope what `make` says; the exit code. `wants`: which servers, by name."""

    async def planned(operations: Operations, server: Server, progress: Callable[[int, int], None]) -> Plan:
        return await operations.plan(server.name, await make(server), progress=progress)

    return operate_plans(planned, args, wants=wants)


def operate_plans(make: MakePlan, args: argparse.Namespace, *, wants: Wants = None, scope: Scope | None = None) -> int:
    """The same for what does not come to its plan by an operation alone; `scope`: where that was asked for before."""
    answers = Answers.of(args)
    chosen = scope_of(args) if scope is None else scope
    profiles = [one for one in chosen.profiles if wants is None or wants(one.name)]
    if answers.fingerprints and len(answers.fingerprints) > len(profiles):
        hint = "one --plan a server, or the one of all"
        raise UsageError(f"{len(answers.fingerprints)} plans for {len(profiles)} servers", hint=hint)
    return asyncio.run(_Operate(make, args, answers, profiles).go())


Wants = Callable[[str], bool] | None


class _Operate:
    """One command on one server, or on several at once."""

    def __init__(self, make: MakePlan, args: argparse.Namespace, answers: Answers, profiles: list[Profile]) -> None:
        self._source = source = password_source(no_input=args.no_input)
        self._peers: dict[str, Server] = {}
        self._make = make
        self._args = args
        self._answers = answers
        self._servers = {one.name: Server(one, password_source=source, timeout=args.timeout) for one in profiles}

    async def go(self) -> int:
        """All of it; the exit code."""
        results: list[Result] = []
        together: Together | None = None
        operations = await operations_of(self._args, self._server)
        try:
            servers = tuple(self._servers.values())
            if len(servers) == 1:
                results = [await self._on(servers[0], operations)]
            elif servers:
                results, together = await Many(self._make, self._args, self._answers, servers).go(operations)
        finally:
            diagnostics.PROGRESS.clear()
            if not any(isinstance(result.error, LeftRunning) for result in results):
                await _closed(operations)
            known = (*self._servers.values(), *self._peers.values())
            await asyncio.gather(*(server.close() for server in known), return_exceptions=True)
        print_results(results, self._args, together)
        return exit_code(results)

    def _server(self, name: str) -> Server:
        """One of the scope, or another one that an operation between two names. Raises `KeyError`."""
        found = self._servers.get(name) or self._peers.get(name)
        if found is None:
            profile = known_profiles(self._args)[name]
            found = self._peers[name] = Server(profile, password_source=self._source, timeout=self._args.timeout)
        return found

    async def _on(self, server: Server, operations: Operations) -> Result:
        plan: Plan | None = None
        try:
            plan = await self._make(operations, server, _reading(server.name))
            diagnostics.PROGRESS.clear()
            if self._args.dry_run:
                return Result(server.profile, plan)
            if plan.nothing:
                return Result(server.profile, plan)
            if plan.refused:
                raise CannotBeDone(plan.refused)
            answer = await self._answer(plan, operations)
            run = operations.start(
                plan,
                answer,
                rate=getattr(self._args, "rate", None),
                undo_copy=not getattr(self._args, "no_undo", False),
            )
            outcome, interrupted = await to_its_end(run, self._args)
            return Result(server.profile, plan, outcome, interrupted=interrupted)
        except Exception as error:  # one server's trouble must not hide the others
            return Result(server.profile, plan, error=error)

    async def _answer(self, plan: Plan, operations: Operations) -> str:
        question = operations.question(plan)
        look = Look.of(self._args)
        if not self._answers.will_ask(question) and sys.stderr.isatty():
            for note in plan.notes:
                diagnostics.warn(f"{plan.server}: {note}")
        return await self._answers.answer(plan, question, look, time.time())


async def _closed(operations: Operations) -> None:
    """What goes wrong at the end must not hide what was done."""
    try:
        await operations.close()
    except Exception as error:
        diagnostics.complain(error)


def _reading(server: str) -> Callable[[int, int], None]:
    def show(read: int, total: int) -> None:
        diagnostics.PROGRESS.show(f"{server}: {read:,} of {total:,} read")

    return show
