"""What carrying out a plan costs: measured costs times what it is for (operations-safety 7.6, 8.1 and 18)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from sidekiq_tui.operations.catalog import Across, Copy, CopyAcross, Delete, Edit, Kill, OfJobs, Reschedule, ToFront
from sidekiq_tui.operations.plan import Price
from sidekiq_tui.sidekiq.job import Place

BATCH_ENTRIES: Final = 200
BATCH_BYTES: Final = 512 * 1024
ENTRY: Final = 12e-6
"""Seconds of the server's time for an entry of a set."""
OURS: Final = 16e-6
"""Seconds of ours to read, edit and journal one."""
DEPTH: Final = 0.08e-6
"""Seconds to step over one entry of a queue, which is done to find another one by its bytes, and to remove it."""
ONE_BY_ONE: Final = 1.0
LONGEST: Final = 5e-3
"""Seconds in all, and for one entry, up to which entries of a queue are removed one by one; else it is rebuilt."""
REBUILT: Final = 100_000
"""Entries a second that a rebuild reads."""
WINDOW: Final = 6.5e-3
"""Seconds of the longest call of a rebuild."""
COPY: Final = 1.2
"""Memory of a queue's copy, of its payloads' bytes."""


def price_of_jobs(
    operation: OfJobs,
    places: Mapping[Place, int],
    sizes: Mapping[Place, int],
    mean: float,
    *,
    read_again: bool,
    rtt: float,
) -> Price:
    """The price for so many entries in each place. `sizes`: of the places; `mean`: bytes of a payload; `rtt`: seconds.

    `read_again`: the entries are too many to be kept, so their places are walked once more.
    """
    count = sum(places.values())
    carried = _payloads_sent(operation)
    each = max(1.0, mean * carried)
    calls = math.ceil(count / max(1, min(BATCH_ENTRIES, int(BATCH_BYTES / each)))) + 2
    seconds = count * (2 * ENTRY + OURS) + calls * rtt
    longest = min(BATCH_ENTRIES, count) * ENTRY
    memory = count * mean * COPY if isinstance(operation, Copy | Across) else 0.0
    for place, number in places.items():
        if place.kind != "queue" or isinstance(operation, Copy | CopyAcross):
            continue
        size = sizes.get(place, number)
        if rebuilds(operation, number, size):
            seconds += size / REBUILT
            memory = max(memory, size * mean * COPY)
            longest = max(longest, WINDOW)
        else:
            seconds += 2 * number * removal(size)
            longest = max(longest, removal(size))
    received = sum(sizes.get(place, 0) for place in places) * mean if read_again else 0.0
    return Price(calls, seconds, int(count * each), int(received), int(memory), longest)


def removal(size: int) -> float:
    """Seconds to remove one entry of a queue of that size, at a random depth from its nearer end."""
    return size / 4 * DEPTH


def rebuilds(operation: OfJobs, count: int, size: int) -> bool:
    """Whether so many entries of a queue of that size are taken out by rebuilding it."""
    if isinstance(operation, Edit | ToFront | Copy | Across):
        return False
    return count > 1 and (count * removal(size) > ONE_BY_ONE or removal(size) > LONGEST)


def _payloads_sent(operation: OfJobs) -> int:
    """How many times a payload's bytes go over the wire: as found, and as written when that differs."""
    return 1 if isinstance(operation, Delete | Reschedule | ToFront | Copy | Kill) else 2
