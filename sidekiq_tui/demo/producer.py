"""Pushes the jobs that come in, as an application does: with a client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Final

from sidekiq_tui.demo.arrivals import Arrival, arrivals
from sidekiq_tui.demo.dataset import DEPLOYS
from sidekiq_tui.demo.payloads import Writer, jid
from sidekiq_tui.demo.plans import ServerPlan
from sidekiq_tui.demo.scenarios import Deploy
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.client_payload import Payload
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.middleware import Next
from sidekiq_tui.sidekiq.time_form import form_for

TICK: Final = 1.0  # seconds
LATE: Final = 5  # seconds; what should have come in while the machine slept longer than this does not


class Producer:
    """What pushes to one server, and marks its deploys."""

    def __init__(self, plan: ServerPlan, db: Database, seed: str) -> None:
        self._plan = plan
        self._rng = Random(f"{seed}/{plan.name}/pushes")
        self._writer = Writer(plan.version)
        self._arrivals = arrivals(plan, seed)
        self._client = Client(db, time_form=form_for([plan.version]), strict_args="off")
        self._client.middleware.add(self._name)

    async def run(self, first: float) -> None:
        """Push each second from `first` seconds from now on, for ever, also while the server cannot be reached."""
        began = time.monotonic() + first
        marks = asyncio.create_task(self._marks())
        second = 0
        try:
            while True:
                await asyncio.sleep(max(0.0, began + second * TICK - time.monotonic()))
                coming = next(self._arrivals)
                if time.monotonic() - (began + second * TICK) < LATE:
                    await self.push(coming)
                second += 1
        finally:
            marks.cancel()

    async def push(self, coming: Sequence[Arrival]) -> None:
        """Push what comes in; what cannot be pushed is lost."""
        for arrival in coming:
            kind, now = arrival.kind, time.time()
            args = [self._writer.args(kind, self._rng, now) for _ in range(arrival.count)]
            at = None if arrival.delay is None else now + arrival.delay
            try:
                await self._client.push_bulk({**self._writer.item(kind, self._rng), "args": args}, at=at)
            except SidekiqError:
                continue

    async def _marks(self) -> None:
        began = time.monotonic()
        for deploy in self._plan.scenario.deploys:
            at, number = deploy.at, 0
            while True:
                await asyncio.sleep(max(0.0, began + at - time.monotonic()))
                await self._mark(deploy, number)
                number += 1
                at += deploy.every
                if at == float("inf"):
                    break

    async def _mark(self, deploy: Deploy, number: int) -> None:
        label = f"5d1c7f0 Round prices ({deploy.breaks})" if deploy.breaks else DEPLOYS[number % len(DEPLOYS)]
        try:
            await self._client.mark_deploy(label)
        except SidekiqError:
            return

    async def _name(
        self, name: object, payload: Payload, queue: object, client: Client, call_next: Next[Payload | None]
    ) -> Payload | None:
        """Client middleware: job ids that follow from the seed."""
        payload["jid"] = jid(self._rng)
        return await call_next()
