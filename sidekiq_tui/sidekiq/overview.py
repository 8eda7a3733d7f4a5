"""What one poll of a server reads: counters, queues, processes and the state of Redis, in one round trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo

DEFAULT_QUEUE: Final = "default"


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """One queue; None is "not readable", never "nothing"."""

    name: str
    size: int | None
    latency: float | None
    """Seconds the next job has waited: 0.0 when empty, None when its time is unknown."""
    oldest_at: float | None
    """Unix seconds at which the next job was enqueued."""
    paused: bool | None
    """Whether it is in `paused`, which only Sidekiq Pro's workers honour."""
    processes: int | None
    """Live processes (fresh heartbeat, not quiet) that fetch from it."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A server at one moment; times in Unix seconds, durations in seconds, sizes in bytes."""

    read_at: float
    rtt: float
    """Seconds from sending the poll's pipeline to its last reply: the network, the server's work and the transfer."""
    processed: int | None
    failed: int | None
    retries: int | None
    scheduled: int | None
    dead: int | None
    overdue_retries: int | None
    """Retries whose time passed long ago: nobody polls, or polling cannot keep up (protocol 15.5)."""
    overdue_scheduled: int | None
    queues: tuple[QueueSummary, ...]
    """By name; empty also when `denied` has "queues"."""
    processes: tuple[Process, ...]
    """By identity, those with `info` only."""
    leader: str | None
    redis: RedisInfo
    sidekiq_versions: tuple[str, ...]
    """What live processes say they run, oldest first."""
    edition_signs: tuple[str, ...]
    """Words such as "signs of Pro: batches"; never a certainty."""
    denied: Mapping[str, str]
    """What could not be read, and why: counters, retries, scheduled, dead, queues, paused, processes, signals,
    leader, redis, edition."""

    @property
    def busy(self) -> int | None:
        """Jobs running at the last heartbeats."""
        return self._sum_of_processes([process.busy for process in self.processes])

    @property
    def concurrency(self) -> int | None:
        """Threads of all live processes."""
        return self._sum_of_processes([process.concurrency for process in self.processes])

    @property
    def rss(self) -> int | None:
        """Bytes of memory of all live processes."""
        return self._sum_of_processes([process.rss for process in self.processes])

    @property
    def utilization(self) -> float | None:
        """Busy threads of all threads; None without threads."""
        busy, concurrency = self.busy, self.concurrency
        return busy / concurrency if busy is not None and concurrency else None

    @property
    def live_processes(self) -> int | None:
        """Processes with a hash, stale ones too; None when processes may not be read."""
        return None if "processes" in self.denied and not self.processes else len(self.processes)

    @property
    def enqueued(self) -> int | None:
        """Jobs in all queues that can be read."""
        if "queues" in self.denied and not self.queues:
            return None
        return _known_sum([queue.size for queue in self.queues])

    @property
    def latency(self) -> float | None:
        """Seconds the next job of queue `default` has waited; 0.0 when there is none."""
        if "queues" in self.denied and not self.queues:
            return None
        return next((queue.latency for queue in self.queues if queue.name == DEFAULT_QUEUE), 0.0)

    @property
    def worst_queue(self) -> QueueSummary | None:
        """The queue whose next job has waited longest; None when no job waits (or no time is known)."""
        waiting = [queue for queue in self.queues if queue.size and queue.latency is not None]
        return max(waiting, key=lambda queue: queue.latency or 0.0, default=None)

    def _sum_of_processes(self, values: list[int | None]) -> int | None:
        return None if "processes" in self.denied and not self.processes else _known_sum(values)


def _known_sum(values: list[int | None]) -> int | None:
    """The sum of what is known; None when there are values and none is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known or not values else None
