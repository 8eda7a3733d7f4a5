"""How fast batches follow one another: short calls, and at least as much rest for others (operations-safety 7.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

CALL: Final = 0.002
"""Seconds of the server's time that one call shall take."""
FEWEST: Final = 20
MOST: Final = 200


class Pace:
    """Measures calls, and says how many entries the next one shall have and how long to rest before it."""

    def __init__(self, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`rate`: at most so many entries a second."""
        self._rate = rate
        self._clock = clock
        self._trip: float | None = None
        self._each = CALL / MOST
        self._ready = clock()
        self._began = clock()
        self._settled = 0
        self._recent: list[tuple[float, int]] = []

    @property
    def entries(self) -> int:
        """How many the next call shall have."""
        wanted = int(CALL / self._each) if self._each > 0 else MOST
        if self._rate is not None:
            wanted = min(wanted, max(1, int(self._rate / 4)))
            return max(1, min(MOST, wanted))
        return max(FEWEST, min(MOST, wanted))

    def trip(self, seconds: float) -> None:
        """What an empty call took: the way there and back."""
        self._trip = seconds if self._trip is None else min(self._trip, seconds)

    def called(self, seconds: float, entries: int) -> None:
        """What a call of so many entries took."""
        serving = max(0.0, seconds - (self._trip or 0.0))
        if entries:
            self._each += (serving / entries - self._each) * 0.3
        now = self._clock()
        self._ready = now + serving
        if self._rate is not None:
            self._settled += entries
            self._ready = max(self._ready, self._began + self._settled / self._rate)
        self._recent = [*self._recent[-19:], (now, entries)]

    @property
    def rest(self) -> float:
        """Seconds to wait before the next call."""
        return max(0.0, self._ready - self._clock())

    @property
    def rate(self) -> float | None:
        """Entries a second of late."""
        if len(self._recent) < 2:
            return None
        seconds = self._clock() - self._recent[0][0]
        return sum(entries for _, entries in self._recent[1:]) / seconds if seconds > 0 else None

    def paused(self, seconds: float) -> None:
        """So long nothing was to be done: that is not made up for."""
        self._began += seconds
