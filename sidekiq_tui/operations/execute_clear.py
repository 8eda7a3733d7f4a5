"""Empties a whole queue or set at once (operations-safety 9)."""

from __future__ import annotations

import json
from typing import Final

from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.catalog import Clear
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.sidekiq.clearing import Cleared, clear, clear_when_full
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.keys import Keys

_GROWN: Final = (1000, 0.1)
"""So many entries more than were confirmed, or such a share of them, are still what was meant (7.3)."""


class ClearExecution(Execution):
    """One clear: a single script, whatever the size."""

    operation: Clear

    @property
    def place(self) -> Place:
        """What is emptied."""
        assert isinstance(self.operation.place, Whole)
        return self.operation.place.place

    @property
    def bound(self) -> int:
        """The most entries that may be there."""
        count = self.plan.count
        return count + max(_GROWN[0], int(count * _GROWN[1]))

    def sender(self, head: Head) -> Sender:
        """As for any operation; the record says where the trash belongs."""
        places = [[self.place.kind, self.place.queue, None, self.plan.count]]
        return self.sender_with(head, {"places": json.dumps(places)})

    async def _work(self, sender: Sender) -> None:
        trash = Keys(self.server.profile.namespace).trash(self.id) if self.undo_kind() == "trash" else None
        try:
            await sender.begin()
        except Halted as halt:
            if halt.code != "OOM" or trash is not None:
                raise
            cleared = await clear_when_full(await sender.database(), self.place, bound=self.bound)
        else:
            now = self.desk.clock()
            cleared = await sender.ask(
                lambda db, record: clear(db, record, self.place, bound=self.bound, trash=trash, now=now)
            )
        if cleared.status not in ("ok", "none"):
            raise Halted(self._why_not(cleared), code=cleared.error.partition(" ")[0] or cleared.status.upper())
        self.count.plus(done=cleared.count)
        self.count.total = max(self.count.total, cleared.count)
        self.count.plus(gone=self.count.tally().untouched)

    def _why_not(self, cleared: Cleared) -> str:
        name = self.place.queue or self.place.kind
        match cleared.status:
            case "grown":
                return f"{name} has grown to {cleared.count:,} since it was planned: look at it again"
            case "type":
                return f"`{name}` holds something else than Sidekiq's data"
            case "exists":
                return "the name of its trash is taken"
            case "closed":
                return "it came too late, or was ended elsewhere"
        return refusal_words(cleared.error.partition(" ")[0], cleared.error, self.plan.server)
