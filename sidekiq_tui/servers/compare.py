"""Two servers side by side: only what differs, and how much was looked at that does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.servers.error_book import UNASKED, ErrorBoard
from sidekiq_tui.servers.series import Rates
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.error_groups import Cause
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.process import Process

Section = Literal["versions", "processes", "queues", "load", "errors", "redis"]
Kind = Literal["text", "count", "seconds", "bytes", "share", "rate", "weights", "flag"]
Value = str | int | float | bool | tuple[str, ...] | None

SECTIONS: Final[tuple[Section, ...]] = ("versions", "processes", "queues", "load", "errors", "redis")
NOISE: Final = 0.1
"""Numbers that move by themselves differ from this part on."""
NOISE_SECONDS: Final = 1.0
NOISE_COUNT: Final = 10
NOISE_BYTES: Final = 1 << 20
NOISE_RATE: Final = 0.5
NOISE_SHARE: Final = 0.05
"""And from these on: seconds of latency, jobs, bytes of memory, jobs a second, parts of one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not the same. None: not there, or not known, on that side. Times in seconds, sizes in bytes."""

    section: Section
    subject: str
    """What it is about: a queue, a cause of errors; empty for the server as a whole."""
    name: str
    kind: Kind
    left: Value
    right: Value
    moving: bool = False
    """A number that moves by itself, as opposed to something that somebody has set up."""
    cause: Cause | None = None
    """The group of errors, for section "errors"."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one server. What is None is not compared."""

    name: str
    overview: Overview
    rates: Rates | None = None
    today: tuple[int | None, int | None] | None = None
    """Processed and failed since midnight UTC."""
    errors: ErrorBoard | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two servers, by section, and how many facts do not."""

    left: str
    right: str
    differences: tuple[Difference, ...]
    same: Mapping[Section, int]
    unknown: tuple[str, ...]
    """What could not be compared, and why."""

    def of(self, section: Section) -> tuple[Difference, ...]:
        """The differences of a section."""
        return tuple(one for one in self.differences if one.section == section)


def compare(left: Side, right: Side) -> Comparison:
    """Compares everything that is known of both."""
    facts = [*_facts(left.overview, right.overview), *_rates(left, right), *_errors(left, right)]
    differences = tuple(fact for fact in facts if _differs(fact))
    same = {section: sum(fact.section == section for fact in facts) for section in SECTIONS}
    for one in differences:
        same[one.section] -= 1
    return Comparison(left.name, right.name, differences, same, tuple(_unknown(left, right)))


def _facts(left: Overview, right: Overview) -> Iterator[Difference]:
    def fact(
        section: Section, name: str, kind: Kind, of: Callable[[Overview], Value], moving: bool = False
    ) -> Difference:
        return Difference(section, "", name, kind, of(left), of(right), moving)

    yield fact("versions", "sidekiq", "text", lambda one: one.sidekiq_versions)
    yield fact("versions", "editions", "text", lambda one: one.edition_signs)
    yield fact("versions", "tags", "text", lambda one: _words(process.tag for process in one.processes))
    yield fact("versions", "labels", "text", lambda one: _words(w for process in one.processes for w in process.labels))
    yield fact("processes", "processes", "count", lambda one: one.live_processes)
    yield fact("processes", "threads", "count", lambda one: one.concurrency)
    yield fact("processes", "hosts", "count", lambda one: len({process.hostname for process in one.processes}))
    yield fact("processes", "quiet", "count", lambda one: _how_many(one, lambda process: process.quiet))
    yield fact(
        "processes", "lost", "count", lambda one: _how_many(one, lambda process: process.stale) + len(one.ghosts)
    )
    yield fact("processes", "memory", "bytes", lambda one: one.rss, True)
    yield fact("processes", "utilization", "share", lambda one: one.utilization, True)
    yield from _queues(left, right)
    yield fact("load", "enqueued", "count", lambda one: one.enqueued, True)
    yield fact("load", "worst latency", "seconds", _worst_latency, True)
    yield fact("load", "retries", "count", lambda one: one.retries, True)
    yield fact("load", "scheduled", "count", lambda one: one.scheduled, True)
    yield fact("load", "dead", "count", lambda one: one.dead, True)
    yield fact("redis", "server", "text", lambda one: one.redis.server)
    yield fact("redis", "version", "text", lambda one: one.redis.version)
    yield fact("redis", "mode", "text", lambda one: one.redis.mode)
    yield fact("redis", "role", "text", lambda one: one.redis.role)
    yield fact("redis", "replicas", "count", lambda one: one.redis.replicas)
    yield fact("redis", "append-only file", "flag", lambda one: one.redis.aof_enabled)
    yield fact("redis", "memory limit", "bytes", lambda one: one.redis.maxmemory)
    yield fact("redis", "memory policy", "text", lambda one: one.redis.maxmemory_policy)
    yield fact("redis", "client limit", "count", lambda one: one.redis.maxclients)
    yield fact("redis", "memory", "bytes", lambda one: one.redis.used_memory, True)
    yield fact("redis", "clients", "count", lambda one: one.redis.clients, True)
    yield fact("redis", "evicted keys", "count", lambda one: one.redis.evicted_keys, True)
    yield fact("redis", "round trip", "seconds", lambda one: one.rtt, True)


def _queues(left: Overview, right: Overview) -> Iterator[Difference]:
    known = [{queue.name: queue for queue in one.queues} for one in (left, right)]
    served = [_served(one.processes) for one in (left, right)]
    weights = [_weights(one.processes) for one in (left, right)]
    for name in sorted({*known[0], *known[1]}):
        here, there = (one.get(name) for one in known)
        if here is None or there is None:
            if not all("queues" in one.denied for one in (left, right)):
                yield Difference("queues", name, "there", "flag", here is not None, there is not None)
            continue
        yield Difference("queues", name, "paused", "flag", here.paused, there.paused)
        yield Difference("queues", name, "threads", "count", served[0].get(name, 0), served[1].get(name, 0))
        yield Difference("queues", name, "weight", "weights", weights[0].get(name, ()), weights[1].get(name, ()))
        yield Difference("queues", name, "size", "count", here.size, there.size, True)
        yield Difference("queues", name, "latency", "seconds", _latency(here), _latency(there), True)


def _rates(left: Side, right: Side) -> Iterator[Difference]:
    if left.today is not None and right.today is not None:
        for number, name in enumerate(("processed today", "failed today")):
            yield Difference("load", "", name, "count", left.today[number], right.today[number], True)
    if left.rates is not None and right.rates is not None:
        yield Difference("load", "", "processed", "rate", left.rates.processed, right.rates.processed, True)
        yield Difference("load", "", "failed", "rate", left.rates.failed, right.rates.failed, True)
        yield Difference("load", "", "failures", "share", left.rates.failure_share, right.rates.failure_share, True)


def _errors(left: Side, right: Side) -> Iterator[Difference]:
    """Groups that are on one side only; of common ones their size."""
    if left.errors is None or right.errors is None:
        return
    known = [{group.cause: group for group in one.groups} for one in (left.errors, right.errors)]
    for cause in sorted({*known[0], *known[1]}, key=lambda one: (-max(_size(k, one) for k in known), *map(str, one))):
        here, there = (one[cause].count if cause in one else None for one in known)
        subject = " ".join(part for part in (cause.klass, cause.error_class) if part)
        yield Difference("errors", subject, cause.message, "count", here, there, True, cause)


def _unknown(left: Side, right: Side) -> Iterator[str]:
    for side in (left, right):
        for panel, why in side.overview.denied.items():
            yield f"{panel} of {side.name}: {why}"
        if side.errors is not None and not side.errors.complete:
            yield f"errors of {side.name}: {side.errors.jobs} of {side.errors.total} jobs were read"
    if left.errors is None or right.errors is None:
        yield "errors: not read on both"


def _differs(fact: Difference) -> bool:
    left, right = fact.left, fact.right
    if left == right:
        return False
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if not fact.moving or not numbers:
        return True
    assert isinstance(left, int | float)
    assert isinstance(right, int | float)
    apart, most = abs(left - right), max(abs(left), abs(right))
    least = {"seconds": NOISE_SECONDS, "bytes": NOISE_BYTES, "rate": NOISE_RATE, "share": NOISE_SHARE}
    if fact.name == "round trip":
        return apart >= NOISE_SECONDS / 100 and apart >= NOISE * most
    return apart >= NOISE * most and apart >= least.get(fact.kind, NOISE_COUNT if fact.section != "errors" else 1)


def _words(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _how_many(overview: Overview, is_so: Callable[[Process], bool]) -> int:
    return sum(map(is_so, overview.processes))


def _served(processes: Sequence[Process]) -> dict[str, int]:
    """Threads that take jobs of each queue; those of a process with several capsules by the capsule's own."""
    threads: dict[str, int] = {}
    for process in processes:
        if process.stale or process.quiet:
            continue
        by_queue = {queue: c.concurrency for c in process.capsules if c.concurrency is not None for queue in c.weights}
        for queue in set(process.queues):
            threads[queue] = threads.get(queue, 0) + (by_queue.get(queue) or process.concurrency or 0)
    return threads


