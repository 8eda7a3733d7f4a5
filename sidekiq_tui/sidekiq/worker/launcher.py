"""A worker process: capsules that run jobs, a heartbeat, a poller, and an orderly end (protocol 15.6)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job_class import Job, ServerChain, job_classes
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.fetch import BasicFetch, Connect, Fetcher, Unit
from sidekiq_tui.sidekiq.worker.heartbeat import Heartbeat, new_identity
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.poller import Poller
from sidekiq_tui.sidekiq.worker.processor import Counters, Processor
from sidekiq_tui.sidekiq.worker.retries import DeathHandler, Retries
from sidekiq_tui.sidekiq.worker.writes import persist

CLEANUP_SECONDS: Final = 3.0
"""How long cancelled jobs may take to end."""
PAUSE_SECONDS: Final = 1.0
"""After a fetch that failed."""


class Worker:
    """Runs the jobs of some queues until it is stopped.

    `connect` makes a connection of its own for whoever needs one; it must not retry by itself (redis-py's default
    would run writes twice), and its socket timeout must be above two seconds.
    """

    def __init__(
        self,
        config: WorkerConfig,
        connect: Connect,
        *,
        classes: Mapping[str, type[Job]] | None = None,
        middleware: ServerChain | None = None,
        client: Client | None = None,
        death_handlers: Sequence[DeathHandler] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`classes`: which jobs it can run, by name; those that are defined by default."""
        self.config = config
        self.identity = new_identity()
        self._db = connect()
        self._threads = ThreadPoolExecutor(config.concurrency, thread_name_prefix="sidekiq")
        self._quiet = asyncio.Event()
        self._stop = asyncio.Event()
        self._counters = Counters()
        retries = Retries(config, self._db.keys, partial(persist, self._db), death_handlers=death_handlers, clock=clock)
        processor = Processor(
            job_classes() if classes is None else classes,
            ServerChain() if middleware is None else middleware,
            retries,
            self._counters,
            self._threads,
            clock=clock,
        )
        self._capsules = [
            _Capsule(capsule, BasicFetch(connect, capsule), processor, self._quiet) for capsule in config.capsules
        ]
        self._heartbeat = Heartbeat(
            config, self._db, self.identity, self._counters, quiet=self._quiet.is_set, clock=clock
        )
        self._poller = Poller(config, self._db, client or Client(self._db, time_form=config.form), clock=clock)

    def quiet(self) -> None:
        """Takes no more jobs; what runs goes on. Cannot be undone."""
        if not self._quiet.is_set():
            LOGGER.info("no more jobs are taken")
            self._quiet.set()

    def stop(self) -> None:
        """Quiets, waits for what runs, gives back what is not done in time, and ends `run`."""
        self.quiet()
        self._stop.set()

    def dump(self) -> None:
        """Logs where every task and thread is."""
        for task in asyncio.all_tasks():
            LOGGER.warning("task %s\n%s", task.get_name(), "".join(_stack(task)))
        frames = sys._current_frames()
        for thread in threading.enumerate():
            if thread.ident in frames:
                stack = "".join(traceback.format_stack(frames[thread.ident]))
                LOGGER.warning("thread %s\n%s", thread.name, stack)

    def obey(self, name: str) -> None:
        """Does what a signal of that name asks for; others than Sidekiq's are ignored."""
        actions = {"TSTP": self.quiet, "TERM": self.stop, "INT": self.stop, "TTIN": self.dump}
        action = actions.get(name)
        if action is None:
            LOGGER.warning("an unknown signal was asked for")
        elif not self.config.embedded:
            action()

    def install_signal_handlers(self) -> None:
        """Obeys the signals that Sidekiq obeys; for the main program of a process."""
        loop = asyncio.get_running_loop()
        for name in ("TSTP", "TERM", "INT", "TTIN"):
            loop.add_signal_handler(getattr(signal, f"SIG{name}"), self.obey, name)

    async def run(self) -> None:
        """Works until `stop`, then ends in order. Trouble with Redis is logged and waited out."""
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        polling = asyncio.create_task(self._poller.run(self._quiet), name="poller")
        working = [asyncio.create_task(capsule.run(), name=capsule.name) for capsule in self._capsules]
        try:
            await self._stop.wait()
            deadline = time.monotonic() + self.config.timeout
            await asyncio.gather(*working, polling)
            await asyncio.gather(*(capsule.finish(deadline) for capsule in self._capsules))
        finally:
            for task in (beating, polling, *working):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
            await self._heartbeat.stop()
            self._threads.shutdown(wait=False, cancel_futures=True)
            for capsule in self._capsules:
                await capsule.close()
            await self._db.close()

    async def _beat(self) -> None:
        while True:
            asked = await self._heartbeat.beat()
            if asked is not None:
                self.obey(asked)
            await asyncio.sleep(self.config.beat_interval)


class _Capsule:
    """Runs the jobs of some queues, so many at once."""

    def __init__(self, config: CapsuleConfig, fetcher: Fetcher, processor: Processor, quiet: asyncio.Event) -> None:
        self.name = f"capsule {config.name}"
        self._concurrency = config.concurrency
        self._fetcher = fetcher
        self._processor = processor
        self._quiet = quiet
        self._running: dict[asyncio.Task[None], Unit] = {}
        self._freed = asyncio.Event()

    async def run(self) -> None:
        """Fetches and starts jobs until quiet."""
        while not self._quiet.is_set():
            free = self._concurrency - len(self._running)
            if not free:
                await self._until_free()
                continue
            try:
                units = await self._fetcher.fetch(free)
            except SidekiqError as error:
                LOGGER.error("fetching failed: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._quiet.is_set():
                await self._give_back(units)
                return
            for unit in units:
                self._start(unit)

    async def finish(self, deadline: float) -> None:
        """Waits for what runs until a time of the monotonic clock; what does not end by then is given back."""
        left = max(0.0, deadline - time.monotonic())
        if self._running:
            await asyncio.wait(self._running, timeout=left)
        late = dict(self._running)
        if not late:
            return
        LOGGER.warning("%d jobs did not end in time and are given back", len(late))
        await self._give_back(list(late.values()))
        for task in late:
            task.cancel()
        await asyncio.wait(late, timeout=CLEANUP_SECONDS)

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._fetcher.close()

    def _start(self, unit: Unit) -> None:
        task = asyncio.create_task(self._processor.process(unit, self._fetcher))
        self._running[task] = unit
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            LOGGER.error("a job could not be handled", exc_info=task.exception())

    async def _until_free(self) -> None:
        self._freed.clear()
        waits = [asyncio.create_task(event.wait()) for event in (self._freed, self._quiet)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _give_back(self, units: Sequence[Unit]) -> None:
        if not units:
            return
        try:
            await self._fetcher.push_back(units)
        except SidekiqError as error:
            LOGGER.error("%d jobs could not be given back: %s", len(units), error)


def _stack(task: asyncio.Task[object]) -> list[str]:
    return [line for frame in task.get_stack() for line in traceback.format_stack(frame, 1)]
