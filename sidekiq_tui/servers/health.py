"""How a server feels: one state, and the reasons in words (the checks of protocol 17.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, Forbidden, ServerTimeout, SidekiqError
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.replies import natural

State = Literal["connecting", "ok", "slow", "warn", "bad", "offline", "forbidden"]
Severity = Literal["warn", "bad"]

SLOW_RTT: Final = 0.25
"""Seconds of our own round trip; a far terminal (200 ms) is not yet slow."""
TIMEOUTS_UNTIL_OFFLINE: Final = 3
"""A server that accepts connections but does not answer is slow at first, then gone."""
PROCESS_RTT: Final = 0.05
"""Seconds between a process and its Redis: Sidekiq warns from here on (protocol 17.4)."""
MEMORY_WARN: Final = 0.8
MEMORY_BAD: Final = 0.95
CLIENTS_WARN: Final = 0.9
FAILURES_WARN: Final = 0.05
FAILURES_BAD: Final = 0.25
FAILURES_JOBS: Final = 20
"""Below so many jobs within five minutes a share of failures says little."""
DEAD_DEFAULT: Final = 10_000
"""Sidekiq trims the dead set to this (`dead_max_jobs`, api.rb)."""
DEAD_WARN: Final = 0.9
CLOCK_SKEW: Final = 5.0
"""Seconds that a heartbeat may lie in our future."""
MINIMUM_REDIS: Final = ((8, (7, 0)), (7, (6, 2)), (6, (4, 0)))
"""Sidekiq major version and the Redis it needs (protocol 2, cli.rb)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a server is not well: a subject of one to three words, and the rest of the sentence."""

    severity: Severity
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """A state and why, worst reason first."""

    state: State
    reasons: tuple[Reason, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The reasons as plain lines, as the JSON contract prints them."""
        return tuple(f"{reason.subject}: {reason.text}" for reason in self.reasons)


def assess(
    overview: Overview,
    profile: Profile,
    now: float,
    *,
    recent: tuple[int, int] | None = None,
    rtt: float | None = None,
) -> Health:
    """The state of a server that answers. `recent` is processed and failed of the last minutes, `rtt` seconds."""
    if "counters" in overview.denied and "queues" in overview.denied and not overview.queues:
        return Health("forbidden", (Reason("bad", "forbidden", overview.denied["queues"]),))
    found = [reason for check in _CHECKS for reason in check(overview, profile, now)]
    found += _failures(recent)
    found.sort(key=lambda reason: reason.severity != "bad")
    trip = overview.rtt if rtt is None else rtt
    state: State = "ok"
    if found:
        state = found[0].severity
    elif trip >= SLOW_RTT:
        state = "slow"
    if trip >= SLOW_RTT:
        found.append(Reason("warn", "round trip", f"{trip * 1000:,.0f}ms from here"))
    return Health(state, tuple(found))


def assess_loss(error: SidekiqError, attempt: int, endpoint: str) -> Health:
    """The state of a server whose poll failed for the `attempt`-th time in a row."""
    if isinstance(error, AuthenticationFailed | SecretError | Forbidden):
        return Health("forbidden", (Reason("bad", "no access", error.message),))
    text = error.message if endpoint in error.message else f"{error.message} ({endpoint})"
    if isinstance(error, ServerTimeout) and attempt < TIMEOUTS_UNTIL_OFFLINE:
        return Health("slow", (Reason("warn", "no answer", text),))
    return Health("offline", (Reason("bad", "offline", text),))


def assess_waiting(seconds: float) -> Health:
    """The state of a server that has owed an answer for so many seconds."""
    return Health("slow", (Reason("warn", "no answer", f"for {seconds:.0f}s"),))


Check = Callable[[Overview, Profile, float], Iterator[Reason]]


