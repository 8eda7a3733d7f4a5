"""A search on several servers at once: what is found as it is found, and how far each server is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_stream import stream
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher, Slice

State = Literal["reading", "done", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class ServerProgress:
    """How far the search of one server is. `read` of `total` entries in the places begun so far."""

    state: State = "reading"
    found: int = 0
    read: int = 0
    total: int = 0
    place: Place | None = None
    """Where it reads now, or read last."""
    missed: tuple[Place, ...] = ()
    """Places that were not read to their end: one that is being read, too."""
    full: bool = False
    """As much was found as was wanted: there may be more."""
    error: SidekiqError | None = None

    @property
    def complete(self) -> bool:
        """Whether everything was read."""
        return self.state == "done" and not self.missed and not self.full


@dataclass(frozen=True, slots=True)
class FoundSlice:
    """One read of one server; `slice` is None where its search has just ended."""

    server: str
    slice: Slice | None
    progress: ServerProgress


@dataclass(slots=True)
class _Reading:
    """What was read of one server."""

    progress: ServerProgress = field(default_factory=ServerProgress)
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)
    missed: dict[Place, None] = field(default_factory=dict)

    def add(self, found: Slice, limit: int | None) -> None:
        """One more slice; of its jobs only the number is kept."""
        read, total = self.places.get(found.place, (0, 0))
        self.places[found.place] = (found.read, found.total)
        if found.complete:
            self.missed.pop(found.place, None)
        else:
            self.missed[found.place] = None
        count = self.progress.found + len(found.jobs)
        self.progress = replace(
            self.progress,
            found=count,
            full=limit is not None and count >= limit,
            read=self.progress.read + found.read - read,
            total=self.progress.total + found.total - total,
            place=found.place,
            missed=tuple(self.missed),
        )

    def end(self, error: SidekiqError | None) -> None:
        """Nothing more comes."""
        self.progress = replace(self.progress, state="failed" if error else "done", error=error)


class FleetSearch:
    """Looks for a matcher everywhere, or in one `place`, on all servers of a fleet at once. To be iterated once.

    Servers that a filter's `server:` terms rule out are left out. A server ends once it has found `limit` jobs (of its
    last slice there may be more), and as failed when it is not done after `deadline` seconds.
    """

    def __init__(
        self,
        fleet: Fleet,
        matcher: Matcher,
        *,
        place: Place | None = None,
        limit: int | None = None,
        deadline: float | None = None,
    ) -> None:
        self.matcher: Final = matcher
        self.place: Final = place
        self._jid: str | None = None
        self._limit = limit
        self._deadline = deadline
        wanted = [name for name in fleet.names if not isinstance(matcher, Filter) or matcher.matches_server(name)]
        self._all = fleet.names
        self._fleet = fleet.only(wanted)
        self._readings = {name: _Reading() for name in wanted}

    @classmethod
    def for_jid(cls, fleet: Fleet, jid: str, *, deadline: float | None = None) -> FleetSearch:
        """Looks for the jobs of exactly this jid."""
        search = cls(fleet, Filter(), deadline=deadline)
        search._jid = jid
        return search

    @property
    def progress(self) -> Mapping[str, ServerProgress]:
        """Of each server, in the order of the fleet."""
        out = ServerProgress("left out")
        return {name: self._readings[name].progress if name in self._readings else out for name in self._all}

    @property
    def complete(self) -> bool:
        """Whether everything on every server that was asked has been read."""
        return all(reading.progress.complete for reading in self._readings.values())

    @property
    def summary(self) -> ServerProgress:
        """All servers together: `failed` when all have ended and one could not be searched to its end."""
        every = [reading.progress for reading in self._readings.values()]
        states = {one.state for one in every}
        state: State = "reading" if "reading" in states else "failed" if "failed" in states else "done"
        return ServerProgress(
            state,
            sum(one.found for one in every),
            sum(one.read for one in every),
            sum(one.total for one in every),
            missed=tuple(place for one in every for place in one.missed),
            error=next((one.error for one in every if one.error), None),
        )

    async def slices(self) -> AsyncGenerator[FoundSlice, None]:
        """What each read found, as servers answer; stop iterating to stop all reading. Raises nothing of a server's."""
        async with aclosing(stream(self._fleet, self._read, deadline=self._deadline)) as pieces:
            async for piece in pieces:
                reading = self._readings[piece.server]
                if piece.value is None:
                    reading.end(piece.error)
                else:
                    reading.add(piece.value, self._limit)
                yield FoundSlice(piece.server, piece.value, reading.progress)

    async def _read(self, server: Server) -> AsyncGenerator[Slice, None]:
        found = 0
        async with aclosing(self._everything(server)) as slices:
            async for part in slices:
                yield part
                found += len(part.jobs)
                if self._limit is not None and found >= self._limit:
                    return

    def _everything(self, server: Server) -> AsyncGenerator[Slice, None]:
        if self._jid is not None:
            return server.find_jid(self._jid)
        if self.place is not None:
            return server.scan(self.place, self.matcher)
        return server.search(self.matcher)
