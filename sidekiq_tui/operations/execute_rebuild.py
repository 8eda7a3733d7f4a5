"""Takes many jobs out of big queues by rebuilding these; the rest of the plan goes by batches (8.2)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from typing import Final

from sidekiq_tui.operations.ahead import read_ahead
from sidekiq_tui.operations.batch_run import Piece
from sidekiq_tui.operations.big_queue import rebuild_queue
from sidekiq_tui.operations.catalog import Delete, Kill, MoveToQueue, OfJobs
from sidekiq_tui.operations.errors import CannotBeKept
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.making import Maker
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.pieces import STRETCH
from sidekiq_tui.operations.prepared import new_bid
from sidekiq_tui.operations.price import rebuilds
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.operations.sources import oldest_first
from sidekiq_tui.operations.targets import Targets
from sidekiq_tui.sidekiq.batch_items import MoveFromQueue
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import InvalidJob, ServerUnreachable
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.operation_record import PARKED, BatchReply
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import natural, payloads
from sidekiq_tui.sidekiq.shadow import Rebuild, Rebuilt
from sidekiq_tui.sidekiq.trash import restore_step

_SOME: Final = 200
STAGE: Final = "stage"
"""The field of a record that says which queue's jobs are parked, and under which random id."""


def big_queues(operation: OfJobs, targets: Targets, sizes: dict[Place, int]) -> dict[Place, int]:
    """Which queues are rebuilt for an operation, and how many entries leave each."""
    if not isinstance(operation, Delete | Kill | MoveToQueue):
        return {}
    return {
        place: digests.total()
        for place, digests in targets.digests.items()
        if place in sizes and rebuilds(operation, digests.total(), sizes[place])
    }


