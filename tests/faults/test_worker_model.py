"""Pushes, failures, retries, kills, pauses, shutdowns in any order: every job is where the model says, only there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.worker.capsule import Capsule
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.connect import connector
from sidekiq_tui.sidekiq.worker.fetch import Unit
from sidekiq_tui.sidekiq.worker.poller import Poller
from sidekiq_tui.sidekiq.worker.processor import Counters, Processor, Surroundings
from sidekiq_tui.sidekiq.worker.reliable_fetch import Recovery, ReliableFetch
from sidekiq_tui.sidekiq.worker.retries import Retries
from sidekiq_tui.sidekiq.worker.writes import persist

START = 1_795_314_150.0
CONFIG = WorkerConfig(max_retries=2)
CAPSULE = CapsuleConfig()


class ModelJob(Job):
    """Fails as often as its argument says."""

    runs: ClassVar[dict[str, int]] = {}

    async def perform(self, failures: int) -> None:
        ModelJob.runs[self.jid] = ModelJob.runs.get(self.jid, 0) + 1
        if ModelJob.runs[self.jid] <= failures:
            raise ValueError("not yet")


@dataclass
class Model:
    """Where each job is, by jid."""

    queue: list[str] = field(default_factory=list)
    """The next to run first."""
    retry: dict[str, float] = field(default_factory=dict)
    schedule: dict[str, float] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    limit: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)

    def ran(self, jid: str) -> str:
        """What one more run makes of a job: its new place."""
        self.runs[jid] = self.runs.get(jid, 0) + 1
        if self.runs[jid] > self.failures[jid]:
            return "done"
        return "retry" if self.runs[jid] <= self.limit[jid] else "dead"


@dataclass
class Process:
    """A worker of the pieces that the launcher puts together, without its timers."""

    identity: str
    fetcher: ReliableFetch
    processor: Processor
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    running: list[tuple[str, Unit]] = field(default_factory=list)


class Fleet(RuleBasedStateMachine):
    """The model beside a real Redis; `url` is set by the test."""

    url: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.raw: Any = redis.Redis.from_url(self.url, protocol=2)
        self.raw.flushall()
        ModelJob.runs.clear()
        self.now = START
        self.model = Model()
        self.db = self._wait(self._connected())
        self.client = Client(self.db, time_form="milliseconds", clock=self._clock)
        self.threads = ThreadPoolExecutor(1)
        self.processes: list[Process] = []
        self.names = 0

    async def _connected(self) -> Database:
        return connector(self.url)()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def _clock(self) -> float:
        return self.now

    def teardown(self) -> None:
        for process in self.processes:
            self._wait(process.fetcher.close())
        self._wait(self.db.close())
        self.loop.close()
        self.raw.close()
        self.threads.shutdown()

    @rule(failures=st.integers(0, 4), limit=st.integers(0, 2), later=st.sampled_from([0.0, 5.0, 60.0]))
    def push(self, failures: int, limit: int, later: float) -> None:
        item: dict[str, Any] = {"class": "ModelJob", "args": [failures], "retry": limit}
        jid = self._wait(self.client.push_in(later, item))
        self.model.failures[jid], self.model.limit[jid] = failures, limit
        if later:
            self.model.schedule[jid] = self.now + later
        else:
            self.model.queue.append(jid)

    @precondition(lambda self: len(self.processes) < 3)
    @rule()
    def start(self) -> None:
        self.names += 1
        identity = f"host:{self.names}:aaaaaaaaaaaa"
        self.raw.hset(identity, "busy", 0)  # its first heartbeat
        retries = Retries(CONFIG, self.db.keys, partial(persist, self.db), clock=self._clock)
        around = Surroundings({"ModelJob": ModelJob}, clock=self._clock)
        processor = Processor(around, retries, Counters(), self.threads)
        self.processes.append(Process(identity, self._wait(self._fetcher(identity)), processor))

    async def _fetcher(self, identity: str) -> ReliableFetch:
        return ReliableFetch(connector(self.url), CAPSULE, identity)

    @precondition(lambda self: self.processes and self.model.queue)
    @rule(data=st.data(), count=st.integers(1, 4))
    def fetch(self, data: st.DataObject, count: int) -> None:
        process = data.draw(st.sampled_from(self.processes))
        if process.quiet.is_set():  # a quiet capsule takes nothing
            capsule = Capsule(CAPSULE, process.fetcher, process.processor, process.quiet)
            self._wait(capsule.run())
            return
        units = self._wait(process.fetcher.fetch(count))
        expected, self.model.queue = self.model.queue[:count], self.model.queue[count:]
        taken = [(json.loads(unit.raw)["jid"], unit) for unit in units]
        assert [jid for jid, _ in taken] == expected
        process.running += taken

    @precondition(lambda self: any(process.running for process in self.processes))
    @rule(data=st.data())
    def run(self, data: st.DataObject) -> None:
        """One of the jobs that were fetched runs to its end."""
        process = data.draw(st.sampled_from([process for process in self.processes if process.running]))
        jid, unit = process.running.pop(data.draw(st.integers(0, len(process.running) - 1)))
        self._wait(process.processor.process(unit, process.fetcher))
        self._wait(self._forgotten(process))
        place = self.model.ran(jid)
        if place == "retry":
            score = self._scores("retry")[jid]
            count = self.model.runs[jid] - 1
            assert 0 <= score - self.now - (count**4 + 15) < 10 * (count + 1)
            self.model.retry[jid] = score
        else:
            (self.model.done if place == "done" else self.model.dead).add(jid)

    async def _forgotten(self, process: Process) -> None:
        forgetting = process.fetcher._forgetting
        if forgetting is not None:
            await forgetting

    @rule(seconds=st.sampled_from([1.0, 10.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def poll(self) -> None:
        places: tuple[tuple[str, dict[str, float]], ...]
        places = (("retry", self.model.retry), ("schedule", self.model.schedule))
        due = [jid for name, _ in places for jid, at in self._scores(name).items() if at <= self.now]
        assert set(due) == {jid for _, waiting in places for jid, at in waiting.items() if at <= self.now}
        assert self._wait(Poller(CONFIG, self.db, self.client, clock=self._clock).enqueue_due()) == len(due)
        for _, waiting in places:
            for jid in due:
                waiting.pop(jid, None)
        self.model.queue += due

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.processes)).quiet.set()

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        """An orderly end: what has not run is given back."""
        process = data.draw(st.sampled_from(self.processes))
        self.processes.remove(process)
        self._wait(process.fetcher.push_back([unit for _, unit in process.running]))
        self.model.queue[:0] = [jid for jid, _ in process.running]
        self._wait(process.fetcher.close())

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """`kill -9`; a minute later Redis has forgotten the process, and somebody looks for its jobs."""
        process = data.draw(st.sampled_from(self.processes))
        self.processes.remove(process)
        self._wait(process.fetcher._db.close())
        self._wait(process.fetcher._acks.close())
        assert self._wait(Recovery(self.db).recover()) == 0, "it is still believed to live"
        self.raw.unlink(process.identity)
        assert self._wait(Recovery(self.db).recover()) == len(process.running)
        self.model.queue[:0] = [jid for jid, _ in process.running]

    def _scores(self, name: str) -> dict[str, float]:
        return {json.loads(member)["jid"]: score for member, score in self.raw.zrange(name, 0, -1, withscores=True)}

    @invariant()
    def every_job_is_in_its_place(self) -> None:
        queued = [json.loads(raw)["jid"] for raw in reversed(self.raw.lrange("queue:default", 0, -1))]
        assert queued == self.model.queue
        assert self._scores("retry") == self.model.retry
        assert self._scores("schedule") == self.model.schedule
        assert self._scores("dead").keys() == self.model.dead
        for process in self.processes:
            private = [
                json.loads(raw)["jid"] for raw in self.raw.lrange(f"sqtui:fetch:{process.identity}:default", 0, -1)
            ]
            assert sorted(private) == sorted(jid for jid, _ in process.running)
        running = {jid for process in self.processes for jid, _ in process.running}
        places = [set(queued), self.model.retry.keys(), self.model.schedule.keys(), self.model.dead, running]
        assert sum(map(len, places)) + len(self.model.done) == len(self.model.failures)
        assert ModelJob.runs == self.model.runs


def test_every_job_is_where_the_model_says(redis_url: str) -> None:
    Fleet.url = redis_url
    run_state_machine_as_test(Fleet, settings=settings(max_examples=15, stateful_step_count=35, deadline=None))
