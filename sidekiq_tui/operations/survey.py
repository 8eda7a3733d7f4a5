"""What every plan has to know about a server: which one it is, what it says of itself, what its user may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.guard import access_refusal
from sidekiq_tui.operations.payloads import PayloadContext
from sidekiq_tui.operations.probe import Abilities, probe
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.sidekiq.time_form import form_for

CLOCK_REFUSE: Final = 60.0
"""Seconds that this machine's clock may differ from the server's for times to be written (operations-safety 15)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A server when a plan is made; `now` in Unix seconds."""

    profile: Profile
    mark: ServerMark
    overview: Overview
    abilities: Abilities
    now: float
    read_only: bool = False
    misused: Mapping[bytes, str] = field(default_factory=dict)
    """Keys of our own that somebody else has put something into, and of what type."""

    @property
    def live(self) -> tuple[Process, ...]:
        """Processes with a fresh heartbeat."""
        return tuple(process for process in self.overview.processes if not process.stale)

    @property
    def ahead(self) -> float:
        """Seconds that the server's clock seems to be ahead of this machine's: it says so, or a heartbeat does."""
        if self.abilities.ahead is not None:
            return self.abilities.ahead
        beats = [process.beat for process in self.live if process.beat is not None]
        return max(0.0, max(beats) - self.now) if beats else 0.0

    def refusal(self, operation: Operation) -> str:
        """Why nothing of the kind can be done here at all; empty when it can."""
        refused = access_refusal(operation, self.profile, read_only=self.read_only)
        if refused:
            return refused
        if self.abilities.mode == "R":
            return f"{self.profile.name}: {self.abilities.reason}"
        records = self.profile.keys.operations
        if records in self.misused:
            return self.misuse_words(records)
        return self._cannot_last()

    def misuse_words(self, key: bytes) -> str:
        """What is wrong with a key of our own, and what to do."""
        name, kind = to_text(key), self.misused[key]
        return f"`{name}` on {self.profile.name} holds a {kind} that is not sqtui's: rename or delete that key first"

    def _cannot_last(self) -> str:
        """Why nothing that is done here would last as the profile asks; empty when it may."""
        redis, name = self.overview.redis, self.profile.name
        if self.profile.durability == "replica" and redis.replicas == 0:
            return f"{name} has no replica now, and its profile wants changes confirmed by one (durability)"
        if self.profile.durability == "fsync" and not _tells_of_its_disk(redis):
            return (
                f"{name} cannot say what is on its disk, which its profile asks for (durability): that takes Redis 7.2"
            )
        if self.profile.durability == "fsync" and redis.aof_enabled is False:
            return f"{name} has no append-only file, and its profile wants changes on the disk (durability)"
        return ""


def _tells_of_its_disk(redis: RedisInfo) -> bool:
    """Whether it knows WAITAOF, as far as its version tells."""
    numbers = (redis.version or "").split(".")[:2]
    if redis.server not in (None, "redis", "valkey") or not all(map(str.isdecimal, numbers)) or len(numbers) < 2:
        return True
    return tuple(map(int, numbers)) >= (7, 2)


async def survey(server: Server, now: float, *, read_only: bool = False) -> Survey:
    """Reads it all in two or three trips, and once in a while one that asks for rights. Raises SidekiqError."""
    overview = await server.overview(now)
    mark = await server.mark()
    abilities = await probe(server, mark, overview, now, read_only=read_only)
    misused = await server.misused() if abilities.mode in ("A", "C") else {}
    return Survey(server.profile, mark, overview, abilities, now, read_only, misused)


async def payload_context(server: Server, now: float) -> PayloadContext:
    """How new bytes are written on this server at `now`: as its live processes read times. Raises SidekiqError."""
    processes, _ = await server.workers()
    versions = [process.version for process in processes if not process.stale]
    if versions:
        return PayloadContext(now, form_for(versions))
    return PayloadContext(now, None, await server.time_form())
