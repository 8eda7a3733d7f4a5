"""Job payloads as Sidekiq's clients and workers write them (protocol sections 4 and 5)."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from sidekiq_tui.demo.fate import error_words
from sidekiq_tui.demo.jobs import JobKind, options_of

Payload = dict[str, Any]

NEW_FORM: Final = 8  # from this major version on, payload times are integer milliseconds
MAX_RETRIES: Final = 25
WRAPPERS: Final = {True: "Sidekiq::ActiveJob::Wrapper", False: "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"}
_FRAMES: Final = (
    "app/services/payments/acquirer.rb:88:in `post!'",
    "app/services/http/client.rb:41:in `block in request'",
    "app/jobs/concerns/instrumented.rb:17:in `around_perform'",
    "app/models/order.rb:212:in `lock_for_update'",
    "/usr/local/bundle/gems/net-protocol-0.2.2/lib/net/protocol.rb:229:in `rbuf_fill'",
    "/usr/local/bundle/gems/activerecord-7.2.2/lib/active_record/core.rb:263:in `find'",
    "/usr/local/bundle/gems/faraday-2.12.2/lib/faraday/connection.rb:528:in `run_request'",
    "/usr/local/bundle/gems/sidekiq-{version}/lib/sidekiq/processor.rb:220:in `execute_job'",
    "/usr/local/bundle/gems/sidekiq-{version}/lib/sidekiq/processor.rb:185:in `block in process'",
)


def dumps(value: object) -> bytes:
    """JSON as Ruby prints it: compact, raw UTF-8, keys in their order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def jid(rng: Random) -> str:
    """24 hex digits, as `SecureRandom.hex(12)` gives."""
    return f"{rng.getrandbits(96):024x}"


def loads(payload: bytes) -> Payload | None:
    """The payload as an object, or None if it is no job."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("class"), str) else None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes payloads in the form of one Sidekiq version, e.g. "8.1.7". All times in are Unix seconds."""

    version: str

    @property
    def milliseconds(self) -> bool:
        """Whether this version writes integer milliseconds (else float seconds)."""
        return int(self.version.split(".")[0]) >= NEW_FORM

    def stamp(self, at: float) -> int | float:
        """A moment as it stands in a payload."""
        return int(at * 1000) if self.milliseconds else round(at, 7)

    def job(self, kind: JobKind, rng: Random, created: float, enqueued: float | None) -> Payload:
        """A fresh job; `enqueued` is None for one that goes to the schedule."""
        payload: Payload = {"retry": kind.retry, "queue": kind.queue, "args": self.args(kind, rng, created)}
        payload |= self.item(kind, rng)
        payload |= {"jid": jid(rng), "created_at": self.stamp(created)}
        if enqueued is not None:
            payload["enqueued_at"] = self.stamp(enqueued)
        return payload

    def item(self, kind: JobKind, rng: Random) -> Payload:
        """What a client is given for such a job, besides the arguments."""
        item: Payload = {"class": kind.name}
        if kind.form != "plain":
            item = {"class": WRAPPERS[self.milliseconds], "wrapped": kind.metric}
        item |= options_of(kind)
        if kind.batch:
            item["bid"] = base64.urlsafe_b64encode(rng.randbytes(10)).decode().rstrip("=")
        return item

    def args(self, kind: JobKind, rng: Random, created: float) -> list[object]:
        """Arguments of one job."""
        return kind.args(rng) if kind.form == "plain" else [self._active_job(kind, rng, created)]

    def _active_job(self, kind: JobKind, rng: Random, created: float) -> Payload:
        digits = f"{rng.getrandbits(128):032x}"
        return {
            "job_class": kind.metric,
            "job_id": "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:])),
            "provider_job_id": None,
            "queue_name": kind.queue,
            "priority": None,
            "arguments": kind.args(rng),
            "executions": 0,
            "exception_executions": {},
            "locale": "en",
            "timezone": "UTC",
            "enqueued_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            "scheduled_at": None,
        }

    def failed(self, payload: Mapping[str, Any], kind: JobKind, rng: Random, at: float) -> Payload:
        """The payload after one more failed run (protocol 4.2)."""
        after = dict(payload)
        name, message = error_words(kind.errors, rng)
        after |= {"error_message": message, "error_class": name}
        if "retry_count" in payload:
            after |= {"retried_at": self.stamp(at), "retry_count": int(payload["retry_count"]) + 1}
        else:
            after |= {"failed_at": self.stamp(at), "retry_count": 0}
        if kind.backtrace:
            after["error_backtrace"] = self.backtrace(rng, kind.backtrace)
        return after

    def backtrace(self, rng: Random, lines: int) -> str:
        """A compressed backtrace of at most so many lines."""
        frames = [rng.choice(_FRAMES).format(version=self.version) for _ in range(min(lines, rng.randrange(6, 31)))]
        return base64.b64encode(zlib.compress(dumps(frames))).decode()


def max_retries(payload: Mapping[str, Any]) -> int:
    """How many retries the job has; false counts as none."""
    retry = payload.get("retry", True)
    if isinstance(retry, bool):
        return MAX_RETRIES if retry else 0
    return retry if isinstance(retry, int) else MAX_RETRIES
