"""Carries a plan out: line and journal first, then BEGIN, the work, FINISH, and the line of how it ended (5.1)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.operations import guard, words
from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.batch_run import BatchRun, Piece, rested
from sidekiq_tui.operations.catalog import Delete, Enlist, OfJobs, Operation
from sidekiq_tui.operations.count import Count
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.errors import AccessDenied, CannotBeKept, GuardRefused
from sidekiq_tui.operations.forgotten import end_complete
from sidekiq_tui.operations.journal import JournalError, Noted, State, UndoKind
from sidekiq_tui.operations.making import Maker, TrashParts
from sidekiq_tui.operations.outcome import Ending, Outcome, Progress
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.parameters import parameters_text, rest_of
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.pieces import of_enlist, of_jobs, of_others
from sidekiq_tui.operations.plan import Mode
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.sender import Halted, Link, Sender, Waiting
from sidekiq_tui.operations.senders_degraded import ClaimingSender, UnfencedSender
from sidekiq_tui.operations.sources import Sources, counts_by_place
from sidekiq_tui.operations.survey import payload_context
from sidekiq_tui.operations.targets import Targets
from sidekiq_tui.operations.transform import Transform
from sidekiq_tui.operations.undo_kind import undo_kind, writes_payloads
from sidekiq_tui.servers.mark import read_mark
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.write_access import Grant
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import prune
from sidekiq_tui.sidekiq.trash import budget, reap

_RENEW: Final = 300.0
"""Seconds that a grant must still live; with less it is renewed, and the connection with it."""
_SMALL: Final = 8 << 20
"""Bytes of deleted jobs for which there is always room in a server's trash."""
_REPORTS: Final = 0.05
"""Seconds between two reports of progress."""
RECORD_VERSION: Final = 1
_SENDERS: Final[Mapping[Mode, type[Sender]]] = {"B": UnfencedSender, "C": ClaimingSender}


@dataclass(frozen=True, slots=True)
class Transit:
    """A move between servers that has begun: its records on source and target, what becomes of the jobs, and whether
    more are taken (else only those that are parked arrive). `whole`: the queues and sets all of which go."""

    generations: tuple[int, int]
    transform: Transform
    goes_on: bool
    whole: tuple[Place, ...] = ()
    moved: int = 0
    """Jobs that have arrived before."""
    set_back: bool = False
    """It is known, and was told, that a server went back in time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is carried out, and how. `undo_copy`: keep here or on the server what undo needs."""

    run: Run
    grant: Grant
    rate: float | None = None
    undo_copy: bool = True
    of: str | None = None
    """For an undo: the id of what it takes back. For the rest of a resumed operation: that one's id."""
    generation: int = 1
    peer: Grant | None = None
    """For an operation between two servers: the grant for the other one."""
    transit: Transit | None = None
    """For a move that is gone on with."""
    after: int = 0
    first: int = 0
    """For an undo that is gone on with: its next generation, entries that were handled before, its next batch."""


