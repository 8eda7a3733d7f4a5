"""Simple traffic that moves the numbers: jobs come, run, fail, retry, die; processes beat, obey signals, get deployed.

Nothing is executed: a job "runs" by being taken from its queue and, if it is a long one, by sitting in busy data.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Final

from sidekiq_tui.demo.dataset import DEPLOYS, Dataset, deploy_mark
from sidekiq_tui.demo.extras import join, part
from sidekiq_tui.demo.fleet import BEAT_TTL, Command, Handler, Request, Running, Worker, start, thread_id
from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import poisson, trouble, wave
from sidekiq_tui.demo.payloads import Payload, Writer, dumps, loads, max_retries, retry_delay
from sidekiq_tui.demo.plans import ProcessPlan
from sidekiq_tui.sidekiq.keys import Keys

HEADROOM: Final = 1.2  # how much more than what usually comes the processes can take
CATCH_UP: Final = 0.02  # share of a backlog worked off each second, as long as threads are free
MOST: Final = 2.7  # how much more than what usually comes they can take at most
LONG: Final = 2.0  # seconds; a job that runs longer holds a thread over more than one tick
POLL_EVERY: Final = 3.0  # seconds between looks at the retry and scheduled sets, as in Sidekiq's poller
POLL_LIMIT: Final = 25  # jobs taken from a set at once
BURST_EVERY: Final = 150.0  # seconds
BURST: Final = 25.0  # seconds' worth of the server's jobs that come in one burst
DEPLOY_EVERY: Final = 480.0  # seconds
BOOT: Final = 8.0  # seconds from a process's end to its successor's first beat
RETRY_FAILS: Final = 0.35  # how likely a retried job fails again
DEAD_JOBS: Final = 10_000  # what Sidekiq keeps
DEAD_AGE: Final = 180 * 86_400  # seconds that Sidekiq keeps it
TAKE_LIMIT: Final = 500  # jobs taken from one queue in one tick

# What Sidekiq's poller does, many at once: the lowest members that are due, removed and returned (protocol 15.5).
_TAKE_DUE: Final = (
    "local due = redis.call('zrange', KEYS[1], '-inf', ARGV[1], 'byscore', 'limit', 0, ARGV[2]) "
    "if #due > 0 then redis.call('zrem', KEYS[1], unpack(due)) end return due"
)


class Traffic:
    """The life of one server. `tick` gives what to send now; each reply goes to its handler before the next tick."""

    def __init__(self, dataset: Dataset) -> None:
        self.plan = dataset.plan
        self.keys: Keys = dataset.keys
        self.workers = dataset.workers
        self._rng: Random = dataset.random("traffic")
        self._writer: Writer = dataset.writer()
        self._kinds: dict[str, JobKind] = {}
        self._by_queue: dict[str, list[JobKind]] = {}
        for kind in self.plan.kinds:
            self._kinds[kind.metric] = self._kinds[kind.name] = kind
            self._by_queue.setdefault(kind.queue, []).append(kind)
        self._shares = sum(kind.share for kind in self.plan.kinds)
        self._outbox: list[Request] = []
        self._sizes = dict(self.plan.waiting)
        self._replacements: list[tuple[float, ProcessPlan]] = []
        self._last = dataset.now
        self._next_poll = dataset.now + self._rng.uniform(0, POLL_EVERY)
        self._next_burst = dataset.now + BURST_EVERY / 3
        self._next_deploy = dataset.now + DEPLOY_EVERY
        self._deploys = 0

    def tick(self, now: float) -> list[Request]:
        """The commands of the time since the last tick, and who wants the replies. `now` is Unix seconds."""
        seconds = min(5.0, max(0.0, now - self._last))  # after a suspended machine wakes there is no flood
        self._last = now
        requests, self._outbox = self._outbox, []
        requests += self._arrivals(now, seconds)
        requests += self._departures(now, seconds)
        requests += self._finish(now)
        if now >= self._next_poll:
            self._next_poll = now + POLL_EVERY
            requests += self._due(now)
        requests += self._processes(now)
        return requests

    def _arrivals(self, now: float, seconds: float) -> Iterator[Request]:
        rng, rate = self._rng, self.plan.rate * wave(now)
        burst = now >= self._next_burst
        if burst:
            self._next_burst = now + BURST_EVERY * rng.uniform(0.7, 1.4)
        for queue, kinds in self._by_queue.items():
            share = sum(kind.share for kind in kinds)
            count = poisson(rate * seconds * share / self._shares, rng)
            if burst and queue == self.plan.bursts:
                count += int(rate * BURST)
            if count:
                picked = rng.choices(kinds, [kind.share for kind in kinds], k=count)
                jobs = [dumps(self._writer.job(kind, rng, now - rng.random() * 0.01, now)) for kind in picked]
                yield ("LPUSH", self.keys.queue(queue), *jobs), self._measurer(queue)
        if rng.random() < 0.02 * rate * seconds:
            kind = rng.choices(self.plan.kinds, [kind.share for kind in self.plan.kinds])[0]
            later = repr(now + rng.uniform(20, 1_800))
            yield ("ZADD", self.keys.schedule, later, dumps(self._writer.job(kind, rng, now, None))), None

    def _measurer(self, queue: str) -> Handler:
        def measure(reply: object) -> None:
            if isinstance(reply, int):
                self._sizes[queue] = reply

        return measure

    def _departures(self, now: float, seconds: float) -> Iterator[Request]:
        """Take jobs from the queues, no more than their processes can run."""
        for queue, kinds in self._by_queue.items():
            serving = self._serving(queue)
            if queue in self.plan.paused or not any(worker.free for worker in serving):
                continue
            usual = self.plan.rate * sum(kind.share for kind in kinds) / self._shares
            pace = min(usual * HEADROOM + self._sizes.get(queue, 0) * CATCH_UP, usual * MOST)
            room = poisson(pace * seconds, self._rng)
            if all(kind.mean > LONG for kind in kinds):
                room = min(1, sum(worker.free for worker in serving))
            if room:
                taking = ("RPOP", self.keys.queue(queue), min(room, TAKE_LIMIT))
                yield taking, self._runner(queue, now)

    def _serving(self, queue: str) -> list[Worker]:
        return [one for one in self.workers if not one.quiet and queue in one.plan.queues and not one.plan.embedded]

    def _runner(self, queue: str, now: float) -> Handler:
        def run(reply: object) -> None:
            if isinstance(reply, list):
                for payload in reply:
                    self._run(queue, payload, now)

        return run

    def _run(self, queue: str, raw: bytes, now: float) -> None:
        job = loads(raw)
        serving = self._serving(queue)
        if job is None:
            self._bury(raw, now)
            return
        if not serving:  # its last process went quiet between the two ticks
            self._outbox.append((("RPUSH", self.keys.queue(queue), raw), None))
            return
        worker = self._rng.choice(serving)
        kind = self._kinds.get(str(job.get("wrapped", job["class"])), self._by_queue[queue][0])
        seconds = kind.mean * self._rng.lognormvariate(-0.18, 0.6)
        fails = self._rng.random() < self._chance(kind, job, now)
        if seconds > LONG and worker.free:
            running = Running(queue, raw, now, now + seconds, kind, fails)
            worker.running[thread_id(self._rng)] = running
            return
        if now - worker.next_beat > -seconds * 2:
            worker.recent.append((queue, raw))
        worker.count(kind, seconds, fails)
        if fails:
            self._fail(job, kind, now)

    def _chance(self, kind: JobKind, job: Payload, now: float) -> float:
        if "retry_count" in job:
            return RETRY_FAILS
        return min(0.5, kind.fails * (6 if self.plan.storms and trouble(now) else 1))

    def _fail(self, job: Payload, kind: JobKind, now: float) -> None:
        if job.get("retry") is False:
            return
        after = self._writer.failed(job, kind, self._rng, now)
        if after["retry_count"] >= max_retries(job):
            self._bury(dumps(after), now)
        else:
            again = repr(now + retry_delay(after["retry_count"], self._rng))
            self._outbox.append((("ZADD", self.keys.retry, again, dumps(after)), None))

    def _bury(self, raw: bytes, now: float) -> None:
        """Put a job among the dead, and trim them as Sidekiq does."""
        dead = self.keys.dead
        self._outbox.append((("ZADD", dead, repr(now), raw), None))
        self._outbox.append((("ZREMRANGEBYSCORE", dead, "-inf", repr(now - DEAD_AGE)), None))
        self._outbox.append((("ZREMRANGEBYRANK", dead, 0, -DEAD_JOBS - 1), None))

    def _finish(self, now: float) -> Iterator[Request]:
        """End the long jobs whose time is up."""
        for worker in self.workers:
            for tid in [tid for tid, job in worker.running.items() if job.ends_at <= now]:
                job = worker.running.pop(tid)
                worker.count(job.kind, now - job.run_at, job.fails)
                payload = loads(job.payload)
                if payload and job.fails:
                    self._fail(payload, job.kind, now)
                elif payload and job.kind.iterable:
                    yield ("UNLINK", self.keys.iteration(str(payload.get("jid")))), None

    def _due(self, now: float) -> Iterator[Request]:
        if not any(not worker.quiet for worker in self.workers):
            return
        for key in (self.keys.retry, self.keys.schedule):
            yield ("EVAL", _TAKE_DUE, 1, key, repr(now), POLL_LIMIT), self._enqueue

    def _enqueue(self, reply: object) -> None:
        for raw in reply if isinstance(reply, list) else ():
            job = loads(raw)
            if job is not None and isinstance(job.get("queue"), str):
                job["enqueued_at"] = self._writer.stamp(self._last)
                self._outbox.append((("SADD", self.keys.queues, job["queue"]), None))
                self._outbox.append((("LPUSH", self.keys.queue(job["queue"]), dumps(job)), None))

    def _processes(self, now: float) -> Iterator[Request]:
        for worker in list(self.workers):
            if worker.ends_at is not None and worker.ends_at <= now:
                self.workers.remove(worker)
                self._replacements.append((now + BOOT, worker.plan))
                yield from ((command, None) for command in part(self.keys, worker))
                yield from worker.leave(self.keys, now)
            elif worker.next_beat <= now:
                yield from ((command, None) for command in join(self.keys, worker))
                yield from worker.beat(self.keys, now, self._rng, self._signal)
        for due, plan in [one for one in self._replacements if one[0] <= now]:
            self._replacements.remove((due, plan))
            self.workers.append(start(plan, self._rng, now, now))
        if self.plan.leader and self.workers and self.workers[0].next_beat > now + BEAT_TTL / 6 - 1:
            yield ("SET", self.keys.leader, self.workers[0].identity, "EX", BEAT_TTL), None
        if self.plan.deploys and now >= self._next_deploy:
            self._next_deploy = now + DEPLOY_EVERY
            yield self._deploy(now)

    def _signal(self, worker: Worker, name: bytes) -> None:
        """Do what a real process does on the signals that a manager may send (protocol 6.5)."""
        if worker.plan.embedded:
            return
        if name == b"TSTP":
            worker.quiet = True
        elif name in (b"TERM", b"INT"):
            worker.quiet = True
            worker.ends_at = self._last + 2

    def _deploy(self, now: float) -> Request:
        """Mark a deploy and restart the processes one after the other."""
        label = DEPLOYS[self._deploys % len(DEPLOYS)]
        self._deploys += 1
        for at, worker in enumerate(self.workers):
            if not worker.plan.embedded:
                worker.ends_at = now + 5 * (at + 1)
        command: Command = deploy_mark(self.keys, datetime.fromtimestamp(now, UTC), label)
        return command, None
