"""Jobs that iterate and can be interrupted between two steps (protocol 10, job/iterable.rb).

class Resize(IterableJob):
    def build_enumerator(self, album, *, cursor):
        return array_enumerator(photos_of(album), cursor)

    async def each_iteration(self, photo, album): ...

What is plain runs in a thread, what is a coroutine on the loop. How far a job has come is kept as Ruby keeps it, so
that either may go on with what the other began.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from sidekiq_tui.sidekiq.client_payload import dumps_value
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.iteration import STATE_SECONDS, IterationState, parse_state
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.replies import natural
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.threads import in_thread

FLUSH_SECONDS: Final = 5.0
"""Between two writes of how far a job has come, and two looks whether it was cancelled."""
LOOP_SECONDS: Final = 30.0
"""How long a job in a thread waits for the loop to write that."""

R = TypeVar("R")
T = TypeVar("T")
Step = tuple[Any, Any]
"""An item and the cursor that stands for it: a JSON value from which `build_enumerator` starts at this item again."""


class Interrupted(Exception):
    """A job stopped between two steps, to go on later: not a failure."""


def array_enumerator(array: Sequence[T], cursor: int | None) -> Iterator[tuple[T, int]]:
    """The items of a sequence from the cursor on, which is an index."""
    return ((array[index], index) for index in range(cursor or 0, len(array)))


class IterationStore:
    """The state of iterable jobs in Redis. Every method raises SidekiqError."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def load(self, jid: str) -> IterationState | None:
        """What the last run has left."""
        return parse_state(await self._db.command("HGETALL", self._db.keys.iteration(jid)))

    async def save(self, jid: str, state: _State) -> bool:
        """Writes how far a job has come; whether somebody has cancelled it."""
        key = self._db.keys.iteration(jid)
        fields = ("ex", state.executions, "c", dumps_value(state.cursor), "rt", state.runtime)
        commands: list[Command] = [("MULTI",), ("HSET", key, *fields), ("TTL", key), ("HGET", key, "cancelled")]
        done = (await self._db.read([*commands, ("EXEC",)]))[-1]
        _, ttl, cancelled = done if isinstance(done, list) else (None, None, None)
        if natural(ttl) is None:  # EXPIRE with NX would need Redis 7
            await self._db.command("EXPIRE", key, STATE_SECONDS)
        return cancelled is not None

    async def cancelled(self, jid: str) -> bool:
        """Whether somebody has cancelled a job."""
        return await self._db.command("HGET", self._db.keys.iteration(jid), "cancelled") is not None

    async def forget(self, jid: str) -> None:
        """Deletes the state of a job that is complete."""
        await self._db.command("UNLINK", self._db.keys.iteration(jid))


class _State(NamedTuple):
    executions: int
    cursor: object
    runtime: float


