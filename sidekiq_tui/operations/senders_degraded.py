"""The conversation with servers that allow less: without scripts (mode C), without keys of our own (mode B)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sidekiq_tui.operations.prepared import UNKNOWN, Prepared
from sidekiq_tui.operations.sender import Halted, Patience, Sender
from sidekiq_tui.sidekiq import claims
from sidekiq_tui.sidekiq import operation_record as records
from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromQueue,
    DeleteFromSet,
    EditInQueue,
    Item,
    Move,
    MoveFromQueue,
    MoveInSets,
    MoveToFront,
    Reschedule,
    TakeBack,
    Unpush,
)
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.operation_record import BatchReply, ClosedRecord, RecordKeys
from sidekiq_tui.sidekiq.replies import real

SETTLE: Final = 15.0
"""Seconds after which no command of a lost connection arrives any more: its time limit and ten more (5.3)."""


class ClaimingSender(Sender):
    """Mode C: transactions under a record that is watched. What is lost is sent again: it cannot act twice."""

    @property
    def together(self) -> bool:
        """A transaction watches what the one before it writes."""
        return False

    async def _settle(self, number: int, bid: str, count: int | None, error: SidekiqError) -> str | None:
        if self._lost is None:
            self._lost = Patience()
        await self._wait(self._lost, error)
        return None

    def _known(self, number: int, reply: BatchReply, count: int | None) -> str:
        self._lost = None
        return super()._known(number, reply, count)

    _lost: Patience | None = None

    async def _make_record(self, db: Database, fields: Mapping[str, str | int | float]) -> str:
        return await claims.begin(db, self.keys, fields, self._link.clock())

    async def _run_batch(self, db: Database, seq: int, batch: Prepared) -> BatchReply:
        return await claims.run_batch(db, self.keys, seq, batch.bid, batch.items, now=self._link.clock())

    async def _end_record(self, db: Database) -> None:
        await claims.finish(db, self.keys)

    async def _close_record(self, db: Database) -> ClosedRecord | None:
        return await claims.close(db, self.keys)


class UnfencedSender(Sender):
    """Mode B: each entry is guarded by its bytes alone. After a lost reply it waits, looks, and sends what is there."""

    settle = SETTLE

    @property
    def together(self) -> bool:
        """Nothing would hold the second back."""
        return False

    @property
    def keys(self) -> RecordKeys:
        """Of no record: only the names of Sidekiq's own keys are used."""
        return RecordKeys(self._names, self._id)

    _names: Keys

    async def database(self) -> Database:
        """The connection; opened if need be."""
        db = await super().database()
        self._names = db.keys
        return db

    async def begin(self) -> None:
        """There is nothing to begin."""
        await self.database()
        await self._lasts("", last=True)
        self._begun = True

    async def finish(self) -> bool:
        """Nor to end."""
        return True

    async def send(self, batch: Prepared) -> str:
        """Carries one batch out; entries of which nobody can tell are `?`. Raises `Halted`."""
        results = [UNKNOWN] * len(batch.items)
        left = list(range(len(batch.items)))
        while left:
            part = replace(batch, items=[batch.items[at] for at in left])
            said = await self._once(part)
            if said is not None:
                for at, result in zip(left, said, strict=True):
                    results[at] = result
                break
            found = await self._look_at(part.items)
            for at, one in zip(left, found, strict=True):
                results[at] = one or UNKNOWN
            left = [at for at, one in zip(left, found, strict=True) if one is None]
        if UNKNOWN in results:
            words = "done or moved by someone else: this user's rights do not let sqtui tell"
            raise Halted(words, results="".join(results))
        with contextlib.suppress(ServerUnreachable):
            await self._vouch("".join(results))
        return "".join(results)

    async def _once(self, batch: Prepared) -> str | None:
        """The results, or None when the reply is lost."""
        patience = Patience()
        while True:
            sent = time.monotonic()
            try:
                now = self._link.clock()
                reply = await records.run_batch(
                    await self.database(), self.keys, 0, batch.bid, batch.items, now=now, mode="B", drain=self._drain
                )
            except ValueError as error:
                raise Halted(str(error)) from error
            except SidekiqError as error:
                if await self._passed(error, patience.began):
                    continue
                return None
            self._pace.answered(time.monotonic() - sent)
            self._pace.called(len(batch.items))
            self._link.report("running", "")
            return self._known(batch.number, reply, len(batch.items))

    async def _look_at(self, items: Sequence[Item]) -> list[str | None]:
        """Of each: None when it was not done and may be sent again, else its result, as far as that can be told."""
        self._link.report("checking", "connection lost; waiting until nothing of it can arrive any more")
        await self.hang_up()
        await asyncio.sleep(self.settle)
        patience = Patience()
        while True:
            try:
                db = await self.database()
                looks = [look_command(db.keys, item) for item in items]
                replies = await db.read([look for look in looks if look is not None])
            except SidekiqError as error:
                await self._wait(patience, error)
                continue
            answers = iter(replies)
            pairs = zip(items, looks, strict=True)
            return [UNKNOWN if look is None else outcome(item, next(answers)) for item, look in pairs]


def look_command(keys: Keys, item: Item) -> Command | None:
    """What tells whether an item was carried out; None where nothing does."""
    match item:
        case Move() | MoveInSets() | Reschedule() | DeleteFromSet():
            return ("ZSCORE", keys.job_set(item.source), item.old)
        case Unpush():
            return ("ZSCORE", keys.job_set(item.source), item.new)
        case DeleteFromQueue() | MoveFromQueue() | EditInQueue() | MoveToFront():
            return ("LPOS", keys.queue(item.queue), item.old)
        case TakeBack():
            return ("LPOS", keys.queue(item.queue), item.new)
    return None


def outcome(item: Item, reply: Reply) -> str | None:
    """None: what it acts on is still there, so it did not. A moved score tells; else a thing that is gone does not."""
    if isinstance(item, Reschedule):
        score = real(reply)
        if score == item.known:
            return None
        return "1" if score == item.score else UNKNOWN
    if isinstance(item, MoveToFront):
        return UNKNOWN
    return UNKNOWN if reply is None else None