def _weights(processes: Sequence[Process]) -> dict[str, tuple[str, ...]]:
    """The different weights that processes give each queue, with their mode: `3 weighted`, `strict`, `random`."""
    found: dict[str, set[str]] = {}
    for process in processes:
        for capsule in process.capsules:
            for queue, weight in capsule.weights.items():
                found.setdefault(queue, set()).add(f"{weight} weighted" if weight > 1 else capsule.mode or str(weight))
    return {queue: tuple(sorted(words)) for queue, words in found.items()}


def _worst_latency(overview: Overview) -> float | None:
    worst = overview.worst_queue
    return worst.latency if worst else 0.0 if overview.enqueued is not None else None


def _latency(queue: QueueSummary) -> float | None:
    return queue.latency if queue.size else 0.0


def _size(known: Mapping[Cause, object], cause: Cause) -> int:
    count = getattr(known.get(cause), "count", 0)
    return count if isinstance(count, int) else 0


async def read_side(server: Server, most: int = UNASKED // 2) -> Side:
    """What can be read of a server in one go: a poll, today's counts, and `most` failed jobs of retries and of dead.

    What may not be read is left out. Raises SidekiqError when the server does not answer.
    """
    overview = await server.overview()
    today = None
    with contextlib.suppress(ReplyError):
        days = (await server.history(1)).days
        today = (days[0].processed, days[0].failed) if days else None
    board = server.errors.board
    if board is None or not board.complete:
        with contextlib.suppress(ReplyError):
            async with aclosing(server.read_errors(most)) as slices:
                async for _ in slices:
                    pass
            board = server.errors.board
    return Side(server.name, overview, today=today, errors=board)
