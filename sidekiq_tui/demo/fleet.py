"""The Sidekiq processes of one server: what they write at each heartbeat, and which jobs they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import DAY_TTL, bucket_of, count_histogram, count_rollups
from sidekiq_tui.demo.payloads import NEW_FORM, dumps
from sidekiq_tui.demo.plans import ProcessPlan
from sidekiq_tui.sidekiq.keys import Keys

Word = str | bytes | int | float
Command = tuple[Word, ...]
Handler = Callable[[object], None]
Request = tuple[Command, Handler | None]

BEAT: Final = 10.0  # seconds between heartbeats
BEAT_TTL: Final = 60  # seconds
RELIABLE: Final = "reliable"  # the label of processes with Pro's super_fetch
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Running:
    """A job in progress. Times are Unix seconds."""

    queue: str
    payload: bytes
    run_at: float
    ends_at: float
    kind: JobKind
    fails: bool


@dataclass(slots=True)
class Worker:
    """One living process."""

    plan: ProcessPlan
    identity: str
    pid: int
    started_at: float
    next_beat: float
    rss: int
    quiet: bool = False
    ends_at: float | None = None
    running: dict[str, Running] = field(default_factory=dict)
    recent: list[tuple[str, bytes]] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)  # milliseconds of successful runs
    buckets: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def free(self) -> int:
        """Threads without a long job."""
        return max(0, self.plan.concurrency - len(self.running))

    def count(self, kind: JobKind, seconds: float, failed: bool) -> None:
        """Remember a finished run until the next beat."""
        self.runs[kind.metric] += 1
        if failed:
            self.failures[kind.metric] += 1
            return
        self.spent[kind.metric] += int(seconds * 1000)
        self.buckets[kind.metric, bucket_of(seconds * 1000)] += 1

    def info(self) -> bytes:
        """The `info` field, as this version writes it (protocol 6.1)."""
        plan = self.plan
        info: dict[str, object] = {
            "hostname": plan.host, "started_at": self.started_at, "pid": self.pid, "tag": plan.tag,
        }  # fmt: skip
        if self._new:
            info["capsules"] = {
                one.name: {"concurrency": one.concurrency, "mode": one.mode, "weights": dict(one.weights)}
                for one in plan.capsules
            }
        else:
            info["concurrency"] = plan.concurrency
        return dumps(
            info
            | {
                "queues": list(plan.queues),
                "weights": [dict(one.weights) for one in plan.capsules],
                "labels": list(plan.labels),
                "identity": self.identity,
                "version": plan.version,
                "embedded": plan.embedded,
            }
        )

    @property
    def _new(self) -> bool:
        return int(plan_major(self.plan.version)) >= NEW_FORM

    def hash(self, keys: Keys, now: float, busy: int, rng: Random) -> Command:
        """The command that writes the process's hash."""
        fields: list[Word] = ["info", self.info(), "busy", busy]
        if self._new:
            fields += ["concurrency", self.plan.concurrency]
        quiet = "true" if self.quiet else "false"
        fields += ["beat", repr(now), "quiet", quiet, "rss", self.rss, "rtt_us", rng.randrange(90, 700)]
        return ("HSET", keys.process(self.identity), *fields)

    def work(self, now: float, rng: Random) -> Iterator[tuple[str, bytes]]:
        """Field and value of each job in progress: the long ones, and some of the short ones just fetched."""
        for tid, job in self.running.items():
            yield tid, dumps({"queue": job.queue, "payload": text(job.payload), "run_at": int(job.run_at)})
        for queue, payload in self.recent[: self.free]:
            yield thread_id(rng), dumps({"queue": queue, "payload": text(payload), "run_at": int(now)})

    def beat(
        self, keys: Keys, now: float, rng: Random, on_signal: Callable[[Worker, bytes], None]
    ) -> Iterator[Request]:
        """One heartbeat: counters in a lump, jobs in progress, the hash, a waiting signal (protocol 6.2)."""
        yield from self._flush(keys, now)
        work = [word for pair in self.work(now, rng) for word in pair]
        key = keys.work(self.identity)
        yield ("UNLINK", key), None
        if work:
            yield ("HSET", key, *work), None
            yield ("EXPIRE", key, BEAT_TTL), None
        self.rss = max(180_000, self.rss + rng.randrange(-900, 1_000))
        yield ("SADD", keys.processes, self.identity), None
        yield self.hash(keys, now, len(work) // 2, rng), None
        yield ("EXPIRE", keys.process(self.identity), BEAT_TTL), None

        def signal(reply: object) -> None:
            if isinstance(reply, bytes):
                on_signal(self, reply)

        yield ("RPOP", keys.signals(self.identity)), signal
        self.recent.clear()
        self.next_beat = now + BEAT

    def _flush(self, keys: Keys, now: float) -> Iterator[Request]:
        moment = datetime.fromtimestamp(now, UTC)
        processed, failed = self.runs.total(), self.failures.total()
        for total, day, by in (
            (keys.stat_processed, keys.stat_day("processed", moment.date()), processed),
            (keys.stat_failed, keys.stat_day("failed", moment.date()), failed),
        ):
            if by:
                yield ("INCRBY", total, by), None
                yield ("INCRBY", day, by), None
                yield ("EXPIRE", day, DAY_TTL), None
        if processed:
            counts = {f"{name}|p": by for name, by in self.runs.items()}
            counts |= {f"{name}|f": by for name, by in self.failures.items()}
            counts |= {f"{name}|ms": by for name, by in self.spent.items()}
            yield from ((command, None) for command in count_rollups(keys, moment, counts, self._new))
            for (name, bucket), by in self.buckets.items():
                yield from ((one, None) for one in count_histogram(keys, moment, name, bucket, by, self._new))
        for counter in (self.runs, self.failures, self.spent):
            counter.clear()
        self.buckets.clear()

    def leave(self, keys: Keys, now: float) -> Iterator[Request]:
        """A graceful stop: counters flushed, unfinished jobs put back to run next; the hash is left to expire."""
        yield from self._flush(keys, now)
        for job in self.running.values():
            yield ("RPUSH", keys.queue(job.queue), job.payload), None
        yield ("SREM", keys.processes, self.identity), None
        yield ("UNLINK", keys.work(self.identity)), None


def plan_major(version: str) -> int:
    """8 for "8.1.7"."""
    return int(version.split(".", 1)[0])


def text(payload: bytes) -> str:
    """A payload as the string that busy data hold; Ruby would have refused bytes that are not UTF-8."""
    return payload.decode(errors="replace")


def thread_id(rng: Random) -> str:
    """A thread id, as Sidekiq makes them: a number to the base of 36."""
    return "".join(rng.choice(_DIGITS) for _ in range(4))


def start(plan: ProcessPlan, rng: Random, started_at: float, first_beat: float) -> Worker:
    """A new process."""
    pid = rng.randrange(1_000, 32_000)
    return Worker(
        plan=plan,
        identity=f"{plan.host}:{pid}:{rng.getrandbits(48):012x}",
        pid=pid,
        started_at=started_at,
        next_beat=first_beat,
        rss=rng.randrange(240_000, 620_000),
        quiet=plan.quiet,
    )


def staff(plans: tuple[ProcessPlan, ...], rng: Random, now: float) -> list[Worker]:
    """The processes of a server, started hours ago, beating one after the other."""
    return [
        start(plan, rng, now - rng.uniform(1_800, 400_000), now + BEAT * (at + 1) / len(plans))
        for at, plan in enumerate(plans)
    ]
