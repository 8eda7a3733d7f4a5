"""What Sidekiq Pro, Enterprise and common gems leave in Redis, read only (protocol 11).

Pro and Enterprise are closed source: their keys are known from changelogs, issues and traces. So this reads signs, and
nobody here can say for sure which edition runs. Two round trips, of a bounded number of entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SET_NAMES, TELLING_NAMES, Keys
from sidekiq_tui.sidekiq.payload import decode, to_text
from sidekiq_tui.sidekiq.replies import fields, json_value, members, moment, natural, reason, scanned, scored, text

BATCHES_READ: Final = 50
SCHEDULES_READ: Final = 50
PROCESSES_READ: Final = 50
NAMES_LOOKED_AT: Final = 1000
JOBS_LOOKED_AT: Final = 20
"""Of each set: what a paid edition writes into payloads shows in a few of them."""
TELLING_FIELDS: Final = ("bid", "expires_in", "encrypt", "unique_for", "overrated")

_BATCH: Final = ("created_at", "description", "total", "pending", "kids", "parent", "callbacks")
_CRON: Final = ("name", "klass", "cron", "status", "last_enqueue_time")

Edition = Literal["Enterprise", "Pro"]
Confidence = Literal["likely", "perhaps"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of Pro's; times in Unix seconds. What its hash did not say, or says no longer, is None."""

    bid: str
    score: float
    """Its place among the batches: the time of its expiry, as far as is known."""
    gone: bool
    """Its hash has expired."""
    died: bool
    """One of its jobs is dead: it will not succeed."""
    created_at: float | None = None
    description: str | None = None
    total: int | None = None
    pending: int | None = None
    kids: int | None = None
    parent: str | None = None
    callbacks: tuple[str, ...] = ()
    """The events that it calls back on."""

    @property
    def done(self) -> float | None:
        """The part of its jobs that succeeded."""
        if not self.total or self.pending is None:
            return None
        return min(1.0, max(0.0, (self.total - self.pending) / self.total))


@dataclass(frozen=True, slots=True)
class SuperProcess:
    """A process with super_fetch, which keeps the jobs it runs in private lists."""

    identity: str
    alive: bool | None
    """Whether it still sends heartbeats."""
    lists: int | None
    """How many private lists it has."""
    held: int | None
    """Jobs in those of the queues that it serves; None for a process that does not say which."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that a gem pushes again and again."""

    name: str
    klass: str | None
    every: str | None
    """Its cron line or interval, as written."""
    enabled: bool | None
    last_at: float | None


@dataclass(frozen=True, slots=True)
class Extras:
    """Everything found at `read_at` (Unix seconds). A number is None where it may not be read: see `denied`."""

    read_at: float
    leader: str | None
    leader_ttl: float | None
    """Seconds until the leader's claim ends, unless it is renewed."""
    paused: tuple[str, ...]
    batches: tuple[Batch, ...]
    """The last BATCHES_READ in their order, newest first."""
    batch_count: int | None
    died_count: int | None
    super_processes: tuple[SuperProcess, ...]
    super_count: int | None
    cron: tuple[Schedule, ...]
    """Of sidekiq-cron."""
    cron_count: int | None
    schedules: tuple[Schedule, ...]
    """Of sidekiq-scheduler."""
    schedule_count: int | None
    unique_digests: int | None
    """Locks of sidekiq-unique-jobs."""
    failures: int | None
    """Entries of sidekiq-failures."""
    names: Mapping[str, int]
    """How many of the keys looked at have a name of each kind in TELLING_NAMES."""
    names_read: int
    keys: int | None
    """Keys in this database."""
    job_fields: Mapping[str, int]
    """How many of the jobs looked at have each of TELLING_FIELDS."""
    jobs_read: int
    denied: Mapping[str, str]
    """What may not be read, and why."""

    @property
    def edition(self) -> tuple[Edition, Confidence] | None:
        """Which edition wrote this, and how sure that is; None without a sign."""
        told, named = self.job_fields, self.names
        if self.leader or named.get("limiter") or told.get("overrated"):
            return "Enterprise", "likely"
        if told.get("unique_for") or told.get("encrypt") or named.get("unique lock"):
            return "Enterprise", "perhaps"
        if self.batch_count or self.super_count or named.get("private list"):
            return "Pro", "likely"
        if self.paused or told.get("bid") or told.get("expires_in") or self.died_count:
            return "Pro", "perhaps"
        return None


