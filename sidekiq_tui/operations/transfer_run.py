"""Moves jobs: parks some on their server, puts them on the other one, and only then lets go of them (11).

While one batch is put, the next is taken, made and put into the journal. Nothing here tells a lost reply from a slow
one: every step is sent until it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.operations.batch_run import rested
from sidekiq_tui.operations.catalog import Across
from sidekiq_tui.operations.count import Count
from sidekiq_tui.operations.entries import Entry, pack, pack_digests
from sidekiq_tui.operations.journal import Batch, Journal, JournalError
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.payloads import refusal
from sidekiq_tui.operations.prepared import Prepared, new_bid
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.operations.transform import Transform
from sidekiq_tui.sidekiq import transfer_steps as steps
from sidekiq_tui.sidekiq.batch_wire import LARGEST_ITEM, MOST_BYTES
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.transfer_steps import Chosen, Iteration, OpenStage, Staged, TransferState

_AHEAD: Final = 2
"""Batches that are taken before they are needed; with the one that is put, fewer than may be open."""
_FULL_WAIT: Final = 0.05


class WentBack(Halted):
    """A server knows less than it has said: it was restored, or another took over (operations-safety 12)."""

    def __init__(self, words: str, side: str) -> None:
        super().__init__(words, code="WENT BACK", details={"went_back": side})


@dataclass(slots=True)
class Parcel:
    """One batch on its way: what was parked, what the other server gets, and what returns."""

    seq: int
    bid: str
    place: Place
    jobs: Sequence[JobRecord]
    new: list[Staged] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    """Ranks of those that cannot go."""
    reasons: list[str] = field(default_factory=list)
    iterations: Sequence[Iteration] = ()
    along: bool = True
    """Whether the states of iterable jobs have arrived."""


@dataclass(slots=True)
class Route:
    """Both ends: `source` takes, `ack` is a second connection there, `target` gets. All three under one id."""

    source: Sender
    ack: Sender
    target: Sender
    source_name: str
    target_name: str
    replicas: int = 0


class Mover:
    """One move between two servers. `next_source`, `next_target`: the numbers that their records have reached."""

    def __init__(
        self,
        id: str,
        run: Run,
        route: Route,
        journal: Journal,
        pace: Pace,
        count: Count,
        transform: Transform,
        operation: Across,
        *,
        before: Callable[[], Awaitable[None]],
        report: Callable[[], None],
        keeps: bool,
        drain: bool = False,
    ) -> None:
        """`operation`: says which jobs stay. `keeps`: their bytes go into the journal, else digests only."""
        self._id = id
        self._run = run
        self._route = route
        self._journal = journal
        self._pace = pace
        self._count = count
        self._transform = transform
        self._operation = operation
        self._before = before
        self._report = report
        self._keeps = keeps
        self._drain = drain
        self.next_source = self.next_target = 0
        self.known: Mapping[int, str] = {}
        """Random ids of batches that the journal has, by their numbers."""
        self.moved: dict[Place, int] = {}
        """Jobs that arrived, by where they were."""
        self.unconfirmed = 0
        """Batches that no replica of the target has confirmed in time."""
        self.untold: list[str] = []
        """What went wrong with states of iterable jobs."""
        self._open: set[str] = set()
        self._results: dict[int, str] = {}
        self._stuck: dict[Place, set[bytes]] = {}
        self._returned: dict[Place, int] = {}
        self._taken: asyncio.Queue[Parcel | None] = asyncio.Queue(_AHEAD)

    # ---- The whole

    async def carry_out(self, takes: Callable[[], Awaitable[None]]) -> None:
        """Delivers what stands open, then what `takes` takes. Raises `Halted`: what is parked then stays so."""
        taking = asyncio.create_task(self._take_all(takes))
        delivering = asyncio.create_task(self._deliver_all())
        try:
            await asyncio.wait((taking, delivering), return_when=asyncio.FIRST_EXCEPTION)
            for task in (delivering, taking):
                if task.done():
                    task.result()
            await delivering
        finally:
            for task in (taking, delivering):
                task.cancel()
            await asyncio.gather(taking, delivering, return_exceptions=True)
            with contextlib.suppress(JournalError):
                results, self._results = self._results, {}
                await self._journal.settle(self._id, results, 1, self._count.tally())

    async def attach(self, here: TransferState, there: TransferState, *, forgiving: bool = False) -> None:
        """Takes the records as they are, to go on, and brings what is parked to its end.

        `forgiving`: a stage that is lost was told of, and is only struck out.
        """
        self.next_source, self.next_target = here.next, there.next
        for stage in here.stages:
            await self.deliver_open(stage, forgiving=forgiving)

    async def deliver_open(self, stage: OpenStage, *, forgiving: bool = False) -> None:
        """Brings a stage to its end that was left open. Raises `WentBack` when its jobs are gone."""
        parcel = await self._parcel(stage.seq, stage.bid, stage.place)
        if parcel is not None:
            await self._deliver(parcel)
            return
        source, target = self._route.source, self._route.target
        here = await source.ask(lambda db, _: steps.transfer_state(db, source.keys))
        if here is None or stage not in here.stages:  # somebody else has brought it to its end meanwhile
            return
        there = await target.ask(lambda db, _: steps.transfer_state(db, target.keys))
        if not forgiving and (there is None or there.ids.get(stage.seq) != stage.bid):
            raise WentBack(f"{self._route.source_name} has lost jobs that were parked there", "parked")
        await self._acknowledge(Parcel(stage.seq, stage.bid, stage.place, ()))

    async def _take_all(self, takes: Callable[[], Awaitable[None]]) -> None:
        try:
            await takes()
        except Exception:
            # What was taken before goes first.
            await self._taken.put(None)
            await self._taken.join()
            raise
        await self._taken.put(None)

    async def _deliver_all(self) -> None:
        """Puts one parcel while the one before it is acknowledged."""
        ending: asyncio.Task[None] | None = None
        try:
            while (parcel := await self._taken.get()) is not None:
                results = await self._put(parcel) if parcel.new else ""
                if ending is not None:
                    await ending
                ending = asyncio.create_task(self._concluded(parcel, results))
            if ending is not None:
                await ending
            self._taken.task_done()
        except asyncio.CancelledError:
            if ending is not None:
                ending.cancel()
            raise
        finally:
            if ending is not None:
                await asyncio.gather(ending, return_exceptions=True)

    async def _concluded(self, parcel: Parcel, results: str) -> None:
        try:
            await self._end(parcel, results)
        finally:
            self._taken.task_done()
        self._report()

    # ---- Taking

    async def whole(self, place: Place, bound: Callable[[], int]) -> bool:
        """Takes all of a queue or set until it is empty; False when it was stopped.

        `bound`: how many more may be taken. Raises `Halted` when more than that come.
        """
        skip, again = 0, False
        while await self._ready():
            if bound() <= 0:
                raise Halted("still being filled by clients: point them at the new server first", code="FILLED")
            parcel, more = await self._take(place, None, skip=skip)
            if not more:
                return True
            if parcel is None:
                if skip and again:
                    return True
                if skip:  # what came meanwhile may lie below
                    skip, again = 0, True
                continue
            fresh = await self._first_met(parcel)
            await self._taken.put(parcel)
            if not fresh and (again or place.kind == "queue"):
                return True
            if place.kind != "queue" and parcel.back:
                await self._taken.join()  # only once they are back it is known where the rest begins
                # Those that were met before lie higher now: something came meanwhile below them.
                skip, again = (self._returned.get(place, 0), False) if fresh else (0, True)
        return False

    async def _first_met(self, parcel: Parcel) -> bool:
        """Whether any of them was not taken before; the reasons of those that came back once are struck out."""
        stuck = self._stuck.setdefault(parcel.place, set())
        marks = [digest(parcel.jobs[rank].raw) for rank in parcel.back]
        if parcel.place.kind != "queue":
            parcel.reasons = [reason for mark, reason in zip(marks, parcel.reasons, strict=True) if mark not in stuck]
        elif not stuck.isdisjoint(marks):
            # Bytes alone do not tell: there may be equal ones. What came back lies behind all that was there.
            await self._taken.join()
            left = await self._route.source.ask(lambda db, _: steps.size(db, parcel.place))
            before = left + len(parcel.jobs) - self._returned.get(parcel.place, 0)
            del parcel.reasons[max(0, min(len(parcel.jobs), before) - len(parcel.new)) :]
        stuck.update(marks)
        return bool(parcel.new) or bool(parcel.reasons)

    async def these(self, place: Place, chosen: Sequence[Chosen]) -> bool:
        """Takes jobs by their bytes, in this order; False when it was stopped."""
        start = 0
        while start < len(chosen):
            if not await self._ready():
                return False
            end, size = start, 0
            while end < len(chosen) and end - start < self._pace.entries:
                size += len(chosen[end].raw)
                if end > start and size > MOST_BYTES:
                    break
                end += 1
            parcel, more = await self._take(place, chosen[start:end])
            if not more:
                self._count.plus(gone=end - start)
            elif parcel is not None:
                await self._taken.put(parcel)
            start = end
        return True

    async def _ready(self) -> bool:
        if not await rested(self._run, self._pace, self._report):
            return False
        await self._before()
        return not self._run.stopping

    async def _take(
        self, place: Place, chosen: Sequence[Chosen] | None, *, skip: int = 0
    ) -> tuple[Parcel | None, bool]:
        """One batch; None when nothing of it was there. False: the place is empty. Raises `Halted`, `WentBack`."""
        source, bid = self._route.source, new_bid()
        while True:
            seq = self.next_source

            async def take(db: Database, _: bytes, seq: int = seq) -> steps.Taken:
                if chosen is None:
                    return await steps.take_end(
                        db, source.keys, seq, bid, place,
                        expected=seq, count=self._pace.entries, skip=skip, drain=self._drain,
                    )  # fmt: skip
                return await steps.take_these(
                    db, source.keys, seq, bid, place, chosen, expected=seq, drain=self._drain
                )  # fmt: skip

            self._open.add(bid)
            sent = time.monotonic()
            taken = await source.ask(take)
            self._pace.answered(time.monotonic() - sent)
            if taken.status in ("ok", "done"):
                break
            self._open.discard(bid)
            if taken.status == "empty":
                return None, False
            await self._not_taken(taken, seq)
        self.next_source = taken.next
        parcel = await self._parcel(seq, bid, place, taken.staged)
        staged = 0 if parcel is None else len(parcel.jobs)
        if parcel is None:
            self._open.discard(bid)
        if chosen is not None:
            left = taken.results.count("-") + (len(chosen) - len(taken.results) if taken.results else 0)
            self._count.plus(gone=len(chosen) - staged - left)
        self._pace.called(staged)
        if taken.error:
            if parcel is not None:
                await self._taken.put(parcel)
            raise Halted(refusal_words(taken.error.partition(" ")[0], taken.error, self._route.source_name))
        return parcel, True

    async def _not_taken(self, taken: steps.Taken, seq: int) -> None:
        """Puts right what stands in the way, or raises."""
        name = self._route.source_name
        if taken.status == "full":
            await self._foreign()
            await asyncio.sleep(_FULL_WAIT)
        elif taken.status == "moved" and taken.next > seq:
            # Ours, whose reply was lost, when it found nothing; else somebody else's.
            await self._foreign()
            self.next_source = taken.next
        elif taken.status == "moved":
            raise WentBack(f"{name} went back in time: it has forgotten jobs that it had let go of", "source")
        elif taken.status == "closed":
            raise Halted(
                f"{name} no longer knows this move (flushed, evicted, restored or ended elsewhere)", code="CLOSED"
            )
        elif taken.status == "type":
            raise Halted(f"`{taken.error}` holds something else than Sidekiq's data", code="WRONGTYPE")
        else:
            code = taken.error.partition(" ")[0]
            raise Halted(refusal_words(code, taken.error, name), code=code if code.isupper() else "")

    async def _foreign(self) -> None:
        """Raises `Halted` if a stage is open that is not ours: somebody else goes on with this move."""
        source, ours = self._route.source, frozenset(self._open)  # as they are before any of them ends meanwhile
        state = await source.ask(lambda db, _: steps.transfer_state(db, source.keys))
        if state is not None and any(stage.bid not in ours for stage in state.stages):
            raise Halted("somebody else goes on with this move", code="TAKEN")

    # ---- Making

    async def _parcel(self, seq: int, bid: str, place: Place, staged: Sequence[Staged] | None = None) -> Parcel | None:
        """What is parked under an id, made ready and in the journal; None when nothing is. `staged`: if known."""
        source = self._route.source
        if staged is None:
            staged = await source.ask(lambda db, _: steps.read_stage(db, source.keys, bid, place))
        if not staged:
            return None
        self._open.add(bid)
        parcel = Parcel(seq, bid, place, [JobRecord(one.raw, place, one.score) for one in staged])
        entries: list[Entry] = []
        target = self._transform.place(place)
        for rank, job in enumerate(parcel.jobs):
            made = made_of(job, self._operation, self._transform)
            if isinstance(made, str):
                parcel.back.append(rank)
                parcel.reasons.append(made)
                entries.append(Entry(place, job.raw, job.score))
            else:
                parcel.new.append(Staged(made, job.score))
                entries.append(Entry(place, job.raw, job.score, target, made, job.score))
        jids = [job.jid for rank, job in enumerate(parcel.jobs) if job.jid and rank not in parcel.back]
        try:
            parcel.iterations = await source.ask(lambda db, _: steps.read_iterations(db, jids))
        except Halted as refused:
            if refused.code != "NOPERM":
                raise
            self.untold.append(refused.words)
        if self.known.get(seq) != bid:
            await self._keep(parcel, entries)
        return parcel

    async def _keep(self, parcel: Parcel, entries: Sequence[Entry]) -> None:
        """Returns when the journal has the batch. Raises `JournalError`: it stays parked."""
        loop = asyncio.get_running_loop()
        if self._keeps:
            blob = await loop.run_in_executor(None, pack, entries)
        else:
            blob = pack_digests([digest(job.raw) for job in parcel.jobs])
        results, self._results = self._results, {}
        try:
            await self._journal.add(self._id, [Batch(parcel.seq, parcel.bid, len(parcel.jobs), blob)], results)
        except BaseException:
            self._results = results | self._results
            raise

    # ---- Delivering

    async def _deliver(self, parcel: Parcel) -> None:
        await self._end(parcel, await self._put(parcel) if parcel.new else "")

    async def _end(self, parcel: Parcel, results: str) -> None:
        """Lets go of a parcel that has arrived, and counts it."""
        await self._acknowledge(parcel)
        self._open.discard(parcel.bid)
        told = iter(results)
        back = set(parcel.back)
        line = "".join("-" if rank in back else next(told, "1") for rank in range(len(parcel.jobs)))
        self._results[parcel.seq] = line
        self._count.add(Prepared(parcel.seq, parcel.bid, (), None, [job.jid for job in parcel.jobs]), line)
        for reason in parcel.reasons:
            self._count.left_alone(reason)
        self.moved[parcel.place] = self.moved.get(parcel.place, 0) + len(parcel.new)
        self._returned[parcel.place] = self._returned.get(parcel.place, 0) + len(parcel.reasons)

    async def _put(self, parcel: Parcel) -> str:
        target, place, name = self._route.target, self._transform.place(parcel.place), self._route.target_name

        async def send(db: Database, _: bytes) -> steps.Put:
            return await steps.put(
                db, target.keys, parcel.seq, parcel.bid, place, parcel.new,
                expected=self.next_target, iterations=parcel.iterations if parcel.along else (),
            )  # fmt: skip

        try:
            put = await target.ask(send)
        except Halted as refused:
            if refused.code != "NOPERM" or not parcel.iterations:
                raise
            # Perhaps only the keys of states are forbidden there.
            parcel.along = False
            put = await target.ask(send)
            self.untold.append(refused.words)
        match put.status:
            case "ok" | "done":
                self.next_target = max(self.next_target, put.next)
                if put.error:
                    self.untold.append(put.error)
                    parcel.along = False
                if self._route.replicas and await target.ask(self._confirmed) is False:
                    self.unconfirmed += 1
                return put.results
            case "old":
                raise WentBack(
                    f"{self._route.source_name} went back in time: {name} has other jobs of that number", "source"
                )
            case "back":
                raise WentBack(f"{name} went back in time: it has lost jobs that it had taken", "target")
            case "closed":
                raise Halted(f"{name} no longer knows this move (flushed, evicted, restored or fenced)", code="CLOSED")
            case "type":
                raise Halted(f"`{put.error}` on {name} holds something else than Sidekiq's data", code="WRONGTYPE")
        code = put.error.partition(" ")[0]
        raise Halted(refusal_words(code, put.error, name), code=code if code.isupper() else "")

    async def _confirmed(self, db: Database, _: bytes) -> bool | None:
        return await steps.confirm(db, replicas=self._route.replicas, append_only=False)

    async def _acknowledge(self, parcel: Parcel) -> None:
        ack, name = self._route.ack, self._route.source_name
        jids = [one.jid for one in parcel.iterations] if parcel.along else []

        async def send(db: Database, _: bytes) -> tuple[steps.AckStatus, str]:
            return await steps.acknowledge(
                db, ack.keys, parcel.seq, parcel.bid, parcel.place,
                gone=len(parcel.new), back=parcel.back, to_head=True, jids=jids,
            )  # fmt: skip

        try:
            status, error = await ack.ask(send)
        except Halted as refused:
            if refused.code != "NOPERM" or not jids:
                raise
            jids.clear()  # states may be read, not freed: they stay
            status, error = await ack.ask(send)
        if status == "closed":
            raise Halted(f"{name} no longer knows this move (flushed, evicted or restored)", code="CLOSED")
        if status in ("refused", "type"):
            raise Halted(refusal_words(error.partition(" ")[0], error, name))


def made_of(job: JobRecord, operation: Across, transform: Transform) -> bytes | str:
    """The bytes for the other server, or why the job stays."""
    if len(job.raw) > LARGEST_ITEM:
        return "too large to be moved by its bytes"
    reason = refusal(job, operation)
    if reason:
        return reason
    try:
        return transform.payload(job)
    except ValueError as error:
        return str(error)


def check(here: TransferState, there: TransferState, source: str, target: str) -> None:
    """Raises `WentBack` when the target lacks what the source let go of, or has more than the source ever took."""
    if there.next > here.next:
        raise WentBack(f"{source} went back in time: jobs that {target} has are on both servers", "source")
    if there.next < here.acked:
        raise WentBack(f"{target} went back in time: jobs that it had taken are on neither server", "target")
