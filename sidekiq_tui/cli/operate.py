"""Runs a command that changes servers: plans, asks, starts, shows how far it is, says what became of it."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.confirm import Answers
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.results import INTERRUPTED, Result, exit_code, print_results
from sidekiq_tui.cli.scope import known_profiles, scope_of
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.presentation import outcomes
from sidekiq_tui.presentation.columns.base import plain
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.outcome import Outcome
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.operations.run import Run
    from sidekiq_tui.servers.profile import Profile

MakePlan = Callable[["Operations", Server, Callable[[int, int], None]], Awaitable["Plan"]]
"""How a command comes to its plan on one server."""


def operate(make: Callable[[Server], Awaitable[Operation]], args: argparse.Namespace, *, wants: Wants = None) -> int:
    """Carry out on each server of the scope what `make` says; the exit code. `wants`: which servers, by name."""

    async def planned(operations: Operations, server: Server, progress: Callable[[int, int], None]) -> Plan:
        return await operations.plan(server.name, await make(server), progress=progress)

    return operate_plans(planned, args, wants=wants)


def operate_plans(make: MakePlan, args: argparse.Namespace, *, wants: Wants = None) -> int:
    """The same for what does not come to its plan by an operation alone."""
    answers = Answers.of(args)
    profiles = [one for one in scope_of(args).profiles if wants is None or wants(one.name)]
    if answers.fingerprints and len(answers.fingerprints) > len(profiles):
        raise UsageError(f"{len(answers.fingerprints)} plans for {len(profiles)} servers", hint="one --plan a server")
    return asyncio.run(_Operate(make, args, answers, profiles).go())


Wants = Callable[[str], bool] | None


class _Operate:
    """One command on its servers, one after the other: a person answers one question at a time."""

    def __init__(self, make: MakePlan, args: argparse.Namespace, answers: Answers, profiles: list[Profile]) -> None:
        self._source = source = password_source(no_input=args.no_input)
        self._peers: dict[str, Server] = {}
        self._make = make
        self._args = args
        self._answers = answers
        self._servers = {one.name: Server(one, password_source=source, timeout=args.timeout) for one in profiles}

    async def go(self) -> int:
        """Each server in turn; what an interruption left out is not begun."""
        results: list[Result] = []
        operations = await operations_of(self._args, self._server)
        try:
            for server in self._servers.values():
                results.append(await self._on(server, operations))
                if results[-1].exit_code == INTERRUPTED:
                    break
        finally:
            diagnostics.PROGRESS.clear()
            if not (results and isinstance(results[-1].error, LeftRunning)):
                await _closed(operations)
            servers = (*self._servers.values(), *self._peers.values())
            await asyncio.gather(*(server.close() for server in servers), return_exceptions=True)
        print_results(results, self._args)
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
            outcome, interrupted = await _to_its_end(run, Look.of(self._args))
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


class LeftRunning(SqtuiError):
    """A person did not wait until it was known what the last batch did."""

    title: ClassVar[str] = "Left"
    exit_code: ClassVar[int] = INTERRUPTED


async def _to_its_end(run: Run, look: Look) -> tuple[Outcome, bool]:
    """Waits for a run, showing how far it is. Ctrl-C ends it after the batch under way, the second one at once.

    Raises `LeftRunning`.
    """

    def show(one: Run) -> None:
        cell = outcomes.progress_cell(one.plan.operation, one.progress, look.context(time.time()))
        diagnostics.PROGRESS.show(f"{one.server}: {plain(cell)}")

    left = asyncio.Event()

    def stop() -> None:
        if run.stopping:
            left.set()
        run.stop()

    forget = run.subscribe(show)
    end, leave = asyncio.create_task(run.wait()), asyncio.create_task(left.wait())
    try:
        with _instead_of_dying(stop):
            await asyncio.wait((end, leave), return_when=asyncio.FIRST_COMPLETED)
        if not end.done():
            raise LeftRunning(
                f"left at {run.progress.tally.settled:,} of {run.progress.total:,}, with a batch under way",
                hint="sqtui resume tells what became of it",
            )
        return end.result(), run.stopping
    finally:
        forget()
        leave.cancel()
        diagnostics.PROGRESS.clear()


@contextmanager
def _instead_of_dying(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, a terminal that closes and a polite kill call `stop`."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in signals}
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
