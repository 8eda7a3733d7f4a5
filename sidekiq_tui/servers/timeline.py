"""What changed, on each server and on all: events from one look to the next, in bounded memory."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.servers.timeline_events import (
    CLOCKS,
    ErrorsSeen,
    Event,
    Seen,
    changes,
    deploy_events,
    error_changes,
    errors_seen,
    first_events,
    seen,
)
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.overview import Overview

MOST_EVENTS: Final = 500
"""Events kept of a server; the oldest go."""
AWAY: Final = frozenset(("offline", "forbidden"))
"""States of a server that does not answer."""


@dataclass(slots=True)
class ServerTimeline:
    """What is remembered of one server."""

    address: str = ""
    """Where it was when that was seen: at another place it is another server."""
    seen: Seen | None = None
    errors: ErrorsSeen | None = None
    away_since: float | None = None
    events: list[Event] = field(default_factory=list)
    """Oldest first."""


class Timeline:
    """Takes snapshots, error boards, deploys and operations, and tells what changed."""

    def __init__(self, changed: Callable[[str], None] | None = None) -> None:
        """`changed` is called with the name of a server that has a new event."""
        self._changed = changed
        self.servers: Final[dict[str, ServerTimeline]] = {}

    def watch(self, registry: Registry) -> Callable[[], None]:
        """Follows the snapshots of a registry until the returned function is called."""
        return registry.subscribe(self.see)

    def events(
        self,
        servers: Collection[str] | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
    ) -> tuple[Event, ...]:
        """What happened, newest first: on some servers, or all; from and up to a moment (Unix seconds)."""
        found = [
            event
            for name, one in self.servers.items()
            if servers is None or name in servers
            for event in one.events
            if (since is None or event.at >= since) and (until is None or event.at <= until)
        ]
        found.sort(key=_order, reverse=True)
        return tuple(found)

    def see(self, snapshot: ServerSnapshot) -> None:
        """Takes what a poll found, or that there was no answer."""
        one = self._of(snapshot.server, snapshot.profile.address)
        if snapshot.health.state in AWAY:
            if one.away_since is None:
                one.away_since = snapshot.state_since
                why = snapshot.error.message if snapshot.error is not None else ""
                since = snapshot.taken_at
                self._add(one, [Event(snapshot.state_since, snapshot.server, "offline", since=since, after=why)])
            return
        overview = snapshot.overview
        if overview is not None and snapshot.error is None:
            self.look(snapshot.server, snapshot.profile.address, overview)

    def look(self, server: str, address: str, overview: Overview) -> None:
        """Takes what one poll found."""
        one = self._of(server, address)
        if one.seen is not None and overview.read_at <= one.seen.at:
            return
        if one.away_since is not None:
            self._add(one, [Event(overview.read_at, server, "back", since=one.away_since)])
            one.away_since = None
        now = seen(overview)
        then, one.seen = one.seen, _kept(one.seen, now)
        self._add(one, first_events(server, now) if then is None else changes(server, then, now))

    def see_errors(self, server: str, address: str, board: ErrorBoard) -> None:
        """Takes the groups of errors of a server; only a complete board tells anything."""
        one = self._of(server, address)
        if not board.complete or board.denied or (one.errors is not None and board.as_of <= one.errors.at):
            return
        found = list(error_changes(server, one.errors, board))
        one.errors = errors_seen(board)
        self._add(one, found)

    def see_deploys(self, server: str, address: str, marks: Iterable[Mark]) -> None:
        """Takes the marks of deploys, also those that were taken before."""
        self._add(self._of(server, address), deploy_events(server, marks))

    def add_operations(self, events: Iterable[Event]) -> None:
        """Takes operations (kind "operation", with an id); one known already is replaced, as its end comes later."""
        for event in events:
            one = self.servers.setdefault(event.server, ServerTimeline())
            one.events = [known for known in one.events if known.key != event.key]
            self._add(one, [event])

    def _of(self, server: str, address: str) -> ServerTimeline:
        one = self.servers.setdefault(server, ServerTimeline(address))
        if one.address and one.address != address:
            one = self.servers[server] = ServerTimeline(address)
        one.address = address
        return one

    def _add(self, one: ServerTimeline, events: Iterable[Event]) -> None:
        known = {event.key for event in one.events}
        new = [event for event in events if event.key not in known]
        if not new:
            return
        for event in new:
            insort(one.events, event, key=_order)
        del one.events[: max(0, len(one.events) - MOST_EVENTS)]
        if self._changed is not None:
            self._changed(new[0].server)


def _kept(then: Seen | None, now: Seen) -> Seen:
    """What could not be read now is still as it was seen last. An uptime is whole seconds: its start would tremble."""
    if then is None:
        return now
    started = now.redis_started
    if started is not None and then.redis_started is not None and abs(started - then.redis_started) <= CLOCKS:
        started = then.redis_started
    return replace(
        now,
        processes=then.processes if now.processes is None else now.processes,
        queues=then.queues if now.queues is None else now.queues,
        paused=then.paused if now.paused is None else now.paused,
        redis_version=now.redis_version or then.redis_version,
        redis_role=now.redis_role or then.redis_role,
        redis_started=then.redis_started if started is None else started,
    )


def _order(event: Event) -> tuple[float, str, str, str, tuple[str, ...]]:
    return (event.at, event.server, event.kind, event.id, event.names)
