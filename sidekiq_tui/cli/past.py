"""From the id of an operation to the plan that takes it back, or to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.scope import NotHere, known_profiles, scope_of
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.catalog import Undo
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.operate import MakePlan
    from sidekiq_tui.operations.history import UndoEntry
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.sidekiq.filter import Filter
    from sidekiq_tui.sidekiq.job import JobRecord

LAST: Final = "last"
_LEAST: Final = 4
"""Digits of an id that are taken for all of it, when only one begins so."""
_PART: Final = 500


class _Named(Protocol):
    @property
    def id(self) -> str:
        """What it is called."""


Entry = TypeVar("Entry", bound=_Named)
Reading = Callable[[int, int], None]


def undo_plan(word: str, servers: Sequence[str]) -> MakePlan:
    """How to undo what `word` names: an id, its first digits, or `last`, which is the last deed on any of `servers`."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        if word == LAST:
            last = next((one for one in operations.last_undoable_of(servers) if one.server == server.name), None)
            if last is None:
                raise NotHere("this machine did nothing there that can be undone", hint="sqtui undo lists all")
            return await operations.plan(server.name, Undo(operation=last.id), progress=progress)
        entry = named(word, await operations.undoable(server.name), "sqtui undo")
        return await operations.plan(server.name, Undo(operation=entry.id), progress=progress)

    return make


def restore_plan(word: str, wanted: Filter) -> MakePlan:
    """How to put back the jobs of a trash that match; all where the filter is empty."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        entry = trashed(word, await operations.undoable(server.name))
        if wanted.empty:
            return await operations.plan(server.name, Undo(operation=entry.id), progress=progress)
        jobs = await matching(operations, server.name, entry.id, wanted, entry.count)
        if not jobs:
            raise SqtuiError(f"nothing in it matches {wanted.text}", hint=f"sqtui trash show {word}")
        only = tuple(dict.fromkeys(digest(job.raw) for job in jobs))
        return await operations.plan(server.name, Undo(operation=entry.id, only=only), progress=progress)

    return make


async def matching(
    operations: Operations, server: str, id: str, wanted: Filter, total: int, most: int | None = None
) -> list[JobRecord]:
    """The jobs in a trash that match, at most `most`; read in parts."""
    found: list[JobRecord] = []
    now = time.time()
    offset = 0
    while part := await operations.trash_jobs(server, id, offset, _PART):
        offset += len(part)
        found += [job for job in part if wanted.matches(job, now)]
        diagnostics.PROGRESS.show(f"{server}: {offset:,} of {total:,} read")
        if len(part) < _PART or (most is not None and len(found) >= most):
            break
    diagnostics.PROGRESS.clear()
    return found if most is None else found[:most]


def leave(args: argparse.Namespace) -> int:
    """End an operation where it is, and say how far it got. Asks nothing: it changes no job."""
    profiles = scope_of(args).profiles
    if len(profiles) != 1:
        raise UsageError("--leave is for one server", hint="name it with --server")
    if args.output != "table":
        raise UsageError("--leave prints a sentence", hint="leave out -o")
    source, here = password_source(no_input=args.no_input), profiles[0].name
    servers: dict[str, Server] = {}

    def server(name: str) -> Server:
        """This one, or the other one of a move. Raises `KeyError`."""
        if name not in servers:
            profile = profiles[0] if name == here else known_profiles(args)[name]
            servers[name] = Server(profile, password_source=source, timeout=args.timeout)
        return servers[name]

    async def go() -> str:
        operations = await operations_of(args, server)
        try:
            entry = named(args.id, await operations.unfinished(here), "sqtui resume")
            return await operations.leave(here, entry.id)
        finally:
            await operations.close()
            await asyncio.gather(*(one.close() for one in servers.values()))

    output.write_lines([diagnostics.safe(asyncio.run(go()))])
    return 0


def trashed(word: str, entries: Sequence[UndoEntry]) -> UndoEntry:
    """The entry of the trash that is meant; `last` is the newest, whoever made it. Raises `SqtuiError`."""
    found = [one for one in entries if one.whence == "trash"]
    if word == LAST and found:
        return max(found, key=lambda one: one.at)
    return named(word, found, "sqtui trash")


def named(word: str, entries: Sequence[Entry], listing: str) -> Entry:
    """The entry of this id, or the only one that begins with it. Raises `SqtuiError`."""
    found = [one for one in entries if one.id == word]
    if not found and len(word) >= _LEAST:
        found = [one for one in entries if one.id.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise SqtuiError(f"several begin with {word}", hint=f"{listing} lists them")
    raise NotHere(f"there is no such operation: {word}", hint=f"{listing} lists them")
