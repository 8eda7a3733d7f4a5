"""How fast batches follow one another: short calls, and at least as much rest for others (operations-safety 7.6).

What a call takes here says little: threads, the network and other programs delay it. The server itself tells how long
its scripts ran; where that is forbidden, what was measured elsewhere is taken.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

CALL: Final = 0.002
"""Seconds of the server's time that one call shall take."""
ENTRY: Final = 12e-6
"""Seconds for an entry, until the server has said (operations-safety 18)."""
FEWEST: Final = 20
MOST: Final = 200
LOOK: Final = 0.5
"""Seconds between two looks at what the server says."""
LOOK_TRIPS: Final = 30
"""Round trips between them, at least: over a long line each costs as much as a batch."""
FAR: Final = 0.04
"""Seconds of a round trip from which on two batches are under way at a time."""
TICK: Final = 0.001
"""Seconds up to which sleeping is inexact: shorter rests are put off, and what is slept too long is made up for."""
_SEEN: Final = 20
_TRIPS: Final = 5


class Pace:
    """Says how many entries the next call shall have and how long to rest before it."""

    def __init__(self, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`rate`: at most so many entries a second."""
        self._rate = rate
        self._clock = clock
        self._each = ENTRY
        self._ready = self._began = clock()
        self._entries = 0
        self._looked: tuple[float, int, int] | None = None
        self._recent: list[tuple[float, int]] = []
        self._trips: deque[float] = deque(maxlen=_TRIPS)

    def answered(self, seconds: float) -> None:
        """A call and its reply took so long."""
        self._trips.append(seconds)

    @property
    def far(self) -> bool:
        """Whether the line is so long that it says how fast a bulk is, not the server; never where a rate says so."""
        return self._rate is None and len(self._trips) > 1 and min(self._trips) >= FAR

    @property
    def entries(self) -> int:
        """How many the next call shall have."""
        wanted = max(FEWEST, min(MOST, int(CALL / self._each)))
        return wanted if self._rate is None else max(1, min(wanted, int(self._rate / 4)))

    def called(self, entries: int) -> None:
        """A call with so many entries has ended, the one that was answered last."""
        now = self._clock()
        self._entries += entries
        # From its sending on: what a call waits on its way, or for other programs, is rest for the server.
        sent = now - (self._trips[-1] if self._trips else 0.0)
        self._ready = max(self._ready, sent - TICK) + 2 * self._each * entries
        if self._rate is not None:
            self._ready = max(self._ready, self._began + self._entries / self._rate)
        self._recent = [*self._recent[-_SEEN + 1 :], (now, entries)]

    @property
    def rest(self) -> float:
        """Seconds to wait before the next call."""
        left = self._ready - self._clock()
        return left if left >= TICK else 0.0

    @property
    def curious(self) -> bool:
        """Whether it is time to look at what the server says."""
        if self._looked is None:
            return True
        return self._clock() - self._looked[0] >= max(LOOK, LOOK_TRIPS * min(self._trips, default=0.0))

    def served(self, microseconds: int | None) -> None:
        """What the server says its scripts took in all; None: it does not say."""
        before, self._looked = self._looked, (self._clock(), microseconds or 0, self._entries)
        if before is None or microseconds is None or before[1] == 0:
            return
        entries = self._entries - before[2]
        if entries > 0 and microseconds > before[1]:
            self._each = (microseconds - before[1]) / 1e6 / entries

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
