"""When to draw what nobody asked for: not while a key's effect is on its way to the screen.

A key that comes in the middle of such a drawing waits for it. Who types does not pause for it, so the best moment is
right after a key's effect has been painted: the next one is some 30 ms away even while a key is held down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

TYPING_SECONDS: Final = 0.25
"""After a key this long another one is likely; then nobody types."""


class Pace:
    """Holds drawings back while somebody types, until the next key's effect is painted or no key comes."""

    def __init__(self) -> None:
        self._pressed = float("-inf")
        self._waiting: dict[str, Callable[[], object]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def quiet_seconds(self) -> float:
        """Since the last key."""
        return time.monotonic() - self._pressed

    def key(self) -> None:
        """A key came."""
        self._pressed = time.monotonic()

    def painted(self) -> None:
        """The effect of a key is on the screen: the moment for what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        for act in waiting.values():
            act()

    def when_free(self, name: str, act: Callable[[], object]) -> None:
        """Acts at once if nobody types, else as soon as that is in nobody's way; of one name only the last."""
        if self.quiet_seconds >= TYPING_SECONDS:
            act()
            return
        self._waiting[name] = act
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        left = max(0.0, TYPING_SECONDS - self.quiet_seconds)
        self._timer = asyncio.get_running_loop().call_later(left, self._look)

    def _look(self) -> None:
        if self.quiet_seconds < TYPING_SECONDS:
            self._wait()
        else:
            self.painted()
