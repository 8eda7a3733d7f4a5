"""What failed jobs have in common: class, error, and a message without what differs from job to job."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from sidekiq_tui.sidekiq.folding import fold
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.payload import to_bytes

CauseKind = Literal["error", "undecodable", "rest"]

NAME_LENGTH: Final = 200
"""Characters of a class or queue that count."""
MINUTE: Final = 60
MINUTES: Final = 120
"""A history knows the failures of each of so many minutes."""
TENS: Final = 144
"""And of each of so many ten minutes: a day."""

_HISTORY: Final = 10 * MINUTE * TENS

# Clocks of workers may be ahead of ours by so many seconds; a time further on says nothing.
_AHEAD: Final = 3600.0


class Cause(NamedTuple):
    """What makes jobs one group.

    `message` is folded; empty when there is none. Kind "undecodable": payloads that are no JSON object; "rest": what
    came after an index had as many groups as it keeps.
    """

    klass: str | None
    error_class: str | None
    message: str
    kind: CauseKind = "error"


UNDECODABLE: Final = Cause(None, None, "", "undecodable")
REST: Final = Cause(None, None, "", "rest")


def cause_of(job: JobRecord) -> Cause:
    """The group of a job. Never raises, and takes bounded time beyond decoding the payload."""
    if job.malformed:
        return UNDECODABLE
    return Cause(_name(job.display_class), _name(job.error_class), fold(job.error_message or ""))


def _name(value: str | None) -> str | None:
    return None if value is None else value[:NAME_LENGTH]


class FailureTimes(NamedTuple):
    """When a job failed for the first time and the last time (Unix seconds); None where that cannot be known."""

    first: float | None
    last: float | None


def failure_times(job: JobRecord, now: float) -> FailureTimes:
    """When a job of retry or dead failed; a dead one without a readable time when it died. The far future is no time.

    `retried_at` is set from the second failure on (protocol 4.2).
    """
    died = job.score if job.place.kind == "dead" else None
    times = [_past(time, now) for time in (job.failed_at, job.retried_at, died)]
    first, last, died = times
    if first is None and last is None:
        return FailureTimes(died, died)
    return FailureTimes(last if first is None else first, first if last is None else last)


def _past(time: float | None, now: float) -> float | None:
    return time if time is not None and 0 < time < now + _AHEAD else None


class FailureHistory:
    """How many failures there were in each minute of two hours and each ten minutes of a day. Fixed memory (1 KB)."""

    __slots__ = ("_minutes", "_tens")

    def __init__(self) -> None:
        self._minutes = _Ring(MINUTE, MINUTES)
        self._tens = _Ring(10 * MINUTE, TENS)

    def add(self, time: float, now: float) -> None:
        """Counts a failure, if it is recent; one that seems to be in the future counts as of now."""
        if time > now - _HISTORY:
            self._minutes.add(min(time, now))
            self._tens.add(min(time, now))

    def minutes(self, now: float, count: int = MINUTES) -> list[int]:
        """Failures of each of the last `count` minutes, oldest first; the last one is not over yet."""
        return self._minutes.last(now, count)

    def day(self, now: float, cells: int) -> list[int]:
        """Failures of the last day in `cells` equal parts, oldest first."""
        tens = self._tens.last(now, TENS)
        if cells <= 0:
            return []
        return [sum(tens[TENS * cell // cells : TENS * (cell + 1) // cells]) for cell in range(cells)]


class _Ring:
    """Counts of the newest buckets of time."""

    __slots__ = ("_counts", "_newest", "_width")

    def __init__(self, width: int, buckets: int) -> None:
        self._width = width
        self._counts = array("I", bytes(4 * buckets))
        self._newest = 0

    def add(self, time: float) -> None:
        bucket, size = int(time // self._width), len(self._counts)
        if bucket > self._newest:
            for passed in range(max(self._newest + 1, bucket - size + 1), bucket + 1):
                self._counts[passed % size] = 0
            self._newest = bucket
        if bucket > self._newest - size:
            self._counts[bucket % size] += 1

    def last(self, now: float, count: int) -> list[int]:
        bucket, size = int(now // self._width), len(self._counts)
        oldest = self._newest - size
        return [
            self._counts[one % size] if oldest < one <= self._newest else 0
            for one in range(bucket - count + 1, bucket + 1)
        ]


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """The jobs of one cause that were in the sets when they were read. Times are Unix seconds.

    `first_at` and `last_at` are failures of any job seen since everything was read, also of those that have left.
    """

    cause: Cause
    retries: int
    dead: int
    queues: tuple[tuple[str, int], ...]
    """Queues and their jobs, most first; jobs whose queue is not known are in none."""
    messages: tuple[tuple[str, int], ...]
    """Messages before folding and their jobs, most first: those that were kept apart."""
    other_messages: int
    """Jobs whose message was not kept apart."""
    first_at: float | None
    last_at: float | None
    frame: str | None
    """The innermost frame of the application that most jobs have in common."""
    frame_jobs: int
    frames_read: int
    """Jobs whose backtrace was looked at: `frame_jobs` of them have `frame`."""
    sample_jid: str | None
    """The job that failed last of those still there."""
    history: FailureHistory

    @property
    def count(self) -> int:
        """Jobs in both sets."""
        return self.retries + self.dead

    @property
    def shown_message(self) -> str:
        """The message as it stands where all jobs say the same, else the folded one."""
        if len(self.messages) == 1 and not self.other_messages:
            return self.messages[0][0]
        return self.cause.message


class GroupMatcher:
    """Finds the jobs of one group again, as a filter does.

    The rest needs `known`: the causes of all other groups.
    """

    def __init__(self, cause: Cause, known: Collection[Cause] = ()) -> None:
        self.cause: Final = cause
        self.text: Final = _words(cause)
        self._known = frozenset(known) if cause.kind == "rest" else frozenset()
        self._bytes = _certain_bytes(cause)

    @property
    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """What a server may look for itself, in lower case: of each tuple one must be in the payload."""
        return ((self._bytes.lower(),),) if self._bytes else ()

    def may_match(self, raw: bytes) -> bool:
        """A quick look: False only if no job of the group can be in these bytes."""
        return self._bytes in raw or b"\\u" in raw

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job belongs to the group."""
        cause = cause_of(job)
        return cause not in self._known and cause != REST if self.cause.kind == "rest" else cause == self.cause


def _words(cause: Cause) -> str:
    if cause.kind == "undecodable":
        return "undecodable"
    if cause.kind == "rest":
        return "all other errors"
    return " ".join(part for part in (cause.klass, cause.error_class, cause.message) if part) or "no error"


def _certain_bytes(cause: Cause) -> bytes:
    """What every payload of the group contains, unless it hides characters in `\\u` escapes."""
    name = cause.error_class or ""
    certain = name.isascii() and name.isprintable() and not set(name) & set('"\\/')
    return to_bytes(name) if certain else b""
