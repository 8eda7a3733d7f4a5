"""Takes jobs from some queues and runs them, so many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from sidekiq_tui.sidekiq.worker.fetch import Fetcher, Unit
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.processor import Processor

CLEANUP_SECONDS: Final = 3.0
"""How long cancelled jobs may take to end, and how long giving jobs back is tried."""
PAUSE_SECONDS: Final = 1.0
"""After a fetch that failed."""
BACK_PAUSE_SECONDS: Final = 0.2


class Capsule:
    """Runs the jobs of some queues, so many at once."""

    def __init__(self, config: CapsuleConfig, fetcher: Fetcher, processor: Processor, quiet: asyncio.Event) -> None:
        self.name = f"capsule {config.name}"
        self._concurrency = config.concurrency
        self._fetcher = fetcher
        self._processor = processor
        self._quiet = quiet
        self._running: dict[asyncio.Task[None], Unit] = {}
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Fetches and starts jobs until quiet.

        After a fetch without an answer it fetches once more: a job may have been taken, which goes back with that one.
        """
        unanswered = 0
        while not self._quiet.is_set() or unanswered == 1:
            free = self._concurrency - len(self._running)
            if not free:
                self._woken.clear()
                await self._woken.wait()
                continue
            try:
                units = await self._fetcher.fetch(free)
            except SidekiqError as error:
                LOGGER.error("fetching failed: %s", error)
                unanswered += 1
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            unanswered = 0
            if self._quiet.is_set():
                await self._give_back(units)
                return
            for unit in units:
                self._start(unit)

    def wake(self) -> None:
        """Makes `run` look at once whether it is quiet."""
        self._woken.set()

    async def finish(self, deadline: float) -> None:
        """Waits for what runs until a time of the monotonic clock; what does not end by then is given back."""
        if self._running:
            await asyncio.wait(self._running, timeout=max(0.0, deadline - time.monotonic()))
        settling = self._processor.settling
        late = {task: unit for task, unit in self._running.items() if unit not in settling}
        if late:
            LOGGER.warning("%d jobs did not end in time and are given back", len(late))
            self._processor.given_back.update(late.values())
            await self._give_back(list(late.values()))
            for task in late:
                task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=CLEANUP_SECONDS)
        stuck = [unit for unit in self._running.values() if unit in settling]
        if stuck:
            LOGGER.error("%d jobs got no next place in time and are given back", len(stuck))
            await self._give_back(stuck)

    async def close(self) -> None:
        """Lets go of the connection, and of what still writes."""
        for task in self._running:
            task.cancel()
        await self._fetcher.close()

    def _start(self, unit: Unit) -> None:
        task = asyncio.create_task(self._processor.process(unit, self._fetcher))
        self._running[task] = unit
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            LOGGER.error("a job could not be handled", exc_info=task.exception())

    async def _give_back(self, units: Sequence[Unit]) -> None:
        """Again and again for a while: a job that is there twice is better than none."""
        if not units:
            return
        until = time.monotonic() + CLEANUP_SECONDS
        while True:
            try:
                await self._fetcher.push_back(units)
            except SidekiqError as error:
                if time.monotonic() >= until:
                    LOGGER.error("%d jobs could not be given back: %s", len(units), error)
                    return
            else:
                return
            await asyncio.sleep(BACK_PAUSE_SECONDS)
