"""What all jobs of the demo have in common: their kind, and the work they make believe to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sidekiq_tui.demo.apps.frames import fail
from sidekiq_tui.demo.fate import Run, fate
from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.scenarios import Scenario
from sidekiq_tui.sidekiq.job_class import Job

WRAPPERS: Final = ("Sidekiq::ActiveJob::Wrapper", "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper")


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


class AppJob(Job):
    """A job of an application. `world` and `tries` are set before it is performed."""

    kind: ClassVar[JobKind]
    world: World
    tries: int = 0

    def __init_subclass__(cls, kind: JobKind | None = None) -> None:
        if kind is not None:
            cls.kind = kind
            cls.sidekiq_class = kind.name
            cls.sidekiq_options = options_of(kind)
        super().__init_subclass__()

    async def perform(self, *args: Any) -> Any:
        """Takes its time; fails now and then."""
        await self.work()

    async def work(self) -> None:
        """Wait as a call to a service would, and fail as it would."""
        run = self.world.run(self.kind, self.jid, self.tries)
        await asyncio.sleep(run.seconds)
        if run.error is not None:
            fail(*run.error)

    def work_in_thread(self) -> None:
        """The same for a job that is a plain function."""
        run = self.world.run(self.kind, self.jid, self.tries)
        time.sleep(run.seconds)
        if run.error is not None:
            fail(*run.error)


def options_of(kind: JobKind) -> Mapping[str, object]:
    """The options that a payload of this kind carries."""
    options: dict[str, object] = {"retry": kind.retry, "queue": kind.queue}
    if kind.backtrace:
        options["backtrace"] = kind.backtrace
    if kind.tags:
        options["tags"] = list(kind.tags)
    if kind.encrypt:
        options["encrypt"] = True
    return options


def registered(jobs: Mapping[str, type[AppJob]]) -> dict[str, type[Job]]:
    """The classes of an application by name, and what runs those of ActiveJob among them."""

    class Wrapper(AppJob):
        """Runs the ActiveJob in its argument."""

        async def perform(self, *args: Any) -> Any:
            said: Mapping[str, Any] = args[0]
            name, arguments = said["job_class"], said["arguments"]
            if name == "ActionMailer::MailDeliveryJob":
                name = arguments[0]
            job = jobs[name]()
            job.jid, job.world, job.tries = self.jid, self.world, self.tries
            await job.perform(*arguments)

    return {**jobs, **dict.fromkeys(WRAPPERS, Wrapper)}
