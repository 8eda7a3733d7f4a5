"""Counts what becomes of entries while an operation runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.payloads import MALFORMED
from sidekiq_tui.operations.prepared import UNKNOWN, Prepared
from sidekiq_tui.operations.sender import Halted
from sidekiq_tui.sidekiq.payload import to_bytes

JIDS_NAMED: Final = 100
"""So many jids are named in the audit; of all there is a digest."""


class Count:
    """Of one operation for `total` entries."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._said: Counter[str] = Counter()
        self.gone = 0
        """Not met any more where they had been."""
        self.malformed = 0
        self.refused = 0
        self.unknown = 0
        self.jids: list[str] = []
        """Of the first entries that were done."""
        self.twice: list[str] = []
        """Jids of those that a duplicate was left behind of."""
        self._digest = hashlib.sha256()

    def add(self, batch: Prepared, results: str) -> None:
        """What became of a batch."""
        self._said.update(results)
        done = [jid for jid, result in zip(batch.jids, results, strict=False) if result == "1" and jid is not None]
        self._digest.update(to_bytes("".join([f"{jid}\n" for jid in done])))
        self.jids += done[: JIDS_NAMED - len(self.jids)]
        if "D" in results:
            pairs = zip(batch.jids, results, strict=False)
            self.twice += [jid or "without a jid" for jid, result in pairs if result == "D"]

    def take_back(self, results: str) -> None:
        """These results are no longer true: the server has lost what they were about."""
        self._said.subtract(results)

    def plus(self, *, done: int = 0, gone: int = 0, exists: int = 0, duplicated: int = 0) -> None:
        """What became of entries that did not go by batches."""
        self._said.update({"1": done, "x": exists, "D": duplicated})
        self.gone += gone

    @contextmanager
    def in_doubt(self, entries: int) -> Iterator[None]:
        """Around a script beside batches: of so many entries it is unknown what it did, if it stays so."""
        try:
            yield
        except Halted as halt:
            if halt.unknown:
                self.unknown += entries
            raise

    def left_alone(self, reason: str) -> None:
        """An entry that is not touched, and why."""
        if reason == MALFORMED:
            self.malformed += 1
        else:
            self.refused += 1

    @property
    def digest(self) -> str:
        """Of the jids of all that were done, in their order."""
        return self._digest.hexdigest()

    def tally(self) -> Tally:
        """As it is now. What nothing is known of yet is untouched."""
        said = self._said
        known = Tally(
            done=said["1"],
            gone=said["0"] + self.gone,
            exists=said["x"],
            refused=self.refused,
            malformed=self.malformed,
            unknown=self.unknown + said[UNKNOWN],
            duplicated=said["D"],
        )
        untouched = max(0, self.total - known.settled - known.unknown)
        return Tally(
            known.done,
            known.gone,
            known.exists,
            known.refused,
            known.malformed,
            known.unknown,
            known.duplicated,
            untouched,
        )
