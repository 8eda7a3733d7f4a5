"""What one poll of a server finds: counters, queues, processes and the state of Redis, in one round trip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.polling import ProcessWatch, QueueWatch, Replies, Trip
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo, parse_info
from sidekiq_tui.sidekiq.replies import members, natural, reason, text
from sidekiq_tui.sidekiq.stats import DEFAULT_QUEUE, counter, known_sum, names_command, waited
from sidekiq_tui.sidekiq.version import edition_commands, edition_signs, versions_of

SLOW_PERIOD: Final = 15.0
"""Seconds between reads of what hardly changes: INFO and the signs of an edition."""

OVERDUE_AFTER: Final = 60.0
"""Seconds a retry or scheduled job may stay past its time before it counts as overdue, with up to four processes."""
_OVERDUE_PER_PROCESS: Final = 15.0


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
    """Live processes that name it among their queues, quiet and stale ones too."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A server at one moment; times in Unix seconds, durations in seconds, sizes in bytes."""

    read_at: float
    rtt: float
    """Seconds from sending a pipeline to its last reply: the network, the server's work and the transfer. The faster
    one's, when the poll needed two."""
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
    unlisted_latency: float | None = 0.0
    """Seconds that the next job of queue `default` has waited, for when `queues` does not name that queue."""
    ghosts: tuple[str, ...] = ()
    """Identities that `processes` names although their hash is gone: processes that died without a word."""

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
        return known_sum([queue.size for queue in self.queues])

    @property
    def latency(self) -> float | None:
        """Seconds the next job of queue `default` has waited; 0.0 when there is none. As in Ruby, listed or not."""
        return next((queue.latency for queue in self.queues if queue.name == DEFAULT_QUEUE), self.unlisted_latency)

    @property
    def worst_queue(self) -> QueueSummary | None:
        """The queue whose next job has waited longest; None when no job waits (or no time is known)."""
        waiting = [queue for queue in self.queues if queue.size and queue.latency is not None]
        return max(waiting, key=lambda queue: queue.latency or 0.0, default=None)

    def _sum_of_processes(self, values: list[int | None]) -> int | None:
        return None if "processes" in self.denied and not self.processes else known_sum(values)


