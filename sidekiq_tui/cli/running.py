"""Waits for what was begun, showing how far it is: ctrl-c ends it after the batch under way, the second one at once."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.waiting import Watch
from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import outcomes
from sidekiq_tui.presentation.columns.base import plain
from sidekiq_tui.presentation.global_plans import global_progress

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.global_plan import GlobalRun
    from sidekiq_tui.operations.outcome import Outcome
    from sidekiq_tui.operations.run import Run

INTERRUPTED: Final = 130


class LeftRunning(SqtuiError):
    """A person did not wait until it was known what the last batch did."""

    title: ClassVar[str] = "Left"
    exit_code: ClassVar[int] = INTERRUPTED


async def to_its_end(run: Run, args: argparse.Namespace) -> tuple[Outcome, bool]:
    """How a run ended, and whether a person stopped it. Raises `LeftRunning`."""
    look = Look.of(args)

    def show(one: Run) -> None:
        cell = outcomes.progress_cell(one.plan.operation, one.progress, look.context(time.time()))
        diagnostics.PROGRESS.show(f"{one.server}: {plain(cell)}")

    stopped = await _ended(_watch((run,), args), run.stop, run.wait(), show)
    if run.outcome is None:
        raise left_running(run)
    return run.outcome, stopped


async def all_to_their_end(run: GlobalRun, args: argparse.Namespace) -> bool:
    """Waits for all servers, and says whether a person stopped them; what has no outcome then was left.

    A person hears at once where it has ended; who reads a log, as soon as one of the others is waited for.
    """
    look = Look.of(args)
    watch = _watch(tuple(run.runs.values()), args)
    told: set[str] = set()

    def tell() -> None:
        diagnostics.PROGRESS.clear()
        for one in watch.runs:
            if one.outcome is not None and one.id not in told:
                told.add(one.id)
                said = plain(outcomes.outcome_cell(one.outcome, look.context(time.time())))
                diagnostics.note(f"{diagnostics.safe(one.server)}: {said}")

    def show(one: Run) -> None:
        if one.outcome is not None and not run.ended and (sys.stderr.isatty() or watch.waiting):
            tell()
        diagnostics.PROGRESS.show(plain(global_progress(run, look.context(time.time()))))

    watch.waits = tell
    return await _ended(watch, run.stop, run.wait(), show)


def left_running(run: Run) -> LeftRunning:
    """How far a run was when nobody waited any more."""
    return LeftRunning(
        f"left at {run.progress.tally.settled:,} of {run.progress.total:,}, with a batch under way",
        hint="sqtui resume tells what became of it",
    )


def _watch(runs: tuple[Run, ...], args: argparse.Namespace) -> Watch:
    return Watch(runs, args.patience, slowed=getattr(args, "rate", None) is not None)


async def _ended(watch: Watch, stop: Callable[[], None], end: Awaitable[object], show: Callable[[Run], None]) -> bool:
    """Waits for the end, or for the second ctrl-c; whether there was a first one."""
    stopped, left = asyncio.Event(), asyncio.Event()

    def interrupted() -> None:
        (left if stopped.is_set() else stopped).set()
        stop()

    forget = [run.subscribe(listener) for run in watch.runs for listener in (watch.hear, show)]
    ending, leaving = asyncio.ensure_future(end), asyncio.create_task(left.wait())
    watching = asyncio.create_task(watch.watch())
    try:
        with _instead_of_dying(interrupted):
            await asyncio.wait((ending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            ending.result()
        return stopped.is_set()
    finally:
        for one in forget:
            one()
        watching.cancel()
        leaving.cancel()
        ending.cancel()
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