class RebuildExecution(Execution):
    """An operation on jobs of which some may be in big queues."""

    operation: OfJobs

    async def _prepare(self) -> None:
        targets = self.targets
        queues = [place for place in targets.digests if place.kind == "queue"]
        sizes = {place: (await self.server.page(place, 0, 1)).size for place in queues}
        self.rebuilt = big_queues(self.operation, targets, sizes)
        await super()._prepare()

    @property
    def targets(self) -> Targets:
        """The entries of the plan."""
        assert self.plan.targets is not None
        return self.plan.targets

    async def _work(self, sender: Sender) -> None:
        number = 0
        await sender.begin()
        self._tell("running", "")
        for place in self.rebuilt:
            if not await self.rested(sender):
                return
            number = await self._rebuild(sender, place, number)
        rest = {place: digests for place, digests in self.targets.digests.items() if place not in self.rebuilt}
        if not rest or self.run.stopping:
            return
        jobs = self.targets.jobs
        targets = Targets(rest, None if jobs is None else tuple(job for job in jobs if job.place in rest))
        if self.rebuilt:
            await sender.next_generation()
        await self.batches(sender, first=number).carry_out(await self.of_targets(self.operation, targets))

    async def _rebuild(self, sender: Sender, place: Place, number: int) -> int:
        """Takes the jobs out of one queue, and brings them where they shall go; the number of the next batch."""
        trash = self.trash_parts()
        stage = None
        if trash is not None:
            into = trash.whole(place)
            await sender.next_generation()
        else:
            bid = new_bid()
            into = stage = (await sender.database()).keys.stage(self.id, bid)
            await sender.next_generation({STAGE: json.dumps([place.queue, bid]), PARKED: to_text(stage)})
        rebuilt = await self._replaced(sender, place, into)
        if rebuilt is None:
            return number
        self.count.plus(gone=self.rebuilt[place] - rebuilt.out)
        if isinstance(self.operation, Delete):
            if stage is not None:
                await sender.ask(lambda db, record: db.command("UNLINK", stage))
            self.count.plus(done=rebuilt.out)
        elif stage is not None and rebuilt.out:
            try:
                number = await self._deliver(sender, place, stage, rebuilt.out, number)
            except (Halted, CannotBeKept) as error:
                if not isinstance(error, Halted) or not error.unknown:
                    with contextlib.suppress(Halted):  # then they stay parked, and that is told
                        await self._return(sender, place, stage, sender.reached)
                raise
            number = await self._return(sender, place, stage, number)
        return number

    async def _deliver(self, sender: Sender, place: Place, stage: bytes, count: int, number: int) -> int:
        """Brings parked jobs where they shall go; the number of the next batch."""
        await self.batches(sender, first=number).carry_out(self._staged(place, stage, count))
        return sender.reached

    async def _staged(self, place: Place, stage: bytes, count: int) -> AsyncIterator[list[Piece]]:
        """The parked jobs: from the tail, the oldest first, or from the head.

        What lies beyond does not move while those of one end are taken away.
        """
        maker = await self.maker(self.operation)
        tail = oldest_first(self.operation)
        async with aclosing(read_ahead(self._parked(await self._reading(), stage, count, tail=tail))) as slices:
            async for raws in slices:
                for start in range(0, len(raws), STRETCH):
                    yield list(self._pieces_of(raws[start : start + STRETCH], place, stage, maker, tail=tail))

    async def _parked(self, db: Database, stage: bytes, count: int, *, tail: bool) -> AsyncGenerator[list[bytes], None]:
        for start in range(0, count, _SOME):
            length = min(_SOME, count - start)
            first = count - start - length if tail else start - count
            last = first + length - 1
            raws = payloads(await patiently(partial(db.command, "LRANGE", stage, first, last)))
            yield raws[::-1] if tail else raws

    def _pieces_of(self, raws: list[bytes], place: Place, stage: bytes, maker: Maker, *, tail: bool) -> Iterator[Piece]:
        keeps = self.keeps
        for raw in raws:
            job = JobRecord(raw, place)
            try:
                item, entry = maker.make(job, tail=tail)
            except InvalidJob as error:
                self.count.left_alone(str(error))
                continue
            assert isinstance(item, MoveFromQueue)
            yield Piece(item._replace(stage=stage), entry if keeps else None, job.jid)

    async def _return(self, sender: Sender, place: Place, stage: bytes, number: int) -> int:
        """Puts back what could not be delivered; the number of the next batch."""
        left = natural(await (await sender.database()).command("LLEN", stage))
        while left:
            bid = new_bid()

            async def step(db: Database, seq: int, bid: str = bid) -> BatchReply:
                nonlocal left
                done = await restore_step(db, sender.record, seq, bid, stage, place)
                left = done.left
                return BatchReply(done.status, "1" * done.restored + "x" * done.existing, done.error)

            await sender.perform(number, bid, step)
            number += 1
        return number

    async def _replaced(self, sender: Sender, place: Place, into: bytes) -> Rebuilt | None:
        """The queue without the jobs of the plan; None when that was stopped. Raises `Halted`: then it is as it was."""
        what = Rebuild(
            id=self.id,
            record=sender.record,
            queue=place.queue or "",
            into=into,
            trash=self.trash_parts() is not None,
            owner=self.desk.who.text,
            now=self.desk.clock(),
        )

        async def between(read: int, size: int, found: int) -> bool:
            self._waits("running", f"read {read:,} of {size:,} in {place.queue}")
            return await self.rested(sender)

        try:
            rebuilt = await rebuild_queue(await sender.database(), what, self.targets.digests[place], between)
        except ServerUnreachable:
            with self.count.in_doubt(self.rebuilt[place]):
                closed = await sender.abandon()
            cut = None if closed is None else natural(closed.fields.get("cut"))
            if cut is None:
                raise Halted("the link broke too often; nothing was changed in the queue") from None
            return Rebuilt("ok", cut)
        match rebuilt.status:
            case "ok":
                sender.skip(1)
                return rebuilt
            case "nothing":
                return rebuilt
            case "stopped":
                return None
            case "busy":
                raise Halted(f"{place.queue} is being rebuilt by {rebuilt.error or 'another operation'}")
            case "edited":
                raise Halted(f"{place.queue} is being edited by something else; nothing was changed")
            case "memory":
                raise Halted(f"{self.plan.server} has no memory for a copy of {place.queue}; nothing was changed")
        raise Halted(refusal_words(rebuilt.error.partition(" ")[0], rebuilt.error or rebuilt.status, self.plan.server))
