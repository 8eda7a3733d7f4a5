"""Carries a move between servers out: a record on both, then the jobs, then both ends (operations-safety 11)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final, TypeVar

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.catalog import Across, Evacuate, Transfer
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.errors import AccessDenied, GuardRefused, PlanOutdated
from sidekiq_tui.operations.execute import Execution, Order
from sidekiq_tui.operations.journal import Batch, JournalError
from sidekiq_tui.operations.outcome import Ending, Outcome
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.selection import Rows, Whole
from sidekiq_tui.operations.sender import Halted, Link, Sender
from sidekiq_tui.operations.sources import Sources
from sidekiq_tui.operations.transfer_plan import transform_for, waiting_places
from sidekiq_tui.operations.transfer_record import PeerRecord, on_source, on_target
from sidekiq_tui.operations.transfer_run import Mover, Route, check
from sidekiq_tui.operations.transfer_setback import setback
from sidekiq_tui.operations.transform import Transform
from sidekiq_tui.servers.mark import ServerMark, read_mark
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq import transfer_steps as steps
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import RecordKeys, finish
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.transfer_steps import Chosen, TransferState

GRACE: Final = 1000
"""So many jobs more than were confirmed may go with a whole queue or set, or a tenth more (operations-safety 7.3)."""
_RENEW: Final = 300.0
_ROUNDS: Final = 3
"""How often it is looked for more when everything of a server goes."""
_TRIES: Final = 4
_TRY_AGAIN: Final = 0.2  # seconds
T = TypeVar("T")
_JIDS: Final = 1000
"""So many jobs are named when a server went back in time."""


class TransferExecution(Execution):
    """One move. Its id is that of both records; one that is gone on with keeps it."""

    operation: Transfer | Evacuate

    def __init__(self, desk: Desk, order: Order) -> None:
        super().__init__(desk, order)
        self._peer_grant = order.peer
        self._peer_met = False
        self._peer_link = Link(self._connect_peer, self._waits, lambda: self.run.stopping, desk.clock)
        self._whole: tuple[Place, ...] = ()
        self._transform: Transform | None = None if order.transit is None else order.transit.transform
        self._exhausted = False
        self._route: Route | None = None
        self._mover: Mover | None = None
        if order.transit is not None and order.transit.moved:
            self.count.total += order.transit.moved
            self.count.plus(done=order.transit.moved)

    @property
    def peer(self) -> Server:
        """The target as its profile is now."""
        assert self.plan.peer is not None
        return self.desk.server(self.plan.peer.name)

    async def _guarded(self, head: Head) -> tuple[Ending, str, str]:
        ending: tuple[Ending, str, str] = "failed", "", ""
        try:
            await self._check()
            route = await self._begun(head)
            ending = await self._moved(route)
        except Halted as halt:
            self._details |= halt.details
            ending = ("unknown" if halt.unknown else "failed"), halt.words, halt.code or "failed"
            if not halt.unknown:
                ending = await self._given_up(ending)
        except GuardRefused as error:
            ending = await self._given_up(self._failed(str(error), "guard"))
        except SidekiqError as error:
            ending = await self._given_up(self._failed(str(error), error.code or error.title))
        except Exception as error:  # a mistake of ours: what was done is known all the same
            self.run.mistake = error
            ending = await self._given_up(("failed", f"sqtui failed ({type(error).__name__})", "mistake"))
        finally:
            await self._hang_up()
        return ending

    @property
    def _set_back(self) -> bool:
        """It was told before this was started that a server went back in time: then only what is parked arrives."""
        return self.order.transit is not None and self.order.transit.set_back

    # ---- Before

    async def _check(self) -> None:
        """Raises `PlanOutdated` unless both servers are those that were planned for."""
        guard.check_server(self.plan, await self.server.mark())
        self._check_peer(await self.peer.mark())
        if self._transform is None:
            self._transform = await transform_for(self.operation, self.peer, self.desk.clock())
        if isinstance(self.operation, Evacuate):
            self._whole = await waiting_places(self.server)
        elif isinstance(self.operation.jobs, Whole):
            self._whole = (self.operation.jobs.place,)
        if self.order.transit is not None:
            self._whole = self.order.transit.whole

    def _check_peer(self, mark: ServerMark) -> None:
        """Raises `PlanOutdated` unless this is the other server that was planned for."""
        peer = self.plan.peer
        assert peer is not None
        if peer.mark.seen_again(mark) != "same":
            raise PlanOutdated(f"this is not the {peer.name} that you confirmed", hint="plan it again")

    async def _begun(self, head: Head) -> Route:
        """Both records; those that are there when it is gone on with. The target's comes first. Raises `Halted`."""
        assert self._transform is not None
        assert self.plan.peer is not None
        source_name, target_name = self.plan.server, self.plan.peer.name
        about = self.record_fields(head)
        theirs = about | on_target(source_name)
        redis = (await self.peer.overview()).redis
        transit = self.order.transit
        here, there = (1, 1) if transit is None else transit.generations
        target = Sender(self._peer_link, self.id, theirs, self.pace, server=target_name, generation=there)
        if transit is None:
            await target.begin()
        peer = PeerRecord(target_name, self.plan.peer.mark.run_id or "", target.generation)
        ours = about | on_source(peer, self._transform, self._whole)
        source = Sender(self.link, self.id, ours, self.pace, server=source_name, generation=here)
        self._route = Route(source, source, target, source_name, target_name, redis.replicas or 0)
        if transit is None:
            await source.begin()
        await source.database()
        await target.database()
        ack = Sender(self.link, self.id, ours, self.pace, server=source_name, generation=source.generation)
        await ack.database()
        self._route = Route(source, ack, target, source_name, target_name, redis.replicas or 0)
        return self._route

    # ---- The work

    async def _moved(self, route: Route) -> tuple[Ending, str, str]:
        assert self._transform is not None
        mover = self._mover = Mover(
            self.id, self.run, route, self.desk.journal, self.pace, self.count, self._transform, self._across(),
            before=lambda: self._allowed_both(route), report=self._progressed, keeps=self.keeps,
            drain=self.operation.drain,
        )  # fmt: skip
        mover.known = {batch.number: batch.bid for batch in await self._journalled()}
        self._tell("running", "")
        here, there = await self._states(route)
        if not self._set_back:
            check(here, there, route.source_name, route.target_name)
        await mover.attach(here, there, forgiving=self._set_back)
        if self.order.transit is None or self.order.transit.goes_on:
            await mover.carry_out(self._takes)
            if self._exhausted:
                # What is neither here nor there was run, or taken by somebody else.
                self.count.plus(gone=self.count.tally().untouched)
        while not (self.run.leaving and self.run.stopping):
            ended = await route.source.ask(lambda db, _: steps.end_transfer(db, route.source.keys))
            if ended != "open":
                break
            # A late TAKE, or a server that forgot the end of a stage.
            state, _ = await self._states(route)
            for stage in state.stages:
                await mover.deliver_open(stage)
        if not self._set_back:
            check(*await self._states(route), route.source_name, route.target_name)
        await self._compared(mover)
        if self.run.leaving and self.run.stopping:
            return "stopped", "", ""
        await route.target.ask(lambda db, _: finish(db, route.target.keys))
        return ("stopped" if self.run.stopping else "done"), "; ".join(self._troubles(mover)), ""

    async def _takes(self) -> None:
        """All that shall go, in its order."""
        mover = self._mover
        assert mover is not None
        if self._whole:
            await self._take_whole(mover)
            return
        targets = self.plan.targets
        if targets is None or not isinstance(self.operation, Transfer):
            return
        sources = Sources(self.server, self.operation, targets)
        async for found in sources.read(await self._reading()):
            for place in dict.fromkeys(one.job.place for one in found):
                chosen = [Chosen(one.job.raw, one.tail) for one in found if one.job.place == place]
                if not await mover.these(place, chosen):
                    return
        self.count.plus(gone=sources.missing)

    async def _take_whole(self, mover: Mover) -> None:
        places: Collection[Place] = self._whole
        most = self.count.total + max(GRACE, self.count.total // 10)
        rounds = _ROUNDS if isinstance(self.operation, Evacuate) else 1
        for turn in range(rounds):
            before = self.count.tally().settled
            for place in places:
                if not await mover.whole(place, lambda: most - self.count.tally().settled):
                    return
            await asyncio.sleep(0)
            if turn + 1 < rounds:
                places = await waiting_places(self.server)
                if not places or (turn and self.count.tally().settled == before):
                    break
        self._exhausted = True

    async def _compared(self, mover: Mover) -> None:
        """What is left and what has arrived, for the outcome of an evacuation."""
        if not isinstance(self.operation, Evacuate):
            return
        left, there = await self.server.overview(), await self.peer.overview()
        rows = []
        for place, moved in sorted(mover.moved.items(), key=lambda item: (item[0].kind, item[0].queue or "")):
            now = [_size(side, place) for side in (left, there)]
            rows.append({"place": place.kind, "queue": place.queue, "moved": moved, "left": now[0], "there": now[1]})
        self._details["comparison"] = rows
        self._details["running"] = left.busy

    # ---- The end

    def _troubles(self, mover: Mover) -> list[str]:
        said = []
        if mover.unconfirmed:
            said.append(f"{mover.unconfirmed:,} batches were not confirmed by a replica in time")
        if mover.untold:
            said.append(f"states of iterable jobs were not taken along: {mover.untold[0]}")
        return said

    async def _given_up(self, ending: tuple[Ending, str, str]) -> tuple[Ending, str, str]:
        """Ends both records unless jobs are parked, and says how many are."""
        route = self._route
        if route is None:
            return ending
        how, trouble, error = ending
        try:
            async with asyncio.timeout(5):
                if error in ("WENT BACK", "CLOSED"):
                    await self._told_setback(route)
                state = await _known(route.source)
                if state is None:
                    return ending
                bids = [stage.bid for stage in state.stages]
                parked = await patiently(lambda: self.server.parked(self.id, bids)) if bids else 0
                if parked:
                    self._details["parked"] = parked
                    said = f"{parked:,} jobs stay parked on {route.source_name}: resume or return them"
                    return how, f"{trouble}; {said}", error
                if await insisting(route.source, steps.end_transfer) == "ok":
                    await insisting(route.target, finish)
        except (SidekiqError, TimeoutError):
            return "unknown", trouble, error
        return ending

    async def _told_setback(self, route: Route) -> None:
        here, there = await _known(route.source), await _known(route.target)
        found = await patiently(lambda: setback(self.desk.journal, self.id, self.server, here, there))
        if found is not None:
            self._details |= {"went_back": found.side, "affected": found.count, "jids": found.jids[:_JIDS]}

    async def _hang_up(self) -> None:
        if self._route is not None:
            for sender in (self._route.source, self._route.ack, self._route.target):
                await sender.hang_up()
        if self._reader is not None:
            await self._reader.close()

    async def _conclude(self, ending: Ending, trouble: str, error: str) -> Outcome:
        outcome = await super()._conclude(ending, trouble, error)
        if ending == "done" and self.order.of is not None and self.order.transit is None:
            with contextlib.suppress(JournalError):  # it was the way back
                await self.desk.journal.mark_undone(self.order.of, self.id)
        if self._details and not outcome.details:
            outcome = replace(outcome, details=dict(self._details))
        return outcome

    # ---- Both servers

    def _across(self) -> Across:
        """What says of a job whether it may go."""
        if isinstance(self.operation, Transfer):
            return self.operation
        return Transfer(jobs=Rows(()), target=self.operation.target, redact=self.operation.redact)

    async def _journalled(self) -> list[Batch]:
        """Batches that the journal has of an earlier run."""
        found: list[Batch] = []
        before: int | None = None
        while self.order.transit is not None:
            batches = await self.desk.journal.batches(self.id, before=before, limit=200)
            if not batches:
                break
            before = batches[-1].number
            found += batches
        return found

    async def _states(self, route: Route) -> tuple[TransferState, TransferState]:
        """Both records. Raises `Halted` when one is gone.

        The source's is read before and after: no step that somebody else makes in between looks like a setback.
        """
        before = await self._record_of(route.source, route.source_name)
        there = await self._record_of(route.target, route.target_name)
        here = await self._record_of(route.source, route.source_name)
        return replace(here, acked=min(here.acked, before.acked)), there

    async def _record_of(self, sender: Sender, name: str) -> TransferState:
        state = await sender.ask(lambda db, _: steps.transfer_state(db, sender.keys))
        if state is None:
            raise Halted(f"{name} no longer knows this move (flushed, evicted or restored)", code="CLOSED")
        return state

    async def _connect_peer(self) -> Database:
        now = self.desk.clock()
        if self._peer_grant is None or self._peer_grant.expires - now < _RENEW:
            self._peer_grant = guard.admit_peer(self.plan, self.peer.profile, now, read_only=self.desk.read_only)
        profile = self.peer.profile
        db = await self.peer.writer(self._peer_grant)
        if not self._peer_met:
            # As on the source: another server may have its address by now.
            try:
                self._check_peer(await read_mark(db, profile.database, profile.namespace))
            except BaseException:
                await db.close()
                raise
            self._peer_met = True
        return db

    async def _allowed_both(self, route: Route) -> None:
        """As `_allowed`, on both servers."""
        await self._allowed(route.source)
        refused = guard.peer_refusal(self.peer.profile, read_only=self.desk.read_only)
        if refused:
            raise AccessDenied(refused)
        now = self.desk.clock()
        if self._peer_grant is not None and self._peer_grant.expires - now < _RENEW:
            await route.target.hang_up()
        if self._grant.expires - now < _RENEW:
            await route.ack.hang_up()


async def _known(sender: Sender) -> TransferState | None:
    return await insisting(sender, steps.transfer_state)


async def insisting(sender: Sender, step: Callable[[Database, RecordKeys], Awaitable[T]]) -> T:
    """One more step, on a new connection where the old one is broken. Raises SidekiqError when that does not help."""
    for _ in range(_TRIES):
        try:
            return await step(await sender.database(), sender.keys)
        except ServerUnreachable:
            await sender.hang_up()
            await asyncio.sleep(_TRY_AGAIN)
    return await step(await sender.database(), sender.keys)


def _size(side: Overview, place: Place) -> int | None:
    if place.kind == "queue":
        return next((queue.size for queue in side.queues if queue.name == place.queue), 0)
    return {"retry": side.retries, "schedule": side.scheduled, "dead": side.dead}.get(place.kind)