def _no_process(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    if "processes" in overview.denied:
        return
    alive = [process for process in overview.processes if not process.stale]
    waiting = overview.enqueued or 0
    if not alive and waiting:
        yield Reason("bad", "no process", f"is alive while {_jobs(waiting)} wait{'s' if waiting == 1 else ''}")
    elif alive and all(process.quiet for process in alive):
        severity: Severity = "bad" if waiting else "warn"
        yield Reason(severity, "all quiet", f"{_count(len(alive), 'process', 'processes')}, none takes new jobs")


def _unserved(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    """Queues that nobody takes jobs from; with no process at all `_no_process` says it."""
    taking = [process for process in overview.processes if not process.stale and not process.quiet]
    if not taking or "processes" in overview.denied:
        return
    served = {queue for process in taking for queue in process.queues}
    unserved = sorted(
        (queue for queue in overview.queues if queue.size and queue.name not in served),
        key=lambda queue: -(queue.size or 0),
    )
    if unserved:
        total = sum(queue.size or 0 for queue in unserved)
        names = _listed([queue.name for queue in unserved])
        yield Reason("warn", "not served", f"{names}: {_jobs(total)} that no process takes")


def _latency(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    limit = profile.max_latency
    late = [queue for queue in overview.queues if limit is not None and (queue.latency or 0.0) > limit]
    if late and limit is not None:
        worst = max(late, key=lambda queue: queue.latency or 0.0)
        more = f", and {len(late) - 1:,} more" if len(late) > 1 else ""
        yield Reason("warn", "latency", f"{worst.name} {_span(worst.latency or 0.0)}, limit {_span(limit)}{more}")


def _overdue(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    for number, name in ((overview.overdue_scheduled, "scheduled"), (overview.overdue_retries, "retries")):
        if number:
            yield Reason("warn", "overdue", f"{number:,} {name} are past their time: no process polls, or too slowly")


def _dead_set(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    limit = profile.dead_max_jobs or DEAD_DEFAULT
    if overview.dead is not None and overview.dead >= DEAD_WARN * limit:
        verb = "are being lost" if overview.dead >= limit else "are lost next"
        yield Reason("warn", "dead set", f"{overview.dead:,} of {limit:,}: the oldest {verb}")


def _memory(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    redis = overview.redis
    policy = redis.maxmemory_policy
    risky = policy is not None and policy != "noeviction"
    if redis.evicted_keys:
        yield Reason("bad", "eviction", f"{redis.evicted_keys:,} keys dropped by {policy or 'Redis'}: jobs may be lost")
    limited = bool(redis.maxmemory) and redis.used_memory is not None
    share = (redis.used_memory or 0) / redis.maxmemory if limited and redis.maxmemory else 0.0
    consequence = f"{policy}: jobs can be dropped" if risky else "at the limit pushes fail"
    if share >= MEMORY_WARN:
        severity: Severity = "bad" if share >= MEMORY_BAD else "warn"
        text = f"{share:.0%} of {_size(redis.maxmemory or 0)}, {consequence}"
        yield Reason(severity, "memory", text)
    elif risky:
        yield Reason("warn", "policy", f"{policy}: jobs can be dropped when memory is full; noeviction keeps them")


def _persistence(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    redis = overview.redis
    if redis.rdb_last_bgsave_ok is False:
        yield Reason("bad", "persistence", "the last background save failed: a restart loses jobs, writes may stop")
    if redis.aof_enabled and redis.aof_ok is False:
        yield Reason("bad", "persistence", "the append-only file could not be written")
    if redis.loading:
        yield Reason("warn", "loading", "Redis is still reading its data from disk")


def _replication(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    redis = overview.redis
    if redis.role in ("slave", "replica"):
        if redis.master_link_up is False:
            yield Reason("bad", "replica", "the link to its primary is down: this data is old")
        else:
            yield Reason("warn", "replica", "this is a copy; its numbers may lag behind the primary")
    if redis.mode == "cluster":
        yield Reason("warn", "cluster", "Sidekiq does not support Redis Cluster")


def _clients(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    redis = overview.redis
    if redis.maxclients and redis.clients is not None and redis.clients >= CLIENTS_WARN * redis.maxclients:
        yield Reason("bad", "clients", f"{redis.clients:,} of {redis.maxclients:,}: new ones are refused at the limit")


def _versions(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    versions = overview.sidekiq_versions
    if len(versions) > 1:
        yield Reason("warn", "versions", f"processes run {_listed(list(versions))}: a deploy half done?")
    redis = overview.redis
    have = _version(redis.version)
    if not versions or have is None or redis.server not in ("redis", None):
        return
    newest = _version(versions[-1])
    need = next((need for major, need in MINIMUM_REDIS if newest and newest[0] >= major), None)
    if need is not None and have < need:
        text = f"{redis.version} is older than the {need[0]}.{need[1]} that Sidekiq {versions[-1]} needs"
        yield Reason("warn", "redis", text)


def _beats(overview: Overview, profile: Profile, now: float) -> Iterator[Reason]:
    ghosts = [process.identity for process in overview.processes if process.stale]
    if ghosts:
        shown = _count(len(ghosts), "process has", "processes have")
        yield Reason("warn", "ghosts", f"{shown} no heartbeat for over a minute: {_listed(ghosts)}")
    ahead = max((process.beat - now for process in overview.processes if process.beat is not None), default=0.0)
    if ahead > CLOCK_SKEW:
        yield Reason(
            "warn", "clock", f"a heartbeat is {_span(ahead)} ahead of this machine: times and latencies are off"
        )
    slow = [process for process in overview.processes if process.rtt is not None and process.rtt > PROCESS_RTT]
    if slow:
        worst = max(process.rtt or 0.0 for process in slow)
        shown = _count(len(slow), "process", "processes")
        yield Reason(
            "warn", "process rtt", f"{shown} over {PROCESS_RTT * 1000:.0f}ms to Redis, worst {worst * 1000:,.0f}ms"
        )


_CHECKS: Final[tuple[Check, ...]] = (
    _no_process, _memory, _persistence, _replication, _clients, _unserved, _latency, _overdue, _dead_set, _versions,
    _beats,
)  # fmt: skip
"""In the order of how much they matter, for reasons of the same weight."""


def _failures(recent: tuple[int, int] | None) -> Iterator[Reason]:
    processed, failed = recent or (0, 0)
    if processed < FAILURES_JOBS or failed < FAILURES_WARN * processed:
        return
    share = min(1.0, failed / processed)
    digits = 1 if share < 0.1 else 0
    yield Reason("bad" if share >= FAILURES_BAD else "warn", "failures", f"{share:.{digits}%} of the last jobs")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _jobs(number: int) -> str:
    return _count(number, "job", "jobs")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes = int(seconds // 60)
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60:,}h{minutes % 60:02}m"


def _size(size: int) -> str:
    for unit, factor in (("G", 2**30), ("M", 2**20)):
        if size >= factor:
            return f"{size / factor:.1f}{unit}"
    return f"{size / 1024:.0f}K"


def _version(text: str | None) -> tuple[int, ...] | None:
    major, _, rest = (text or "").partition(".")
    first, second = natural(major), natural(rest.partition(".")[0])
    return None if first is None or second is None else (first, second)
