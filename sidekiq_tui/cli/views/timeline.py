"""What changed on a server lately."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import flat
from sidekiq_tui.presentation.columns.timeline import timeline_columns
from sidekiq_tui.presentation.timeline import FIELDS, event_record, operation_event
from sidekiq_tui.servers.timeline import Timeline
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.servers.timeline_file import FILE_NAME, load_timeline
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.presentation.records import Record
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

MOST_OPERATIONS: Final = 1000


class TimelineView(View[tuple[Event, ...]]):
    """The events of the last `seconds`, newest first."""

    word = "timeline"

    def __init__(self, timeline: Timeline, operations: Sequence[Event], seconds: float) -> None:
        """`timeline` is what is remembered, `operations` those of all servers."""
        self._timeline = timeline
        self._operations = operations
        self._seconds = seconds

    async def read(self, server: Server) -> tuple[Event, ...]:
        """A poll and the marks of deploys; these may be forbidden."""
        timeline, name, address = self._timeline, server.name, server.profile.address
        timeline.look(name, address, await server.overview())
        with contextlib.suppress(ReplyError):
            timeline.see_deploys(name, address, await server.deploys(self._seconds))
        timeline.add_operations(event for event in self._operations if event.server == name)
        return timeline.events((name,), since=time.time() - self._seconds)

    def element(self, profile: Profile, value: tuple[Event, ...], now: float) -> Record:
        """The events."""
        return {"events": [event_record(event) for event in value]}

    def element_without(self, profile: Profile, error: Exception) -> Record:
        """That nothing is known."""
        return {"events": None}

    def total(self, elements: Sequence[Record]) -> Record:
        """How many there were."""
        return {"events": sum(1 for _ in self.lines(elements))}

    def lines(self, elements: Sequence[Record]) -> Iterable[Record]:
        """Events of all servers, newest first."""
        lines = [{"server": one["name"], **event} for one in elements for event in _events(one)]
        return sorted(lines, key=lambda line: -float(str(line["at"])))

    def csv_header(self) -> str:
        """The first line of CSV."""
        return flat.csv_line(FIELDS)

    def csv_row(self, record: Record) -> str:
        """One event as a line of CSV."""
        return flat.csv_line([record.get(field) for field in FIELDS])

    def table(self, outcomes: Sequence[Outcome[tuple[Event, ...]]], now: float, look: Look) -> list[str]:
        """One row an event, those of all servers in one order."""
        events = [event for _, found in answers(outcomes) for event in found]
        events.sort(key=lambda event: -event.at)
        columns = timeline_columns(look.time_mode, server=len(outcomes) > 1)
        return render.table(columns, events, look.context(now), look)


def kept_timeline(args: argparse.Namespace) -> tuple[Timeline, tuple[Event, ...]]:
    """What this machine remembers: what the terminal saw, and the operations of the audit, as far as it can be read."""
    from sidekiq_tui.cli.operators import operations_of
    from sidekiq_tui.paths import state_folder

    timeline = Timeline()
    load_timeline(state_folder() / FILE_NAME, timeline, now=time.time())
    try:
        operations = asyncio.run(operations_of(args, _no_server)).audited(None, MOST_OPERATIONS)
    except SidekiqError as error:
        diagnostics.warn("the audit cannot be read", error.message)
        return timeline, ()
    return timeline, tuple(map(operation_event, operations))


def _no_server(name: str) -> Server:
    raise KeyError(name)


def _events(element: Mapping[str, object]) -> list[Record]:
    events = element.get("events")
    return events if isinstance(events, list) else []