async def read_extras(db: Database, now: float, queues: Mapping[str, Sequence[str]]) -> Extras:
    """What there is at `now` (Unix seconds); `queues` are those that each known process serves. Two round trips.

    What may not be read, or is of another type, is left out and in `denied`. Raises SidekiqError when the server can't
    be reached, or nothing at all may be read.
    """
    first = _Trip(await db.pipeline(_first_commands(db.keys)))
    if first.refused is not None:
        raise first.refused
    entries = scored(first.values["batches"])[::-1]
    bids = [to_text(bid) for bid, _ in entries]
    supers = (members(first.values["super_processes"]) or ())[:PROCESSES_READ]
    crons = [key for name in ("cron", "old cron") for key in members(first.values[name]) or ()][:SCHEDULES_READ]
    planned = _pairs(first.values["schedules"])[:SCHEDULES_READ]
    groups = (
        [("HMGET", db.keys.batch(bid), *_BATCH) for bid in bids],
        [("SISMEMBER", db.keys.died_batches, bid) for bid in bids],
        [command for name in supers for command in _super_commands(db.keys, name, queues.get(name, ()))],
        [("HMGET", db.keys.cron_job(key), *_CRON) for key in crons],
        _schedule_commands(db.keys, [name for name, _ in planned]),
    )
    replies = iter(await db.pipeline([command for group in groups for command in group]))
    said, dead, held, cron, known = ([next(replies) for _ in group] for group in groups)
    return Extras(
        read_at=now,
        leader=text(first.values["leader"]),
        leader_ttl=_seconds(first.values["leader ttl"]),
        paused=members(first.values["paused"]) or (),
        batches=tuple(
            _batch(to_text(bid), score, values, flag)
            for (bid, score), values, flag in zip(entries, said, dead, strict=True)
        ),
        batch_count=natural(first.values["batch count"]),
        died_count=natural(first.values["died"]),
        super_processes=tuple(_supers(supers, queues, held)),
        super_count=natural(first.values["super count"]),
        cron=tuple(_cron(key, values) for key, values in zip(crons, cron, strict=True)),
        cron_count=_sum(first.values["cron count"], first.values["old cron count"]),
        schedules=_schedules(planned, known),
        schedule_count=natural(first.values["schedule count"]),
        unique_digests=natural(first.values["digests"]),
        failures=natural(first.values["failures"]),
        names=first.names(db.keys),
        names_read=len(first.keys),
        keys=natural(first.values["keys"]),
        job_fields=first.job_fields(),
        jobs_read=len(first.jobs),
        denied=first.denied,
    )


def _first_commands(keys: Keys) -> list[Command]:
    return [command for _, command in _first_asked(keys)]


def _first_asked(keys: Keys) -> list[tuple[str, Command]]:
    new_cron, old_cron = keys.cron_jobs
    return [
        ("leader", ("GET", keys.leader)),
        ("leader ttl", ("PTTL", keys.leader)),
        ("paused", ("SSCAN", keys.paused, 0, "COUNT", 100)),
        ("batch count", ("ZCARD", keys.batches)),
        ("batches", ("ZRANGE", keys.batches, -BATCHES_READ, -1, "WITHSCORES")),
        ("died", ("SCARD", keys.died_batches)),
        ("super count", ("SCARD", keys.super_processes)),
        ("super_processes", ("SSCAN", keys.super_processes, 0, "COUNT", PROCESSES_READ)),
        ("cron count", ("SCARD", new_cron)),
        ("cron", ("SSCAN", new_cron, 0, "COUNT", SCHEDULES_READ)),
        ("old cron count", ("SCARD", old_cron)),
        ("old cron", ("SSCAN", old_cron, 0, "COUNT", SCHEDULES_READ)),
        ("schedule count", ("HLEN", keys.schedules)),
        ("schedules", ("HSCAN", keys.schedules, 0, "COUNT", SCHEDULES_READ)),
        ("digests", ("ZCARD", keys.unique_digests)),
        ("failures", ("ZCARD", keys.failures)),
        ("keys", ("DBSIZE",)),
        ("names", ("SCAN", 0, "COUNT", NAMES_LOOKED_AT)),
        *((name, ("ZRANGE", keys.job_set(name), -JOBS_LOOKED_AT, -1)) for name in SET_NAMES),
    ]


