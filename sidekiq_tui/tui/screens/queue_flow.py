"""How fast a queue fills and drains, as far as that can be known from outside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.servers.series import SeriesView
from sidekiq_tui.sidekiq.queue_activity import QueueActivity

GROWTH_PERIODS: Final = (300.0, 120.0, 60.0, 30.0)
"""Seconds over which growth is measured: the longest that the history reaches back."""
LONGEST_WINDOW: Final = 900.0
"""Seconds: what came in before says little about now."""
SHORTEST_WINDOW: Final = 20.0
"""Seconds: sizes are kept in steps of ten, so what left in a shorter time would be noise."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Jobs a second; None is "cannot be known now", never zero. Seconds say over which time each was measured."""

    arriving: float | None = None
    arriving_over: float | None = None
    leaving: float | None = None
    growth: float | None = None
    """Jobs a second that it gets longer by; negative when it gets shorter."""
    growth_over: float | None = None
    size: int | None = None

    @property
    def empty_in(self) -> float | None:
        """Seconds until it is empty if it goes on like that; infinite if it does not get shorter."""
        if self.size == 0:
            return 0.0
        if self.size is None or self.growth is None:
            return None
        return self.size / -self.growth if self.growth < 0 else math.inf


def flow_of(queue: str, size: int | None, activity: QueueActivity | None, series: SeriesView) -> Flow:
    """What came in is read off the list (see `queue_activity`); what left is that, less what the queue grew by.

    Redis counts jobs done by class and not by queue, so there is no better way.
    """
    growth, over = _growth(queue, series)
    windows = activity.arrivals if activity is not None else ()
    recent = [one for one in windows if one.seconds <= LONGEST_WINDOW] or list(windows[:1])
    if not recent:
        return Flow(growth=growth, growth_over=over, size=size)
    known = [(one, series.queue_change(queue, "size", one.seconds)) for one in recent if one.seconds >= SHORTEST_WINDOW]
    both = [(one, change) for one, change in known if change is not None]
    if both:
        window, change = both[-1]
        leaving = max(0.0, (window.jobs - change) / window.seconds)
        return Flow(window.rate, window.seconds, leaving, growth, over, size)
    return Flow(recent[-1].rate, recent[-1].seconds, None, growth, over, size)


def _growth(queue: str, series: SeriesView) -> tuple[float | None, float | None]:
    for period in GROWTH_PERIODS:
        change = series.queue_change(queue, "size", period)
        if change is not None:
            return change / period, period
    return None, None
