"""The same errors on several servers as one group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sidekiq_tui.sidekiq.error_groups import MINUTES, ErrorGroup, FailureHistory

MESSAGES: Final = 20
"""Messages and queues kept apart at most, as in the index of one server."""


class MergedHistory(FailureHistory):
    """The failures of several groups together; it only reads."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[FailureHistory]) -> None:
        self._parts = tuple(parts)

    def add(self, time: float, now: float) -> None:
        """Raises: each server counts its own."""
        raise TypeError("a merged history does not count")

    def minutes(self, now: float, count: int = MINUTES) -> list[int]:
        """Failures of each of the last `count` minutes, oldest first."""
        return _summed([part.minutes(now, count) for part in self._parts], count)

    def day(self, now: float, cells: int) -> list[int]:
        """Failures of the last day in `cells` equal parts, oldest first."""
        return _summed([part.day(now, cells) for part in self._parts], max(cells, 0))


def merge_groups(groups: Sequence[ErrorGroup]) -> ErrorGroup:
    """Groups of one cause, at least one, as if their jobs lay on one server."""
    newest = max(groups, key=lambda group: group.last_at or 0.0)
    messages, other = _counted(group.messages for group in groups)
    queues, _ = _counted(group.queues for group in groups)
    frames: Counter[str] = Counter()
    for group in groups:
        if group.frame is not None:
            frames[group.frame] += group.frame_jobs
    frame, frame_jobs = next(iter(frames.most_common(1)), (None, 0))
    return ErrorGroup(
        cause=groups[0].cause,
        retries=sum(group.retries for group in groups),
        dead=sum(group.dead for group in groups),
        queues=queues,
        messages=messages,
        other_messages=other + sum(group.other_messages for group in groups),
        first_at=_known(min, [group.first_at for group in groups]),
        last_at=_known(max, [group.last_at for group in groups]),
        frame=frame,
        frame_jobs=frame_jobs,
        frames_read=sum(group.frames_read for group in groups),
        sample_jid=newest.sample_jid,
        history=MergedHistory([group.history for group in groups]),
    )


def _counted(some: Iterable[Sequence[tuple[str, int]]]) -> tuple[tuple[tuple[str, int], ...], int]:
    """The most frequent names with their counts, and how many there are of the others."""
    counts: Counter[str] = Counter()
    for pairs in some:
        for name, count in pairs:
            counts[name] += count
    kept = counts.most_common(MESSAGES)
    return tuple(kept), counts.total() - sum(count for _, count in kept)


def _known(choose: Callable[[list[float]], float], times: Iterable[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return choose(known) if known else None


def _summed(rows: Sequence[Sequence[int]], length: int) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * length
