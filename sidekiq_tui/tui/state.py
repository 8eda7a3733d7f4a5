"""What the screens share: servers, scope, times, and whether anything moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.units import TimeMode
from sidekiq_tui.tui.pace import Pace
from sidekiq_tui.tui.sightings import Sightings

if TYPE_CHECKING:
    from pathlib import Path

    from sidekiq_tui.operations.history import Unfinished
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.servers.fleet import Fleet
    from sidekiq_tui.servers.profile import Access, Profile
    from sidekiq_tui.servers.registry import Registry
    from sidekiq_tui.servers.snapshot import ServerSnapshot
    from sidekiq_tui.servers.timeline import Timeline
    from sidekiq_tui.tui.subject import Clip

TIME_MODES: Final[tuple[TimeMode, ...]] = ("relative", "local", "utc")


@dataclass(slots=True)
class AppState:
    """One for each running app, which alone changes it; screens read it. Times are Unix seconds."""

    registry: Registry
    clock: Callable[[], float] = time.time
    scope: str | None = None
    """The server in view; None for all, or all of the group."""
    group: str = ""
    """The group that stands for all servers where no single one is in view; empty: all there are."""
    time_mode: TimeMode = "relative"
    frozen_at: float | None = None
    ascii: bool = False
    read_only: bool = False
    snapshots: dict[str, ServerSnapshot] = field(default_factory=dict)
    """What is drawn: the newest snapshot of each server in the registry's order, or the ones at the freeze."""
    recent: list[str] = field(default_factory=list)
    """Servers that were in view, the latest first."""
    sightings: Sightings = field(default_factory=Sightings)
    """What was seen of single jobs."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """Keys of the columns that a person chose, by kind of list; a kind that is not here shows what it comes with."""
    saved_filters: Mapping[str, str] = field(default_factory=dict)
    """Filters as typed, by the name they were saved under."""
    config: Path | None = None
    """The settings file, where filters are saved; None: nowhere."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys that a person set, by the id of the action."""
    views: dict[str, str] = field(default_factory=dict)
    """The view last in front of each server; the empty name stands for all servers."""
    commands: tuple[str, ...] = ()
    """What was typed after `:`, also in earlier runs, the oldest first."""
    typed: list[str] = field(default_factory=list)
    """What was typed after `:` in this run."""
    theme: str = ""
    """The theme that a person chose in this run or an earlier one."""
    notices: tuple[str, ...] = ()
    """What is wrong in the settings, in words."""
    operations: Operations | None = None
    """The door to changing servers; None where nothing can be changed."""
    unfinished: dict[str, tuple[Unfinished, ...]] = field(default_factory=dict)
    """Operations that were begun and have no end, by server; of those that were asked."""
    clip: Clip | None = None
    """Jobs that were taken to be put elsewhere."""
    pace: Pace = field(default_factory=Pace)
    """When to draw what no key asked for."""
    compared: tuple[str, str] | None = None
    """The two servers to compare, as somebody asked."""
    timeline: Timeline = field(init=False)
    """What was seen to change on all servers."""
    _fleet: Fleet | None = None

    def __post_init__(self) -> None:
        from sidekiq_tui.servers.timeline import Timeline  # not before an app is wanted: it loads the Redis client

        self.timeline = Timeline()
        self.snapshots.update({name: self.registry.snapshot(name) for name in self.registry.servers})

    def now(self) -> float:
        """The time that ages count from: stands still while frozen."""
        return self.clock() if self.frozen_at is None else self.frozen_at

    @property
    def frozen(self) -> bool:
        """Whether `Z` holds the screen."""
        return self.frozen_at is not None

    @property
    def busy(self) -> bool:
        """Whether an operation runs."""
        return self.operations is not None and any(run.outcome is None for run in self.operations.runs)

    @property
    def servers(self) -> tuple[str, ...]:
        """All servers in the order of their digits."""
        return self.registry.servers

    @property
    def current(self) -> ServerSnapshot | None:
        """The snapshot of the server in view; None when all are."""
        return None if self.scope is None else self.snapshots[self.scope]

    @property
    def together(self) -> tuple[str, ...]:
        """The servers that are shown where all are: those of the group, or all."""
        if not self.group:
            return self.servers
        return tuple(name for name in self.servers if self.snapshots[name].profile.group == self.group) or self.servers

    @property
    def names(self) -> tuple[str, ...]:
        """The servers of the scope."""
        return self.together if self.scope is None else (self.scope,)

    @property
    def in_scope(self) -> Mapping[str, ServerSnapshot]:
        """The snapshots of the scope."""
        return {name: self.snapshots[name] for name in self.names}

    @property
    def fleet(self) -> Fleet:
        """The servers of the scope, to be asked at once; those that do not answer their poller are not asked."""
        from sidekiq_tui.servers.fleet import Fleet

        if self._fleet is None or self._fleet.names != self.names:
            servers = [self.registry.server(name) for name in self.names]
            self._fleet = Fleet(servers, trouble=lambda name: self.snapshots[name].error)
        return self._fleet

    @property
    def preferred(self) -> str:
        """The server to show where only one can be: the one in view, the latest one, the first."""
        together = self.together
        return self.scope or next((name for name in self.recent if name in together), together[0])

    def access(self, profile: Profile) -> Access:
        """What may be done on a server in this session."""
        return "read-only" if self.read_only else profile.access

    def look_at(self, scope: str | None) -> None:
        """Puts a server, or all, in view."""
        self.scope = scope
        if scope is not None:
            self.recent = [scope, *(name for name in self.recent if name != scope)]
