"""One job as it lies in Redis: its bytes, where they were seen, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from sidekiq_tui.sidekiq import payload
from sidekiq_tui.sidekiq.glance import Glance, glance, glanced_class
from sidekiq_tui.sidekiq.timestamps import parse_time

PlaceKind = Literal["queue", "retry", "schedule", "dead", "work"]

# What `retry: true` means unless the application sets max_retries (job_retry.rb).
DEFAULT_RETRIES: Final = 25

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job lies. `queue` is the queue's name for kind "queue", and None for the others."""

    kind: PlaceKind
    queue: str | None = None


class JobRecord:
    """The raw bytes of a payload and where they were seen. Decodes on demand and never raises, whatever the bytes are.

    The bytes are the job's identity. A field of the wrong type reads as missing. Times are Unix seconds.
    """

    __slots__ = ("_glance", "_item", "place", "raw", "score")

    def __init__(self, raw: bytes, place: Place, score: float | None = None) -> None:
        self.raw: Final = raw
        self.place: Final = place
        self.score: Final = score
        self._item: Mapping[str, object] | None = None
        self._glance: Glance | Literal[False] | None = False

    def __repr__(self) -> str:  # job data is not for logs
        return f"<JobRecord in {self.place.kind}, {len(self.raw)} bytes>"

    @property
    def identity(self) -> tuple[Place, bytes]:
        """What tells this entry from others. Two entries of a queue may share it: their bytes are the same."""
        return (self.place, self.raw)

    @property
    def item(self) -> Mapping[str, object]:
        """The payload's fields; empty when it is malformed."""
        if self._item is None:
            decoded = payload.decode(self.raw)
            self._item = _NOTHING if decoded is None else decoded
        return self._item

    @property
    def glance(self) -> Glance | None:
        """What a usual job says, read much faster than `item`; None when it is not usual."""
        if self._glance is False:
            self._glance = glance(self.raw)
        return self._glance

    @property
    def malformed(self) -> bool:
        """Whether the payload is no JSON object; wrong types of fields alone don't make it so."""
        return self.item is _NOTHING

    @property
    def text(self) -> str:
        """The payload as text; bytes that are not UTF-8 as surrogate escapes."""
        return payload.to_text(self.raw)

    @property
    def jid(self) -> str | None:
        """The job's id; of any shape, and not always there."""
        if self._item is None and self.glance is not None:
            return self.glance.jid
        return self._text("jid")

    @property
    def klass(self) -> str | None:
        """The class that Sidekiq instantiates: for ActiveJob its wrapper."""
        return self._text("class")

    @property
    def display_class(self) -> str | None:
        """The class to show: the wrapped job or the mailer's method for ActiveJob."""
        known = glanced_class(self.glance) if self._item is None and self.glance is not None else None
        return known if known is not None else payload.display_class(self.item)

    @property
    def metrics_class(self) -> str | None:
        """The class under which Sidekiq counts its runs: the wrapped one (protocol 8)."""
        return self._text("wrapped") or self.klass

    @property
    def args(self) -> object:
        """`args` as decoded: normally a list, but whatever stands there; `[raw text]` when the payload is malformed."""
        return [self.text] if self.malformed else self.item.get("args")

    @property
    def display_args(self) -> object:
        """The arguments to show: normally a list, but see `args`."""
        return [self.text] if self.malformed else payload.display_args(self.item)

    @property
    def queue(self) -> str | None:
        """The queue it lies in, else the one its payload names."""
        if self.place.queue is not None:
            return self.place.queue
        return self.glance.queue if self._item is None and self.glance is not None else self._text("queue")

    @property
    def tags(self) -> list[str]:
        """Labels that the application gave it."""
        tags = self.item.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []

    @property
    def bid(self) -> str | None:
        """The id of its Pro batch."""
        return self._text("bid")

    @property
    def created_at(self) -> float | None:
        """When it was first created; kept over retries."""
        return parse_time(self.item.get("created_at"))

    @property
    def enqueued_at(self) -> float | None:
        """When it was last pushed to a queue; missing in `schedule`, stale in `retry` and `dead`."""
        return parse_time(self.item.get("enqueued_at"))

    @property
    def waiting_since(self) -> float | None:
        """What a queue's latency counts from: `enqueued_at`, else `created_at` as 8.1.1 does."""
        return self.created_at if self.enqueued_at is None else self.enqueued_at

    @property
    def failed_at(self) -> float | None:
        """When it failed for the first time."""
        return parse_time(self.item.get("failed_at"))

    @property
    def retried_at(self) -> float | None:
        """When it failed last, from the second failure on."""
        return parse_time(self.item.get("retried_at"))

    @property
    def at(self) -> float | None:
        """The entry's score: next try, time to run, or time of death; None in a queue."""
        return self.score

    @property
    def retry_count(self) -> int | None:
        """0 after the first failure, one more after each later one; can be -1 (protocol 12.4)."""
        count = self.item.get("retry_count")
        return count if isinstance(count, int) and not isinstance(count, bool) else None

    @property
    def retry_limit(self) -> int | None:
        """How many retries it has at most: 25 for true and for what Sidekiq doesn't understand, 0 for false.

        None when the payload leaves it to the class.
        """
        limit = self.item.get("retry")
        if limit is None:
            return None
        if limit is False:
            return 0
        return limit if isinstance(limit, int) and limit is not True else DEFAULT_RETRIES

    @property
    def error_class(self) -> str | None:
        """The class of the last exception."""
        return self._text("error_class")

    @property
    def error_message(self) -> str | None:
        """The message of the last exception."""
        return self._text("error_message")

    @property
    def error_backtrace(self) -> list[str] | None:
        """The lines of the last exception's backtrace; None when there is none or it cannot be decoded."""
        return payload.backtrace_lines(self.item.get("error_backtrace"))

    @property
    def backtrace_undecodable(self) -> bool:
        """Whether a backtrace is there that cannot be decoded: a Ruby Marshal dump, damaged, or too big."""
        return self.item.get("error_backtrace") is not None and self.error_backtrace is None

    @property
    def encrypted(self) -> bool:
        """Whether Sidekiq Enterprise encrypted the last argument."""
        return payload.truthy(self.item.get("encrypt"))

    @property
    def is_active_job(self) -> bool:
        """Whether ActiveJob wrapped it."""
        return payload.is_wrapper(self.item)

    def latency(self, now: float) -> float | None:
        """Seconds since it was enqueued, or else created; negative when clocks disagree; None when unknown."""
        since = self.waiting_since
        return None if since is None else now - since

    def own_time(self) -> float | None:
        """The time that its list counts from.

        Retry: first failure; schedule: creation; dead: death (the score); queue and work: enqueued, or else created.
        """
        match self.place.kind:
            case "retry":
                return self.failed_at
            case "schedule":
                return self.created_at
            case "dead":
                return self.score
        return self.waiting_since

    def _text(self, field: str) -> str | None:
        value = self.item.get(field)
        return value if isinstance(value, str) else None
