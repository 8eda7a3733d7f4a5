"""Tells Redis every few seconds that this process lives, and what it runs and has run (protocol 6.2)."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sidekiq_tui.sidekiq.client_payload import dumps
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.replies import text
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.logs import LOGGER
from sidekiq_tui.sidekiq.worker.processor import Counters, clean

LIFE_SECONDS: Final = 60
"""How long a process is believed in after its last beat."""
WORK_RENAMED: Final = (6, 4, 2)
"""The first version that looks for running jobs where later ones do."""
STATS_SECONDS: Final = 5 * 365 * 86_400
"""How long the counters of a day are kept."""

Extra = Callable[[], list[Command]]
"""More to write with a beat; what it gives is gone from it."""


def new_identity(config: WorkerConfig) -> str:
    """`host:pid:nonce`, as Sidekiq names a process."""
    return f"{hostname(config)}:{os.getpid()}:{os.urandom(6).hex()}"


def hostname(config: WorkerConfig) -> str:
    """The host's name as Sidekiq takes it."""
    return config.hostname or os.environ.get("DYNO") or socket.gethostname()


class Heartbeat:
    """The life signs of one process; two round trips each."""

    def __init__(
        self,
        config: WorkerConfig,
        db: Database,
        identity: str,
        counters: Counters,
        *,
        quiet: Callable[[], bool],
        extra: Extra | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._db = db
        self._identity = identity
        self._counters = counters
        self._quiet = quiet
        self._extra = extra
        self._clock = clock
        keys = db.keys
        self._work_key = (keys.work if config.release >= WORK_RENAMED else keys.workers_v6)(identity)
        self._info = json.dumps(self._said(), separators=(",", ":"))

    async def beat(self) -> str | None:
        """One sign of life; a signal that waited for this process. Errors are logged: the next beat tries again."""
        counts = self._counters.take()
        counted = False
        try:
            before = time.monotonic()
            await self._db.command("PING")
            rtt = time.monotonic() - before
            stats = self._stats(*counts)
            replies = await self._db.pipeline([*stats, *self._work(), *self._alive(rtt)])
            counted = not stats or not isinstance(replies[len(stats) - 1], SidekiqError)
            if errors := [reply for reply in replies if isinstance(reply, SidekiqError)]:
                raise errors[0]
        except SidekiqError as error:
            if not counted:
                self._counters.processed += counts[0]
                self._counters.failed += counts[1]
            LOGGER.error("heartbeat: %s", error)
            return None
        await self._write_extra()
        done = replies[-1]
        return text(done[-1]) if isinstance(done, list) else None

    async def stop(self) -> None:
        """The last counts, and that this process is gone. Its hash is left to expire, as Ruby leaves it."""
        keys = self._db.keys
        gone: list[Command] = [("SREM", keys.processes, self._identity), ("UNLINK", self._work_key)]
        try:
            await self._db.read([*self._stats(*self._counters.take()), *gone])
        except SidekiqError as error:
            LOGGER.error("the last heartbeat failed: %s", error)
        await self._write_extra()

    async def _write_extra(self) -> None:
        commands = [] if self._extra is None else self._extra()
        try:
            await self._db.read(commands)
        except SidekiqError as error:
            LOGGER.warning("metrics were not written: %s", error)

    def _stats(self, processed: int, failed: int) -> list[Command]:
        if not processed and not failed:
            return []
        keys, today = self._db.keys, datetime.fromtimestamp(self._clock(), UTC).date()
        commands: list[Command] = [("MULTI",)]
        for total, day, count in (
            (keys.stat_processed, keys.stat_day("processed", today), processed),
            (keys.stat_failed, keys.stat_day("failed", today), failed),
        ):
            commands += [("INCRBY", total, count), ("INCRBY", day, count), ("EXPIRE", day, STATS_SECONDS)]
        return [*commands, ("EXEC",)]

    def _work(self) -> list[Command]:
        key = self._work_key
        running = [part for tid, job in self._counters.work.items() for part in (tid, dumps(job.said()))]
        writes: list[Command] = [("HSET", key, *running), ("EXPIRE", key, LIFE_SECONDS)] if running else []
        return [("MULTI",), ("UNLINK", key), *writes, ("EXEC",)]

    def _alive(self, rtt: float) -> list[Command]:
        keys, key = self._db.keys, self._db.keys.process(self._identity)
        said: dict[str, str | int] = {
            "info": self._info,
            "concurrency": self._config.concurrency,
            "busy": len(self._counters.work),
            "beat": repr(self._clock()),
            "rtt_us": int(rtt * 1e6),
            "quiet": "true" if self._quiet() else "false",
            "rss": _resident_kilobytes(),
        }
        return [
            ("MULTI",),
            ("SADD", keys.processes, self._identity),
            ("HSET", key, *(part for pair in said.items() for part in pair)),
            ("EXPIRE", key, LIFE_SECONDS),
            ("RPOP", keys.signals(self._identity)),
            ("EXEC",),
        ]

    def _said(self) -> Mapping[str, object]:
        config = self._config
        return {
            "hostname": hostname(config),
            "started_at": self._clock(),
            "pid": os.getpid(),
            "tag": config.tag,
            "capsules": {capsule.name: _capsule(capsule) for capsule in config.capsules},
            "queues": list(dict.fromkeys(clean(name) for capsule in config.capsules for name in capsule.names)),
            "weights": [_weights(capsule) for capsule in config.capsules],
            "concurrency": config.concurrency,
            "labels": list(config.labels),
            "identity": self._identity,
            "version": config.version,
            "embedded": config.embedded,
        }


def _capsule(capsule: CapsuleConfig) -> Mapping[str, object]:
    return {"concurrency": capsule.concurrency, "mode": capsule.mode, "weights": _weights(capsule)}


def _weights(capsule: CapsuleConfig) -> Mapping[str, int]:
    return {clean(name): weight for name, weight in capsule.weights.items()}


def _resident_kilobytes() -> int:
    """Memory in use, in kilobytes; 0 where it cannot be told cheaply."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, ValueError, IndexError):
        pass
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return 0
