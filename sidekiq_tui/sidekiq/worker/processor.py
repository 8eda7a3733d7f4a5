"""Runs one job: logs, counts, middleware, and what becomes of it (protocol 15.2)."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.job_class import Job, ServerChain
from sidekiq_tui.sidekiq.payload import decode
from sidekiq_tui.sidekiq.worker.fetch import Fetcher, Unit
from sidekiq_tui.sidekiq.worker.iterable import Interrupted
from sidekiq_tui.sidekiq.worker.logs import LOGGER, log_fields, say, thread_name
from sidekiq_tui.sidekiq.worker.retries import Retries, UnknownJobClass
from sidekiq_tui.sidekiq.worker.threads import in_thread

Payload = Mapping[str, object]
Observe = Callable[[str, float, bool], None]
"""Told of each run: the class, its seconds, whether it went well."""
PushAgain = Callable[[bytes, Payload, Sequence[Command]], Awaitable[None]]
"""Pushes an interrupted job once more; the commands belong into the same transaction."""
Profile = Callable[[Payload, Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs a job that asks for it under a profiler."""

FIRST_TASK: Final = 1_000_000
"""Tasks are numbered from here on, so that their names look like those of Ruby's threads."""


class Running(NamedTuple):
    """A job in progress."""

    unit: Unit
    run_at: int
    """Unix seconds."""

    def said(self) -> Mapping[str, object]:
        """As the heartbeat writes it."""
        return {
            "queue": clean(self.unit.queue),
            "payload": self.unit.raw.decode("utf-8", "replace"),
            "run_at": self.run_at,
        }


