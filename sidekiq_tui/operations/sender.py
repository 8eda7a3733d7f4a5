"""Sends batches so that it is known of each what it did: under a record, fenced when a reply is lost (5.2, 5.3)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from sidekiq_tui.operations.along import Along
from sidekiq_tui.operations.errors import GuardRefused
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.prepared import UNKNOWN, Prepared, new_bid
from sidekiq_tui.servers.profile import Durability
from sidekiq_tui.sidekiq import operation_record as records
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import CommandRefused, ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.lasting import is_demoted, unconfirmed
from sidekiq_tui.sidekiq.operation_record import BatchReply, ClosedRecord, RecordKeys, classify
from sidekiq_tui.sidekiq.payload import to_text

NONCE: Final = "nonce"
"""The field by which a record is known to be ours."""
BASE: Final = "base"
"""The field that says which batch of the operation is the first of this generation."""
ROLE_EVERY: Final = 2.0
"""Seconds between two looks at whether the server is still a master (operations-safety 12)."""
_FSYNC_EVERY: Final = 1.0  # seconds between two waits for the disk: what is later on it has all before it there, too
_BUSY_WAIT: Final = 30.0  # seconds for somebody's long script, or for a server that loads
_BEGIN: Final = 5.0  # seconds to look for a server before the first BEGIN; nothing has happened then
_QUIET: Final = 2.0  # seconds for which settling a lost reply is not worth a word
_LONGEST_PAUSE: Final = 10.0
_EVAL_TIME: Final = re.compile(rb"^cmdstat_eval(?:sha)?:calls=\d+,usec=(\d+)", re.MULTILINE)
_SETTLED: Final = frozenset("10x")
_PASSING: Final = ("BUSY", "LOADING")

Waiting = Literal["running", "checking", "waiting"]
Call = Callable[[Database, int], Awaitable[BatchReply]]
"""Sends one script with the number that the batch has in this generation."""
T = TypeVar("T")


class Halted(Exception):
    """The operation ends here. `words`: why, for a person. `results`: of the batch at hand, as far as it got."""

    def __init__(
        self,
        words: str,
        *,
        results: str = "",
        unknown: bool = False,
        code: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(words)
        self.words = words
        self.results = results
        self.unknown = unknown
        self.code = code
        self.details = dict(details or {})


@dataclass(slots=True)
class Link:
    """What a sender needs of its surroundings."""

    connect: Callable[[], Awaitable[Database]]
    """A new connection that writes. Raises SidekiqError: not now; `GuardRefused` among them: never again."""
    report: Callable[[Waiting, str], None]
    stopping: Callable[[], bool]
    clock: Callable[[], float] = time.time
    durability: Durability = "ack"
    """When a batch counts as made; where that does not come in time, the operation stops."""
    patience: float | None = None
    """Seconds to look for a server that is gone before it is left as unknown; None: until somebody stops it."""


@dataclass(slots=True)
class Patience:
    """How long a server that does not answer has been waited for, and how long the next pause is (seconds)."""

    began: float = field(default_factory=time.monotonic)
    pause: float = 0.05


class Sender:
    """One operation's conversation with one server: BEGIN, batches in order, CLOSE when a reply is lost, FINISH."""

    def __init__(
        self,
        link: Link,
        id: str,
        fields: Mapping[str, str | int | float],
        pace: Pace,
        *,
        server: str,
        generation: int = 1,
        first: int = 0,
        drain: bool = False,
    ) -> None:
        """`fields`: of the record. `generation`: the first to begin; `first`: the number of its first batch."""
        self._link = link
        self._id = id
        self._fields = {**fields, NONCE: new_bid()}
        self._extra: dict[str, str | int | float] = {}
        self._pace = pace
        self._server = server
        self._drain = drain
        self._db: Database | None = None
        self.generation = self._first = generation
        self._base = first
        """The number of the batch that is the first of this generation."""
        self._sent = first
        """The number of the first batch of which it is not known that it was carried out."""
        self._begun = False
        self.along = Along()
        self._role_seen = self._on_disk = time.monotonic()
        self.unsure = ""
        """Why it is not sure that the end will last, as far as the profile asks for that; empty when it is."""

    @property
    def together(self) -> bool:
        """Whether two batches may be under way: the record lets the second act only after the first.

        Not where each must be vouched for before the next one goes.
        """
        return self._link.durability == "ack"

    @property
    def keys(self) -> RecordKeys:
        """Where the record is."""
        assert self._db is not None
        return RecordKeys(self._db.keys, self._id, self.generation)

    @property
    def record(self) -> bytes:
        """The key of the open record, for scripts beside batches."""
        return self.keys.record

    @property
    def reached(self) -> int:
        """The number of the next batch: of all before it is known what they did."""
        return self._sent

    async def database(self) -> Database:
        """The connection; opened if need be."""
        if self._db is None:
            self._db = await self._link.connect()
        return self._db

    async def hang_up(self) -> None:
        """Closes the connection. Never raises."""
        db, self._db = self._db, None
        if db is not None:
            await db.close()

    async def begin(self) -> None:
        """Makes the record of this generation. Raises `Halted`: somebody else has begun it, or it is refused.

        When the answer is lost it is sent again: the record shows by its nonce whose it is, and one that stands open
        from the lost call is fenced and left behind.
        """
        patience = Patience()
        while True:
            try:
                db = await self.database()
                fields = {**self._fields, **self._extra, BASE: self._base}
                if await self._make_record(db, fields) == "ok":
                    self._begun = True
                    await self._lasts("", last=True)
                    return
                if await db.command("HGET", self.keys.record, NONCE) != str(self._fields[NONCE]).encode():
                    raise Halted("this was begun before, here or elsewhere", code="EXISTS")
            except SidekiqError as error:
                if await self._passed(error, patience.began):
                    continue
                waited = time.monotonic() - patience.began
                if self._gives_up(error, waited, _BEGIN if self.generation == self._first else None):
                    raise Halted(str(error), code="UNREACHABLE") from error
                await self._wait(patience, error)
            else:
                await self._fence()
                self.generation += 1

    async def next_generation(self, extra: Mapping[str, str | int | float] | None = None) -> None:
        """Ends this generation, all of whose batches are known, and begins the next one. Raises `Halted`."""
        if self._begun:
            await self.finish()
            self.generation += 1
        self._extra = dict(extra or {})
        self._base = self._sent
        self._begun = False
        await self.begin()

    def skip(self, count: int) -> None:
        """Scripts beside batches have used up so many numbers of this generation."""
        self._base -= count

    async def abandon(self) -> ClosedRecord | None:
        """Fences what a script beside batches may still do, and returns what the record says. Raises `Halted`."""
        found = await self._fence()
        self.generation += 1
        self._base = self._sent
        self._begun = False
        return found

    async def _look(self) -> None:
        """Tells the pace how long the server's scripts have run so far, now and then. What fails tells nothing."""
        if not self._pace.curious:
            return
        spent: int | None = None
        with contextlib.suppress(SidekiqError):
            reply = await (await self.database()).command("INFO", "commandstats")
            spent = sum(map(int, _EVAL_TIME.findall(reply))) if isinstance(reply, bytes) else None
        self._pace.served(spent)

    async def send(self, batch: Prepared) -> str:
        """Carries one batch out, once; its results. Raises `Halted` where the operation must end."""

        async def call(db: Database, seq: int) -> BatchReply:
            return await self._run_batch(db, seq, batch)

        return await self.perform(batch.number, batch.bid, call, count=len(batch.items))

    async def send_along(self, batches: Sequence[Prepared]) -> None:
        """Sends batches that follow one another in one round trip. `send` tells of each then, or `along.left`.

        Raises ValueError for items that make no sense: then nothing was sent.
        """
        if not self._begun:
            return
        numbered = [(batch.number - self._base, batch.bid, batch.items) for batch in batches]
        began, now = time.monotonic(), self._link.clock()
        try:
            db = await self.database()
            self.along.sent(batches)
            replies = await records.run_batches(db, self.keys, numbered, now=now, drain=self._drain)
        except SidekiqError as error:
            self.along.lost(error)
        except ValueError:
            self.along.answered(())
            raise
        else:
            self.along.answered(replies or ())
            self._pace.answered(time.monotonic() - began)

    async def perform(self, number: int, bid: str, call: Call, *, count: int | None = None) -> str:
        """Has one script act under a number of the record, once; its results, a character an entry.

        `count`: of entries, where the client knows it. Raises `Halted` where the operation must end.
        """
        began = time.monotonic()
        while True:
            if not self._begun:
                await self.begin()
            try:
                reply = await self._answer(number, call)
            except ValueError as error:
                raise Halted(str(error)) from error
            except SidekiqError as error:
                if await self._passed(error, began):
                    continue
                results = await self._settle(number, bid, count, error)
                if results is None:
                    continue
                return results
            self._pace.called(len(reply.results) if count is None else count)
            self._link.report("running", "")
            await self._look()
            results = self._known(number, reply, count)
            with contextlib.suppress(ServerUnreachable):  # the next batch finds out, and vouches for this one, too
                await self._vouch(results)
            return results

    async def _answer(self, number: int, call: Call) -> BatchReply:
        """What was answered when the batch was sent along with another, or else is now."""
        answer = self.along.take(number)
        if isinstance(answer, SidekiqError):
            raise answer
        if answer is not None:
            return answer
        db, began = await self.database(), time.monotonic()
        reply = await call(db, number - self._base)
        self._pace.answered(time.monotonic() - began)
        return reply

    async def ask(self, call: Callable[[Database, bytes], Awaitable[T]]) -> T:
        """Has a script act that keeps its answer in the record, so that it may be asked again. Raises `Halted`."""
        patience = Patience()
        while True:
            try:
                return await call(await self.database(), self.keys.record)
            except SidekiqError as error:
                if not await self._passed(error, patience.began):
                    await self._wait(patience, error)

    async def finish(self) -> bool:
        """Ends the record. A lost answer is asked for again; False when the server cannot be reached."""
        if not self._begun:
            return True
        for pause in (0.1, 0.5, 2.0, None):
            try:
                await self._end_record(await self.database())
                await self._vouch("", last=True)
            except Halted as halt:
                self.unsure = halt.words
                return True
            except SidekiqError as error:
                if pause is None or isinstance(error, GuardRefused | CommandRefused):
                    return False
                await self.hang_up()
                self._link.report("checking", str(error))
                await asyncio.sleep(pause)
            else:
                return True
        return False

    # ---- The scripts

    async def _make_record(self, db: Database, fields: Mapping[str, str | int | float]) -> str:
        return await records.begin(db, self.keys, fields, self._link.clock())

    async def _run_batch(self, db: Database, seq: int, batch: Prepared) -> BatchReply:
        now = self._link.clock()
        return await records.run_batch(db, self.keys, seq, batch.bid, batch.items, now=now, drain=self._drain)

    async def _end_record(self, db: Database) -> None:
        await records.finish(db, self.keys)

    async def _close_record(self, db: Database) -> ClosedRecord | None:
        return await records.close(db, self.keys)

    # ---- What answers mean

    def _known(self, number: int, reply: BatchReply, count: int | None) -> str:
        match reply.status:
            case "ok" | "done":
                self._sent = number + 1
                if reply.error or "D" in reply.results or len(reply.results) < (count or 0):
                    raise Halted(
                        self._refusal(reply), results=reply.results.ljust(count or 0, UNKNOWN), code=reply.code
                    )
                return reply.results
            case "taken":
                raise Halted(f"{reply.who or 'somebody else'} is at this operation", code="TAKEN")
            case "type":
                raise Halted(f"`{reply.error}` holds something else than Sidekiq's data", code="WRONGTYPE")
            case "refused":
                raise Halted(self._refusal(reply), code=reply.code)
            case "gap":
                self._check_reached(self._base + (reply.next or 0))
                raise Halted(f"batch {number} was sent before batch {self._base + (reply.next or 0)}", code="GAP")
        raise Halted(self._lost_record(), code="CLOSED")

    def _lost_record(self) -> str:
        return "the server no longer knows this operation (flushed, evicted, restored or ended elsewhere)"

    def _refusal(self, reply: BatchReply) -> str:
        return refusal_words(reply.code, reply.error, self._server)

    async def _passed(self, error: SidekiqError, began: float | None = None) -> bool:
        """Waits out what passes by itself; False when it cannot be known what happened. Raises `Halted`."""
        if isinstance(error, GuardRefused):
            raise Halted(str(error), code="GUARD") from error
        if classify(error) == "unknown":
            return False
        waited = 0.0 if began is None else time.monotonic() - began
        if error.code in _PASSING and waited < _BUSY_WAIT and not self._link.stopping():
            self._link.report("waiting", refusal_words(error.code, str(error), self._server))
            await asyncio.sleep(0.2)
            return True
        raise Halted(refusal_words(error.code, str(error), self._server), code=error.code) from error

    # ---- Whether it lasts

    async def _vouch(self, results: str, *, last: bool = False) -> None:
        """Looks whether this is still a master, and waits for disk or replica where the profile asks for that.

        `results`: of the batch at hand. `last`: nothing follows that would tell. Raises `Halted`, `ServerUnreachable`.
        """
        now = time.monotonic()
        if last or now - self._role_seen >= ROLE_EVERY:
            self._role_seen = now
            if await is_demoted(await self.database()):
                words = f"{self._server} is no longer the master: what it had not yet handed on will be forgotten"
                raise Halted(words, results=results, code="DEMOTED")
        await self._lasts(results, last=last)

    async def _lasts(self, results: str, *, last: bool) -> None:
        """The second half of it."""
        kind = self._link.durability
        if kind == "ack" or (kind == "fsync" and not last and time.monotonic() - self._on_disk < _FSYNC_EVERY):
            return
        why = await unconfirmed(await self.database(), kind)
        self._on_disk = time.monotonic()
        if why:
            raise Halted(f"{self._server}: {why} (durability in its profile)", results=results, code="DURABILITY")

    # ---- After a lost reply

    async def _settle(self, number: int, bid: str, count: int | None, error: SidekiqError) -> str | None:
        """Fences, and says what became of the batch, or None when it did nothing: it goes in the next generation."""
        found = await self._fence()
        if found is None or not self._ours(found):
            raise Halted(self._lost_record(), unknown=True, code="CLOSED")
        further = self.along.fenced(found, self._base, number)
        self._check_reached(self._base + found.next)
        said = found.results.get(number - self._base)
        results: str | None = None
        if said is not None:
            if said.bid != bid:
                raise Halted("somebody else is at this operation", code="TAKEN")
            results = said.results.ljust(count or 0, UNKNOWN)
            self._sent = further or number + 1
        self._link.report("running", "")
        if results is not None and not _SETTLED.issuperset(results):
            raise Halted(f"{self._server} stopped in the middle of a batch", results=results)
        if (closer := found.fields.get(records.CLOSER)) is not None:
            raise Halted(f"it was ended elsewhere, by {to_text(closer)}", results=results or "", code="CLOSED")
        self.generation += 1
        self._base = self._sent
        self._begun = False
        return results

    def _check_reached(self, reached: int) -> None:
        """Raises `Halted` when the server has carried out less than it had said: it failed over, or was restored."""
        if reached < self._sent:
            lost = self._sent - reached
            raise Halted(
                f"{self._server} went back in time: it has lost the last {lost:,} batches of this operation",
                code="WENT BACK",
                details={"lost_batches": lost, "first_lost": reached},
            )

    async def _fence(self) -> ClosedRecord | None:
        patience = Patience()
        await self.hang_up()
        while True:
            try:
                return await self._close_record(await self.database())
            except SidekiqError as error:
                await self._wait(patience, error)

    async def _wait(self, patience: Patience, error: SidekiqError) -> None:
        """Waits for a server that does not answer, longer each time. Raises `Halted` when that is enough."""
        await self.hang_up()
        waited = time.monotonic() - patience.began
        if self._gives_up(error, waited, None):
            raise Halted(f"the outcome is unknown until {self._server} answers: {error}", unknown=True) from error
        if waited > _QUIET:
            self._link.report("checking", f"connection lost; checking what happened: {error}")
        await asyncio.sleep(patience.pause)
        patience.pause = min(patience.pause * 2, _LONGEST_PAUSE)

    def _gives_up(self, error: SidekiqError, waited: float, patience: float | None) -> bool:
        if isinstance(error, GuardRefused) or (self._link.stopping() and waited > _QUIET):
            return True
        limits = [limit for limit in (patience, self._link.patience) if limit is not None]
        return bool(limits) and waited > min(limits)

    def _ours(self, found: ClosedRecord) -> bool:
        return found.fields.get(NONCE) == str(self._fields[NONCE]).encode()


def refusal_words(code: str, error: str, server: str) -> str:
    """Why a server refused, for a person."""
    match code:
        case "OOM":
            return f"{server} has no memory left for writes. Nothing was lost; deleting still works"
        case "READONLY":
            return f"{server} is a replica and takes no writes"
        case "MISCONF":
            return f"{server} cannot save to its disk and takes no writes"
        case "NOREPLICAS":
            return f"{server} has too few replicas to take writes"
        case "BUSY":
            return f"{server} is busy with somebody's script"
        case "LOADING":
            return f"{server} is loading its data"
        case "LOCKED":
            return "the queue is being rebuilt by another operation"
        case "NOPERM":
            return f"the user of this profile may not do that: {error.removeprefix('NOPERM ')}"
    return error
