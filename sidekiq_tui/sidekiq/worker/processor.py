"""Runs one job: logs, counts, middleware, and what becomes of it (protocol 15.2)."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial

from sidekiq_tui.sidekiq.job_class import Job, ServerChain
from sidekiq_tui.sidekiq.payload import decode
from sidekiq_tui.sidekiq.worker.fetch import Fetcher, Unit
from sidekiq_tui.sidekiq.worker.iterable import Interrupted
from sidekiq_tui.sidekiq.worker.logs import LOGGER, log_context, thread_name
from sidekiq_tui.sidekiq.worker.retries import Retries, UnknownJobClass

Observe = Callable[[str, float, bool], None]
"""Told of each run: the class, its seconds, whether it went well."""


@dataclass(slots=True)
class Counters:
    """What has happened since the last heartbeat, and what is running now."""

    processed: int = 0
    failed: int = 0
    work: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """By the name of the thread, as the heartbeat writes it."""

    def take(self) -> tuple[int, int]:
        """The counts, which start anew."""
        taken = (self.processed, self.failed)
        self.processed = self.failed = 0
        return taken


class Processor:
    """Runs the jobs of a process, many at once. A coroutine runs on the loop, a plain function in a thread."""

    def __init__(
        self,
        classes: Mapping[str, type[Job]],
        middleware: ServerChain,
        retries: Retries,
        counters: Counters,
        threads: Executor,
        *,
        observe: Observe | None = None,
        prepare: Callable[[Job, Mapping[str, object]], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`prepare` is told of each job before it runs."""
        self._classes = classes
        self._middleware = middleware
        self._retries = retries
        self._counters = counters
        self._threads = threads
        self._observe = observe
        self._prepare = prepare
        self._clock = clock
        self._numbers = itertools.count(1)

    async def process(self, unit: Unit, fetcher: Fetcher) -> None:
        """Runs a job and gives it its next place, if it needs one. Cancelled, it leaves the job to who cancels."""
        payload = decode(unit.raw)
        if payload is None:
            await self._retries.bury(unit.raw)
            await fetcher.done(unit)
            LOGGER.error("a payload that is no JSON object is dead now")
            return
        tid = thread_name(next(self._numbers) + 1_000_000)
        self._counters.work[tid] = {
            "queue": unit.queue,
            "payload": unit.raw.decode("utf-8", "replace"),
            "run_at": int(self._clock()),
        }
        try:
            name = payload.get("wrapped") or payload.get("class")
            about = {key: payload[key] for key in ("bid", "tags") if payload.get(key)}
            with log_context(jid=payload.get("jid"), **{"class": name}, **about):
                await self._logged(unit, payload)
        except Exception:  # of ours: the job's own have been dealt with
            LOGGER.exception("a job could not be given its next place and is dead now")
            await self._retries.bury(unit.raw)
        else:
            await fetcher.done(unit)
        finally:
            del self._counters.work[tid]

    async def _logged(self, unit: Unit, payload: Mapping[str, object]) -> None:
        started = time.monotonic()
        LOGGER.info("start")
        well = await self._counted(unit, payload)
        with log_context(elapsed=round(time.monotonic() - started, 3)):
            LOGGER.info("done" if well else "fail")

    async def _counted(self, unit: Unit, payload: Mapping[str, object]) -> bool:
        job_class = self._classes.get(str(payload.get("class")))
        started = time.monotonic()
        error: BaseException | None = None
        try:
            await self._run(unit, payload, job_class)
        except Interrupted as interrupted:
            self._counters.failed += 1  # as Ruby counts it (protocol 7)
            self._counters.processed += 1
            await interrupted.push_again(unit)
            return True
        except Exception as raised:
            error = raised
        self._counters.processed += 1
        self._seen(payload, job_class, time.monotonic() - started, error is None)
        if error is None:
            return True
        self._counters.failed += 1
        outcome = await self._retries.failed(unit, payload, error, job_class)
        LOGGER.warning("%s: %s (%s)", type(error).__name__, error, outcome)
        return False

    def _seen(self, payload: Mapping[str, object], job_class: type[Job] | None, seconds: float, well: bool) -> None:
        name = payload.get("wrapped") or payload.get("class")
        if self._observe is not None and job_class is not None and isinstance(name, str):
            self._observe(name, seconds, well)

    async def _run(self, unit: Unit, payload: Mapping[str, object], job_class: type[Job] | None) -> None:
        if job_class is None:
            raise UnknownJobClass(f"uninitialized constant {payload.get('class')}")
        job = job_class()
        job.jid = str(payload.get("jid"))
        if self._prepare is not None:
            self._prepare(job, payload)

        async def innermost() -> object:
            await self._perform(job, payload.get("args"))
            return True

        if len(self._middleware):
            await self._middleware.invoke(innermost, job, payload, unit.queue)
        else:
            await innermost()

    async def _perform(self, job: Job, args: object) -> None:
        if not isinstance(args, list):
            raise TypeError("args must be a list")
        if inspect.iscoroutinefunction(job.perform):
            await job.perform(*args)
            return
        context = copy_context()
        call = partial(context.run, job.perform, *args)
        result = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        if inspect.isawaitable(result):
            await result
