"""Keys of one burst, in their order.

Textual forwards a key to whatever has the focus when the key is *read*. In a burst (a paste, a script, a slow line)
that is too early: in ``/foo`` the prompt would not have the focus yet, in ``gq`` the chord would not have begun.
So a key waits until the one before it has done what it does, however long a slow machine needs for that.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from textual import events

PATIENCE_SECONDS: Final = 0.25
"""A key not reported done after this long may have been swallowed by something that went away: time to look."""


class KeyOrder:
    """Holds keys back while another one is under way, which `number` names."""

    def __init__(self) -> None:
        self._waiting: deque[events.Key] = deque()
        self._busy = False
        self.number = 0

    def begin(self, event: events.Key) -> bool:
        """Whether this key may go on now; if not it is kept for `next`."""
        if self._busy:
            self._waiting.append(event)
            return False
        self._start()
        return True

    def next(self, number: int) -> events.Key | None:
        """The key of that number is done: the next one, which goes on at once; None if there is none.

        Another key's number, which comes late, changes nothing.
        """
        if number != self.number:
            return None
        self._busy = False
        if not self._waiting:
            return None
        self._start()
        return self._waiting.popleft()

    def waits_for(self, number: int) -> bool:
        """Whether keys wait for the one of that number."""
        return bool(self._waiting) and self._busy and number == self.number

    def _start(self) -> None:
        self._busy = True
        self.number += 1
