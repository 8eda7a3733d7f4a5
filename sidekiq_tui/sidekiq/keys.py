"""The only place that spells Redis keys (protocol sections 3, 8 to 11 and 16)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, Literal

from sidekiq_tui.sidekiq.payload import to_bytes

SetName = Literal["retry", "schedule", "dead"]
SET_NAMES: Final[tuple[SetName, ...]] = ("retry", "schedule", "dead")

SCRATCH: Final = "sqtui:"
"""How the keys begin that operations keep on a server, unless its profile says otherwise."""
# What a redis-namespace leaves behind (up to Sidekiq 6.5): `<namespace>:queues`, `<namespace>:processes`.
NAMESPACED_QUEUES: Final = b"*:queues"
NAMESPACED_PROCESSES: Final = b"*:processes"


class Keys:
    """The keys of one Sidekiq, as bytes. Dates and times inside key names are UTC; datetimes must be aware."""

    __slots__ = ("_own", "namespace", "prefix")

    def __init__(self, namespace: str = "", scratch: str = SCRATCH) -> None:
        """`scratch`: how the keys begin that operations keep on the server, behind the namespace."""
        self.namespace = namespace
        self.prefix = to_bytes(f"{namespace}:") if namespace else b""
        self._own = self.prefix + to_bytes(scratch)

    def _key(self, name: str) -> bytes:
        return self.prefix + to_bytes(name)

    @property
    def queues(self) -> bytes:
        """Set of queue names, without prefix."""
        return self._key("queues")

    def queue(self, name: str) -> bytes:
        """List of payloads; the head is the newest, the tail runs next."""
        return self._key(f"queue:{name}")

    @property
    def retry(self) -> bytes:
        """Sorted set; scores are the times of the next try, in seconds."""
        return self._key("retry")

    @property
    def schedule(self) -> bytes:
        """Sorted set; scores are the times to run at, in seconds."""
        return self._key("schedule")

    @property
    def dead(self) -> bytes:
        """Sorted set; scores are the times of death, in seconds."""
        return self._key("dead")

    def job_set(self, name: SetName) -> bytes:
        """The sorted set of that name."""
        return self._key(name)

    @property
    def processes(self) -> bytes:
        """Set of process identities, `hostname:pid:nonce`; may hold dead ones."""
        return self._key("processes")

    def process(self, identity: str) -> bytes:
        """Hash of one process's heartbeat."""
        return self._key(identity)

    def work(self, identity: str) -> bytes:
        """Hash of thread id to job in progress, from 6.4.2."""
        return self._key(f"{identity}:work")

    def workers_v6(self, identity: str) -> bytes:
        """The same as `work` until 6.4.1."""
        return self._key(f"{identity}:workers")

    def signals(self, identity: str) -> bytes:
        """List of signals that the process has not taken yet."""
        return self._key(f"{identity}-signals")

    @property
    def leader(self) -> bytes:
        """Identity of the Enterprise leader."""
        return self._key("dear-leader")

    @property
    def paused(self) -> bytes:
        """Set of paused queues (Pro writes it, open source only shows it)."""
        return self._key("paused")

    @property
    def stat_processed(self) -> bytes:
        """Lifetime counter of executions, failures included."""
        return self._key("stat:processed")

    @property
    def stat_failed(self) -> bytes:
        """Lifetime counter of failures."""
        return self._key("stat:failed")

    def stat_day(self, kind: Literal["processed", "failed"], day: date) -> bytes:
        """One UTC day's counter."""
        return self._key(f"stat:{kind}:{day:%Y-%m-%d}")

    def metrics_minute_v7(self, at: datetime) -> bytes:
        """7.x metrics of a minute: neither hour nor minute padded."""
        at = at.astimezone(UTC)
        return self._key(f"j|{at:%Y%m%d}|{at.hour}:{at.minute}")

    def metrics_minute(self, at: datetime) -> bytes:
        """8.x metrics of a minute: two digits of year and of minute."""
        at = at.astimezone(UTC)
        return self._key(f"j|{at:%y%m%d}|{at.hour}:{at:%M}")

    def metrics_ten_minutes(self, at: datetime) -> bytes:
        """8.x metrics of ten minutes: the first digit of the padded minute."""
        at = at.astimezone(UTC)
        return self._key(f"j|{at:%y%m%d}|{at.hour}:{at.minute // 10}")

    def histogram_v7(self, klass: str, at: datetime) -> bytes:
        """6.5 and 7.x execution times of a class in a minute: no prefix, day and hour padded, minute not."""
        at = at.astimezone(UTC)
        return self._key(f"{klass}-{at:%d}-{at:%H}:{at.minute}")

    def histogram(self, klass: str, at: datetime) -> bytes:
        """8.x execution times of a class in a minute: nothing padded."""
        at = at.astimezone(UTC)
        return self._key(f"h|{klass}-{at.day}-{at.hour}:{at.minute}")

    def marks(self, day: date) -> bytes:
        """Hash of one UTC day's deploys: minute to label."""
        return self._key(f"{day:%Y%m%d}-marks")

    def deploy_lock(self, label: str) -> bytes:
        """Held for a minute by who marks a deploy of that label."""
        return self._key(f"deploylock-{label}")

    def iteration(self, jid: str) -> bytes:
        """Hash of an iterable job's state, from 7.3."""
        return self._key(f"it-{jid}")

    @property
    def profiles(self) -> bytes:
        """Sorted set of profile keys; scores are times of expiry, in seconds. From 8.0."""
        return self._key("profiles")

    def profile(self, key: str) -> bytes:
        """Hash of one profile; `key` is a member of `profiles`."""
        return self._key(key)

    @property
    def batches(self) -> bytes:
        """Sorted set of Pro batches: a sign of Pro."""
        return self._key("batches")

    @property
    def super_processes(self) -> bytes:
        """Set of processes that use Pro's super_fetch: a sign of Pro."""
        return self._key("super_processes")

    def super_queues(self, identity: str) -> bytes:
        """Set of the names of a process's private lists (Pro's super_fetch)."""
        return self._key(f"{identity}:super_queues")

    def private_queue(self, identity: str, queue: str) -> bytes:
        """List of the jobs of a queue that a process with super_fetch is running (Pro 3.5+)."""
        return self._key(f"queue:sq|{identity}|{queue}")

    def batch(self, bid: str) -> bytes:
        """Hash of one Pro batch."""
        return self._key(f"b-{bid}")

    @property
    def died_batches(self) -> bytes:
        """Set of Pro batches with a dead job."""
        return self._key("batch-died")

    @property
    def fetches(self) -> bytes:
        """Set of our own: `identity|queue` of every private list that may hold jobs (reliable fetch)."""
        return self._key("sqtui:fetches")

    def fetched(self, identity: str, queue: str) -> bytes:
        """List of our own: the jobs of a queue that a Python worker with reliable fetch is running; newest first."""
        return self._key(f"sqtui:fetch:{identity}:{queue}")

    @property
    def cron_jobs(self) -> tuple[bytes, ...]:
        """Sets of the keys of sidekiq-cron's jobs: of 2.x in its usual namespace, and of 1.x."""
        return self._key("cron_jobs:default"), self._key("cron_jobs")

    def cron_job(self, key: str) -> bytes:
        """Hash of one of them; `key` is a member of `cron_jobs`."""
        return self._key(key)

    @property
    def schedules(self) -> bytes:
        """Hash of sidekiq-scheduler's jobs: name to JSON."""
        return self._key("schedules")

    def schedule_facts(self, kind: Literal["states", "last_times"]) -> bytes:
        """Hash of what sidekiq-scheduler knows of each job: JSON of whether it is on, text of when it was pushed."""
        return self._key(f"sidekiq-scheduler:{kind}")

    @property
    def unique_digests(self) -> bytes:
        """Sorted set of the locks of sidekiq-unique-jobs."""
        return self._key("uniquejobs:digests")

    @property
    def failures(self) -> bytes:
        """Sorted set of the failed jobs that sidekiq-failures keeps."""
        return self._key("failed")

    # ---- Ours: what operations keep on the server while they run, and for undo (operations-safety 4)

    @property
    def own(self) -> bytes:
        """How every key of ours begins."""
        return self._own

    def _ours(self, name: str) -> bytes:
        return self._own + to_bytes(name)

    @property
    def operations(self) -> bytes:
        """Sorted set of the ids of operations by their start: the only way to find what follows."""
        return self._ours("ops")

    def operation(self, id: str, generation: int = 1) -> bytes:
        """Hash: the record of an operation, without a TTL while it is open."""
        return self._ours(f"op:{id}:{generation}")

    def operation_closed(self, id: str, generation: int = 1) -> bytes:
        """The same record once it is fenced: no delayed command finds it any more."""
        return self._ours(f"op:{id}:{generation}:closed")

    def stage(self, id: str, batch: str) -> bytes:
        """List or sorted set of jobs taken and not yet delivered. Never with a TTL."""
        return self._ours(f"stage:{id}:{batch}")

    def shadow(self, id: str) -> bytes:
        """List: the copy of a queue under construction; the original is whole."""
        return self._ours(f"shadow:{id}")

    def taken_out(self, id: str) -> bytes:
        """List: what the copy leaves out, until it takes the queue's place."""
        return self._ours(f"shadow:{id}:out")

    def replaced(self, id: str) -> bytes:
        """List: the queue that a copy has replaced."""
        return self._ours(f"old:{id}")

    def trash(self, id: str, part: int | None = None) -> bytes:
        """List or sorted set of what was cleared, or of at most 10,000 deleted entries."""
        return self._ours(f"trash:{id}" if part is None else f"trash:{id}:{part}")

    @property
    def trash_index(self) -> bytes:
        """Sorted set of the names of trash keys by the time they may go, in seconds."""
        return self._ours("trash")

    def lock(self, name: bytes) -> bytes:
        """String: who rebuilds a key or resumes an operation."""
        return self._own + b"lock:" + name


# How the names of keys begin that can't be computed: signs of an edition or a gem (protocol 11).
TELLING_NAMES: Final[dict[str, bytes]] = {
    "batch": b"b-",
    "private list": b"queue:sq|",
    "unique lock": b"unique:",
    "limiter": b"lmtr-",
    "throttle": b"throttled:",
    "status": b"sidekiq:status:",
}
