"""What a server and its user allow: which of the modes operations run in (operations-safety 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from sidekiq_tui.operations.plan import Mode
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.rights import Rights

KNOWN_FOR: Final = 600.0
"""Seconds after which the rights of a user are asked for again."""
CLOCK_RIGHT: Final = 5.0
"""Seconds that the clocks may differ and still be called right."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """The mode, and why it is not a better one. `refused`: pairs of a command and a kind of key (see `rights`)."""

    mode: Mode
    reason: str = ""
    user: str | None = None
    refused: frozenset[tuple[str, str]] = frozenset()
    ahead: float | None = None
    """Seconds that the server's clock is ahead of this machine's; None when unknown."""


@dataclass(frozen=True, slots=True)
class _Known:
    asked_at: float
    mark: ServerMark
    rights: Rights


_known: Final[WeakKeyDictionary[Server, _Known]] = WeakKeyDictionary()


async def probe(server: Server, mark: ServerMark, overview: Overview, now: float, *, read_only: bool) -> Abilities:
    """The abilities of the user on this server at `now` (Unix seconds). Nothing but reads is sent to a read-only one.

    Asked once for a server and a while, since it takes a connection of its own; where something is amiss, each time:
    somebody may put that right. Raises SidekiqError.
    """
    user = server.profile.username
    if read_only or server.profile.access == "read-only":
        return Abilities("R", "read-only", user)
    if overview.redis.mode == "cluster":
        return Abilities("R", "this is a Redis Cluster, which Sidekiq does not support", user)
    if mark.role in ("slave", "replica"):
        return Abilities("R", "this is a replica: change its primary", user)
    known = _known.get(server)
    if known is not None and known.mark == mark and 0 <= now - known.asked_at < KNOWN_FOR:
        return _abilities(known.rights, server.profile)
    rights = await server.rights()
    found = _abilities(rights, server.profile)
    if found.mode == "A" and not found.refused and abs(found.ahead or 0.0) < CLOCK_RIGHT:
        _known[server] = _Known(now, mark, rights)
    return found


def _abilities(rights: Rights, profile: Profile) -> Abilities:
    user, scratch = rights.user or profile.username, profile.scratch_prefix
    mode: Mode = "A"
    reason = ""
    if rights.scripts and not rights.own_keys:
        mode, reason = "B", f"this user may not write keys that begin with {scratch}"
    elif not rights.scripts and rights.transactions and rights.own_keys:
        mode, reason = "C", "this user may not run scripts (EVAL)"
    elif not rights.scripts:
        mode = "R"
        reason = f"this user may not run scripts (EVAL), nor transactions on keys that begin with {scratch}"
    return Abilities(mode, reason, user, rights.refused, rights.ahead)
