"""How the live fleet reads the times in payloads, so that a writer can write them that way (protocol 4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sidekiq_tui.sidekiq.client_payload import WrittenTime
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.process import read_processes
from sidekiq_tui.sidekiq.replies import members
from sidekiq_tui.sidekiq.stats import names_command
from sidekiq_tui.sidekiq.timestamps import time_form

MILLISECONDS_FROM: Final = 8
"""The first major version whose payloads hold integer milliseconds."""

_MAJOR: Final = re.compile(r"\d{1,4}")


async def fleet_time_form(db: Database, now: float) -> WrittenTime:
    """Milliseconds if every live process reads them, else seconds, which every version does.

    Without live processes: as the newest job of some queue has it. Two trips for a fleet, at most four without.
    `now` is Unix seconds. Raises SidekiqError.
    """
    versions = [process.version for process in await read_processes(db, now) if not process.stale]
    if versions:
        return form_for(versions)
    names = members(await db.command(*names_command(db.keys.queues))) or ()
    heads = await db.pipeline([("LINDEX", db.keys.queue(name), 0) for name in names])
    for name, head in zip(names, heads, strict=True):
        if isinstance(head, bytes):
            said = JobRecord(head, Place("queue", name)).item or {}
            if time_form(said.get("created_at")) == "integer milliseconds":
                return "milliseconds"
    return "seconds"


def form_for(versions: Iterable[str | None]) -> WrittenTime:
    """The form that processes of all these versions read; one whose version is unknown may be an old one."""
    majors = [_MAJOR.match(version or "") for version in versions]
    new = all(major is not None and int(major.group()) >= MILLISECONDS_FROM for major in majors)
    return "milliseconds" if majors and new else "seconds"
