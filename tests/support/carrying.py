"""One person at two servers, between which jobs go: two databases of one Redis, or two servers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from tests.support.operating import everywhere

SOURCE, TARGET = "prod", "staging"


class Carrier:
    """Moves jobs from `prod` to `staging`. `change` alters what is known of a server, also later."""

    def __init__(self, source: str, target: str, home: Path, *, name: str = "anna", **options: Any) -> None:
        self.timeout: float | None = options.pop("timeout", None)
        self.profiles = {SOURCE: Profile.from_url(source, SOURCE), TARGET: Profile.from_url(target, TARGET)}
        self._servers: dict[Profile, Server] = {}
        self.operations = Operations(self.server, home=home, who=Who(name, "ws3"), **options)

    def server(self, name: str) -> Server:
        """A server as its profile is now."""
        profile = self.profiles[name]
        if profile not in self._servers:
            self._servers[profile] = Server(profile, timeout=self.timeout)
        return self._servers[profile]

    def change(self, name: str, **options: Any) -> None:
        """Changes a profile."""
        self.profiles[name] = replace(self.profiles[name], **options)

    async def plan(self, operation: Operation, server: str = SOURCE) -> Plan:
        """The plan."""
        return await self.operations.plan(server, operation)

    def start(self, plan: Plan, **options: Any) -> Run:
        """Answers what is asked, and starts."""
        return self.operations.start(plan, self.operations.question(plan).expected, **options)

    async def do(self, operation: Operation, server: str = SOURCE, **options: Any) -> Outcome:
        """From plan to outcome."""
        return await self.start(await self.plan(operation, server), **options).wait()

    async def close(self) -> None:
        """Ends it all."""
        await self.operations.close()
        for server in self._servers.values():
            await server.close()


async def payloads(raw: Any) -> Counter[bytes]:
    """Every job that lies in a place of Sidekiq's, by its bytes."""
    found: Counter[bytes] = Counter()
    for name, value in (await everywhere(raw)).items():
        if name.startswith("queue:"):
            found.update(value)
        elif name in ("retry", "schedule", "dead"):
            found.update(one for one, _ in value)
    return found


async def own_keys(raw: Any) -> set[str]:
    """What sqtui keeps there, but for records and their list."""
    found = {key.decode() for key in await raw.keys("sqtui:*")}
    return {key for key in found if not key.startswith("sqtui:op")}