class IterableJob(Job, abstract=True):
    """A job that does one thing after the other. When the worker stops, it goes on later where it was.

    A step may happen twice: one that fails, or that a stopping worker does not wait for, is repeated.
    """

    store: IterationStore | None = None
    """Where the state is kept; none in tests without a worker."""
    threads: Executor | None = None
    """What runs plain functions."""
    current_object: Any = None
    """The item of the latest step."""
    cursor: Any = None
    """The cursor of the latest step."""
    cancelled: bool = False

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        super().__init_subclass__(abstract=abstract)
        if "perform" in cls.__dict__:
            raise TypeError(f"{cls.__name__} is an iterable job and must not define perform")

    def build_enumerator(self, *args: Any, **cursor: Any) -> Any:
        """Told the job's arguments and `cursor`: the steps from there on, from the first if it is None.

        An iterable or async iterable of items and cursors; None: there is nothing to do. May be a coroutine.
        """
        raise NotImplementedError(f"{type(self).__name__} has no build_enumerator")

    def each_iteration(self, *item_and_args: Any, **none: Any) -> Any:
        """Does one step: told the item and the job's arguments. May be a coroutine."""
        raise NotImplementedError(f"{type(self).__name__} has no each_iteration")

    def on_start(self) -> Any:
        """Before the first step of the first run. This and the other hooks may be coroutines."""

    def on_resume(self) -> Any:
        """Before the first step of any later run."""

    def on_stop(self) -> Any:
        """After the last step of every run that did not fail."""

    def on_complete(self) -> Any:
        """When all is done, or it was cancelled."""

    def on_cancel(self) -> Any:
        """When somebody has cancelled the job."""

    async def perform(self, *args: Any) -> None:
        """All the steps that are left. Raises Interrupted if there are still some, and what the steps raise."""
        before = None if self.store is None else await self.store.load(self.jid)
        if before is not None:
            self.cursor = before.cursor
        executions = (before.executions or 0 if before else 0) + 1
        steps = await self._call(partial(self.build_enumerator, *args, cursor=self.cursor))
        if steps is None:
            LOGGER.info("build_enumerator gave nothing: the job is skipped")
            return
        if not isinstance(steps, Iterable | AsyncIterable):
            raise TypeError(f"build_enumerator must give an iterable of items and cursors, not {type(steps).__name__}")
        await self._call(self.on_start if executions == 1 else self.on_resume)
        run = _Run(self, executions, (before.runtime or 0.0) if before else 0.0)
        complete = await self._iterate(run, steps, args)
        await self._call(self.on_stop)
        if not complete:
            await run.save()
            raise Interrupted
        await self._call(self.on_complete)
        if self.store is not None:
            await self.store.forget(self.jid)

    async def _iterate(self, run: _Run, steps: Iterable[Step] | AsyncIterable[Step], args: tuple[Any, ...]) -> bool:
        """Whether all is done. Keeps how far it came if a step fails."""
        if self.store is not None and await self.store.cancelled(self.jid):
            return await self._cancel()
        try:
            if isinstance(steps, AsyncIterable) or inspect.iscoroutinefunction(self.each_iteration):
                complete = await self._on_loop(run, steps, args)
            else:
                complete = await self._in_thread(partial(self._plainly, run, steps, args, asyncio.get_running_loop()))
        except BaseException:
            if run.begun:
                await run.save_or_log()
            raise
        finally:
            run.end()
        return await self._cancel() if self.cancelled else complete

    async def _on_loop(self, run: _Run, steps: Iterable[Step] | AsyncIterable[Step], args: tuple[Any, ...]) -> bool:
        iterator = aiter(steps) if isinstance(steps, AsyncIterable) else _hopping(iter(steps), self._in_thread)
        async for item, cursor in iterator:
            stop = run.step(item, cursor)
            if run.due(stop) and await run.save():
                self.cancelled = True
                return True
            if stop:
                return False
            await self._call(partial(self.each_iteration, item, *args))
        return True

    def _plainly(
        self, run: _Run, steps: Iterable[Step], args: tuple[Any, ...], loop: asyncio.AbstractEventLoop
    ) -> bool:
        """As `_on_loop`, in a thread from the first step to the last: what belongs to a thread stays in it."""
        for item, cursor in steps:
            stop = run.step(item, cursor)
            if run.due(stop) and asyncio.run_coroutine_threadsafe(run.save(), loop).result(LOOP_SECONDS):
                self.cancelled = True
                return True
            if stop:
                return False
            self.each_iteration(item, *args)
        return True

    async def _cancel(self) -> bool:
        self.cancelled = True
        await self._call(self.on_cancel)
        LOGGER.info("the job was cancelled")
        return True

    async def _call(self, function: Callable[[], Any]) -> Any:
        """Calls what is a coroutine on the loop, what is plain in a thread."""
        inner = function.func if isinstance(function, partial) else function
        if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
            result = function()
        else:
            result = await self._in_thread(function)
        return await result if inspect.isawaitable(result) else result

    async def _in_thread(self, function: Callable[[], R]) -> R:
        return await in_thread(self.threads, function)


class _Run:
    """One run of a job: when it has to write, and what."""

    def __init__(self, job: IterableJob, executions: int, runtime: float) -> None:
        self.begun = False
        self._job = job
        self._executions = executions
        self._runtime = runtime
        self._started = self._saved = time.monotonic()

    def step(self, item: Any, cursor: Any) -> bool:
        """The next step; whether to stop before it."""
        self.begun = True
        self._job.current_object, self._job.cursor = item, cursor
        return self._job.interrupted

    def due(self, stop: bool) -> bool:
        """Whether it is time to write."""
        return stop or time.monotonic() - self._saved >= FLUSH_SECONDS

    def end(self) -> None:
        """Counts the time of this run."""
        self._runtime += time.monotonic() - self._started

    async def save(self) -> bool:
        """Writes how far the job is; whether somebody has cancelled it. Raises SidekiqError, InvalidJob."""
        if self._job.store is None:
            return False
        cancelled = await self._job.store.save(self._job.jid, _State(self._executions, self._job.cursor, self._runtime))
        self._saved = time.monotonic()
        return cancelled

    async def save_or_log(self) -> None:
        """The same where something else has failed already."""
        try:
            await self.save()
        except Exception as error:
            LOGGER.error("how far the job came could not be kept: %s", error)


_END: Final = object()


async def _hopping(steps: Iterator[Step], in_thread: Callable[[Callable[[], Any]], Coroutine[Any, Any, Any]]) -> Any:
    """Each step of a plain iterator, fetched in a thread: it may have to ask a database."""
    while (step := await in_thread(partial(next, steps, _END))) is not _END:
        yield step
