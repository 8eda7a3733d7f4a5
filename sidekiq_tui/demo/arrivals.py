"""Which jobs come in, second by second. The same seed and scenario bring the same jobs, whenever it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import poisson, wave
from sidekiq_tui.demo.plans import ServerPlan

BURST_FIRST: Final = 50  # seconds
BURST_EVERY: Final = 150  # seconds
BURST: Final = 25  # seconds' worth of the server's jobs that come in one burst
LATER: Final = 0.02  # share of the jobs that are pushed for later besides


@dataclass(frozen=True, slots=True)
class Arrival:
    """So many jobs of a kind at once. `delay`: seconds until they are due; None: they are due now."""

    kind: JobKind
    count: int
    delay: float | None = None


def arrivals(plan: ServerPlan, seed: str) -> Iterator[list[Arrival]]:
    """What comes in each second, for ever."""
    rng = Random(f"{seed}/{plan.name}/arrivals")
    next_burst = BURST_FIRST
    second = 0
    while True:
        yield list(_second(plan, rng, second, burst=second == next_burst))
        if second == next_burst:
            next_burst += int(BURST_EVERY * rng.uniform(0.7, 1.4))
        second += 1


def _second(plan: ServerPlan, rng: Random, second: int, *, burst: bool) -> Iterator[Arrival]:
    shares = sum(kind.share for kind in plan.kinds)
    rate = plan.rate * plan.scenario.pace * wave(second)
    for kind in plan.kinds:
        count = poisson(rate * kind.share / shares * plan.scenario.surges.get(kind.queue, 1.0), rng)
        if burst and kind.queue == plan.bursts:
            count += int(rate * BURST * kind.share / sum(one.share for one in plan.kinds if one.queue == kind.queue))
        if kind.every and second % int(kind.every) == 5:
            count += 1
        if count:
            yield Arrival(kind, count)
    if rng.random() < LATER * rate:
        yield Arrival(rng.choices(plan.kinds, [kind.share for kind in plan.kinds])[0], 1, rng.uniform(20, 1_800))
