"""How long jobs run, from Sidekiq's histograms: 26 counters a class and minute (protocol 8, metrics/shared.rb)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys

Form = Literal[7, 8]
"""Whose key names: 7.x (6.5 too) or 8.x."""
FORMS: Final[tuple[Form, ...]] = (7, 8)

HISTOGRAM_INTERVALS: Final[tuple[float, ...]] = (
    *(20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1100, 1700, 2500, 3800, 5750, 8500, 13000, 20000, 30000),
    *(45000, 65000, 100000, 150000, 225000, 335000, 1e20),
)
"""Upper bounds in milliseconds; a run counts in the first bucket whose bound is above its time."""

HISTOGRAM_LABELS: Final = (
    *("20ms", "30ms", "45ms", "65ms", "100ms", "150ms", "225ms", "335ms", "500ms", "750ms", "1.1s", "1.7s", "2.5s"),
    *("3.8s", "5.75s", "8.5s", "13s", "20s", "30s", "45s", "65s", "100s", "150s", "225s", "335s", "Slow"),
)

SLOW: Final = HISTOGRAM_INTERVALS[-2] / 1000
"""Seconds; longer runs share the last bucket, which has no upper bound."""

_KEYS_A_COMMAND: Final = 500
_KEYS_A_TRIP: Final = 5000

Counts = tuple[int, ...]


def decode_histogram(raw: object) -> Counts:
    """26 counters of 16 bits, big-endian; Redis keeps the string only as long as its last counter that was used."""
    data = raw if isinstance(raw, bytes) else b""
    padded = data[: 2 * len(HISTOGRAM_LABELS)].ljust(2 * len(HISTOGRAM_LABELS), b"\0")
    return tuple(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))


def add_up(some: Collection[Counts]) -> Counts:
    """The counters of several histograms together; all zero for none."""
    return tuple(map(sum, zip(*some, strict=True))) if some else (0,) * len(HISTOGRAM_LABELS)


def percentile(counts: Sequence[int], share: float, mean: float | None = None) -> float | None:
    """Seconds that `share` (0 to 1) of the runs stayed under, an estimate; None without runs.

    Inside a bucket runs are taken to be spread evenly. The last bucket has no upper bound: without `mean` (seconds of
    a run, over all of them) the answer there is its lower one, 335 s, which says "at least"; with it, runs are taken
    to thin out exponentially round the mean time of those in it.
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted = min(max(share, 0.0), 1.0) * total
    below = 0
    for index, count in enumerate(counts[:-1]):
        if count and below + count >= wanted:
            low, high = bounds(index)
            return low + (high - low) * (wanted - below) / count
        below += count
    slow = counts[-1]
    if mean is None or not slow:
        return SLOW
    others = sum(count * sum(bounds(index)) / 2 for index, count in enumerate(counts[:-1]))
    over = max(0.0, (mean * total - others) / slow - SLOW)
    # At least half a run is longer than any share asked for: the longest of all has no estimate.
    return SLOW - over * math.log(max(total - wanted, 0.5) / slow)


def bounds(index: int) -> tuple[float, float]:
    """The lower and upper bound of a bucket in seconds."""
    return (HISTOGRAM_INTERVALS[index - 1] / 1000 if index else 0.0), HISTOGRAM_INTERVALS[index] / 1000


async def read_histograms(
    db: Database, wanted: Mapping[str, Collection[float]], forms: Collection[Form] = FORMS
) -> dict[str, dict[float, Counts]]:
    """The histograms of classes in minutes (their first seconds), of both forms added up; one trip per 5000 keys.

    Minutes without runs are left out, and so are classes without any. Raises SidekiqError when nothing may be read.
    """
    places = [
        (class_name, minute, key)
        for class_name, minutes in wanted.items()
        for minute in minutes
        for key in _keys(db.keys, class_name, minute, forms)
    ]
    found: dict[str, dict[float, Counts]] = {}
    values = await _values(db, [key for _, _, key in places])
    for (class_name, minute, _), raw in zip(places, values, strict=True):
        if raw and any(counts := decode_histogram(raw)):
            of_class = found.setdefault(class_name, {})
            of_class[minute] = add_up((of_class[minute], counts)) if minute in of_class else counts
    return found


def _keys(keys: Keys, class_name: str, minute: float, forms: Collection[Form]) -> Iterator[bytes]:
    when = datetime.fromtimestamp(minute, UTC)
    if 8 in forms:
        yield keys.histogram(class_name, when)
    if 7 in forms:
        yield keys.histogram_v7(class_name, when)


async def _values(db: Database, keys: Sequence[bytes]) -> list[object]:
    """MGET in pieces, so that no command holds the server; a key of another type counts as none."""
    values: list[object] = []
    errors: list[SidekiqError] = []
    for start in range(0, len(keys), _KEYS_A_TRIP):
        trip = keys[start : start + _KEYS_A_TRIP]
        pieces = [trip[at : at + _KEYS_A_COMMAND] for at in range(0, len(trip), _KEYS_A_COMMAND)]
        replies = await db.pipeline([("MGET", *piece) for piece in pieces])
        for piece, reply in zip(pieces, replies, strict=True):
            if isinstance(reply, SidekiqError):
                errors.append(reply)
            good = isinstance(reply, list) and len(reply) == len(piece)
            values += reply if good and isinstance(reply, list) else [None] * len(piece)
    if errors and not any(values):
        raise errors[0]
    return values
