"""What all jobs of the demo have in common: their kind, and the work they make believe to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sidekiq_tui.demo.apps.frames import fail
from sidekiq_tui.demo.fate import Run, fate
from sidekiq_tui.demo.jobs import JobKind, options_of
from sidekiq_tui.demo.payloads import WRAPPERS
from sidekiq_tui.demo.scenarios import Scenario
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.worker.iterable import IterableJob

MAILER: Final = "ActionMailer::MailDeliveryJob"
STEP: Final = 3.0
"""Seconds that a step of an iterable job takes, about."""


@dataclass(frozen=True, slots=True)
class World:
    """Where and when a job runs. `began` is the demo's start in Unix seconds."""

    scenario: Scenario
    seed: str
    began: float
    released: bool = False
    """Whether the host has got the scenario's deploy."""

    def run(self, kind: JobKind, jid: str, tries: int) -> Run:
        """What becomes of a run that begins now."""
        elapsed = time.time() - self.began
        return fate(kind, self.scenario, seed=self.seed, jid=jid, tries=tries, elapsed=elapsed, released=self.released)


class OfKind(Job, abstract=True):
    """A job of one kind. `world` and `tries` are set before it is performed."""

    kind: ClassVar[JobKind]
    world: World
    tries: int = 0

    def __init_subclass__(cls, *, kind: JobKind | None = None, abstract: bool = False) -> None:
        if kind is not None:
            cls.kind = kind
            cls.sidekiq_class = kind.name
            cls.sidekiq_options = options_of(kind)
        super().__init_subclass__(abstract=abstract)

    def run(self) -> Run:
        """What becomes of this run."""
        return self.world.run(self.kind, self.jid, self.tries)


class AppJob(OfKind, abstract=True):
    """Waits as a call to a service would, and fails as it would."""

    async def perform(self, *args: Any) -> Any:
        """Takes its time; fails now and then."""
        run = self.run()
        await asyncio.sleep(run.seconds)
        if run.error is not None:
            fail(*run.error)


class ThreadJob(OfKind, abstract=True):
    """The same as a plain function, which runs in a thread."""

    def perform(self, *args: Any) -> Any:
        """Takes its time; fails now and then."""
        run = self.run()
        time.sleep(run.seconds)
        if run.error is not None:
            fail(*run.error)


class StepsJob(OfKind, IterableJob, abstract=True):
    """The same in steps, each a few seconds long; what fails does so half way."""

    def build_enumerator(self, *args: Any, cursor: int | None) -> Iterator[tuple[int, int]]:
        """The steps that are left; the cursor is the number of the next one."""
        return ((step, step) for step in range(cursor or 0, self._steps()))

    async def each_iteration(self, item: int, *args: Any) -> None:
        """One step."""
        run = self.run()
        await asyncio.sleep(STEP)
        if run.error is not None and item >= self._steps() // 2:
            fail(*run.error)

    def _steps(self) -> int:
        return max(2, int(self.run().seconds / STEP))


def registered(jobs: Mapping[str, type[OfKind]]) -> Mapping[str, type[Job]]:
    """The classes of an application by name, and what runs those of ActiveJob among them."""

    class Wrapper(OfKind, abstract=True):
        """Runs the ActiveJob in its argument."""

        async def perform(self, *args: Any) -> Any:
            said: Mapping[str, Any] = args[0]
            name, arguments = said["job_class"], said["arguments"]
            job = jobs[arguments[0] if name == MAILER else name]()
            job.jid, job.world, job.tries = self.jid, self.world, self.tries
            await job.perform(*arguments)

    return {**jobs, **dict.fromkeys(WRAPPERS.values(), Wrapper)}
