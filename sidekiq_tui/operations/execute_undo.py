"""Carries an undo out: entry by entry from the journal or the trash, part by part on the server, or all at once."""

from __future__ import annotations

import contextlib

from sidekiq_tui.operations.catalog import Undo
from sidekiq_tui.operations.errors import CannotBeKept
from sidekiq_tui.operations.execute import Execution
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.prepared import new_bid
from sidekiq_tui.operations.sender import Halted, Sender, refusal_words
from sidekiq_tui.operations.undo import Way, from_journal, from_trash, way_back
from sidekiq_tui.sidekiq import plain_clearing
from sidekiq_tui.sidekiq.clearing import Restored, undo_clear
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import BatchReply
from sidekiq_tui.sidekiq.trash import STEP, TrashPart, restore_step


class UndoExecution(Execution):
    """One undo. Its id is that of what it takes back with a `u`: it can begin only once, from whatever machine."""

    operation: Undo

    async def carry_out(self) -> Outcome:
        """As any operation; afterwards what was taken back is no longer offered."""
        outcome = await super().carry_out()
        if outcome.ending == "done" and self.operation.only is None:
            with contextlib.suppress(CannotBeKept):
                await self.desk.journal.mark_undone(self.operation.operation, self.id)
        return outcome

    async def _work(self, sender: Sender) -> None:
        way = await patiently(lambda: way_back(self.desk.journal, self.server, self.operation.operation))
        await sender.begin()
        self._tell("running", "")
        if self.operation.only is not None:
            only = frozenset(self.operation.only)
            await self.batches(sender).carry_out(from_trash(self.server, way, only))
        elif way.parts:
            await self._all(sender, way)
        elif way.noted is not None:
            pieces = from_journal(self.desk.journal, way.noted, after=self.order.after)
            await self.batches(sender, first=self.order.first).carry_out(pieces)
        if not self.run.stopping:
            self.count.plus(gone=self.count.tally().untouched)

    async def _all(self, sender: Sender, way: Way) -> None:
        number = 0
        for part in way.parts:
            place = part.place
            if place is None:
                raise Halted("the server no longer says where these jobs were")
            if part.part is None and await self._at_once(sender, part, place):
                continue
            number = await self._steps(sender, part, place, number)

    async def _at_once(self, sender: Sender, part: TrashPart, place: Place) -> bool:
        """Puts a cleared queue or set back by one script; False when so much came since that it takes steps."""
        put_back = plain_clearing.undo_clear if self.plan.mode == "C" else undo_clear
        with self.count.in_doubt(part.count):
            restored = await sender.ask(lambda db, record: put_back(db, record, place, part.key))
        if restored.status == "many":
            return False
        if restored.status != "ok":
            raise Halted(self._why_not(restored, place))
        self.count.plus(done=restored.restored, exists=restored.existing)
        return True

    async def _steps(self, sender: Sender, part: TrashPart, place: Place, number: int) -> int:
        """Puts a part back by bounded steps; the number of the next one."""
        left: int | None = None
        while left != 0:
            if not await self.rested(sender):
                break
            bid = new_bid()
            most = min(STEP, part.count if left is None else left)
            left = None

            async def step(db: Database, seq: int, bid: str = bid) -> BatchReply:
                nonlocal left
                if self.plan.mode == "C":
                    now = self.desk.clock()
                    done = await plain_clearing.restore_step(db, sender.keys, seq, bid, part.key, place, now=now)
                else:
                    done = await restore_step(db, sender.record, seq, bid, part.key, place)
                left = done.left
                results = "1" * done.restored + "x" * done.existing + "D" * done.duplicated
                return BatchReply(done.status, results, done.error)

            with self.count.in_doubt(most):
                results = await sender.perform(number, bid, step)
            number += 1
            self.count.plus(done=results.count("1"), exists=results.count("x"), duplicated=results.count("D"))
            if left is None and not results:
                break
            self._progressed()
        return number

    def _why_not(self, restored: Restored, place: Place) -> str:
        match restored.status:
            case "gone":
                return "its trash is gone: it expired, or somebody removed it"
            case "type":
                return f"`{place.queue or place.kind}` holds something else than Sidekiq's data"
            case "closed":
                return "this undo was ended elsewhere"
        return refusal_words(restored.error.partition(" ")[0], restored.error, self.plan.server)
