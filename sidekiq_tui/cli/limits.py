"""The limits of ``check``: how they are written, and what passes them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sidekiq_tui.cli.parser import whole_number

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.overview import Overview, QueueSummary

Subject = Literal["latency", "enqueued", "retries", "scheduled", "dead", "processes"]

_SPAN: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|\d+(?:\.\d+)?")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """One line not to cross: at most `bound`, or at least where `least`. Latency is in seconds."""

    subject: Subject
    bound: float
    queue: str | None = None
    """Only this queue; None is the worst one (latency), or all together."""
    least: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A limit and what was seen. `value` None: it cannot be known, for `reason`."""

    limit: Limit
    value: float | None
    queue: str | None = None
    """The queue that the value is of."""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the limit is passed; what cannot be known counts, for silence must not look like health."""
        if self.value is None:
            return True
        return self.value < self.limit.bound if self.limit.least else self.value > self.limit.bound


def duration(text: str) -> float:
    """Seconds of `60`, `60s`, `2m`, `1h30m`, `250ms`."""
    if not _SPAN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"not a duration: {text} (60, 60s, 2m, 1h30m)")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def latency_limit(text: str) -> Limit:
    """``60`` or ``mailers=5m``; a queue's name may hold a ``=`` of its own."""
    queue, _, value = text.rpartition("=")
    return Limit("latency", duration(value), queue or None)


def enqueued_limit(text: str) -> Limit:
    """``1000`` for all queues together, or ``mailers=100``."""
    queue, _, value = text.rpartition("=")
    return Limit("enqueued", whole_number(value), queue or None)


def judge(limits: Iterable[Limit], overview: Overview) -> list[Finding]:
    """What was seen for each limit."""
    return [finding for limit in limits for finding in _judge(limit, overview)]


def _judge(limit: Limit, overview: Overview) -> Iterator[Finding]:
    denied = overview.denied
    match limit.subject:
        case "latency" | "enqueued" if "queues" in denied:
            yield Finding(limit, None, limit.queue, denied["queues"])
        case "latency":
            yield _latency(limit, _queues(limit, overview))
        case "enqueued":
            sizes = [queue.size for queue in _queues(limit, overview)]
            unknown = any(size is None for size in sizes)
            reason = "the size of a queue cannot be read" if unknown else ""
            yield Finding(limit, None if unknown else sum(size or 0 for size in sizes), limit.queue, reason)
        case "processes":
            yield Finding(limit, overview.live_processes, reason=denied.get("processes", ""))
        case "retries" | "scheduled" | "dead" as name:
            count: int | None = getattr(overview, name)
            yield Finding(limit, count, reason=denied.get(name, ""))


def _queues(limit: Limit, overview: Overview) -> list[QueueSummary]:
    return [queue for queue in overview.queues if limit.queue in (None, queue.name)]


def _latency(limit: Limit, queues: list[QueueSummary]) -> Finding:
    unknown = next((queue for queue in queues if queue.latency is None), None)
    worst = max(
        (queue for queue in queues if queue.latency is not None), key=lambda queue: queue.latency or 0.0, default=None
    )
    value = worst.latency if worst is not None else None
    if unknown is not None and not (value is not None and value > limit.bound):
        return Finding(limit, None, unknown.name, "its oldest entry has no readable time")
    return Finding(limit, value or 0.0, worst.name if worst is not None and value else limit.queue)
