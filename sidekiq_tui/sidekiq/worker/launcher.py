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

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.job_class import Job, ServerChain, job_classes
from sidekiq_tui.sidekiq.payload import to_bytes
from sidekiq_tui.sidekiq.worker.again import made_again
from sidekiq_tui.sidekiq.worker.capsule import CLEANUP_SECONDS, Capsule
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.fetch import BasicFetch, Connect, Fetcher
from sidekiq_tui.sidekiq.worker.heartbeat import Heartbeat, new_identity
from sidekiq_tui.sidekiq.worker.iterable import IterableJob, IterationStore
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.metrics import ExecutionTracker
from sidekiq_tui.sidekiq.worker.poller import Poller
from sidekiq_tui.sidekiq.worker.processor import Counters, Processor, Surroundings
from sidekiq_tui.sidekiq.worker.profiler import PROFILES_FROM, Profiler
from sidekiq_tui.sidekiq.worker.reliable_fetch import Recovery, ReliableFetch
from sidekiq_tui.sidekiq.worker.retries import DeathHandler, Retries
from sidekiq_tui.sidekiq.worker.writes import persist, transaction


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
        fetcher: Callable[[Connect, CapsuleConfig], Fetcher] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`classes`: which jobs it can run, by name; those that are defined by default.

        `fetcher` makes what takes the jobs of a capsule; by default what the configuration says.
        """
        self.config = config
        self.identity = new_identity(config)
        self._db = connect()
        self._threads = ThreadPoolExecutor(config.concurrency, thread_name_prefix="sidekiq")
        self._quiet = asyncio.Event()
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        """No more heartbeats."""
        self._counters = Counters()
        self._clock = clock
        self._client = client or Client(self._db, time_form=config.form)
        self._iterations = IterationStore(self._db)
        metrics = ExecutionTracker(self._db.keys, config.major, clock=clock)
        around = Surroundings(
            job_classes() if classes is None else classes,
            ServerChain() if middleware is None else middleware,
            observe=metrics.track,
            prepare=self._prepare,
            push_again=self._push_again,
            profile=Profiler(self._db, clock=clock).run if config.major >= PROFILES_FROM else None,
            clock=clock,
        )
        retries = Retries(config, self._db.keys, partial(persist, self._db), death_handlers=death_handlers, clock=clock)
        processor = Processor(around, retries, self._counters, self._threads)
        make = fetcher or self._fetcher
        self._capsules = [
            Capsule(capsule, make(connect, capsule), processor, self._quiet) for capsule in config.capsules
        ]
        self._heartbeat = Heartbeat(
            config,
            self._db,
            self.identity,
            self._counters,
            quiet=self._quiet.is_set,
            extra=metrics.flush,
            clock=clock,
        )
        self._poller = Poller(config, self._db, self._client, clock=clock)

    def quiet(self) -> None:
        """Takes no more jobs; what runs goes on. Cannot be undone."""
        if not self._quiet.is_set():
            LOGGER.info("no more jobs are taken")
            self._quiet.set()
            for capsule in self._capsules:
                capsule.wake()

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
        looking = [asyncio.create_task(self._poller.run(self._quiet), name="poller")]
        if self.config.reliable:
            looking.append(asyncio.create_task(Recovery(self._db).run(self._quiet), name="recovery"))
        working = [asyncio.create_task(capsule.run(), name=capsule.name) for capsule in self._capsules]
        try:
            await self._stop.wait()
            deadline = time.monotonic() + self.config.timeout
            await asyncio.gather(*working, *looking)
            await asyncio.gather(*(capsule.finish(deadline) for capsule in self._capsules))
        finally:
            for task in (*looking, *working):
                task.cancel()
            await self._let_end(beating)
            await self._heartbeat.stop()
            self._threads.shutdown(wait=False, cancel_futures=True)
            for capsule in self._capsules:
                await capsule.close()
            await self._db.close()

    async def _let_end(self, beating: asyncio.Task[None]) -> None:
        """A beat that is under way has taken the counts with it: cut off, they would be lost or counted twice."""
        self._ended.set()
        await asyncio.wait([beating], timeout=CLEANUP_SECONDS)
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating

    async def _beat(self) -> None:
        while not self._ended.is_set():
            try:
                asked = await self._heartbeat.beat()
            except Exception:  # without a heartbeat the process would be taken for dead
                LOGGER.exception("the heartbeat failed")
            else:
                if asked is not None:
                    self.obey(asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.config.beat_interval):
                    await self._ended.wait()

    def _fetcher(self, connect: Connect, capsule: CapsuleConfig) -> Fetcher:
        if self.config.reliable:
            others = [one for one in self.config.capsules if one is not capsule]
            shared = {name for one in others for name in one.names}
            return ReliableFetch(connect, capsule, self.identity, shared=shared)
        return BasicFetch(connect, capsule)

    def _prepare(self, job: Job) -> None:
        job.stopping = self._quiet.is_set
        if isinstance(job, IterableJob):
            job.store, job.threads = self._iterations, self._threads

    async def _push_again(self, raw: bytes, payload: Mapping[str, object], release: Sequence[Command]) -> None:
        """As a client pushes what was interrupted: one transaction, sent once."""
        keys, form = self._db.keys, self.config.form
        made = await made_again(self._client, raw, payload, self._clock(), form)
        writes: list[Command] = []
        if made is not None:
            new, queue = made
            writes = [("SADD", keys.queues, to_bytes(queue)), ("LPUSH", keys.queue(queue), new)]
        if writes or release:
            await transaction(self._db, writes, release)


def _stack(task: asyncio.Task[object]) -> list[str]:
    return [line for frame in task.get_stack() for line in traceback.format_stack(frame, 1)]
