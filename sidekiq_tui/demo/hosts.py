"""One host of the demo: a real worker under that host's name, started again when its scenario says so."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.demo.apps.base import OfKind, World, registered
from sidekiq_tui.demo.extras import RELIABLE, join, part
from sidekiq_tui.demo.payloads import dumps
from sidekiq_tui.demo.plans import ServerPlan
from sidekiq_tui.demo.scenarios import BOOT, RESTART, Deploy
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job_class import Job, ServerChain
from sidekiq_tui.sidekiq.middleware import Next
from sidekiq_tui.sidekiq.replies import members
from sidekiq_tui.sidekiq.stats import names_command
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.fetch import BasicFetch, Unit
from sidekiq_tui.sidekiq.worker.launcher import Worker

TIMEOUT: Final = 6.0  # seconds that a stopping worker waits for its jobs
BEAT: Final = 10.0  # seconds, as Sidekiq has it
APART: Final = 0.03  # share of a beat by which each host's is shorter, so that they do not all beat at once for long
LOOK: Final = 2.0  # seconds between two looks at which queues are paused
SIGNS: Final = 10.0  # seconds between two writes of the signs of Sidekiq Pro
LEADER_TTL: Final = 60  # seconds

Connect = Callable[[], Database]


class PausingFetch(BasicFetch):
    """Leaves paused queues alone, as the workers of Sidekiq Pro do."""

    def __init__(self, connect: Connect, capsule: CapsuleConfig) -> None:
        super().__init__(connect, capsule)
        self._all = capsule
        self._looked = -math.inf

    async def fetch(self, count: int) -> list[Unit]:
        """As always, but from the queues that are not paused."""
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            paused = members(await self._db.command(*names_command(self._db.keys.paused))) or ()
            left = tuple(one for one in self._all.queues if one[0] not in paused)
            self._capsule = replace(self._all, queues=left)
        if not self._capsule.queues:
            await asyncio.sleep(1)
            return []
        return await super().fetch(count)


@dataclass(frozen=True, slots=True)
class Restart:
    """A restart that a deploy asks for, `at` seconds from the start."""

    at: float
    deploy: Deploy

    def after(self, elapsed: float) -> Restart | None:
        """The same or, if that is over, the next one; None if there is none."""
        restart: Restart | None = self
        while restart is not None and restart.at <= elapsed:
            later = restart.at + self.deploy.every
            restart = replace(restart, at=later) if later < math.inf else None
        return restart


class Host:
    """One host of a server. `number` is its place among the hosts, `began` the demo's start in Unix seconds."""

    def __init__(
        self, server: ServerPlan, number: int, connect: Connect, *, seed: str, began: float, again: bool = False
    ) -> None:
        """`again`: the host was there before, and comes back."""
        self._server = server
        self._number = number
        self._plan = server.processes[number]
        self._connect = connect
        self._classes = registered(server.jobs)
        self._world = World(server.scenario, f"{seed}/{server.name}", began)
        self._leads = server.leader and number == 0
        self._quiet = self._plan.quiet and not again
        self._version = self._plan.version
        self._restarts: list[Restart] = []
        self._held: dict[str, tuple[str, bytes]] = {}
        for restart in restarts(server, number):
            coming = restart.after(time.time() - began)
            if coming is not None and not self._plan.embedded:
                self._restarts.append(coming)
            elif coming is None:
                self._got(restart.deploy)

    async def live(self) -> None:
        """Work, from start to start. Ends when the worker was stopped and nobody brings it back."""
        while True:
            deploy = await self._work()
            if deploy is not None:
                self._got(deploy)
                await asyncio.sleep(BOOT)
            elif self._server.scenario.restarts:
                await asyncio.sleep(RESTART)
            else:
                return
            self._quiet = False

    def _got(self, deploy: Deploy) -> None:
        self._world = replace(self._world, released=True)
        self._version = deploy.version or self._version

    async def _work(self) -> Deploy | None:
        """One worker's life. What has ended it: a deploy, or (None) somebody from outside."""
        worker = Worker(
            self._config(),
            self._connect,
            classes=self._classes,
            middleware=ServerChain(self._around),
            fetcher=PausingFetch if RELIABLE in self._plan.labels else None,
        )
        if self._quiet:
            worker.quiet()
        deployed: list[Deploy] = []
        others = [asyncio.create_task(self._deploys(worker, deployed)), asyncio.create_task(self._signs(worker))]
        try:
            await worker.run()
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        return deployed[0] if deployed else None

    def _config(self) -> WorkerConfig:
        plan = self._plan
        capsules = tuple(CapsuleConfig(one.name, one.concurrency, tuple(one.weights.items())) for one in plan.capsules)
        return WorkerConfig(
            capsules=capsules,
            timeout=TIMEOUT,
            beat_interval=BEAT * (1 - APART * self._number),
            tag=plan.tag,
            labels=plan.labels,
            version=self._version,
            hostname=plan.host,
            embedded=plan.embedded,
        )

    async def _around(self, job: Job, payload: Mapping[str, object], queue: str, call_next: Next[object]) -> object:
        """Server middleware: tells the job where it runs, and notes that it does."""
        if isinstance(job, OfKind):
            count = payload.get("retry_count")
            job.world = self._world
            job.tries = count + 1 if isinstance(count, int) else 0
        if RELIABLE not in self._plan.labels:
            return await call_next()
        self._held[job.jid] = (queue, dumps(payload))
        try:
            return await call_next()
        finally:
            self._held.pop(job.jid, None)

    async def _deploys(self, worker: Worker, deployed: list[Deploy]) -> None:
        if self._restarts:
            restart = min(self._restarts, key=lambda one: one.at)
            await asyncio.sleep(max(0.0, self._world.began + restart.at - time.time()))
            self._restarts.remove(restart)
            if (later := restart.after(restart.at)) is not None:
                self._restarts.append(later)
            deployed.append(restart.deploy)
            worker.stop()

    async def _signs(self, worker: Worker) -> None:
        """Write what only Pro and Enterprise have: a leader, and lists of the jobs in progress."""
        if not self._leads and RELIABLE not in self._plan.labels:
            return
        db = self._connect()
        try:
            while True:
                with contextlib.suppress(SidekiqError):
                    await db.pipeline(list(self._said(db, worker)))
                await asyncio.sleep(SIGNS)
        finally:
            if RELIABLE in self._plan.labels:
                with contextlib.suppress(SidekiqError):
                    await db.pipeline(list(part(db.keys, worker.identity, self._plan.queues)))
            await db.close()

    def _said(self, db: Database, worker: Worker) -> Iterator[Command]:
        if self._leads:
            yield ("SET", db.keys.leader, worker.identity, "EX", LEADER_TTL)
        if RELIABLE in self._plan.labels:
            yield from join(db.keys, worker.identity, self._plan.queues, list(self._held.values()))


def restarts(server: ServerPlan, number: int) -> Iterator[Restart]:
    """When the deploys of the scenario restart a host: one host after the other."""
    for deploy in server.scenario.deploys:
        yield Restart(deploy.at + deploy.roll * (number + 1), deploy)
