"""Empties a whole queue or set at once (operations-safety 9)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.catalog import Clear
from sidekiq_tui.operations.entries import Entry as Kept
from sidekiq_tui.operations.entries import pack
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.journal import Batch
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.prepared import UNKNOWN, new_bid
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.sidekiq import plain_clearing
from sidekiq_tui.sidekiq.clearing import LATEST, Cleared, clear, clear_when_full, latest, read_end, take_out
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import BatchReply, classify
from sidekiq_tui.sidekiq.walk import Entry

_Take = Callable[[Sender, int, Sequence[Entry]], Awaitable[str]]
_BIT: Final = 200
_MISSES: Final = 20
_GROWN: Final = (1000, 0.1)
"""So many entries more than were confirmed, or such a share of them, are still what was meant (7.3)."""


class ClearExecution(Execution):
    """One clear: a single script, whatever the size."""

    operation: Clear

    @property
    def place(self) -> Place:
        """What is emptied."""
        assert isinstance(self.operation.place, Whole)
        return self.operation.place.place

    @property
    def bound(self) -> int:
        """The most entries that may be there."""
        count = self.plan.count
        return count + max(_GROWN[0], int(count * _GROWN[1]))

    def sender(self, head: Head) -> Sender:
        """As for any operation; the record says where the trash belongs."""
        places = [[self.place.kind, self.place.queue, None, self.plan.count]]
        return self.sender_with(head, {"places": json.dumps(places)})

    async def _work(self, sender: Sender) -> None:
        if self.plan.mode == "B":
            await self._bit_by_bit(sender, self._take)
        elif self.operation.here and self.keeps:
            await sender.begin()
            await self._bit_by_bit(sender, self._take_fenced)
        else:
            await self._at_once(sender)
        self.count.plus(gone=0 if self.run.stopping else self.count.tally().untouched)

    async def _at_once(self, sender: Sender) -> None:
        empty = plain_clearing.clear if self.plan.mode == "C" else clear
        trash = self.server.profile.keys.trash(self.id) if self.undo_kind() == "trash" else None
        try:
            await sender.begin()
        except Halted as halt:
            if halt.code != "OOM" or trash is not None:
                raise
            cleared = await self._when_full(sender)
        else:
            now = self.desk.clock()
            with self.count.in_doubt(self.plan.count):
                cleared = await sender.ask(
                    lambda db, record: empty(db, record, self.place, bound=self.bound, trash=trash, now=now)
                )
        if cleared.status not in ("ok", "none"):
            raise Halted(self._why_not(cleared), code=cleared.error.partition(" ")[0] or cleared.status.upper())
        self.count.plus(done=cleared.count)
        self.count.total = max(self.count.total, cleared.count)

    async def _when_full(self, sender: Sender) -> Cleared:
        """Without a record, for which there is no room. Raises `Halted`: a lost reply stays unknown."""
        try:
            return await clear_when_full(await sender.database(), self.place, bound=self.bound)
        except SidekiqError as error:
            if classify(error) == "unknown":
                self.count.unknown += self.plan.count
                raise Halted("no answer came, and the server had no room to note it: look at it again") from error
            raise

    async def _bit_by_bit(self, sender: Sender, take: _Take) -> None:
        """Without trash on the server: the oldest jobs first, each bit on this machine's disk before it goes."""
        misses = number = 0
        while (left := self.plan.count - self.count.tally().done) > 0 and await self.rested(sender):
            entries = await self._oldest(sender, min(_BIT, left))
            if not entries:
                break
            results = await take(sender, number, entries)
            number += 1
            self.count.plus(done=results.count("1"))
            misses = 0 if "1" in results else misses + 1
            if misses == _MISSES:
                raise Halted(f"{self.place.queue or self.place.kind} changes too fast to be copied")
            self._progressed()

    async def _oldest(self, sender: Sender, count: int) -> Sequence[Entry]:
        async def read() -> Sequence[Entry]:
            return await read_end(await sender.database(), self.place, count)

        return await patiently(read)

    async def _take_fenced(self, sender: Sender, number: int, entries: Sequence[Entry]) -> str:
        """As `_take`, under the record: it is always known what became of them. Raises `Halted`."""
        bid, journal = new_bid(), self.desk.journal
        blob = pack([Kept(self.place, raw, score) for raw, score in entries])
        await journal.add(self.id, [Batch(number, bid, len(entries), blob)], {})

        async def call(db: Database, seq: int) -> BatchReply:
            taken = await take_out(db, sender.record, seq, bid, self.place, entries)
            return BatchReply(taken.status, taken.results, taken.error)

        try:
            results = await sender.perform(number, bid, call, count=len(entries))
        except Halted as halt:
            if halt.unknown:
                self.count.unknown += len(entries)
            else:
                results = halt.results or "-" * len(entries)
                await journal.add(self.id, [], {number: results})
                self.count.plus(done=results.count("1"))
            raise
        await journal.add(self.id, [], {number: results})
        return results

    async def _take(self, sender: Sender, number: int, entries: Sequence[Entry]) -> str:
        """Keeps a copy of the entries and takes them out; a result each. Raises `Halted`."""
        bid, count = new_bid(), len(entries)
        kept = [Kept(self.place, raw, score) for raw, score in entries]
        blob = pack(kept) if self.keeps else None
        journal = self.desk.journal
        await journal.add(self.id, [Batch(number, bid, count, blob)], {})
        db = await sender.database()
        last = await latest(db)
        try:
            taken = await take_out(db, None, number, bid, self.place, entries, last=last)
        except ServerUnreachable:
            results = await self._looked_for(sender, entries)
        else:
            if taken.status != "ok":
                raise Halted(
                    refusal_words(taken.error.partition(" ")[0], taken.error or taken.status, self.plan.server)
                )
            results = taken.results
        await journal.add(self.id, [], {number: results})
        if UNKNOWN in results:
            self.count.unknown += count
            raise Halted("done or taken by someone else: this user's rights do not let sqtui tell")
        return results

    async def _looked_for(self, sender: Sender, entries: Sequence[Entry]) -> str:
        """After a lost reply: once it cannot arrive any more, whether all is as it was."""
        self._waits("checking", "connection lost; waiting until nothing of it can arrive any more")
        await sender.hang_up()
        await self.run.rest(LATEST + 1.0)

        async def look() -> Sequence[Entry]:
            return await read_end(await sender.database(), self.place, len(entries))

        try:
            there = await patiently(look)
        except SidekiqError as error:
            self.count.unknown += len(entries)
            raise Halted(f"the outcome is unknown until {self.plan.server} answers: {error}", unknown=True) from error
        return ("-" if list(there) == list(entries) else UNKNOWN) * len(entries)

    def _why_not(self, cleared: Cleared) -> str:
        name = self.place.queue or self.place.kind
        match cleared.status:
            case "grown":
                return f"{name} has grown to {cleared.count:,} since it was planned: look at it again"
            case "type":
                return f"`{name}` holds something else than Sidekiq's data"
            case "exists":
                return "the name of its trash is taken"
            case "closed":
                return "it came too late, or was ended elsewhere"
        return refusal_words(cleared.error.partition(" ")[0], cleared.error, self.plan.server)
