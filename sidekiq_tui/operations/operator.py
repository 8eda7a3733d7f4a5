"""The one door to changing servers, for screens and commands alike: plan, question, start, undo, resume, audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import guard, transfer_resume
from sidekiq_tui.operations.audit import Audit, Head
from sidekiq_tui.operations.audit_check import verify
from sidekiq_tui.operations.audit_line import AuditedOperation, AuditLine, Verdict
from sidekiq_tui.operations.audit_read import audited_operations, read_lines
from sidekiq_tui.operations.catalog import (
    CopyAcross,
    Evacuate,
    Operation,
    PushAgain,
    ReturnStaged,
    Transfer,
    Undo,
)
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.errors import CannotBeDone, PlanOutdated
from sidekiq_tui.operations.execute import Order
from sidekiq_tui.operations.executions import execution
from sidekiq_tui.operations.forward import Forward
from sidekiq_tui.operations.guard import Question
from sidekiq_tui.operations.history import UndoEntry, Unfinished
from sidekiq_tui.operations.journal import Journal, JournalError
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.planning import make_plan
from sidekiq_tui.operations.prepared import TOGETHER, new_id
from sidekiq_tui.operations.resume import Continuation, plan_rest
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.settings import OperationSettings
from sidekiq_tui.operations.transfer_plan import plan_across
from sidekiq_tui.operations.transfer_setback import Setback, remedied, remedies
from sidekiq_tui.operations.transfer_undo import noted_move, plan_back
from sidekiq_tui.operations.undo import can_be_undone, of_journal, plan_undo, undo_id, undoable, way_back
from sidekiq_tui.operations.undo_kind import no_undo
from sidekiq_tui.operations.unfinished import conclude, heads_on, settle, unfinished
from sidekiq_tui.operations.who import Who, current_who
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord

AUDIT: Final = "audit"
"""The folder of the audit, in that of the journal."""

__all__ = ["OperationSettings", "Operations", "Run", "UndoEntry", "Unfinished", "Who"]


class Operations:
    """All operations of a session. Use it inside one running event loop; nothing is created on disk before a start.

    `server` gives the reading side of a server by its name; `home` is the folder for journal and audit; `read_only`
    refuses everything and cannot be lifted. Every method raises `SidekiqError`.
    """

    def __init__(
        self,
        server: Callable[[str], Server],
        *,
        home: Path,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        who: Who | None = None,
        settings: OperationSettings | None = None,
    ) -> None:
        self.who = who or current_who()
        self.settings = settings or OperationSettings()
        self._audit_folder = home / AUDIT
        kept = self.settings
        forward = None
        if kept.audit_syslog or kept.audit_command:
            forward = Forward(syslog=kept.audit_syslog, command=kept.audit_command)
        self._desk = Desk(
            server=server,
            journal=Journal(home, size=kept.journal_size, window=kept.undo_window, clock=clock),
            audit=Audit(self._audit_folder, clock=clock, size=kept.audit_size, key=kept.audit_key, forward=forward),
            settings=kept,
            clock=clock,
            who=self.who,
            read_only=read_only,
        )
        self._runs: dict[str, Run] = {}
        self._rests: dict[str, Continuation] = {}
        """Of plans that go on with something, by their fingerprint."""

    async def plan(
        self, server: str, operation: Operation, *, progress: Callable[[int, int], None] | None = None
    ) -> Plan:
        """What the operation would do there; only reads. `progress` hears how many entries of how many were read."""
        desk = self._desk
        if isinstance(operation, Undo):
            found = desk.server(server)
            if (move := await noted_move(desk, server, operation)) is not None:
                plan = await plan_back(desk, move)
                self._rests[plan.fingerprint] = Continuation(move.id)
                return plan
            return await plan_undo(desk.journal, found, operation, now=desk.clock(), read_only=desk.read_only)
        if isinstance(operation, Transfer | Evacuate | CopyAcross | PushAgain):
            return await plan_across(desk, server, operation, progress)
        if isinstance(operation, ReturnStaged):
            plan, transit = await transfer_resume.plan_return(desk, desk.server(server), operation, self._running())
            self._rests[plan.fingerprint] = Continuation(operation.operation, transit=transit)
            return plan
        plan = await make_plan(
            desk.server(server), operation, now=desk.clock(), read_only=desk.read_only, progress=progress
        )
        return replace(plan, undo=no_undo(operation, plan.mode, desk.payloads(server)) or plan.undo)

    def question(self, plan: Plan) -> Question:
        """What a person must answer before it may start."""
        return guard.question(plan, self._desk.server(plan.server).profile)

    def start(
        self,
        plan: Plan,
        answer: str = "",
        *,
        rate: float | None = None,
        undo_copy: bool = True,
        fingerprint: str | None = None,
        together: str = "",
    ) -> Run:
        """Begins in the background. `rate`: at most so many entries a second; without `undo_copy` it cannot be undone.

        `fingerprint`: of the plan that a person has named. `together`: what the ids of all parts of one deed on several
        servers begin with. Raises the guard's errors (read-only, wrong answer, plan too old). What comes later is in
        the outcome: `refused` when nothing was begun, as without audit or journal.
        """
        desk = self._desk
        profile = desk.server(plan.server).profile
        now = desk.clock()
        if any(run.plan is plan for run in self._runs.values()):
            raise PlanOutdated("this plan has been started already", hint="plan again to do it once more")
        grant = guard.admit(plan, profile, answer, now, read_only=desk.read_only, fingerprint=fingerprint)
        undo = plan.operation if isinstance(plan.operation, Undo) else None
        rest = self._rests.get(plan.fingerprint)
        id = new_id(together) if undo is None else undo_id(undo)
        if rest is not None and rest.transit is not None and not isinstance(plan.operation, ReturnStaged):
            id = rest.of
        run = Run(id, plan, together=together)
        order = Order(run, grant, rate, undo_copy, of=None if undo is None else undo.operation)
        if plan.peer is not None and plan.peer.writes:
            peer = desk.server(plan.peer.name).profile
            order = replace(order, peer=guard.admit_peer(plan, peer, now, read_only=desk.read_only))
        if rest is not None:
            order = replace(order, of=rest.of, generation=rest.generation, after=rest.after, first=rest.first)
            order = replace(order, transit=rest.transit)
        self._runs[run.id] = run
        run.begin(execution(desk, order).carry_out())
        return run

    @property
    def runs(self) -> tuple[Run, ...]:
        """All of this session, the newest last; also those that have ended."""
        return tuple(self._runs.values())

    def last_undoable(self, server: str) -> UndoEntry | None:
        """What `u` takes back: the last operation of this machine on that server that still can be."""
        noted = next((one for one in self._desk.journal.last_noted(server) if can_be_undone(one)), None)
        return None if noted is None else of_journal(noted)

    def last_undoable_of(self, servers: Sequence[str]) -> tuple[UndoEntry, ...]:
        """The last deed of this machine on any of these servers that still can be taken back: all its parts there."""
        known = [one for server in servers for one in self._desk.journal.last_noted(server) if can_be_undone(one)]
        last = max(known, key=lambda one: one.at, default=None)
        if last is None:
            return ()
        return tuple(of_journal(one) for one in known if one.id[:TOGETHER] == last.id[:TOGETHER])

    async def undoable(self, server: str) -> tuple[UndoEntry, ...]:
        """Everything that can be undone there, from this journal and from the server's trash, the newest first."""
        return await undoable(self._desk.journal, self._desk.server(server), self._desk.clock())

    async def trash_jobs(self, server: str, id: str, offset: int, count: int) -> tuple[JobRecord, ...]:
        """Jobs in the trash of an operation, over all its parts: sets by score, queues as they were taken out."""
        found = self._desk.server(server)
        way = await way_back(self._desk.journal, found, id)
        jobs: list[JobRecord] = []
        for part in way.parts:
            if offset < part.count and len(jobs) < count:
                jobs.extend(await found.trash_jobs(part, offset, count - len(jobs)))
            offset = max(0, offset - part.count)
        return tuple(jobs)

    async def unfinished(self, server: str) -> tuple[Unfinished, ...]:
        """Operations without an end on that server, ours and those of others, the oldest first."""
        return await unfinished(self._desk, self._desk.server(server), self._running())

    async def resume(self, server: str, id: str) -> Plan:
        """Fences what was begun, and plans its rest; start that as any plan. Raises `CannotBeDone`, SidekiqError.

        Parked jobs go back into their queue first, those of a move to the other server. What nobody here knows the
        rest of has ended then.
        """
        found = self._desk.server(server)
        move = await transfer_resume.find(self._desk, found, id, self._running())
        if move is not None and transfer_resume.is_over(move) and (move.known or move.setback is None):
            raise CannotBeDone(await transfer_resume.leave_move(self._desk, move))
        if move is not None:
            plan, transit = await transfer_resume.plan_resume(self._desk, found, move)
            generation = 1 if move.noted is None else 2
            self._rests[plan.fingerprint] = Continuation(id, generation, transit=transit)
            return plan
        settled = await settle(self._desk, found, id, self._running())
        try:
            plan, continuation = await plan_rest(self._desk, found, settled)
        except CannotBeDone:
            await conclude(self._desk, settled)
            raise
        if continuation.generation == 1:
            await conclude(self._desk, settled, offered=True)
        self._rests[plan.fingerprint] = continuation
        return plan

    async def leave(self, server: str, id: str) -> str:
        """Fences what was begun and ends it where it is; says in words how far it got. Raises as `resume`.

        A move must be gone on with, or be put back by `ReturnStaged`.
        """
        found = self._desk.server(server)
        move = await transfer_resume.find(self._desk, found, id, self._running())
        if move is not None:
            return await transfer_resume.leave_move(self._desk, move)
        settled = await settle(self._desk, found, id, self._running())
        return await conclude(self._desk, settled)

    async def setback(self, server: str, id: str) -> Setback | None:
        """Which jobs of a move are on both servers, or on neither, because one of these went back in time."""
        found = await transfer_resume.find(self._desk, self._desk.server(server), id, self._running())
        return None if found is None else found.setback

    async def remedies(self, server: str, id: str) -> tuple[Plan, ...]:
        """What can be done about a setback, each to be asked for: lost jobs are pushed again, or doubled ones leave one
        server or the other. None of these is right by itself: they may have run.
        """
        found = await transfer_resume.find(self._desk, self._desk.server(server), id, self._running())
        if found is None or found.setback is None:
            return ()
        ways = await remedies(self._desk.journal, id, found.setback, server, found.peer.name)
        return tuple([remedied(await self.plan(way.server, way.operation), way) for way in ways])

    def _running(self) -> frozenset[str]:
        return frozenset(run.id for run in self._runs.values() if run.outcome is None)

    def audit_lines(self, *, newest_first: bool = False) -> Iterator[AuditLine]:
        """Every line of the audit, over all files."""
        return read_lines(self._audit_folder, newest_first=newest_first)

    def audited(self, server: str | None = None, limit: int = 1000) -> tuple[AuditedOperation, ...]:
        """The last operations, the newest first, each with how it came out."""
        return audited_operations(self._audit_folder, server=server, limit=limit)

    async def servers_acted_on(self) -> tuple[str, ...]:
        """The servers of all operations that the journal knows, by name. Raises `JournalError`."""
        return tuple(sorted({noted.server for noted in await self._desk.journal.all_noted()}))

    async def verify_audit(self, servers: Collection[str] = ()) -> Verdict:
        """Checks the chain against itself, the head in the journal, and those in the records of some servers.

        A server that does not answer is in `not_asked`.
        """
        heads: list[tuple[str, Head]] = []
        notes: tuple[str, ...] = ()
        asked: list[str] = []
        silent: list[tuple[str, str]] = []
        try:
            kept = await self._desk.journal.head()
            if kept is not None:
                heads.append(("the journal", kept))
            replies = await asyncio.gather(*(heads_on(self._desk, name) for name in servers), return_exceptions=True)
            for name, reply in zip(servers, replies, strict=True):
                if isinstance(reply, SqtuiError) and not isinstance(reply, JournalError):
                    silent.append((name, str(reply)))
                elif isinstance(reply, BaseException):
                    raise reply
                else:
                    asked.append(name)
                    heads.extend(reply)
        except JournalError as error:
            notes = (f"the heads in the journal were not compared: {error}",)
        key = self.settings.audit_key
        verdict = await asyncio.to_thread(verify, self._audit_folder, heads=heads, key=key)
        return replace(verdict, notes=(*notes, *verdict.notes), asked=tuple(asked), not_asked=tuple(silent))

    async def purge_journal(self) -> int:
        """Forgets the copies of jobs of every operation that has ended; how many operations. Raises `JournalError`."""
        return await self._desk.journal.purge()

    async def close(self) -> None:
        """Leaves what runs after its batch, to be gone on with by `resume`, and closes the journal."""
        running = [run for run in self._runs.values() if run.outcome is None]
        for run in running:
            run.leave()
        for run in running:
            await run.wait()
        await self._desk.journal.close()
