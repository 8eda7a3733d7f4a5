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
from sidekiq_tui.operations.journal_file import unkept
from sidekiq_tui.operations.private_files import private_folder
from sidekiq_tui.operations.settings import Keep, OperationSettings
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

    def payloads(self, server: str) -> Keep:
        """Where bytes for undo may lie of operations on that server."""
        return self.server(server).profile.journal_payloads or self.settings.payloads

    def untidy(self, what: str) -> bool:
        """Whether it is time to forget what is old there; says so once an hour."""
        now = self.clock()
        if now - self._tidied.get(what, -HOUR) < HOUR:
            return False
        self._tidied[what] = now
        return True

    async def audited(self, fields: Mapping[str, object]) -> Head:
        """Writes a line and keeps the head of the chain in the journal, too. Raises `CannotBeKept`."""
        head = await asyncio.to_thread(self._written, fields)
        with contextlib.suppress(CannotBeKept):  # the line is there; a head that is missing makes verify check less
            await self.journal.set_head(head)
        return head

    def _written(self, fields: Mapping[str, object]) -> Head:
        try:
            # The audit lies in the journal's folder: neither goes where that is a link, or somebody else's.
            private_folder(self.journal.folder)
        except OSError as error:
            raise unkept(error, self.journal.folder) from error
        return self.audit.write(fields)
