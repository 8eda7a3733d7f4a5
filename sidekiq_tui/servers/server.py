"""One server as cli and tui use it: they see records and pages, never a Redis client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final, TypeVar

from sidekiq_tui.servers.connection import Credentials, connect
from sidekiq_tui.servers.error_book import ErrorBook
from sidekiq_tui.servers.mark import ServerMark, read_mark
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.secrets import PasswordSource
from sidekiq_tui.servers.write_access import Grant, open_for_asking, open_for_writing
from sidekiq_tui.sidekiq.client_payload import WrittenTime
from sidekiq_tui.sidekiq.composition import Composition, count_queue, sample_queue
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.deploy import Mark, read_marks
from sidekiq_tui.sidekiq.error_groups import Cause
from sidekiq_tui.sidekiq.error_reading import Changes, Progress
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, ServerTimeout
from sidekiq_tui.sidekiq.extras import Extras, read_extras
from sidekiq_tui.sidekiq.histogram import FORMS, Counts, Form, read_histograms
from sidekiq_tui.sidekiq.history import History, read_history
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_follow import Spot, find_again
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.job_watch import Look, look_for
from sidekiq_tui.sidekiq.list_window import ListCut, ListWindow, read_list_window
from sidekiq_tui.sidekiq.metrics import Metrics, for_job, top_jobs
from sidekiq_tui.sidekiq.operation_record import OperationRecord, read_operations
from sidekiq_tui.sidekiq.overview import Overview, OverviewReader
from sidekiq_tui.sidekiq.process import Process, read_processes
from sidekiq_tui.sidekiq.profiling import JobProfile, read_profile_data, read_profiles
from sidekiq_tui.sidekiq.queue import Page, Queue
from sidekiq_tui.sidekiq.queue_activity import QueueActivity, read_activity
from sidekiq_tui.sidekiq.rights import Rights, misused, read_rights
from sidekiq_tui.sidekiq.search import Matcher, Slice, find_jid, scan, search
from sidekiq_tui.sidekiq.set_window import Cut, SetWindow, read_window
from sidekiq_tui.sidekiq.time_form import fleet_time_form
from sidekiq_tui.sidekiq.trash import TrashPart, read_part, read_trash, walk_part
from sidekiq_tui.sidekiq.usual_times import usual_times
from sidekiq_tui.sidekiq.work import Work, read_work

CALL_LIMIT: Final = 10.0
"""Seconds for one call, connecting included: a server that sends a byte now and then gets no further."""

DOWNLOAD_LIMIT: Final = 300.0
"""Seconds for a profile, which may be tens of megabytes over a slow line."""

T = TypeVar("T")


class Server:
    """Reads of one server. Connects at the first call; after trouble the next call connects again, none retries.

    Every method raises `SidekiqError` (unreachable, slow, not allowed, wrong type) and `SecretError`.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        password_source: PasswordSource | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float | None = None,
    ) -> None:
        """`timeout` (seconds) limits connecting, each reply, and a whole call (of a scan: each slice).

        Finding or asking for a password comes before and is not limited by it.
        """
        self.profile = profile
        self.name = profile.name
        self._timeout = timeout
        self._limit = CALL_LIMIT if timeout is None else timeout
        self._admitted = False
        self._credentials = Credentials(profile, password_source)
        self._clock = clock
        self._database: Database | None = None
        self._reader: OverviewReader | None = None
        self.errors: Final = ErrorBook(clock)

    @property
    def trips(self) -> int:
        """Round trips so far, for measuring."""
        return 0 if self._database is None else self._database.trips

    async def overview(self, now: float | None = None) -> Overview:
        """What a poll reads: one round trip once queues and processes are known."""
        moment = self._clock() if now is None else now

        async def read(database: Database) -> Overview:
            if self._reader is None:
                self._reader = OverviewReader(database)
            return await self._reader.read(moment)

        return await self._call(read)

    async def page(
        self, place: Place, offset: int, limit: int, *, backwards: bool = False, iterating: Sequence[str] = ()
    ) -> Page:
        """One page of a queue or a set, in Sidekiq's own order or from the other end; `place` is a list, not work.

        With the iteration states of the jids `iterating`. One trip.
        """

        async def read(database: Database) -> Page:
            if place.kind == "queue":
                queue = Queue(database, place.queue or "")
                return await queue.page(offset, limit, backwards=backwards, iterating=iterating)
            if place.kind == "work":
                raise ValueError("work has no pages")
            return await JobSet(database, place.kind).page(offset, limit, backwards=backwards, iterating=iterating)

        return await self._call(read)

    async def counts_until(self, place: Place, ends: Sequence[float]) -> tuple[int, tuple[int, ...]]:
        """The size of a set, and how many of its entries have a score up to each of `ends`; one trip."""
        kind = place.kind
        if kind == "queue" or kind == "work":
            raise ValueError(f"{kind} has no scores")
        return await self._call(lambda database: JobSet(database, kind).counts_until(ends))

    async def set_window(self, place: Place, cut: Cut, below: int, above: int) -> SetWindow:
        """Entries of a set on both sides of a place between two of them; one trip, two among many of one score."""
        kind = place.kind
        if kind == "queue" or kind == "work":
            raise ValueError(f"{kind} has no scores")
        return await self._call(lambda database: read_window(database, database.keys.job_set(kind), cut, below, above))

    async def list_window(self, place: Place, cut: ListCut | None, above: int, below: int) -> ListWindow:
        """Entries of a queue on both sides of a place (None: the head); one trip."""
        return await self._call(
            lambda database: read_list_window(database, database.keys.queue(place.queue or ""), cut, above, below)
        )

    async def workers(self) -> tuple[tuple[Process, ...], tuple[Work, ...]]:
        """All processes and the jobs in progress, oldest first."""

        async def read(database: Database) -> tuple[tuple[Process, ...], tuple[Work, ...]]:
            processes = await read_processes(database, self._clock())
            return processes, await read_work(database, [process.identity for process in processes])

        return await self._call(read)

    async def work(self, identities: Sequence[str]) -> tuple[Work, ...]:
        """The jobs in progress of some processes, oldest first; one round trip for 200 processes."""
        return await self._call(lambda database: read_work(database, identities))

    async def history(self, days: int) -> History:
        """Processed and failed of each of the last `days` UTC days, newest first."""
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        return await self._call(lambda database: read_history(database, days, today))

    async def deploys(self, seconds: float) -> tuple[Mark, ...]:
        """The marks of the deploys of the last `seconds` (90 days at most), oldest first; one trip."""
        now = self._clock()
        return await self._call(lambda database: read_marks(database, now - seconds, now))

    async def top_metrics(self, *, minutes: int | None = None, hours: int | None = None) -> Metrics:
        """Every class that ran in the last `minutes` or `hours`; see `metrics.top_jobs` for what these may be."""
        return await self._call(lambda database: top_jobs(database, self._clock(), minutes=minutes, hours=hours))

    async def job_metrics(self, class_name: str, *, minutes: int | None = None, hours: int | None = None) -> Metrics:
        """One class in the last `minutes` (histograms too) or `hours`."""
        return await self._call(
            lambda database: for_job(database, class_name, self._clock(), minutes=minutes, hours=hours)
        )

    async def histograms(
        self, wanted: Mapping[str, Collection[float]], forms: Collection[Form] = FORMS
    ) -> dict[str, dict[float, Counts]]:
        """How long the runs of classes took, by class and minute (its first second); `wanted` says which minutes."""
        return await self._call(lambda database: read_histograms(database, wanted, forms))

    async def usual_times(self, classes: Sequence[str]) -> Mapping[str, float]:
        """Seconds that 95 of 100 recent runs of each class stayed under, where enough is known; two trips."""
        return await self._call(lambda database: usual_times(database, classes, self._clock()))

    async def queue_activity(self, queue: str, identities: Sequence[str]) -> QueueActivity:
        """How a queue moves, and what these processes run of it; one round trip, whatever its length."""
        return await self._call(lambda database: read_activity(database, queue, identities, self._clock()))

    async def sample_queue(self, queue: str, size: int, mean_bytes: float | None = None) -> Composition:
        """The classes of a queue of about `size` jobs of about `mean_bytes`, from an even sample; one round trip."""
        return await self._call(lambda database: sample_queue(database, queue, size, mean_bytes))

    async def count_queue(self, queue: str) -> AsyncGenerator[Composition, None]:
        """Reads all of a queue slice by slice and yields its classes so far; stop iterating to stop reading."""
        database = await self._admission()
        async with aclosing(self._slices(count_queue(database, queue))) as counts:
            async for counted in counts:
                yield counted

    async def profiles(self) -> tuple[JobProfile, ...]:
        """The profiles of single runs that have not expired, the latest expiry first; two round trips."""
        return await self._call(lambda database: read_profiles(database, self._clock()))

    async def profile_data(self, key: str) -> bytes | None:
        """A profile itself, gzip-compressed JSON; None when it is gone. On a connection of its own: it may be large."""
        await self._admission()
        database = connect(self.profile, self._credentials, DOWNLOAD_LIMIT)
        try:
            return await read_profile_data(database, key)
        finally:
            await database.close()

    async def extras(self, queues: Mapping[str, Sequence[str]]) -> Extras:
        """What Pro, Enterprise and common gems left; `queues` are those that each known process serves. Two trips."""
        return await self._call(lambda database: read_extras(database, self._clock(), queues))

    async def scan(self, place: Place, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """Reads a list slice by slice and yields what matches; stop iterating to stop reading."""
        database = await self._admission()
        async with aclosing(self._slices(scan(database, place, matcher, now=self._clock()))) as slices:
            async for found in slices:
                yield found

    async def search(self, matcher: Matcher, places: Sequence[Place] | None = None) -> AsyncGenerator[Slice, None]:
        """Reads some places, or queues, sets and work, cheap ones first, and yields what matches, slice by slice."""
        database = await self._admission()
        slices = search(database, matcher, now=self._clock(), places=places)
        async with aclosing(self._slices(slices)) as found_slices:
            async for found in found_slices:
                yield found

    async def find_jid(self, jid: str) -> AsyncGenerator[Slice, None]:
        """Looks for a job in queues, sets and work, slice by slice."""
        database = await self._admission()
        async with aclosing(self._slices(find_jid(database, jid, now=self._clock()))) as slices:
            async for found in slices:
                yield found

    async def read_errors(self, most: int | None = None) -> AsyncGenerator[Progress, None]:
        """Reads retry and dead into `errors`, slice by slice; stop iterating to stop reading (see `ErrorBook.read`)."""
        database = await self._admission()
        async with aclosing(self._slices(self.errors.read(database, most))) as slices:
            async for progress in slices:
                yield progress

    async def refresh_errors(self) -> Changes:
        """Brings `errors` up to date at the price of what has changed: one trip if nothing has, at most three."""
        return await self._call(self.errors.refresh)

    async def error_job(self, cause: Cause) -> JobRecord | None:
        """The job of a group of errors that failed last, as it is now; None if none that is known is still there."""
        return await self._call(lambda database: self.errors.job(database, cause))

    async def look_for(self, job: JobRecord, identities: Sequence[str] = ()) -> Look:
        """Where a job is now, among sets and the work of some processes: one trip, whatever the sizes."""
        return await self._call(lambda database: look_for(database, job, identities))

    async def find_again(self, job: JobRecord, identities: Sequence[str] = ()) -> Spot | None:
        """Where a job is now that was seen as `job`; None: nowhere a short look can tell. One trip, two if it left."""
        return await self._call(lambda database: find_again(database, job, identities, self._clock()))

    async def mark(self) -> ServerMark:
        """Which server answers here now; one trip."""
        profile = self.profile
        return await self._call(lambda database: read_mark(database, profile.database, profile.namespace))

    async def rights(self) -> Rights:
        """What this user may write, found out without writing. Raises `CommandRefused` for a read-only profile."""
        await self._admission()
        database = open_for_asking(self.profile, self._credentials, self._timeout)
        try:
            async with asyncio.timeout(self._limit):
                return await read_rights(database, self._clock())
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            await database.close()

    async def misused(self) -> dict[bytes, str]:
        """Keys of our own that hold something of another type, and which; one trip."""
        return await self._call(misused)

    async def time_form(self) -> WrittenTime:
        """How the processes here read the times in payloads; two trips for a fleet, at most four without."""
        return await self._call(lambda database: fleet_time_form(database, self._clock()))

    async def writer(self, grant: Grant) -> Database:
        """A connection of its own that writes what the grant is for; close it after use. Raises `CommandRefused`."""
        await self._credentials.prepare()
        return open_for_writing(self.profile, self._credentials, grant, clock=self._clock, timeout=self._timeout)

    async def operation_records(self) -> tuple[OperationRecord, ...]:
        """What the server knows of operations, whoever began them, the latest first; two trips."""
        return await self._call(read_operations)

    async def parked(self, id: str, bids: Sequence[str]) -> int:
        """How many jobs an operation has parked under these random ids; one trip."""

        async def read(database: Database) -> int:
            stages = [database.keys.stage(id, bid) for bid in bids]
            # A stage is one or the other: the wrong one answers with an error.
            sizes = [size for key in stages for size in (("LLEN", key), ("ZCARD", key))]
            replies = await database.pipeline(sizes)
            return sum(reply for reply in replies if isinstance(reply, int))

        return await self._call(read)

    async def trash(self) -> tuple[TrashPart, ...]:
        """What was deleted or cleared and can still come back, the newest first; three trips."""
        return await self._call(read_trash)

    async def trash_bytes(self) -> int:
        """What the trash holds of the server's memory, about; four trips."""

        async def read(database: Database) -> int:
            parts = await read_trash(database)
            replies = await database.pipeline([("MEMORY", "USAGE", part.key) for part in parts])
            return sum(reply for reply in replies if isinstance(reply, int))

        return await self._call(read)

    async def trash_jobs(self, part: TrashPart, offset: int, limit: int) -> tuple[JobRecord, ...]:
        """Some entries of a part of the trash, in its order; one trip."""
        return await self._call(lambda database: read_part(database, part, offset, limit))

    async def walk_trash(self, part: TrashPart) -> AsyncGenerator[tuple[JobRecord, ...], None]:
        """All entries of a part of the trash, slice by slice."""
        database = await self._admission()
        async with aclosing(self._slices(walk_part(database, part))) as slices:
            async for found in slices:
                yield found

    def ask_again(self) -> None:
        """A person wants another try: a declined or wrong password may be asked for once more."""
        if not self._credentials.known:
            self._credentials.forget(ask_again=True)

    async def close(self) -> None:
        """Closes all connections; a later call opens new ones."""
        database, self._database, self._reader = self._database, None, None
        if database is not None:
            await database.close()

    async def prepare(self) -> None:
        """Finds the stored password, so that the next call does not have to. Raises `SecretError`, `ConfigError`."""
        await self._connected()

    async def _connected(self) -> Database:
        await self._credentials.prepare()
        if self._database is None:
            self._database = connect(self.profile, self._credentials, self._timeout)
        return self._database

    async def _admission(self) -> Database:
        """A database that has let us in: a scan cannot start over after asking for a password."""
        if not self._admitted:
            await self._call(lambda database: database.command("PING"))
        return await self._connected()

    async def _slices(self, slices: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        try:
            while True:
                try:
                    async with asyncio.timeout(self._limit):
                        found = await anext(slices)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise self._too_slow() from None
                yield found
        finally:
            if isinstance(slices, AsyncGenerator):
                await slices.aclose()

    async def _call(self, call: Callable[[Database], Awaitable[T]]) -> T:
        try:
            return await self._limited(call)
        except AuthenticationFailed:
            if self._credentials.known or not await self._credentials.ask():
                self._credentials.forget()
                raise
        try:
            return await self._limited(call)
        except AuthenticationFailed:
            self._credentials.forget()
            raise

    async def _limited(self, call: Callable[[Database], Awaitable[T]]) -> T:
        database = await self._connected()
        try:
            async with asyncio.timeout(self._limit):
                answer = await call(database)
        except TimeoutError:
            raise self._too_slow() from None
        self._admitted = True
        return answer

    def _too_slow(self) -> ServerTimeout:
        return ServerTimeout(f"{self.profile.endpoint} gave no full answer within {self._limit:g}s")
