"""Runs a command that changes servers: plans, asks, starts, shows how far it is, says what became of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sidekiq_tui.cli import diagnostics, output, render
from sidekiq_tui.cli.confirm import Answers, plan_lines
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.scope import scope_of
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.errors import CannotBeDone, GuardRefused
from sidekiq_tui.presentation import flat, outcomes, records
from sidekiq_tui.presentation.columns.base import Span, label_role, plain
from sidekiq_tui.presentation.plans import plan_record
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.outcome import Outcome
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.operations.run import Run
    from sidekiq_tui.servers.profile import Profile

INTERRUPTED: Final = 130
PARTLY: Final = 5
FAILED: Final = 1
_UNREACHABLE: Final = ServerUnreachable.exit_code
_ENDINGS: Final = {"unknown": _UNREACHABLE, "refused": GuardRefused.exit_code}

MakePlan = Callable[["Operations", Server, Callable[[int, int], None]], Awaitable["Plan"]]
"""How a command comes to its plan on one server."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one server gave: a plan, what became of it, or why there is none."""

    profile: Profile
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: Exception | None = None
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """As design 7 has it; entries that were no longer there are done with, except for an undo."""
        if self.error is not None:
            return self.error.exit_code if isinstance(self.error, SqtuiError) else FAILED
        if self.outcome is None or self.plan is None:
            return 0
        if self.interrupted and self.outcome.ending == "stopped":
            return INTERRUPTED
        if self.outcome.ending in _ENDINGS:
            return _ENDINGS[self.outcome.ending]
        tally = self.outcome.tally
        left = tally.refused + tally.malformed + tally.unknown + tally.duplicated + tally.untouched
        if self.plan.operation.kind == "undo":
            left += tally.gone + tally.exists
        if not left and self.outcome.ending == "done":
            return 0
        return PARTLY if tally.done else FAILED


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
        source = password_source(no_input=args.no_input)
        self._make = make
        self._args = args
        self._answers = answers
        self._servers = {one.name: Server(one, password_source=source, timeout=args.timeout) for one in profiles}

    async def go(self) -> int:
        """Each server in turn; what an interruption left out is not begun."""
        results: list[Result] = []
        operations = await operations_of(self._args, self._servers.__getitem__)
        try:
            for server in self._servers.values():
                results.append(await self._on(server, operations))
                if results[-1].exit_code == INTERRUPTED:
                    break
        finally:
            diagnostics.PROGRESS.clear()
            if not (results and isinstance(results[-1].error, LeftRunning)):
                await _closed(operations)
            await asyncio.gather(*(server.close() for server in self._servers.values()), return_exceptions=True)
        print_results(results, self._args)
        codes = [result.exit_code for result in results if result.exit_code]
        return next((code for code in (INTERRUPTED, _UNREACHABLE) if code in codes), next(iter(codes), 0))

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


def print_results(results: Sequence[Result], args: argparse.Namespace) -> None:
    """Each server's plan and outcome on stdout in the format that was asked for; errors on stderr."""
    now = time.time()
    if args.output == "table":
        look = Look.of(args)
        several = len(results) > 1
        output.write_lines([line for result in results for line in _lines(result, look, now, several, args.dry_run)])
    else:
        elements = [_element(result, args.dry_run) for result in results]
        if args.output == "json":
            pretty = Look.of(args).tty
            document = records.document(args.view, now, elements)
            output.write_lines([json.dumps(document, indent=2 if pretty else None, allow_nan=False)])
        else:
            lines = [{"server": one["name"], **{key: one[key] for key in one if key != "name"}} for one in elements]
            if args.output == "ndjson":
                output.write_lines(json.dumps(one, allow_nan=False) for one in lines)
            else:
                output.write_lines([flat.csv_line(_CSV), *(flat.csv_line(_csv_values(one)) for one in lines)])
    for result in results:
        if result.error is not None:
            words = _trouble(result.error, result.profile)
            diagnostics.complain_of(result.profile.name, words, result.error if args.debug else None)


def _trouble(error: Exception, profile: Profile) -> str:
    return diagnostics.sentence(error, profile.endpoint)


def _nothing(plan: Plan) -> str:
    stays = ", ".join(f"{count:,} {reason}" for reason, count in plan.stays)
    return f"nothing to do: {stays or plan.refused}"


def _element(result: Result, dry_run: bool) -> records.Record:
    error = None if result.error is None else _trouble(result.error, result.profile)
    fields: records.Record = {
        "dry_run": dry_run,
        "plan": None if result.plan is None else plan_record(result.plan),
        "outcome": None if result.outcome is None else outcomes.outcome_record(result.outcome),
    }
    return records.server_element(result.profile.name, fields, error)


_PLAN_FIELDS: Final = ("operation", "fingerprint", "count")
_OUTCOME_FIELDS: Final = (
    *("id", "ending", "done", "gone", "exists", "refused", "malformed", "unknown", "duplicated", "untouched"),
    *("words", "undo"),
)
_CSV: Final = ("server", "ok", "error", "dry_run", *_PLAN_FIELDS, *_OUTCOME_FIELDS)


def _csv_values(line: records.Record) -> list[object]:
    plan, outcome = line["plan"], line["outcome"]
    planned = [plan[name] if isinstance(plan, dict) else None for name in _PLAN_FIELDS]
    came_out = [outcome[name] if isinstance(outcome, dict) else None for name in _OUTCOME_FIELDS]
    return [*(line[name] for name in _CSV[:4]), *planned, *came_out]


def _lines(result: Result, look: Look, now: float, several: bool, dry_run: bool) -> Iterator[str]:
    """A server's part of the table: the plan of a dry run, else one line of what became of it."""
    plan = result.plan
    if plan is None or result.error is not None:
        return
    if dry_run:
        yield from plan_lines(plan, look, now)
        return
    context = look.context(now)
    name = display_text(result.profile.name)
    head = (Span(f"{name}: ", label_role(result.profile.label)),) if several or look.tty else ()
    if result.outcome is None:
        yield render.line((*head, Span(context.safe(_nothing(plan)), "muted")), look)
        return
    cell = outcomes.outcome_cell(result.outcome, context)
    undo = result.outcome.undo_id
    after = (Span(f"   sqtui undo {display_text(undo)} takes it back", "muted"),) if undo else ()
    yield render.paint((*head, *cell, *after), look)
