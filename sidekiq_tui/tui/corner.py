"""What the first line says, from the state of the app."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.text import clip
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.header_strip import Corner, ServerTab, Strip

_DIGITS: Final = 9
_SERVER_CELLS: Final = 10
_VERSION_CELLS: Final = 6
_SHORT_AGE: Final = len("9s ago")
_LONG_AGE: Final = len("59s ago")
_LIVE: Final = "live"
"""The data is no older than two polls."""
_AWAY: Final = frozenset({"offline", "forbidden"})


def server_tabs(state: AppState) -> tuple[ServerTab, ...]:
    """All servers in their order."""
    return tuple(
        ServerTab(
            str(index + 1) if index < _DIGITS else "",
            name,
            state.snapshots[name].health.state,
            state.snapshots[name].profile.label,
        )
        for index, name in enumerate(state.servers)
    )


def strip_of(state: AppState) -> Strip:
    """The servers, and the corner of the scope."""
    tabs = server_tabs(state)
    if state.scope is None:
        age, role = _age(state, list(state.in_scope.values()))
        label = f"group {state.group}" if state.group else None
        insecure = _any_insecure(state)
        return Strip(tabs, None, Corner(label, insecure, age=age, age_cells=_LONG_AGE, age_role=role))
    return Strip(tabs, state.servers.index(state.scope), _corner(state, state.snapshots[state.scope]))


def _corner(state: AppState, snapshot: ServerSnapshot) -> Corner:
    away = snapshot.health.state in _AWAY
    age, role = _age(state, [snapshot])
    return Corner(
        label=snapshot.profile.label,
        insecure=snapshot.profile.insecure,
        access=state.access(snapshot.profile),
        redis="" if away or snapshot.overview is None else _redis(snapshot.overview.redis),
        rtt="" if away or snapshot.overview is None else _rtt(snapshot.overview),
        age=age,
        age_cells=_SHORT_AGE if 2 * snapshot.interval < 10 else _LONG_AGE,
        age_role=role,
    )


def _redis(redis: RedisInfo) -> str:
    """Name and version in two numbers; a server may say anything about itself."""
    if not redis.version:
        return ""
    version = ".".join(redis.version.split(".")[:2])
    return f"{clip(redis.server or 'redis', _SERVER_CELLS)} {clip(version, _VERSION_CELLS)}"


def _rtt(overview: Overview) -> str:
    return f"rtt {units.duration(overview.rtt)}"


def _age(state: AppState, snapshots: list[ServerSnapshot]) -> tuple[str, str]:
    """The age of the oldest data that is on the screen, and how it looks: muted, warn, or a chip."""
    if state.frozen_at is not None:
        minutes = int((state.clock() - state.frozen_at) // 60)
        return "FROZEN" + (f" {units.age(60 * minutes)}" if minutes else ""), "warn chip"
    now = state.now()
    if len(snapshots) == 1 and snapshots[0].health.state in _AWAY:
        age = snapshots[0].age(now)
        return ("", "muted") if age is None else (f"STALE {units.age(age)}", "warn chip")
    ages = [(age, snapshot) for snapshot in snapshots if (age := _live_age(snapshot, now)) is not None]
    if not ages:
        return "", "muted"
    oldest, of = max(ages, key=lambda pair: pair[0])
    # An age that ticks while all is well says nothing and is all that a screen at rest would write.
    return (f"{units.age(oldest)} ago", "warn strong") if of.late(now) else (_LIVE, "muted")


def _live_age(snapshot: ServerSnapshot, now: float) -> float | None:
    return None if snapshot.health.state in _AWAY else snapshot.age(now)


def _any_insecure(state: AppState) -> bool:
    return any(snapshot.profile.insecure for snapshot in state.in_scope.values())
