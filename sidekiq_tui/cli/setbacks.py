"""A move between servers of which one went back in time: what can be done about its jobs, and the plans for it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.past import named
from sidekiq_tui.cli.scope import NotHere
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.catalog import PushAgain
from sidekiq_tui.operations.errors import CannotBeDone

if TYPE_CHECKING:
    from sidekiq_tui.cli.operate import MakePlan
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.servers.server import Server

Reading = Callable[[int, int], None]
_LISTING = "sqtui resume"


def resume_plan(word: str) -> MakePlan:
    """How to go on with what `word` names; its notes say what else can be done where a server went back in time."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        id, listed, moves = await _meant(operations, server.name, word)
        ways = _ways(await operations.remedies(server.name, id), server.name, id) if moves else []
        if not listed:
            raise _refused("this move has ended", ways)
        try:
            plan = await operations.resume(server.name, id)
        except CannotBeDone as error:
            if not ways:
                raise
            raise _refused(error.message, ways) from error
        if plan.refused and ways:
            raise _refused(plan.refused, ways)
        if not sys.stderr.isatty():  # a terminal shows the notes
            for way in ways:
                diagnostics.warn(f"{server.name}: {way}")
        return replace(plan, notes=(*plan.notes, *ways))

    return make


def again_plan(word: str) -> MakePlan:
    """How to push those jobs of a move to its target again that are on neither server."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        plans = await _remedies(operations, server.name, word)
        again = next((plan for plan in plans if isinstance(plan.operation, PushAgain)), None)
        if again is None:
            raise CannotBeDone("its jobs may be on both servers: none is lost", hint=_or_delete(word, plans))
        return again

    return make


def twice_plan(word: str, where: str) -> MakePlan:
    """How to delete on the server `where` those jobs of a move that may be on both."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        plans = await _remedies(operations, server.name, word)
        if any(isinstance(plan.operation, PushAgain) for plan in plans):
            raise CannotBeDone(
                "its jobs are on neither server: none is there twice", hint=f"{_command(word)} --push-again"
            )
        found = next((plan for plan in plans if plan.server == where), None)
        if found is None:
            raise UsageError(f"--delete-twice: not a server of this move: {where}", hint=_or_delete(word, plans))
        return found

    return make


async def _meant(operations: Operations, server: str, word: str) -> tuple[str, bool, bool]:
    """The id, whether the list has it, and whether it is a move. Raises `NotHere`, SidekiqError.

    A setback stays known once its move has an end and is listed no more: then the whole id is needed.
    """
    try:
        entry = named(word, await operations.unfinished(server), _LISTING)
    except NotHere:
        try:
            known = await operations.setback(server, word)
        except CannotBeDone as error:
            raise NotHere(error.message, hint=error.hint) from error
        if known is None:
            raise
        return word, False, True
    return entry.id, True, entry.peer is not None


async def _remedies(operations: Operations, server: str, word: str) -> tuple[Plan, ...]:
    """What can be done. Raises `CannotBeDone` where that is nothing."""
    id, _, moves = await _meant(operations, server, word)
    back = await operations.setback(server, id) if moves else None
    if back is None:
        raise CannotBeDone("none of its jobs is lost or there twice", hint=f"{_command(word)} goes on with it")
    plans = await operations.remedies(server, id)
    if not plans:
        many = "1 job is" if back.count == 1 else f"{back.count:,} jobs are"
        where = "perhaps on both servers" if back.side == "source" else "on neither server"
        raise CannotBeDone(f"{many} {where}, but only the machine that moved them knows which")
    return plans


def _ways(plans: Sequence[Plan], server: str, id: str) -> list[str]:
    """What can be done, each with its command line."""
    command = f"{_command(id)} --server {shlex.quote(server)}"
    said: list[str] = []
    for plan in plans:
        if not plan.count:
            continue
        many = "1 job" if plan.count == 1 else f"{plan.count:,} jobs"
        if isinstance(plan.operation, PushAgain):
            said.append(
                f"{many} on neither server: {command} --push-again puts them on {plan.server}, again if they ran"
            )
        else:
            where = f"--delete-twice {shlex.quote(plan.server)}"
            said.append(f"{many} perhaps on both servers: {command} {where} deletes them there")
    return said


def _or_delete(word: str, plans: Sequence[Plan]) -> str:
    return " or ".join(f"{_command(word)} --delete-twice {shlex.quote(plan.server)}" for plan in plans)


def _command(word: str) -> str:
    return f"sqtui resume {shlex.quote(word)}"


def _refused(why: str, ways: Sequence[str]) -> SqtuiError:
    return CannotBeDone(why, hint="; ".join(ways))
