"""How long classes usually run, as far as it was asked: each class once a minute at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

ASKED_EVERY: Final = 60.0
"""Seconds after which a class may be asked about again."""
FORGOTTEN_AFTER: Final = 600.0
MOST_AT_ONCE: Final = 50
"""Classes of one read."""


class UsualTimes:
    """The seconds that 95 of 100 runs of a class stay under; nothing here reads."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._times: dict[str, float] = {}

    @property
    def times(self) -> Mapping[str, float]:
        """Seconds by class; classes of which too little is known are not in it."""
        return self._times

    def due(self, classes: Iterable[str], now: float) -> tuple[str, ...]:
        """Those to ask about at `now` (Unix seconds), in the order given."""
        due = (
            name
            for name in dict.fromkeys(classes)
            if name and not 0 <= now - self._asked.get(name, -ASKED_EVERY) < ASKED_EVERY
        )
        return tuple(name for name, _ in zip(due, range(MOST_AT_ONCE), strict=False))

    def put(self, asked: Iterable[str], found: Mapping[str, float], now: float) -> None:
        """Takes an answer, also an empty one: what could not be read is not asked for again at once."""
        for name in asked:
            self._asked[name] = now
            self._times.pop(name, None)
        self._times.update(found)
        for name in [name for name, at in self._asked.items() if now - at > FORGOTTEN_AFTER]:
            del self._asked[name]
            self._times.pop(name, None)
