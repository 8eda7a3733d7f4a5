"""For tests of programs that push jobs: catch what is pushed, or perform it at once (sidekiq/testing).

with fake() as pushed:
    await ChargeJob.perform_async(42)
    assert pushed.jobs("critical")[0]["args"] == [42]
    await pushed.drain()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sidekiq_tui.sidekiq import job_class
from sidekiq_tui.sidekiq.client import Client, Sink, sink
from sidekiq_tui.sidekiq.client_payload import Payload, dumps
from sidekiq_tui.sidekiq.job_class import job_classes, run_job
from sidekiq_tui.sidekiq.json_codec import loads


class PushedJobs:
    """The jobs that were pushed and not performed yet, in the order of pushing, as they would come out of Redis."""

    def __init__(self) -> None:
        self._jobs: list[Payload] = []

    def jobs(self, queue: str | None = None, class_name: str | None = None) -> list[Mapping[str, object]]:
        """Those of a queue, of a class, or all."""
        return [
            job
            for job in self._jobs
            if (queue is None or job["queue"] == queue) and (class_name is None or job["class"] == class_name)
        ]

    def clear(self) -> None:
        """Forgets all."""
        self._jobs.clear()

    async def perform_one(self) -> None:
        """Performs the oldest one. Raises what it raises, LookupError for none or an unknown class."""
        if not self._jobs:
            raise LookupError("no job has been pushed")
        await _perform(self._jobs.pop(0))

    async def drain(self) -> int:
        """Performs all, those that these push too; how many. What one raises ends it; that job is gone."""
        performed = 0
        while self._jobs:
            await self.perform_one()
            performed += 1
        return performed

    async def catch(self, payloads: Sequence[Payload]) -> None:
        """Takes what a client would have written."""
        self._jobs += [_stored(payload) for payload in payloads]


@contextmanager
def fake() -> Iterator[PushedJobs]:
    """What is pushed goes nowhere but into the list that this gives."""
    pushed = PushedJobs()
    with _caught(pushed.catch):
        yield pushed


@contextmanager
def inline() -> Iterator[None]:
    """What is pushed is performed at once, also what is for later."""

    async def perform(payloads: Sequence[Payload]) -> None:
        for payload in payloads:
            await _perform(_stored(payload))

    with _caught(perform):
        yield


@contextmanager
def _caught(catch: Sink) -> Iterator[None]:
    before = job_class.client_in_use()
    token = sink.set(catch)
    if before is None:
        job_class.use_client(Client(None))
    try:
        yield
    finally:
        sink.reset(token)
        job_class.use_client(before)


def _stored(payload: Payload) -> Payload:
    """The payload after its way through JSON."""
    stored = loads(dumps(payload))
    assert isinstance(stored, dict)
    return stored


async def _perform(payload: Payload) -> None:
    found = job_classes().get(str(payload["class"]))
    if found is None:
        raise LookupError(f"no job class is called {payload['class']}")
    await run_job(found, payload)
