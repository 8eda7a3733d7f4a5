"""Carries out what comes from another server, from which nothing is taken: copies, and jobs that had been lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final, cast

from sidekiq_tui.operations.batch_run import Piece
from sidekiq_tui.operations.catalog import CopyAcross, PushAgain
from sidekiq_tui.operations.entries import Entry
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.payloads import refusal
from sidekiq_tui.operations.sources import Sources
from sidekiq_tui.operations.transfer_plan import transform_for
from sidekiq_tui.operations.transform import Transform
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.batch_items import Item, Push
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName

_SOME: Final = 200


class CopyExecution(Execution):
    """Copies jobs of another server. Its record makes each batch happen once."""

    operation: CopyAcross

    @property
    def source(self) -> Server:
        """Where the originals are."""
        return self.desk.server(self.operation.source)

    async def _pieces(self) -> AsyncIterator[list[Piece]]:
        peer, targets = self.plan.peer, self.plan.targets
        if peer is None or targets is None or peer.mark.seen_again(await self.source.mark()) == "other":
            raise CannotBeDone(f"this is not the {self.operation.source} that you confirmed")
        transform = await transform_for(self.operation, self.server, self.desk.clock())
        return self._copies(Sources(self.source, self.operation, targets), transform)

    async def _originals(self, sources: Sources) -> AsyncGenerator[list[JobRecord], None]:
        """The jobs, oldest first those of queues. What the plan has seen is copied, be it there still or not."""
        targets = self.plan.targets
        if targets is None or targets.jobs is None:
            async with aclosing(sources.read(await self._reading())) as slices:
                async for chosen in slices:
                    yield [job for job, _ in chosen]
            return
        for place in targets.digests:
            jobs = [job for job in targets.jobs if job.place == place]
            yield jobs[::-1] if place.kind == "queue" else sorted(jobs, key=lambda job: job.score or 0.0)

    async def _copies(self, sources: Sources, transform: Transform) -> AsyncIterator[list[Piece]]:
        async with aclosing(self._originals(sources)) as slices:
            async for jobs in slices:
                pieces: list[Piece] = []
                for job in jobs:
                    reason = refusal(job, self.operation)
                    if reason:
                        self.count.left_alone(reason)
                        continue
                    try:
                        new = transform.payload(job)
                    except InvalidJob as error:
                        self.count.left_alone(str(error))
                        continue
                    pieces.append(_pushed(job, new, transform.place(job.place), keep=self.keeps))
                    if len(pieces) >= _SOME:
                        yield pieces
                        pieces = []
                if pieces:
                    yield pieces
        self.count.plus(gone=sources.missing)


class PushAgainExecution(Execution):
    """Pushes jobs that a server had taken and lost."""

    operation: PushAgain

    async def _pieces(self) -> AsyncIterator[list[Piece]]:
        return self._lost()

    async def _lost(self) -> AsyncIterator[list[Piece]]:
        jobs = self.operation.lost
        for start in range(0, len(jobs), _SOME):
            yield [_pushed(job, job.raw, job.place, keep=self.keeps) for job in jobs[start : start + _SOME]]


def _pushed(job: JobRecord, new: bytes, place: Place, *, keep: bool) -> Piece:
    item: Item
    if place.kind == "queue":
        item = Push(new, place.queue)
    else:
        item = Push(new, score=job.score or 0.0, into=cast(SetName, place.kind))
    entry = Entry(None, job.raw, None, place, new, job.score)
    return Piece(item, entry if keep else None, JobRecord(new, place).jid)
