"""Ends a move that is not gone on with: fences the target, then puts back what it did not get (11)."""

from __future__ import annotations

from collections.abc import Mapping

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.catalog import ReturnStaged
from sidekiq_tui.operations.execute_transfer import TransferExecution, insisting
from sidekiq_tui.operations.outcome import Ending
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.operations.transfer_resume import conclude_move
from sidekiq_tui.operations.transfer_run import Route, made_of
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.sidekiq import transfer_steps as steps
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.operation_record import close
from sidekiq_tui.sidekiq.transfer_steps import OpenStage


class ReturnExecution(TransferExecution):
    """One return. Its own id is in journal and audit; the records are those of the move."""

    operation: ReturnStaged  # type: ignore[assignment]

    async def _check(self) -> None:
        guard.check_server(self.plan, await self.server.mark())

    def _check_peer(self, mark: ServerMark) -> None:
        if self._answered:
            super()._check_peer(mark)

    @property
    def _answered(self) -> bool:
        """Whether the target answered when this was planned."""
        return self.plan.peer is not None and self.plan.peer.mark.role is not None

    async def _begun(self, head: Head) -> Route:
        peer = self.plan.peer
        transit = self.order.transit
        assert peer is not None
        assert transit is not None
        here, there = transit.generations
        id, name = self.operation.operation, self.plan.server
        source = Sender(self.link, id, {}, self.pace, server=name, generation=here)
        target = Sender(self._peer_link, id, {}, self.pace, server=peer.name, generation=there)
        await source.database()
        self._route = Route(source, source, target, name, peer.name)
        return self._route

    async def _moved(self, route: Route) -> tuple[Ending, str, str]:
        self._tell("running", "")
        ids = await self._fenced(route.target)
        if ids is None and not self.operation.force:
            raise Halted(f"{route.target_name} no longer knows this move: only by force", code="CLOSED")
        ids = ids or {}
        while True:
            state = await route.source.ask(lambda db, _: steps.transfer_state(db, route.source.keys))
            if state is None:
                raise Halted(f"{route.source_name} no longer knows this move", code="CLOSED")
            # The last goes first: so the oldest of all run next.
            for stage in reversed(state.stages):
                await self._returned(route, stage, arrived=ids.get(stage.seq) == stage.bid)
            if await route.source.ask(lambda db, _: steps.end_transfer(db, route.source.keys)) != "open":
                break
        why = f"what was parked was put back by {self.desk.who.text}"
        await conclude_move(self.desk, self.operation.operation, ids, why)
        return "done", "", ""

    async def _fenced(self, target: Sender) -> Mapping[int, str] | None:
        """Random ids of the batches that the target has, by number, now that no more can arrive; None: it knows none.

        By force also what it says unfenced where it refuses that, and nothing where it did not answer before either.
        """
        force = self.operation.force
        try:
            if force and not self._answered:
                closed = await insisting(target, close)
            else:
                closed = await target.ask(lambda db, _: close(db, target.keys))
            return None if closed is None else steps.state_of(closed.fields, "closed").ids
        except (Halted, SidekiqError) as error:
            if not force or (isinstance(error, Halted) and error.unknown):
                raise
            state = await target.ask(lambda db, _: steps.transfer_state(db, target.keys)) if self._answered else None
            return None if state is None else state.ids

    def _stays(self, job: JobRecord) -> bool:
        """Whether it did not go along with the others of its batch."""
        transit = self.order.transit
        assert transit is not None
        peer = self.plan.peer
        assert peer is not None
        return isinstance(made_of(job, transit.transform.transfer(peer.name), transit.transform), str)

    async def _returned(self, route: Route, stage: OpenStage, *, arrived: bool) -> None:
        source = route.source
        seq, bid, place = stage.seq, stage.bid, stage.place
        if arrived:
            staged = await source.ask(lambda db, _: steps.read_stage(db, source.keys, bid, place))
            stays = [rank for rank, one in enumerate(staged) if self._stays(JobRecord(one.raw, place, one.score))]
            gone = len(staged) - len(stays)
            await source.ask(lambda db, _: steps.acknowledge(db, source.keys, seq, bid, place, gone=gone, back=stays))
            self.count.plus(gone=gone, done=len(stays))
            return
        back = await source.ask(lambda db, _: steps.give_back(db, source.keys, seq, bid, place))
        if back.status in ("refused", "type"):
            raise Halted(refusal_words(back.error.partition(" ")[0], back.error, route.source_name))
        self.count.plus(done=back.restored, exists=back.existing)
        self._progressed()
