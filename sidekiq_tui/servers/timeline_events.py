"""What happened on a server, told from two looks at it: processes, versions, queues, Redis, errors, deploys."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.error_groups import Cause, ErrorGroup
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import Process

Kind = Literal[
    "deploy", "started", "ended", "lost", "versions", "tags", "queues new", "queues gone", "paused", "resumed",
    "errors new", "errors gone", "redis started", "redis version", "redis role", "offline", "back", "operation",
]  # fmt: skip

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
NAMES: Final = 10
"""Names that an event keeps; its count says how many there were."""
BASELINE: Final = 86_400.0
"""Seconds that a first look reaches back, for what says itself when it began."""
CLOCKS: Final = 3.0
"""Seconds that clocks may differ: an uptime counted twice gives nearly the same start."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` (Unix seconds) is when, as told by the server, or when it was seen first.

    `since`: it happened after that; None where the server itself says when. Texts are as they were read, not made safe.
    """

    at: float
    server: str
    kind: Kind
    names: tuple[str, ...] = ()
    """What it was about, a part of it where there is much: hosts and pids, queues, classes and errors, a label."""
    count: int = 1
    since: float | None = None
    before: str = ""
    after: str = ""
    """For what changed from one value to another."""
    cause: Cause | None = None
    """The group, for errors."""
    id: str = ""
    """The number of an operation of ours."""
    who: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two events the same one, learned twice."""
        return (self.server, self.kind, self.id or (self.names, self.cause, round(self.at / CLOCKS)))


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """What is kept of a process."""

    name: str
    """Host and pid."""
    started_at: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: as much as is needed to tell what the next one finds changed. None: could not be read."""

    at: float
    processes: Mapping[str, ProcessSeen] | None = None
    """By identity; lost ones are not among them."""
    lost: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    queues: frozenset[str] | None = None
    paused: frozenset[str] | None = None
    redis_version: str | None = None
    redis_role: str | None = None
    redis_started: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorsSeen:
    """The causes of errors that were there, each as a digest: no message is kept."""

    at: float
    causes: frozenset[str] = field(default_factory=frozenset)


def seen(overview: Overview) -> Seen:
    """What is kept of a poll."""
    alive = {process.identity: process for process in overview.processes if not process.stale}
    lost = frozenset((*overview.ghosts, *(p.identity for p in overview.processes if p.stale)))
    unreadable = "processes" in overview.denied
    redis, known = overview.redis, "queues" not in overview.denied
    return Seen(
        at=overview.read_at,
        processes=None if unreadable else {name: ProcessSeen(_named(p), p.started_at) for name, p in alive.items()},
        lost=lost,
        versions=overview.sidekiq_versions,
        tags=tuple(sorted({p.tag for p in alive.values() if p.tag})),
        queues=frozenset(queue.name for queue in overview.queues) if known else None,
        paused=frozenset(q.name for q in overview.queues if q.paused) if "paused" not in overview.denied else None,
        redis_version=redis.version,
        redis_role=redis.role,
        redis_started=None if redis.uptime is None else overview.read_at - redis.uptime,
    )


def first_events(server: str, now: Seen) -> Iterator[Event]:
    """What a first look tells of the last day: when processes started, and Redis."""
    yield from _started(server, now.processes or {}, now.at, None)
    if now.redis_started is not None and now.at - now.redis_started < BASELINE:
        yield Event(now.redis_started, server, "redis started", before="", after=now.redis_version or "")


def changes(server: str, then: Seen, now: Seen) -> Iterator[Event]:
    """What happened between two looks."""
    yield from _process_changes(server, then, now)
    if now.processes and then.processes:  # without processes nothing says a version
        for kind, before, after in _pairs(then, now):
            if before != after and before and after:
                yield Event(now.at, server, kind, after, len(after), then.at, ", ".join(before), ", ".join(after))
    if then.queues is not None and now.queues is not None:
        yield from _named_event(server, "queues new", now.queues - then.queues, then, now)
        yield from _named_event(server, "queues gone", then.queues - now.queues, then, now)
    if then.paused is not None and now.paused is not None:
        yield from _named_event(server, "paused", now.paused - then.paused, then, now)
        yield from _named_event(server, "resumed", then.paused - now.paused, then, now)
    yield from _redis_changes(server, then, now)


def error_changes(server: str, then: ErrorsSeen | None, board: ErrorBoard) -> Iterator[Event]:
    """New causes of errors, when the first of their jobs failed; and those whose jobs have all gone.

    Without a look before: those of the last day. A board that is not complete tells nothing.
    """
    if not board.complete or board.denied:
        return
    known = {digest(group.cause): group for group in board.groups}
    for name, group in known.items():
        if then is None:
            if group.first_at is not None and board.as_of - group.first_at < BASELINE:
                yield _new_error(server, group, group.first_at, None)
        elif name not in then.causes:
            first = group.first_at
            told = first is not None and then.at - CLOCKS <= first <= board.as_of + CLOCKS
            yield _new_error(
                server, group, first if told and first is not None else board.as_of, None if told else then.at
            )
    gone = len(then.causes - known.keys()) if then is not None else 0
    if then is not None and gone:
        yield Event(board.as_of, server, "errors gone", (), gone, then.at)


def errors_seen(board: ErrorBoard) -> ErrorsSeen:
    """What is kept of a complete board."""
    return ErrorsSeen(board.as_of, frozenset(digest(group.cause) for group in board.groups))


def deploy_events(server: str, marks: Iterable[Mark]) -> Iterator[Event]:
    """The marks that deploys left."""
    return (Event(mark.at, server, "deploy", (mark.label,), after=mark.label) for mark in marks)


def digest(cause: Cause) -> str:
    """A cause, so that it is known again, and nothing of it can be read."""
    text = "\0".join(str(part) for part in cause)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _process_changes(server: str, then: Seen, now: Seen) -> Iterator[Event]:
    if then.processes is None or now.processes is None or then.processes.keys() == now.processes.keys():
        return
    came = {name: process for name, process in now.processes.items() if name not in then.processes}
    yield from _started(server, {name: one for name, one in came.items() if name not in then.lost}, now.at, then.at)
    gone = {name: process.name for name, process in then.processes.items() if name not in now.processes}
    lost = [process for name, process in gone.items() if name in now.lost]
    yield from _named_event(server, "lost", lost, then, now)
    yield from _named_event(server, "ended", [one for name, one in gone.items() if name not in now.lost], then, now)


def _started(server: str, processes: Mapping[str, ProcessSeen], now: float, since: float | None) -> Iterator[Event]:
    """Processes by the minute in which they say they started, as a deploy starts many; others when they were seen."""
    minutes: dict[float, list[ProcessSeen]] = {}
    silent: list[str] = []
    for process in processes.values():
        if process.started_at is None:
            silent.append(process.name)
        elif since is not None or now - process.started_at < BASELINE:
            minutes.setdefault(process.started_at // 60, []).append(process)
    for some in minutes.values():
        at = min(one.started_at or now for one in some)
        yield Event(at, server, "started", _few(one.name for one in some), len(some))
    if silent and since is not None:
        yield Event(now, server, "started", _few(silent), len(silent), since)


def _pairs(then: Seen, now: Seen) -> tuple[tuple[Kind, tuple[str, ...], tuple[str, ...]], ...]:
    return (("versions", then.versions, now.versions), ("tags", then.tags, now.tags))


def _restarted(then: Seen, now: Seen) -> bool:
    """Whether Redis began anew: an uptime never falls, but on a slow line its start may seem to move on."""
    started, before = now.redis_started, then.redis_started
    if started is None or before is None or started <= before + CLOCKS:
        return False
    return now.at - started + CLOCKS < then.at - before or started > then.at + CLOCKS


def _redis_changes(server: str, then: Seen, now: Seen) -> Iterator[Event]:
    if _restarted(then, now):
        started = now.redis_started or now.at
        yield Event(started, server, "redis started", after=now.redis_version or "")
    changed: tuple[tuple[Kind, str | None, str | None], ...] = (
        ("redis version", then.redis_version, now.redis_version),
        ("redis role", then.redis_role, now.redis_role),
    )
    for kind, old, new in changed:
        if old and new and old != new:
            yield Event(now.at, server, kind, since=then.at, before=old, after=new)


def _named_event(server: str, kind: Kind, names: Collection[str], then: Seen, now: Seen) -> Iterator[Event]:
    if names:
        yield Event(now.at, server, kind, _few(names), len(names), then.at)


def _new_error(server: str, group: ErrorGroup, at: float, since: float | None) -> Event:
    cause = group.cause
    names = tuple(part for part in (cause.klass, cause.error_class) if part)
    return Event(at, server, "errors new", names, group.count, since, cause=cause)


def _few(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names)[:NAMES])


def _named(process: Process) -> str:
    if process.hostname is None or process.pid is None:
        return process.identity
    return f"{process.hostname}:{process.pid}"