class OverviewReader:
    """Reads one server's overview again and again: one trip each time, and one more whenever names turn up new."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queues = QueueWatch(db.keys)
        self._processes = ProcessWatch(db.keys)
        self._redis = RedisInfo()
        self._editions: Sequence[object] = [None for _ in edition_commands(db.keys)]
        self._slow_denied: dict[str, str] = {}
        self._slow_read_at: float | None = None

    async def read(self, now: float) -> Overview:
        """The overview at `now` (Unix seconds). What may not be read, or is of a wrong type, is None and in `denied`.

        Raises SidekiqError only when the server can't be reached.
        """
        trip = self._fixed_part(now)
        self._queues.ask_known(trip)
        self._processes.ask_known(trip)
        started = perf_counter()
        replies = dict(await trip.send(self._db))
        rtt = perf_counter() - started
        more = Trip()
        self._queues.ask_new(more, replies["queues"])
        self._processes.ask_new(more, replies["processes"])
        if len(more):
            # The first trip of all pays for the connection too; the second one, for what it found, does not.
            started = perf_counter()
            replies.update(await more.send_in_slices(self._db))
            rtt = min(rtt, perf_counter() - started)
        return self._overview(now, rtt, replies)

    def _fixed_part(self, now: float) -> Trip:
        keys, trip = self._db.keys, Trip()
        trip.ask("processed", "GET", keys.stat_processed)
        trip.ask("failed", "GET", keys.stat_failed)
        for name, key in (("retries", keys.retry), ("scheduled", keys.schedule), ("dead", keys.dead)):
            trip.ask(name, "ZCARD", key)
        # A count, not the lowest entry: an entry may be a megabyte, and Redis has no way to read its score alone.
        due_before = f"({now - max(OVERDUE_AFTER, _OVERDUE_PER_PROCESS * len(self._processes.known))!r}"
        trip.ask("overdue retries", "ZCOUNT", keys.retry, "-inf", due_before)
        trip.ask("overdue scheduled", "ZCOUNT", keys.schedule, "-inf", due_before)
        for name, key in (("queues", keys.queues), ("processes", keys.processes), ("paused", keys.paused)):
            trip.ask(name, *names_command(key))
        trip.ask("leader", "GET", keys.leader)
        if DEFAULT_QUEUE not in self._queues.states:
            trip.ask(("tail", DEFAULT_QUEUE), "LINDEX", keys.queue(DEFAULT_QUEUE), -1)
        if self._slow_read_at is None or not 0 <= now - self._slow_read_at < SLOW_PERIOD:
            trip.ask("redis", "INFO")
            for number, command in enumerate(edition_commands(keys)):
                trip.ask(("edition", number), *command)
        return trip

    def _overview(self, now: float, rtt: float, replies: Replies) -> Overview:
        leader = text(replies["leader"])
        self._queues.take(replies)
        self._processes.take(replies, now, leader)
        if "redis" in replies:
            self._take_slow(replies, now)
        paused, live = members(replies["paused"]), self._processes.live
        return Overview(
            read_at=now,
            rtt=rtt,
            processed=counter(replies["processed"]),
            failed=counter(replies["failed"]),
            retries=natural(replies["retries"]),
            scheduled=natural(replies["scheduled"]),
            dead=natural(replies["dead"]),
            overdue_retries=natural(replies["overdue retries"]),
            overdue_scheduled=natural(replies["overdue scheduled"]),
            queues=self._summaries(now, paused),
            processes=live,
            leader=leader,
            redis=self._redis,
            sidekiq_versions=versions_of(live),
            edition_signs=edition_signs(self._editions, paused=paused or (), leader=leader, processes=live),
            denied=self._denied(replies),
            unlisted_latency=_latency_of(replies.get(("tail", DEFAULT_QUEUE)), now),
            ghosts=self._processes.dead,
        )

    def _summaries(self, now: float, paused: Sequence[str] | None) -> tuple[QueueSummary, ...]:
        served = Counter(queue for process in self._processes.live for queue in process.queues)
        unknown = self._processes.problem is not None and not self._processes.live
        paused_names = None if paused is None else frozenset(paused)
        return tuple(
            QueueSummary(
                name=name,
                size=state.size,
                latency=state.latency(now),
                oldest_at=state.oldest_at,
                paused=None if paused_names is None else name in paused_names,
                processes=None if unknown else served[name],
            )
            for name, state in self._queues.states.items()
        )

    def _take_slow(self, replies: Replies, now: float) -> None:
        self._slow_read_at = now
        self._slow_denied = {}
        info = replies["redis"]
        self._redis = RedisInfo() if isinstance(info, SidekiqError) else parse_info(info)
        self._editions = [replies["edition", number] for number in range(len(self._editions))]
        for panel, reply in (("redis", info), *(("edition", sign) for sign in self._editions)):
            if isinstance(reply, SidekiqError):
                self._slow_denied[panel] = reason(reply)

    def _denied(self, replies: Replies) -> dict[str, str]:
        denied = dict(self._slow_denied)
        for panel, name in _PANELS:
            reply = replies[name]
            if isinstance(reply, SidekiqError):
                denied[panel] = reason(reply)
            elif panel == "counters" and counter(reply) is None:
                denied[panel] = f"the counter of {name} jobs holds no number"
        for panel, problem in (
            ("queues", self._queues.problem),
            ("processes", self._processes.problem),
            ("signals", self._processes.signals_problem),
        ):
            if problem is not None:
                denied[panel] = problem
        return denied


def _latency_of(tail: object, now: float) -> float | None:
    return None if isinstance(tail, SidekiqError) else waited(tail, now)


_PANELS: Final = (
    ("counters", "processed"),
    ("counters", "failed"),
    ("retries", "retries"),
    ("scheduled", "scheduled"),
    ("dead", "dead"),
    ("paused", "paused"),
    ("leader", "leader"),
)
