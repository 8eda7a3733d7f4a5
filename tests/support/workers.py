"""Workers inside a test's own loop, and waiting for what they do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.worker.config import WorkerConfig
from sidekiq_tui.sidekiq.worker.connect import connector
from sidekiq_tui.sidekiq.worker.launcher import Worker

PATIENCE = 30.0

QUICK = WorkerConfig(beat_interval=0.05, poll_interval=0.05, timeout=5.0)
"""Beats and looks for due jobs often enough for a test."""


@asynccontextmanager
async def running(url: str, *classes: type[Job], config: WorkerConfig = QUICK, **options: Any) -> AsyncIterator[Worker]:
    """A worker that runs these job classes; stopped at the end unless it has been."""
    named: Mapping[str, type[Job]] = {job_class.class_name(): job_class for job_class in classes}
    worker = Worker(config, connector(url), classes=named, **options)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


def quick(**changes: Any) -> WorkerConfig:
    """`QUICK` with changes."""
    return replace(QUICK, **changes)


async def until(ready: Callable[[], Any]) -> Any:
    """Waits for something, which may have to be awaited, to become true, and gives it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = ready()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.01)