class _Trip:
    """The replies to `_first_commands` by name, those that are errors as None."""

    def __init__(self, replies: Sequence[object]) -> None:
        asked = [name for name, _ in _first_asked(Keys())]
        named = dict(zip(asked, replies, strict=True))
        errors = {name: reply for name, reply in named.items() if isinstance(reply, SidekiqError)}
        self.values: dict[str, object] = {name: None if name in errors else reply for name, reply in named.items()}
        self.denied = {name: reason(error) for name, error in errors.items()}
        self.refused = next(iter(errors.values())) if len(errors) == len(named) else None
        found = scanned(self.values["names"])
        self.keys = () if found is None else found[1]
        listed = (self.values[name] for name in SET_NAMES)
        raws = [raw for reply in listed if isinstance(reply, list) for raw in reply if isinstance(raw, bytes)]
        self.jobs = [JobRecord(raw, Place("retry")) for raw in raws]

    def names(self, keys: Keys) -> Counter[str]:
        """How many keys have names that tell something."""
        own = [name.removeprefix(keys.prefix) for name in self.keys if name.startswith(keys.prefix)]
        return Counter(kind for name in own for kind, start in TELLING_NAMES.items() if name.startswith(start))

    def job_fields(self) -> Counter[str]:
        """How many jobs have fields that tell something."""
        return Counter(field for job in self.jobs for field in TELLING_FIELDS if job.item.get(field))


def _super_commands(keys: Keys, identity: str, queues: Sequence[str]) -> list[Command]:
    lists: list[Command] = [("LLEN", keys.private_queue(identity, queue)) for queue in queues[:PROCESSES_READ]]
    return [("EXISTS", keys.process(identity)), ("SCARD", keys.super_queues(identity)), *lists]


def _supers(names: Sequence[str], queues: Mapping[str, Sequence[str]], replies: Sequence[object]) -> list[SuperProcess]:
    found, left = [], iter(replies)
    for name in names:
        alive, lists = next(left), next(left)
        lengths = [natural(next(left)) for _ in queues.get(name, ())[:PROCESSES_READ]]
        held = sum(length or 0 for length in lengths) if lengths else None
        found.append(SuperProcess(name, None if natural(alive) is None else alive == 1, natural(lists), held))
    return found


def _batch(bid: str, score: float, values: object, died: object) -> Batch:
    if not isinstance(values, list) or len(values) != len(_BATCH) or not any(value is not None for value in values):
        return Batch(bid, score, gone=not isinstance(values, SidekiqError), died=died == 1)
    said = dict(zip(_BATCH, values, strict=True))
    events = json_value(said["callbacks"] if isinstance(said["callbacks"], bytes) else None)
    return Batch(
        bid=bid,
        score=score,
        gone=False,
        died=died == 1,
        created_at=moment(said["created_at"]),
        description=text(said["description"]),
        total=natural(said["total"]),
        pending=natural(said["pending"]),
        kids=natural(said["kids"]),
        parent=text(said["parent"]),
        callbacks=tuple(event for event in events if isinstance(event, str)) if isinstance(events, dict) else (),
    )


def _cron(key: str, values: object) -> Schedule:
    known = isinstance(values, list) and len(values) == len(_CRON)
    said = dict(zip(_CRON, values, strict=True)) if known and isinstance(values, list) else dict.fromkeys(_CRON)
    state = text(said["status"])
    return Schedule(
        name=text(said["name"]) or key.rpartition(":")[2],
        klass=text(said["klass"]),
        every=text(said["cron"]),
        enabled=None if state is None else state == "enabled",
        last_at=moment(said["last_enqueue_time"]),
    )


def _schedule_commands(keys: Keys, names: Sequence[str]) -> list[Command]:
    """None without names: HMGET wants at least one."""
    return [("HMGET", keys.schedule_facts(kind), *names) for kind in ("states", "last_times")] if names else []


def _schedules(planned: Sequence[tuple[str, bytes]], replies: Sequence[object]) -> tuple[Schedule, ...]:
    states, times = (reply if isinstance(reply, list) else [None] * len(planned) for reply in replies or ((), ()))
    return tuple(_planned(name, raw, state, at) for (name, raw), state, at in zip(planned, states, times, strict=False))


def _planned(name: str, raw: bytes, state: object, at: object) -> Schedule:
    said = decode(raw) or {}
    every = next((said[key] for key in ("cron", "every", "interval", "at", "in") if key in said), None)
    first = every[0] if isinstance(every, list) and every else every
    on = (decode(state) or {}).get("enabled") if isinstance(state, bytes) else said.get("enabled")
    return Schedule(
        name=name,
        klass=text(said.get("class")),
        every=first if isinstance(first, str) else None,
        enabled=on if isinstance(on, bool) else None,
        last_at=moment(at),
    )


def _pairs(reply: object) -> list[tuple[str, bytes]]:
    """The fields that one HSCAN found, by name."""
    found = scanned(reply)
    return [] if found is None else sorted(fields(found[1]).items())


def _seconds(milliseconds: object) -> float | None:
    left = natural(milliseconds)
    return None if left is None else left / 1000


def _sum(*values: object) -> int | None:
    known = [number for number in map(natural, values) if number is not None]
    return sum(known) if known else None
