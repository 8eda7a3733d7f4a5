"""Carries pieces out in batches: while one is under way, the next is read, made and put into the journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from sidekiq_tui.operations.count import Count
from sidekiq_tui.operations.entries import Entry, pack
from sidekiq_tui.operations.journal import Batch, Journal
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.prepared import Prepared, Ticket
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.sender import Halted, Sender
from sidekiq_tui.sidekiq.batch_items import Item
from sidekiq_tui.sidekiq.batch_wire import LARGEST_ITEM, MOST_BYTES, item_bytes

_AHEAD: Final = 2
"""Batches that are made before they are needed."""


class Piece(NamedTuple):
    """One entry to carry out: its item, what the journal keeps of it, and its jid for the audit."""

    item: Item
    entry: Entry | None = None
    jid: str | None = None


class BatchRun:
    """One operation's batches, from pieces to results."""

    def __init__(
        self,
        id: str,
        run: Run,
        sender: Sender,
        journal: Journal,
        pace: Pace,
        count: Count,
        *,
        before: Callable[[], None],
        report: Callable[[], None],
    ) -> None:
        """`before` is called before each batch, and raises where it is no longer allowed; `report` after each."""
        self._id = id
        self._run = run
        self._sender = sender
        self._journal = journal
        self._pace = pace
        self._count = count
        self._before = before
        self._report = report
        self._results: dict[tuple[int, int], str] = {}
        """What became of batches and is not in the journal yet."""
        self._unsent: dict[tuple[int, int], int] = {}
        """Batches that are in the journal and were not sent, and how many entries each has."""
        self._ready: asyncio.Queue[Prepared | BaseException | None] = asyncio.Queue(_AHEAD)

    async def carry_out(self, pieces: AsyncIterator[list[Piece]]) -> None:
        """All of them, or until the run shall stop. Raises `Halted`, SidekiqError; what was sent is counted then."""
        making = asyncio.create_task(self._make(pieces))
        upcoming = asyncio.create_task(self._next())
        try:
            while (current := await upcoming) is not None:
                upcoming = asyncio.create_task(self._next())
                if not await self._rested():
                    break
                await self._send(*current)
        finally:
            for task in (upcoming, making):
                task.cancel()
            await asyncio.gather(upcoming, making, return_exceptions=True)
            self._results |= {number: "-" * n for number, n in self._unsent.items()}
            with contextlib.suppress(Exception):
                await self._journal.settle(self._id, self._results, self._sender.generation, self._count.tally())

    async def _make(self, pieces: AsyncIterator[list[Piece]]) -> None:
        """Cuts the pieces into batches within the bounds."""
        try:
            batch: list[Piece] = []
            size = 0
            async for some in pieces:
                for piece in some:
                    length = item_bytes(piece.item)
                    if length > LARGEST_ITEM:
                        self._count.left_alone("too large to be moved by its bytes")
                        continue
                    if batch and (len(batch) >= self._pace.entries or size + length > MOST_BYTES):
                        await self._ready.put(_prepared(batch))
                        batch, size = [], 0
                    batch.append(piece)
                    size += length
                await asyncio.sleep(0)
            if batch:
                await self._ready.put(_prepared(batch))
            await self._ready.put(None)
        except Exception as error:
            await self._ready.put(error)

    async def _next(self) -> tuple[Ticket, Prepared] | None:
        """The next batch, once it is in the journal."""
        found = await self._ready.get()
        if isinstance(found, BaseException):
            raise found
        if found is None:
            return None
        return await self._journalled(found), found

    async def _journalled(self, batch: Prepared) -> Ticket:
        ticket = self._sender.ticket()
        blob = None
        if batch.entries is not None:
            blob = await asyncio.get_running_loop().run_in_executor(None, pack, batch.entries)
        results, self._results = self._results, {}
        row = Batch(ticket.generation, ticket.seq, ticket.bid, len(batch.items), blob)
        self._unsent[row.generation, row.seq] = row.n
        try:
            await self._journal.add(self._id, [row], results)
        except BaseException:
            self._results = results | self._results
            raise
        return ticket

    async def _rested(self) -> bool:
        """Waits as long as the pace and a pause say; False when it shall stop."""
        if (rest := self._pace.rest) > 0:
            await self._run.rest(rest)
        if self._run.paused:
            self._report()
            began = asyncio.get_running_loop().time()
            await self._run.until_resumed()
            self._pace.paused(asyncio.get_running_loop().time() - began)
            self._report()
        return not self._run.stopping

    async def _send(self, ticket: Ticket, batch: Prepared) -> None:
        try:
            while True:
                if not self._sender.fits(ticket):
                    ticket = await self._journalled(batch)
                self._before()
                self._unsent.pop((ticket.generation, ticket.seq), None)
                results = await self._sender.send(ticket, batch)
                if results is not None:
                    break
                self._results[ticket.generation, ticket.seq] = "-" * len(batch.items)
        except Halted as halt:
            if halt.unknown:
                self._count.unknown += len(batch.items)
            else:
                self._note(ticket, batch, halt.results or "-" * len(batch.items))
            raise
        self._note(ticket, batch, results)
        self._report()

    def _note(self, ticket: Ticket, batch: Prepared, results: str) -> None:
        self._results[ticket.generation, ticket.seq] = results
        self._count.add(batch, results)


def _prepared(batch: Sequence[Piece]) -> Prepared:
    entries = [piece.entry for piece in batch if piece.entry is not None]
    return Prepared(
        [piece.item for piece in batch],
        entries if len(entries) == len(batch) else None,
        [piece.jid for piece in batch],
    )
