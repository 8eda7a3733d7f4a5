"""Our worker as a process of its own: `python -m tests.support.worker_process` with its settings as JSON in WORKER."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from sidekiq_tui.sidekiq.worker.__main__ import work
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.logs import log_to_stdout
from sidekiq_tui.sidekiq.worker.options import Options

ROOT = Path(__file__).parent.parent.parent


def start(
    url: str, *, module: str = "tests.support.fleet_jobs", log: Any = subprocess.DEVNULL, **settings: Any
) -> subprocess.Popen[bytes]:
    """Starts one; `settings` are those of WorkerConfig, and `concurrency`. It logs warnings."""
    given = {"url": url, "module": module, "beat_interval": 0.2, "poll_interval": 0.2, **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.worker_process"],
        env={**os.environ, "WORKER": json.dumps(given), "REDIS_URL": url},
        stdout=log,
        stderr=log,
        cwd=ROOT,
    )


@contextmanager
def started(url: str, **settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The same, killed at the end."""
    process = start(url, **settings)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connect(url: str) -> Redis:
    """A client for what is apart from the worker."""
    return Redis.from_url(url, protocol=2, legacy_responses=False)


def main() -> None:
    """The process."""
    given = json.loads(os.environ["WORKER"])
    url, module, concurrency = given.pop("url"), given.pop("module"), given.pop("concurrency", 5)
    log_to_stdout(level=logging.WARNING)
    importlib.import_module(module)
    config = replace(WorkerConfig(capsules=(CapsuleConfig(concurrency=concurrency),)), **given)
    asyncio.run(work(Options(config, url, (module,), json_logs=False)))


if __name__ == "__main__":
    main()