class Execution:
    """One operation from its first line to its last. Made anew for each; `carry_out` never raises."""

    def __init__(self, desk: Desk, order: Order) -> None:
        self.desk = desk
        self.order = order
        self.run = order.run
        self.plan = order.run.plan
        self.operation: Operation = order.run.plan.operation
        self.count = Count(self.plan.count)
        self.pace = Pace(order.rate)
        self._grant = order.grant
        self._state: Waiting = "running"
        self._words = ""
        self._open = False
        """Whether the server would not end the record."""
        self._began = self._reported = 0.0
        self._reader: Database | None = None
        self._maker: Maker | None = None
        self._trash: TrashParts | None = None
        self._spills = False
        self._met = False
        self._details: dict[str, object] = {}
        self.rebuilt: dict[Place, int] = {}
        """Queues that are rebuilt, and how many entries leave each."""
        kept = desk.server(self.plan.server).profile.durability
        self.link = Link(self._connect, self._waits, lambda: self.run.stopping, desk.clock, kept)

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.run.id

    @property
    def server(self) -> Server:
        """The server as its profile is now."""
        return self.desk.server(self.plan.server)

    async def carry_out(self) -> Outcome:
        """All of it. What fails is in the outcome, which is also in the audit and in the journal."""
        self._began = self.desk.clock()
        try:
            head = await self._announce()
        except CannotBeKept as error:
            return self._outcome("refused", f"{error}: nothing was done", error=str(error))
        except Exception as error:
            self.run.mistake = error
            return self._outcome("refused", f"sqtui failed ({type(error).__name__}): nothing was done", error="mistake")
        return await self._conclude(*await self._guarded(head))

    # ---- Before and after

    async def _announce(self) -> Head:
        """The line and the journal's row, on disk before the first write. Raises `CannotBeKept`."""
        head = await self.desk.audited(self._intent())
        now = self.desk.clock()
        plan = self.plan
        # What is not written down cannot be gone on with after a crash; only ended.
        told = self.desk.payloads(self.plan.server) == "keep" or not writes_payloads(self.operation)
        noted = Noted(
            id=self.id,
            server=plan.server,
            mark=plan.mark.run_id or "",
            kind=self.operation.kind,
            words=words.what(self.operation, plan.count, plan.places),
            who=self.desk.who.text,
            plan=plan.fingerprint,
            parameters=parameters_text(self.operation) if told else "",
            count=plan.count,
            at=now,
            undo=self.undo_kind(),
            owner=self.desk.journal.owner,
            touched=now,
        )
        try:
            if self.order.generation == 1:
                await self._take_over()
                await self.desk.journal.begin(noted, rest_of(plan) if told else None)
            else:
                await self.desk.journal.reopen(self.id)
        except JournalError as error:
            with contextlib.suppress(CannotBeKept):
                await self.desk.audited(self._result("refused", str(error)))
            raise
        return head

    async def _take_over(self) -> None:
        """What this is the rest of waits no longer."""
        before = None if self.order.of is None else await self.desk.journal.noted(self.order.of)
        if before is not None and before.state == "failed" and self.operation.kind != "undo":
            await self.desk.journal.end(before.id, "stopped", before.tally, undo=before.undo, rest=True)

    async def _guarded(self, head: Head) -> tuple[Ending, str, str]:
        """Does the work; how it ended, what the trouble was in words, and the error."""
        sender: Sender | None = None
        try:
            guard.check_server(self.plan, await patiently(lambda: self.server.mark()))
            await self._prepare()
            sender = self.sender(head)
            await self._work(sender)
            if not self.run.leaving:
                await self._finish(sender)
            if sender.unsure:
                return "failed", sender.unsure, "durability"
            return ("stopped" if self.run.stopping else "done"), "", ""
        except Halted as halt:
            self._details |= halt.details
            if halt.unknown:
                return "unknown", halt.words, halt.code or "unknown"
            if sender is not None and halt.code not in ("EXISTS", "TAKEN", "UNREACHABLE"):
                await self._finish(sender)
            if self.count.tally().unknown:
                return "unknown", halt.words, halt.code or "unknown"
            return self._failed(halt.words, halt.code)
        except GuardRefused as error:
            if sender is not None:
                await sender.finish()
            return self._failed(str(error), "guard")
        except SidekiqError as error:
            if sender is not None:
                await sender.finish()
            return self._failed(str(error), error.code or error.title)
        except Exception as error:  # a mistake of ours: what was done is known all the same, or the record knows it
            self.run.mistake = error
            if sender is not None:
                await sender.finish()
            ending: Ending = "unknown" if self.count.tally().unknown else "failed"
            return ending, f"sqtui failed ({type(error).__name__})", "mistake"
        finally:
            if sender is not None:
                await self._tidied(sender)
                await sender.hang_up()
            if self._reader is not None:
                await self._reader.close()

    async def _finish(self, sender: Sender) -> None:
        """Ends the record; where that fails, what was begun is listed until somebody ends it."""
        self._open = not await sender.finish()

    async def _tidied(self, sender: Sender) -> None:
        """Frees old trash and forgets old records, while a connection that writes is there. What fails waits."""
        if self.plan.mode != "A" or self.run.stopping:
            return
        with contextlib.suppress(SidekiqError):  # the journal's errors are among them
            db = await sender.database()
            now = self.desk.clock()
            await reap(db, now)
            if self.desk.untidy(f"records of {self.plan.server}"):
                await end_complete(self.desk.journal, db, self.plan.server, now)
                await prune(db, now)

    def _failed(self, trouble: str, error: str) -> tuple[Ending, str, str]:
        nothing = self.count.tally().settled == 0
        return ("refused" if nothing and error == "guard" else "failed"), trouble, error or "failed"

    async def _conclude(self, ending: Ending, trouble: str, error: str) -> Outcome:
        tally = self.count.tally()
        undo = self.undo_kind() if tally.done else "no"
        said = words.ended(self.operation, tally, trouble)
        outcome = self._outcome(ending, said, error=error, undo_id=self.id if undo != "no" else None)
        left = ending in ("failed", "unknown") or (ending == "stopped" and self.run.leaving)
        state: State = "done" if ending == "refused" or error == "EXISTS" else ending
        if self._open and state != "done":
            state = "unknown"
        if ending == "stopped" and self.run.leaving:
            state = "open"
        problems = []
        try:
            # What was done is kept, too: the server may fail over, and forget it.
            await self.desk.journal.end(self.id, state, tally, undo=undo, rest=left or tally.done > 0)
        except JournalError as failure:
            problems.append(f"the journal was not told: {failure}")
        if state != "open":
            try:
                await self.desk.audited(self._result(ending, outcome.words, outcome.undo_id))
            except CannotBeKept as failure:
                problems.append(f"the line of this outcome is not in the audit: {failure}")
        if problems:
            outcome = replace(outcome, words=f"{outcome.words}; {'; '.join(problems)}", error="; ".join(problems))
        if self.desk.untidy("journal"):
            with contextlib.suppress(JournalError):
                await self.desk.journal.tidy()
        self._tell("ended", outcome.words)
        return outcome

    def _outcome(self, ending: Ending, said: str, *, error: str = "", undo_id: str | None = None) -> Outcome:
        details = dict(self._details)
        if self.count.twice:
            details["duplicates"] = list(self.count.twice)
        return Outcome(self.id, ending, self.count.tally(), said, undo_id, error, details)

    # ---- The work

    async def _prepare(self) -> None:
        """Finds out what is needed before anything is begun. Reads only."""
        if not isinstance(self.operation, Delete) or self.rebuilt or self.undo_kind() != "trash":
            return
        if self.desk.payloads(self.plan.server) != "keep" or self.plan.price.sent < _SMALL:
            return
        redis = (await self.server.overview(self.desk.clock())).redis
        if await self.server.trash_bytes() + self.plan.price.sent > budget(redis.maxmemory):
            # Too much of a burden for the server: the copy is kept on this machine.
            self._spills = True
            await self.desk.journal.set_undo(self.id, "journal")

    def sender(self, head: Head) -> Sender:
        """The conversation with the server."""
        trash = self.trash_parts()
        return self.sender_with(head, {} if trash is None else {"places": json.dumps(trash.places)})

    def sender_with(self, head: Head, more: Mapping[str, str]) -> Sender:
        """The conversation, whose record says who does what, and nothing of what is in jobs."""
        fields = {**self.record_fields(head), **more}
        drain = bool(getattr(self.operation, "drain", False))
        kind = _SENDERS.get(self.plan.mode, Sender)
        return kind(
            self.link,
            self.id,
            fields,
            self.pace,
            server=self.plan.server,
            generation=self.order.generation,
            first=self.order.first,
            drain=drain,
        )

    def record_fields(self, head: Head) -> dict[str, str | int | float]:
        """What every record says."""
        fields: dict[str, str | int | float] = {
            "v": RECORD_VERSION,
            "kind": self.operation.kind,
            "who": self.desk.who.text,
            "at": self.desk.clock(),
            "n": self.plan.count,
            "plan": self.plan.fingerprint,
            "audit": f"{head.n}:{head.hash}",
        }
        if self.order.of is not None:
            fields["of"] = self.order.of
        return fields

    async def _work(self, sender: Sender) -> None:
        """Begins, and carries the pieces out. Raises what stops it."""
        await sender.begin()
        self._tell("running", "")
        await self.batches(sender).carry_out(await self._pieces())

    def batches(self, sender: Sender, *, first: int = 0) -> BatchRun:
        """What carries pieces out. `first`: the number of the first batch, where others went before."""
        return BatchRun(
            self.id,
            self.run,
            sender,
            self.desk.journal,
            self.pace,
            self.count,
            before=lambda: self._allowed(sender),
            report=self._progressed,
            first=first,
        )

    async def rested(self, sender: Sender) -> bool:
        """Waits as the pace says before a step that is no batch, and while paused; False when it shall stop."""
        await rested(self.run, self.pace, self._progressed)
        await self._allowed(sender)
        return not self.run.stopping

    async def _pieces(self) -> AsyncIterator[list[Piece]]:
        operation = self.operation
        if isinstance(operation, Enlist):
            return of_enlist(operation, keep=self.keeps)
        if isinstance(operation, OfJobs):
            assert self.plan.targets is not None
            return await self.of_targets(operation, self.plan.targets)
        return of_others(await self._reading(), operation, self.desk.clock())

    async def of_targets(self, operation: OfJobs, targets: Targets) -> AsyncIterator[list[Piece]]:
        """The pieces for some entries of the plan."""
        sources = Sources(self.server, operation, targets)
        maker = await self.maker(operation)
        return of_jobs(await self._reading(), operation, sources, maker, self.count, keep=self.keeps)

    async def maker(self, operation: OfJobs) -> Maker:
        """What makes items. One for the whole operation: it counts."""
        if self._maker is None:
            now = self.desk.clock()
            context = await patiently(lambda: payload_context(self.server, now))
            self._maker = Maker(operation, context, total=self.plan.count, trash=self.trash_parts(), now=now)
        return self._maker

    @property
    def keeps(self) -> bool:
        """Whether the journal gets the bytes of entries."""
        return self.undo_kind() == "journal"

    async def _reading(self) -> Database:
        """A second connection, for reads that must not wait for batches."""
        if self._reader is None:
            self._reader = await self._connect()
        return self._reader

    def trash_parts(self) -> TrashParts | None:
        """Where deleted bytes go on the server; None where they don't."""
        if not isinstance(self.operation, Delete) or self.undo_kind() != "trash" or self.plan.targets is None:
            return None
        if self._trash is None:
            keys, counts = self.server.profile.keys, counts_by_place(self.plan.targets)
            self._trash = TrashParts(keys, self.id, counts, self.rebuilt)
        return self._trash

    def undo_kind(self) -> UndoKind:
        """Where the way back of this operation lies."""
        kind = undo_kind(self.operation, self.plan.mode, self.desk.payloads(self.plan.server))
        if not self.order.undo_copy:
            return "no" if kind in ("trash", "journal") else kind
        return "journal" if kind == "trash" and self._spills else kind

    # ---- What the work asks on its way

    async def _connect(self) -> Database:
        """A connection that writes, for as long as it is allowed. Raises `GuardRefused` when it no longer is."""
        server = self.server
        now = self.desk.clock()
        if self._grant.expires - now < _RENEW:
            self._grant = guard.renew(self.plan, server.profile, self._grant, now, read_only=self.desk.read_only)
        db = await server.writer(self._grant)
        if not self._met:
            # The connection that planned may still be to a server whose address another one has by now.
            try:
                mark = await read_mark(db, server.profile.database, server.profile.namespace)
                guard.check_server(self.plan, mark)
            except BaseException:
                await db.close()
                raise
            self._met = True
        return db

    async def _allowed(self, sender: Sender) -> None:
        """Raises `AccessDenied` when the profile no longer allows it. Connects anew with a grant that lives on."""
        refused = guard.access_refusal(self.operation, self.server.profile, read_only=self.desk.read_only)
        if refused:
            raise AccessDenied(refused)
        if self._grant.expires - self.desk.clock() < _RENEW:
            await sender.hang_up()

    def _waits(self, state: Waiting, said: str) -> None:
        if (state, said) != (self._state, self._words):
            self._state, self._words = state, said
            self._tell(state, said)

    def _progressed(self) -> None:
        if self.desk.clock() - self._reported >= _REPORTS or self.run.paused:
            self._tell("running", "")

    def _tell(self, state: str, said: str) -> None:
        now = self.desk.clock()
        self._reported = now
        shown = "paused" if state == "running" and self.run.paused else state
        self.run.report(
            Progress(self.count.total, self.count.tally(), shown, self.pace.rate, now - self._began, said)  # type: ignore[arg-type]
        )

    # ---- Lines of the audit

    def _intent(self) -> dict[str, object]:
        plan = self.plan
        return {
            "step": "intent",
            **self._about(),
            "what": words.what(self.operation, plan.count, plan.places),
            "count": plan.count,
            "plan": plan.fingerprint,
            "mode": plan.mode,
            "user": plan.user,
            "run": plan.mark.run_id,
            "places": dict(plan.places),
            "queues": dict(plan.queues[:50]),
            "classes": dict(plan.classes[:50]),
            "notes": list(plan.notes),
        }

    def _result(self, ending: Ending, said: str, undo: str | None = None) -> dict[str, object]:
        tally = self.count.tally()
        return {
            "step": "outcome",
            **self._about(),
            "ending": said,
            "how": ending,
            "counts": {name: getattr(tally, name) for name in tally.__dataclass_fields__},
            "jids": self.count.jids,
            "jids_digest": self.count.digest,
            "undo": undo,
        }

    def _about(self) -> dict[str, object]:
        who = self.desk.who
        return {
            "id": self.id,
            **({"of": self.order.of} if self.order.of is not None else {}),
            **({"together": self.run.together} if self.run.together else {}),
            "who": who.text,
            **({"origin": who.origin} if who.origin else {}),
            "server": self.plan.server,
            "kind": self.operation.kind,
        }
