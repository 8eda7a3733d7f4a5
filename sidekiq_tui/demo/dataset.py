"""What stands in a server of the demo at its start. The same seed gives the same data, apart from the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sidekiq_tui.demo import hostile
from sidekiq_tui.demo.extras import profiles, traces
from sidekiq_tui.demo.fleet import ghosts
from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import Command, Word, daily, metrics
from sidekiq_tui.demo.mint import Mint, chunks
from sidekiq_tui.demo.payloads import Writer, dumps
from sidekiq_tui.demo.plans import ServerPlan
from sidekiq_tui.demo.scenarios import Failures
from sidekiq_tui.sidekiq.keys import Keys

HOSTILE_QUEUE: Final = "quarantine"
DEPLOYS: Final = (
    "3f2a91c Round refunds half up",
    "b07d4e8 Upgrade Sidekiq to 8.1",
    "9c1e5aa Speed up search reindex",
    "41d0f7b Retry webhooks with jitter",
    "e88b213 Bump rails to 7.2.2 (żółć)",
)
POLLED: Final = 2.0  # jobs per second that may become due: more would be too much for the poller
_MARK_TTL: Final = 90 * 86_400  # seconds
_DAY: Final = 86_400.0  # seconds


@dataclass(slots=True)
class Dataset:
    """One server's first data. `seed` is any text; `now` is Unix seconds."""

    plan: ServerPlan
    seed: str
    now: float
    keys: Keys = field(default_factory=Keys)

    def random(self, part: str) -> Random:
        """Each part draws from numbers of its own, so that one part's size does not change the next one's content."""
        return Random(f"{self.seed}/{self.plan.name}/{part}")

    def writer(self) -> Writer:
        """Writes payloads as this server's clients do."""
        return Writer(self.plan.version)

    def base(self) -> Iterator[Command]:
        """Everything that the first screens show."""
        plan, keys = self.plan, self.keys
        fails = sum(kind.fails * kind.share for kind in plan.kinds) / sum(kind.share for kind in plan.kinds)
        yield from daily(keys, plan.rate, fails, self.random("days"), self.now)
        queues = sorted({kind.queue for kind in plan.kinds} | {name for one in plan.processes for name in one.queues})
        yield ("SADD", keys.queues, *queues)
        if plan.ghosts:
            yield from ghosts(keys, plan.processes[0], self.random("ghosts"), self.now - 3 * _DAY)
        for queue, size in plan.waiting.items():
            yield from self._waiting(queue, size)
        yield from self._failing("retry", plan.retries)
        for failures in plan.failures:
            yield self._failures(failures)
        yield from self._scheduled(plan.scheduled)
        yield from self._failing("dead", plan.dead)
        if plan.hostile:
            yield from self._hostile()
        if plan.deploys:
            yield from self._deploys()
        if plan.leader:
            yield from traces(self.keys, self.random("traces"), self.now)

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

    def _failures(self, failures: Failures) -> Command:
        """Jobs of one class that failed in the last minutes, once to three times."""
        rng, writer = self.random(f"failures {failures.name}"), self.writer()
        (kind,) = (kind for kind in self.plan.kinds if kind.name == failures.name)
        kind = replace(kind, errors=((failures.error, failures.message),))
        words: list[Word] = []
        for _ in range(failures.size):
            first = self.now - rng.uniform(1, failures.minutes * 60)
            payload = writer.job(kind, rng, first - 2.5, first - 0.4)
            for at in (first, *sorted(rng.uniform(first, self.now) for _ in range(rng.randrange(3)))):
                payload = writer.failed(payload, kind, rng, at)
            words += [repr(self.now + rng.uniform(5, 420)), dumps(payload)]
        return ("ZADD", self.keys.retry, *words)

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
            yield ("HSETNX", self.keys.marks(at.date()), at.strftime("%Y-%m-%dT%H:%M:00Z"), label)
            yield ("EXPIRE", self.keys.marks(at.date()), _MARK_TTL)
