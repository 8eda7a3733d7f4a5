"""What stands in a server of the demo at its start. The same seed gives the same data, apart from the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sidekiq_tui.demo import hostile
from sidekiq_tui.demo.extras import profiles, traces
from sidekiq_tui.demo.fleet import BEAT_TTL, Command, Running, Word, Worker, staff, thread_id
from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import daily, metrics
from sidekiq_tui.demo.mint import Mint, chunks
from sidekiq_tui.demo.payloads import Writer, dumps, loads
from sidekiq_tui.demo.plans import ServerPlan
from sidekiq_tui.sidekiq.keys import Keys

HOSTILE_QUEUE: Final = "quarantine"
DEPLOYS: Final = (
    "3f2a91c Round refunds half up",
    "b07d4e8 Upgrade Sidekiq to 8.1",
    "9c1e5aa Speed up search reindex",
    "41d0f7b Retry webhooks with jitter",
    "e88b213 Bump rails to 7.2.2 (żółć)",
)
POLLED: Final = 4.0  # jobs per second that may become due: more would be too much for the poller
_MARK_TTL: Final = 90 * 86_400  # seconds
_DAY: Final = 86_400.0  # seconds
_LONG: Final = 30.0  # seconds from which on a job is worth showing as running at the start


@dataclass(slots=True)
class Dataset:
    """One server's first data. `seed` is any text; `now` is Unix seconds."""

    plan: ServerPlan
    seed: str
    now: float
    keys: Keys = field(default_factory=Keys)
    workers: list[Worker] = field(init=False)

    def __post_init__(self) -> None:
        rng = self.random("fleet")
        self.workers = staff(self.plan.processes, rng, self.now)
        for worker in self.workers:
            for kind in self.plan.kinds:
                if kind.mean >= _LONG and kind.queue in worker.plan.queues and worker.free:
                    self._begin(worker, kind, rng)
            self._occupy(worker, rng)

    def random(self, part: str) -> Random:
        """Each part draws from numbers of its own, so that one part's size does not change the next one's content."""
        return Random(f"{self.seed}/{self.plan.name}/{part}")

    def writer(self) -> Writer:
        """Writes payloads as this server's clients do."""
        return Writer(self.plan.version)

    def _begin(self, worker: Worker, kind: JobKind, rng: Random) -> None:
        began = self.now - rng.uniform(5, kind.mean * 0.8)
        payload = dumps(self.writer().job(kind, rng, began - 40, began - 2))
        ends = self.now + rng.uniform(20, kind.mean)
        worker.running[thread_id(rng)] = Running(kind.queue, payload, began, ends, kind, fails=False)

    def _occupy(self, worker: Worker, rng: Random) -> None:
        """Short jobs that happen to run at the first beat."""
        kinds = [kind for kind in self.plan.kinds if kind.queue in worker.plan.queues and kind.mean < _LONG]
        busy = min(self.plan.rate * 0.1, worker.free * 0.8)
        if kinds and not worker.quiet and not worker.plan.embedded:
            for kind in rng.choices(kinds, [kind.share for kind in kinds], k=round(busy)):
                payload = dumps(self.writer().job(kind, rng, self.now - 2, self.now - 1))
                worker.recent.append((kind.queue, payload))

    def base(self) -> Iterator[Command]:
        """Everything that the first screens show."""
        plan, keys = self.plan, self.keys
        fails = sum(kind.fails * kind.share for kind in plan.kinds) / sum(kind.share for kind in plan.kinds)
        yield from daily(keys, plan.rate, fails, self.random("days"), self.now)
        queues = sorted({kind.queue for kind in plan.kinds} | {name for one in plan.processes for name in one.queues})
        yield ("SADD", keys.queues, *queues)
        if plan.paused:
            yield ("SADD", keys.paused, *plan.paused)
        yield from self._processes()
        for queue, size in plan.waiting.items():
            yield from self._waiting(queue, size)
        yield from self._failing("retry", plan.retries)
        yield from self._scheduled(plan.scheduled)
        yield from self._failing("dead", plan.dead)
        if plan.hostile:
            yield from self._hostile()
        if plan.deploys:
            yield from self._deploys()
        if plan.leader:
            yield from traces(self.keys, self.workers, self.random("traces"), self.now)

    def more(self) -> Iterator[Command]:
        """Metrics, which no first screen needs."""
        plan = self.plan
        new = self.writer().milliseconds
        yield from metrics(
            self.keys, plan.kinds, plan.rate, plan.metrics_minutes, self.random("metrics"), self.now, new
        )
        if plan.deploys:
            yield from profiles(self.keys, plan.kinds, self.random("profiles"), self.now)

    def bulk(self) -> Iterator[tuple[int, Command]]:
        """The further jobs that --jobs asks for, as commands with the number of jobs in each."""
        for place, size in self.plan.bulk.items():
            if place == "schedule":
                commands = self._scheduled(size, part="bulk schedule")
            elif place == "retry":
                commands = self._failing("retry", size, part="bulk retry")
            else:
                commands = self._waiting(place, size, part="bulk queue")
            yield from zip(chunks(size), commands, strict=True)

    def _processes(self) -> Iterator[Command]:
        rng, keys = self.random("beats"), self.keys
        for worker in self.workers:
            yield ("SADD", keys.processes, worker.identity)
            work = [word for pair in worker.work(self.now, rng) for word in pair]
            yield worker.hash(keys, self.now - rng.uniform(0, 9), len(work) // 2, rng)
            yield ("EXPIRE", keys.process(worker.identity), BEAT_TTL)
            if work:
                yield ("HSET", keys.work(worker.identity), *work)
                yield ("EXPIRE", keys.work(worker.identity), BEAT_TTL)
            for job in worker.running.values():
                yield from self._iteration(job, rng)
        if self.plan.leader:
            yield ("SET", keys.leader, self.workers[0].identity, "EX", BEAT_TTL)
        if self.plan.ghosts:
            yield from self._ghosts(rng)

    def _iteration(self, job: Running, rng: Random) -> Iterator[Command]:
        if job.kind.iterable:
            key = self.keys.iteration(str((loads(job.payload) or {}).get("jid")))
            yield ("HSET", key, "ex", 1, "c", str(rng.randrange(400, 60_000)), "rt", "0")
            yield ("EXPIRE", key, 30 * 86_400)

    def _ghosts(self, rng: Random) -> Iterator[Command]:
        """What processes leave behind: a hash that lost its expiry three days ago, and a name without a hash."""
        (ghost,) = staff(self.plan.processes[:1], rng, self.now - 3 * _DAY)
        yield ("SADD", self.keys.processes, ghost.identity, f"shop-app-9:77:{rng.getrandbits(48):012x}")
        yield ghost.hash(self.keys, self.now - 3 * _DAY, 0, rng)

    def _kinds_of(self, queue: str) -> list[JobKind]:
        return [kind for kind in self.plan.kinds if kind.queue == queue] or list(self.plan.kinds)

    def _waiting(self, queue: str, size: int, part: str = "queue") -> Iterator[Command]:
        """A queue's jobs, newest first; the oldest waits as long as its backlog takes to come in."""
        rng = self.random(f"{part} {queue}")
        mint = Mint(self.writer(), self._kinds_of(queue), rng)
        pace = 40.0 if queue in self.plan.paused else max(0.05, 2.0 / self.plan.rate)
        at = self.now - (self.plan.waiting.get(queue, 0) * pace if part != "queue" else 0.0)
        for chunk in chunks(size):
            jobs = []
            for mold in mint.batch(chunk):
                at -= rng.uniform(0, pace)
                jobs.append(mint.strike(mold, at - 0.0004, at))
            yield ("RPUSH", self.keys.queue(queue), *jobs)

    def _failing(self, name: str, size: int, part: str = "set") -> Iterator[Command]:
        """Jobs of the retry set (next try ahead) or the dead set (died in the last 90 days, a third of them today)."""
        rng = self.random(f"{part} {name}")
        dead = name == "dead"
        mint = Mint(self.writer(), self.plan.kinds, rng, "dead" if dead else "retrying")
        spread = max(2_400.0, size / POLLED)
        key = self.keys.dead if dead else self.keys.retry
        for chunk in chunks(size):
            words: list[Word] = []
            for mold in mint.batch(chunk):
                span = rng.uniform(60, _DAY) if rng.random() < 0.3 else rng.uniform(_DAY, 90 * _DAY)
                last = self.now - (span if dead else rng.uniform(5, 7_200))
                first = last - (rng.uniform(_DAY, 20 * _DAY) if dead else rng.uniform(60, 40_000))
                score = last if dead else self.now + rng.expovariate(1 / spread) + 2
                words += [repr(score), mint.strike(mold, first - 1.5, last - 0.6, first, last)]
            yield ("ZADD", key, *words)

    def _scheduled(self, size: int, part: str = "set") -> Iterator[Command]:
        """Jobs due from seconds to a month ahead."""
        rng = self.random(f"{part} schedule")
        mint = Mint(self.writer(), self.plan.kinds, rng, "scheduled")
        spread = max(5_400.0, size / POLLED)
        for chunk in chunks(size):
            words: list[Word] = []
            for mold in mint.batch(chunk):
                ahead = rng.expovariate(1 / spread) if rng.random() < 0.7 else rng.uniform(_DAY, 30 * _DAY)
                words += [repr(self.now + 3 + ahead), mint.strike(mold, self.now - rng.uniform(1, 80_000), 0.0)]
            yield ("ZADD", self.keys.schedule, *words)

    def _hostile(self) -> Iterator[Command]:
        """Hostile jobs in a queue that nobody serves, and some in each set, far from being due."""
        jobs = hostile.payloads(self.writer().stamp(self.now - 600), HOSTILE_QUEUE)
        yield ("SADD", self.keys.queues, HOSTILE_QUEUE)
        yield ("LPUSH", self.keys.queue(HOSTILE_QUEUE), *jobs)
        some = jobs[:6] + jobs[-4:]
        for key, first in ((self.keys.retry, self.now + _DAY), (self.keys.schedule, self.now + 2 * _DAY)):
            yield ("ZADD", key, *(word for at, job in enumerate(some) for word in (repr(first + at), job)))
        yield (
            "ZADD",
            self.keys.dead,
            *(word for at, job in enumerate(some) for word in (repr(self.now - 30 - at), job)),
        )

    def _deploys(self) -> Iterator[Command]:
        for number, label in enumerate(DEPLOYS):
            at = datetime.fromtimestamp(self.now, UTC) - timedelta(hours=0.7 + number * 19)
            yield deploy_mark(self.keys, at, label)
            yield ("EXPIRE", self.keys.marks(at.date()), _MARK_TTL)


def deploy_mark(keys: Keys, at: datetime, label: str) -> Command:
    """The command that marks a deploy at that minute."""
    return ("HSETNX", keys.marks(at.date()), at.strftime("%Y-%m-%dT%H:%M:00Z"), label)
