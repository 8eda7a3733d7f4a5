"""For tests of screens: servers that answer what a test says, a clock that stands, and what the screen shows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.pilot import Pilot

from sidekiq_tui.servers.error_book import ErrorBoard, ErrorBook
from sidekiq_tui.servers.health import Health, Reason, State
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.series import Rates, Series
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.error_reading import Progress
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.history import History
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.sidekiq.search import Slice
from sidekiq_tui.tui.state import AppState

if TYPE_CHECKING:
    from sidekiq_tui.servers.registry import Registry

NOW = 1_800_000_000.0


class Clock:
    """Time that moves only when a test moves it. Unix seconds."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_process(busy: int = 0, concurrency: int = 10, **changes: Any) -> Process:
    """A healthy process."""
    process = Process(
        identity="app-1:5916:aa",
        hostname="app-1",
        pid=5916,
        tag="shop",
        labels=(),
        queues=("default",),
        capsules=(),
        weights={},
        concurrency=concurrency,
        busy=busy,
        rss=480 << 20,
        rtt=0.0005,
        started_at=NOW - 86400,
        beat=NOW - 2,
        quiet=False,
        status="running",
        stale=False,
        version="8.1.7",
        embedded=False,
        signals=(),
        leader=False,
    )
    return replace(process, **changes)


def make_queue(name: str = "default", size: int = 0, latency: float = 0.0, **changes: Any) -> QueueSummary:
    """A queue that one process serves."""
    oldest = NOW - latency if size else None
    queue = QueueSummary(name=name, size=size, latency=latency, oldest_at=oldest, paused=False, processes=1)
    return replace(queue, **changes)


def make_overview(*queues: QueueSummary, busy: int = 2, concurrency: int = 10, **changes: Any) -> Overview:
    """What a poll of a small, healthy server finds."""
    overview = Overview(
        read_at=NOW - 1,
        rtt=0.001,
        processed=100_000,
        failed=400,
        retries=3,
        scheduled=12,
        dead=7,
        overdue_retries=0,
        overdue_scheduled=0,
        queues=queues or (make_queue(),),
        processes=(make_process(busy, concurrency),),
        leader=None,
        redis=RedisInfo(version="7.2.4", server="redis", used_memory=4 << 20, maxmemory=0),
        sidekiq_versions=("8.1.7",),
        edition_signs=(),
        denied={},
    )
    return replace(overview, **changes)


def make_snapshot(
    name: str,
    state: State = "ok",
    *,
    label: str | None = None,
    reasons: Sequence[Reason] = (),
    overview: Overview | None = None,
    profile: Mapping[str, Any] | None = None,
    **changes: Any,
) -> ServerSnapshot:
    """A server that answered a second ago, unless the state says otherwise."""
    heard = state != "connecting"
    snapshot = ServerSnapshot(
        server=name,
        profile=Profile(name=name, label=label, **(profile or {})),
        health=Health(state, tuple(reasons)),
        state_since=NOW - 60,
        series=Series().view,
        taken_at=NOW - 1 if heard else None,
        overview=(overview or make_overview()) if heard else None,
        rates=Rates(812.0, 3.1) if heard else None,
    )
    return replace(snapshot, **changes)


def offline(name: str, error: SidekiqError, *, seen: bool = True, **changes: Any) -> ServerSnapshot:
    """A server that does not answer; `seen`: it did, four minutes ago."""
    snapshot = make_snapshot(name, "offline" if seen else "connecting", error=error, attempt=9, next_try_at=NOW + 8)
    if seen:
        snapshot = replace(snapshot, taken_at=NOW - 252)
    return replace(snapshot, health=Health("offline"), **changes)


class FakeServer:
    """A server whose lists are empty unless a test fills them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.jobs: dict[Place, tuple[JobRecord, ...]] = {}
        self.errors = ErrorBook(lambda: NOW)

    async def read_errors(self, most: int | None = None) -> AsyncGenerator[Progress, None]:
        """No errors."""
        self.errors._board = ErrorBoard((), 0, 0, 0, True, None, NOW)
        yield Progress(0, 0, True)

    async def page(self, place: Place, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """A part of a list."""
        jobs = self.jobs.get(place, ())
        return Page(place, offset, len(jobs), jobs[offset : offset + limit], NOW)

    async def scan(self, place: Place, filter: Filter) -> AsyncGenerator[Slice, None]:
        """All that matches, in one slice."""
        jobs = self.jobs.get(place, ())
        matching = tuple(job for job in jobs if filter.matches(job, NOW))
        yield Slice(place, matching, len(jobs), len(jobs), True)

    async def history(self, days: int) -> History:
        """No days."""
        return History(())


class FakeRegistry:
    """Stands in for the servers: a test says what they answer, and sees what was asked of them."""

    def __init__(self, *snapshots: ServerSnapshot) -> None:
        self._snapshots = {snapshot.server: snapshot for snapshot in snapshots}
        self._listeners: list[Callable[[ServerSnapshot], None]] = []
        self.reads: dict[str, FakeServer] = {}
        self.asked: list[tuple[str, object]] = []

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(self._snapshots)

    def server(self, name: str) -> FakeServer:
        """What lists of a server are read from."""
        return self.reads.setdefault(name, FakeServer(name))

    def snapshot(self, name: str) -> ServerSnapshot:
        return self._snapshots[name]

    def subscribe(self, listener: Callable[[ServerSnapshot], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def start(self) -> None:
        self.asked.append(("start", None))

    async def stop(self) -> None:
        self.asked.append(("stop", None))

    def view(self, names: Collection[str]) -> None:
        self.asked.append(("view", tuple(names)))

    def refresh(self, name: str | None = None) -> None:
        self.asked.append(("refresh", name))

    def answer(self, snapshot: ServerSnapshot) -> None:
        """A server answers, or fails to."""
        self._snapshots[snapshot.server] = snapshot
        for listener in list(self._listeners):
            listener(snapshot)


def make_state(registry: FakeRegistry, clock: Clock | None = None, **changes: Any) -> AppState:
    """The state of an app over pretended servers at a time that stands."""
    return AppState(cast("Registry", registry), clock=clock or Clock(), **changes)


def screen_text(app: App[Any]) -> str:
    """What the terminal shows, without the blanks at the ends of lines."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], ready: Callable[[], bool], tries: int = 500) -> None:
    """Waits for a condition, not for a time; shows the screen if it never comes."""
    for _ in range(tries):
        if ready():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"still not ready:\n{screen_text(pilot.app)}")
