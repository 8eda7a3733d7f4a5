"""A real sqtui that is killed at a chosen command, beside workers that run jobs; and another one that ends its work."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig
from tests.support.fault_link import Command, FaultLink
from tests.support.proof import Snapshot, jid_of
from tests.support.workers import quick, running

ROOT = Path(__file__).parents[3]


class Invoice(Job):
    """Tells that it ran."""

    ran: ClassVar[Counter[str]] = Counter()

    async def perform(self, *args: object) -> None:
        assert self.jid is not None
        self.ran[self.jid] += 1


class Refund(Invoice):
    """The same, of another class."""


@dataclass
class Shell:
    """Where sqtui is started: always with the same settings and state."""

    home: Path
    url: str
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def kept(self) -> Path:
        """Where journal and audit are."""
        return self.home / "kept"

    def prepared(self) -> Path:
        """The settings, on disk."""
        self.home.mkdir(exist_ok=True)
        settings = self.home / "sqtui.toml"
        settings.write_text(f'[servers.prod]\nurl = "{self.url}"\n[journal]\nfolder = "{self.kept}"\n')
        settings.chmod(0o600)
        return settings

    async def start(self, *argv: str) -> asyncio.subprocess.Process:
        """A process that runs a command line."""
        settings = self.prepared()
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sidekiq_tui",
            "--config",
            str(settings),
            *argv,
            cwd=ROOT,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *argv: str) -> tuple[int, Any, str]:
        """What it ended with, what it printed as JSON, and what else it said."""
        process = await self.start(*argv, "-o", "json")
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, json.loads(out) if out.strip() else None, err.decode()


async def killed_at(shell: Shell, link: FaultLink, number: int, argv: Sequence[str]) -> bool:
    """Runs a command line until its `number`th writing command, which still arrives; False if it ended before."""
    process = await shell.start(*argv)
    hit = False

    def kill(count: int, command: Command) -> None:
        nonlocal hit
        if count == number:
            hit = True
            process.kill()

    link.on_command = kill
    try:
        out, said = await asyncio.wait_for(process.communicate(), 60)
    finally:
        link.on_command = None
    assert hit or process.returncode == 0, (out, said)
    return hit


@asynccontextmanager
async def workers(url: str, count: int) -> AsyncIterator[None]:
    """So many workers for the queue `mail`."""
    Invoice.ran.clear()
    config = quick(capsules=(CapsuleConfig(concurrency=3, queues=(("mail", 0),)),))
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(running(url, Invoice, Refund, config=config))
        yield


def everyone(found: Snapshot, ran: Mapping[str, int]) -> Counter[str]:
    """How often each job is there: in Sidekiq's places, in our trash, parked, or as one that ran."""
    counted = Counter(ran)
    for name, value in found.items():
        if name in ("retry", "schedule", "dead") or name.startswith(("queue:", "sqtui:trash:", "sqtui:stage:")):
            counted.update(jid_of(one[0] if isinstance(one, list | tuple) else one) for one in value)
    return counted