@dataclass(slots=True)
class Counters:
    """What has happened since the last heartbeat, and what is running now."""

    processed: int = 0
    failed: int = 0
    work: dict[str, Running] = field(default_factory=dict)
    """By the name of the task."""

    def take(self) -> tuple[int, int]:
        """The counts, which start anew."""
        taken = (self.processed, self.failed)
        self.processed = self.failed = 0
        return taken


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the jobs of a process run in; all but the classes may be left out."""

    classes: Mapping[str, type[Job]]
    middleware: ServerChain = field(default_factory=ServerChain)
    observe: Observe | None = None
    prepare: Callable[[Job], None] | None = None
    """Told of each job before it runs."""
    push_again: PushAgain | None = None
    profile: Profile | None = None
    clock: Callable[[], float] = time.time


class Processor:
    """Runs the jobs of a process, many at once. A coroutine runs on the loop, a plain function in a thread."""

    def __init__(self, around: Surroundings, retries: Retries, counters: Counters, threads: Executor) -> None:
        self._around = around
        self._retries = retries
        self._counters = counters
        self._threads = threads
        self._numbers = itertools.count(FIRST_TASK)
        self.settling: set[Unit] = set()
        """What has run and is getting its next place just now."""
        self.given_back: set[Unit] = set()
        """What was put back into its queue while it ran: however it ends, it gets no other place."""

    async def process(self, unit: Unit, fetcher: Fetcher) -> None:
        """Runs a job and gives it its next place, if it needs one. Cancelled, it leaves the job to who cancels."""
        payload = decode(unit.raw)
        if payload is None:
            LOGGER.error("a payload that is no JSON object goes to the dead set")
            await self._settle(unit, self._retries.bury(unit.raw, fetcher.release(unit)))
            return
        tid = thread_name(next(self._numbers))
        self._counters.work[tid] = Running(unit, int(self._around.clock()))
        try:
            name = payload.get("wrapped") or payload.get("class")
            log_fields({"tid": tid, "jid": payload.get("jid"), "class": name})
            if "bid" in payload or "tags" in payload:
                log_fields({name: payload.get(name) or None for name in ("bid", "tags")})
            await self._logged(unit, payload, fetcher)
        except Exception:  # of ours: the job's own have been dealt with
            LOGGER.exception("a job could not be given its next place and goes to the dead set")
            await self._settle(unit, self._retries.bury(unit.raw, fetcher.release(unit)))
        finally:
            del self._counters.work[tid]
            self.given_back.discard(unit)

    async def _logged(self, unit: Unit, payload: Payload, fetcher: Fetcher) -> None:
        started = time.monotonic()
        say("start")
        job_class = self._around.classes.get(str(payload.get("class")))
        error = await self._outcome(unit, payload, job_class)
        seconds = time.monotonic() - started
        interrupted = isinstance(error, Interrupted)
        self._counters.processed += 1
        self._seen(payload, job_class, seconds, error is None or interrupted)
        if error is not None:
            self._counters.failed += 1  # also what was interrupted, as Ruby counts it (protocol 7)
        log_fields({"elapsed": round(seconds, 3)})
        if unit in self.given_back:
            say("given back")
        elif error is None:
            say("done")
            await fetcher.done(unit)
        elif interrupted:
            say("interrupted")
            await self._settle(unit, self._again(unit, payload, job_class, fetcher))
        else:
            say("fail")
            await self._settle(unit, self._failed(unit, payload, error, job_class, fetcher))

    async def _outcome(self, unit: Unit, payload: Payload, job_class: type[Job] | None) -> BaseException | None:
        """What the job raised; None if it went well. Raises CancelledError only if this task is cancelled."""
        try:
            await self._run(unit, payload, job_class)
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return cancelled  # something of the job's own was cancelled
        except BaseException as raised:  # SystemExit too: a job must not end the process
            return raised
        return None

    async def _settle(self, unit: Unit, write: Awaitable[None]) -> None:
        self.settling.add(unit)
        try:
            await write
        finally:
            self.settling.discard(unit)

    async def _failed(
        self, unit: Unit, payload: Payload, error: BaseException, job_class: type[Job] | None, fetcher: Fetcher
    ) -> None:
        outcome = await self._retries.failed(unit, payload, error, job_class, fetcher.release(unit))
        LOGGER.warning("%s: %s (%s)", type(error).__name__, error, outcome)
        if outcome in ("discarded", "dropped"):
            await fetcher.done(unit)

    async def _again(self, unit: Unit, payload: Payload, job_class: type[Job] | None, fetcher: Fetcher) -> None:
        try:
            assert self._around.push_again is not None
            await self._around.push_again(unit.raw, payload, fetcher.release(unit))
        except Exception as error:  # as in Ruby: a push that fails fails the job
            await self._failed(unit, payload, error, job_class, fetcher)

    def _seen(self, payload: Payload, job_class: type[Job] | None, seconds: float, well: bool) -> None:
        name = payload.get("wrapped") or payload.get("class")
        if self._around.observe is not None and job_class is not None and isinstance(name, str):
            self._around.observe(name, seconds, well)

    async def _run(self, unit: Unit, payload: Payload, job_class: type[Job] | None) -> None:
        if job_class is None:
            raise UnknownJobClass(f"uninitialized constant {payload.get('class')}")
        if payload.get("profile") and self._around.profile is not None:
            await self._around.profile(payload, partial(self._inside, unit, payload, job_class))
        else:
            await self._inside(unit, payload, job_class)

    async def _inside(self, unit: Unit, payload: Payload, job_class: type[Job]) -> None:
        job = job_class()
        job.jid = str(payload.get("jid") or "")
        if self._around.prepare is not None:
            self._around.prepare(job)

        async def innermost() -> object:
            await self._perform(job, payload.get("args"))
            return True

        if len(self._around.middleware):
            await self._around.middleware.invoke(innermost, job, payload, unit.queue)
        else:
            await innermost()

    async def _perform(self, job: Job, args: object) -> None:
        if not isinstance(args, list):
            raise TypeError("args must be a list")
        code = getattr(job.perform, "__code__", None)
        if code is not None and code.co_flags & inspect.CO_COROUTINE:
            await job.perform(*args)
            return
        result = await in_thread(self._threads, partial(job.perform, *args))
        if inspect.isawaitable(result):
            await result


def clean(name: str) -> str:
    """A queue's name as JSON can hold it: without bytes that are no UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
