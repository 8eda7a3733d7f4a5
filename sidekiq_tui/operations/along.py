"""Batches that were sent along with the one before them, in the same round trip, and what is known of each.

The record lets a batch act only after the one before it. So nothing but a lost reply leaves anything open, and the
fence tells of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sidekiq_tui.operations.prepared import UNKNOWN, Prepared
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.operation_record import BatchReply, ClosedRecord, classify

Answer = BatchReply | SidekiqError


class Along:
    """Those of one operation; there are none for most of its time."""

    def __init__(self) -> None:
        self._open: dict[int, Prepared] = {}
        """May have been carried out."""
        self._answers: dict[int, Answer] = {}

    def sent(self, batches: Sequence[Prepared]) -> None:
        """They are under way."""
        self._open = {batch.number: batch for batch in batches}

    def lost(self, error: SidekiqError) -> None:
        """There was no reply, or one that says that the server serves nobody now: then all are to be sent again."""
        if classify(error) == "not executed":
            self._open = {}
        elif self._open:
            self._answers = {min(self._open): error}

    def answered(self, replies: Sequence[Answer]) -> None:
        """What each was answered. Those that found a gap, or no script, are simply to be sent again."""
        for number, reply in zip(self._open, replies, strict=False):
            again = reply.status == "gap" if isinstance(reply, BatchReply) else reply.code == "NOSCRIPT"
            if not again:
                self._answers[number] = reply
        self._open = {}

    def take(self, number: int) -> Answer | None:
        """The answer to a batch, once; None when it is to be sent."""
        return self._answers.pop(number, None)

    def fenced(self, found: ClosedRecord, base: int, after: int) -> int | None:
        """The fence was set: the number up to which batches `after` one have been carried out, None without such.

        `base`: the number of the first batch of the generation.
        """
        reached = None
        for number, batch in sorted(self._open.items()):
            said = found.results.get(number - base)
            if number > after and said is not None and said.bid == batch.bid:
                self._answers[number] = BatchReply("done", said.results)
                reached = number + 1
        self._open = {}
        return reached

    def left(self, batch: Prepared) -> str:
        """What became of a batch when the operation ended with one before it."""
        answer = self._answers.pop(batch.number, None)
        if isinstance(answer, BatchReply) and answer.status in ("ok", "done"):
            return answer.results.ljust(len(batch.items), UNKNOWN)
        lost = isinstance(answer, SidekiqError) and classify(answer) == "unknown"
        return (UNKNOWN if lost or batch.number in self._open else "-") * len(batch.items)
