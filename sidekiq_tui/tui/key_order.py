"""Keys of one burst, in their order.

Textual forwards a key to whatever has the focus when the key is *read*. In a burst (a paste, a script, a slow line)
that is too early: in ``/foo`` the prompt would not have the focus yet, in ``gq`` the chord would not have begun.
So a key waits until the one before it has done what it does.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from textual import events

PATIENCE_SECONDS: Final = 0.25
"""A key that has not been reported done after this long was swallowed by something that went away."""


class KeyOrder:
    """Holds keys back while another one is under way. The caller gives the time, in seconds of any steady clock."""

    def __init__(self) -> None:
        self._waiting: deque[events.Key] = deque()
        self._since: float | None = None

    def begin(self, event: events.Key, now: float) -> bool:
        """Whether this key may go on now; if not it is kept for `next`."""
        if self._waiting or (self._since is not None and now - self._since < PATIENCE_SECONDS):
            self._waiting.append(event)
            return False
        self._since = now
        return True

    def next(self, now: float) -> events.Key | None:
        """The key before is done: the next one, which goes on at once, or None."""
        if not self._waiting:
            self._since = None
            return None
        self._since = now
        return self._waiting.popleft()

    def overdue(self, now: float) -> bool:
        """Whether keys wait for one that was lost."""
        return bool(self._waiting) and self._since is not None and now - self._since >= PATIENCE_SECONDS
