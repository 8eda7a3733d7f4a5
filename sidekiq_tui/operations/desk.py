"""What all operations of a session share: journal, audit, clock, who acts, and which server bears a name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.operations.audit import Audit, Head
from sidekiq_tui.operations.errors import CannotBeKept
from sidekiq_tui.operations.journal import Journal
from sidekiq_tui.operations.settings import OperationSettings
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.server import Server

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Of one `Operations`."""

    server: Callable[[str], Server]
    journal: Journal
    audit: Audit
    settings: OperationSettings
    clock: Callable[[], float]
    who: Who
    read_only: bool
    _tidied: dict[str, float] = field(default_factory=dict)

    def untidy(self, what: str) -> bool:
        """Whether it is time to forget what is old there; says so once an hour."""
        now = self.clock()
        if now - self._tidied.get(what, -HOUR) < HOUR:
            return False
        self._tidied[what] = now
        return True

    async def audited(self, fields: Mapping[str, object]) -> Head:
        """Writes a line and keeps the head of the chain in the journal, too. Raises `AuditError`."""
        head = await asyncio.to_thread(self.audit.write, fields)
        with contextlib.suppress(CannotBeKept):  # the line is there; a head that is missing makes verify check less
            await self.journal.set_head(head)
        return head
