"""Carries pieces out in batches: while one is under way, the next is read, made and put into the journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple

from sidekiq_tui.operations.count import Count
from sidekiq_tui.operations.entries import Entry, pack, pack_digests
from sidekiq_tui.operations.journal import Batch, Journal, JournalError
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.prepared import Prepared, new_bid
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.sender import Halted, Sender
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.sidekiq.batch_items import Item
from sidekiq_tui.sidekiq.batch_wire import LARGEST_ITEM, MOST_BYTES, item_bytes

_AHEAD: Final = 8
"""Batches that are made before they are needed: what is ready at once is put on disk by one write. Of all that may be
carried out before the journal hears of it (twice as many, and two under way) the record must keep the results."""


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
        before: Callable[[], Awaitable[None]],
        report: Callable[[], None],
        first: int = 0,
    ) -> None:
        """`before` is called before each batch, and raises where it is no longer allowed; `report` after each.

        `first`: the number of the first batch.
        """
        self._id = id
        self._run = run
        self._sender = sender
        self._journal = journal
        self._pace = pace
        self._count = count
        self._before = before
        self._report = report
        self.number = first
        """Of the next batch to make."""
        self._results: dict[int, str] = {}
        """What became of batches and is not in the journal yet."""
        self._unsent: dict[int, int] = {}
        """Batches that are in the journal and were not sent, and how many entries each has."""
        self._made: asyncio.Queue[Prepared | Exception | None] = asyncio.Queue(_AHEAD)
        self._kept: asyncio.Queue[Prepared | Exception | None] = asyncio.Queue(_AHEAD)

    async def carry_out(self, pieces: AsyncIterator[list[Piece]]) -> None:
        """All of them, or until the run shall stop. Raises `Halted`, SidekiqError; what was sent is counted then."""
        tasks = [asyncio.create_task(self._make(pieces)), asyncio.create_task(self._keep())]
        try:
            while (current := await self._kept.get()) is not None:
                if isinstance(current, BaseException):
                    raise current
                if not await rested(self._run, self._pace, self._report):
                    break
                following = self._following()
                await self._send([current, following] if isinstance(following, Prepared) else [current])
                if following is None:
                    break
                if isinstance(following, Exception):
                    raise following
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._results |= {number: "-" * n for number, n in self._unsent.items()}
            with contextlib.suppress(JournalError):
                await self._journal.settle(self._id, self._results, self._sender.generation, self._count.tally())

    def _following(self) -> Prepared | Exception | Literal[False] | None:
        """What comes next, where it can go along: None at the end, False when it is not there yet or must wait."""
        if not self._sender.together or not self._pace.far or self._kept.empty():
            return False
        return self._kept.get_nowait()

    async def _make(self, pieces: AsyncIterator[list[Piece]]) -> None:
        """Cuts the pieces into batches within the bounds."""
        try:
            batch: list[Piece] = []
            size, most = 0, self._pace.entries
            async for some in pieces:
                for piece in some:
                    length = item_bytes(piece.item)
                    if length > LARGEST_ITEM:
                        self._count.left_alone("too large to be moved by its bytes")
                        continue
                    if batch and (len(batch) >= most or size + length > MOST_BYTES):
                        await self._made.put(self._prepared(batch))
                        batch, size, most = [], 0, self._pace.entries
                    batch.append(piece)
                    size += length
                await asyncio.sleep(0)
            if batch:
                await self._made.put(self._prepared(batch))
            await self._made.put(None)
        except Exception as error:
            # What was made before it goes first.
            await self._made.put(error)

    def _prepared(self, batch: Sequence[Piece]) -> Prepared:
        entries = [piece.entry for piece in batch if piece.entry is not None]
        self.number += 1
        return Prepared(
            self.number - 1,
            new_bid(),
            [piece.item for piece in batch],
            entries if len(entries) == len(batch) else None,
            [piece.jid for piece in batch],
        )

    async def _keep(self) -> None:
        """Puts batches into the journal, all that are ready at once, and hands them on."""
        try:
            while True:
                found = [await self._made.get()]
                while isinstance(found[-1], Prepared) and not self._made.empty():
                    found.append(self._made.get_nowait())
                ready = [batch for batch in found if isinstance(batch, Prepared)]
                await self._journalled(ready)
                for batch in ready:
                    await self._kept.put(batch)
                last = found[-1]
                if not isinstance(last, Prepared):
                    await self._kept.put(last)
                    return
        except Exception as error:
            await self._kept.put(error)

    async def _journalled(self, batches: Sequence[Prepared]) -> None:
        """Returns when the batches are on disk."""
        if not batches:
            return
        results, self._results = self._results, {}
        self._unsent |= {batch.number: len(batch.items) for batch in batches}
        try:
            await self._journal.add(self._id, lambda: _rows(batches), results)
        except BaseException:
            self._results = results | self._results
            raise

    async def _send(self, batches: Sequence[Prepared]) -> None:
        """Carries one batch out, or two that are under way together."""
        await self._before()
        first, *along = batches
        if along:
            try:
                await self._sender.send_along(batches)
            except ValueError as error:
                raise Halted(str(error)) from error
        for batch in batches:
            self._unsent.pop(batch.number, None)
        try:
            await self._send_one(first)
        except Exception:
            for batch in along:
                self._note(batch, self._sender.along.left(batch))
            raise
        for batch in along:
            await self._send_one(batch)

    async def _send_one(self, batch: Prepared) -> None:
        try:
            results = await self._sender.send(batch)
        except Halted as halt:
            if halt.unknown:
                self._count.unknown += len(batch.items)
            else:
                self._note(batch, halt.results or "-" * len(batch.items))
            first_lost = halt.details.get("first_lost")
            if isinstance(first_lost, int):
                await self._lost(first_lost)
            raise
        except Exception:
            self._count.unknown += len(batch.items)
            raise
        self._note(batch, results)
        self._report()

    async def _lost(self, first: int) -> None:
        """The server has forgotten what batches from this number on did: their entries are untouched again."""
        before: int | None = None
        with contextlib.suppress(JournalError):
            while batches := await self._journal.batches(self._id, before=before):
                before = batches[-1].number
                for one in batches:
                    if one.number < first:
                        return
                    results = self._results.get(one.number, one.results)
                    if results is not None:
                        self._count.take_back(results)
                        self._results[one.number] = "-" * one.n

    def _note(self, batch: Prepared, results: str) -> None:
        self._results[batch.number] = results
        self._count.add(batch, results)


async def rested(run: Run, pace: Pace, report: Callable[[], None]) -> bool:
    """Waits as long as the pace and a pause say; False when it shall stop."""
    if (rest := pace.rest) > 0:
        await run.rest(rest)
    if run.paused:
        report()
        began = asyncio.get_running_loop().time()
        await run.until_resumed()
        pace.paused(asyncio.get_running_loop().time() - began)
        report()
    return not run.stopping


def _rows(batches: Sequence[Prepared]) -> list[Batch]:
    return [Batch(one.number, one.bid, len(one.items), _packed(one)) for one in batches]


def _packed(batch: Prepared) -> bytes:
    if batch.entries is None:
        return pack_digests([digest(getattr(item, "old", None) or b"") for item in batch.items])
    return pack(batch.entries)
