"""Failed jobs of a shop: large and small groups, fresh and old, and payloads that are no jobs."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import redis.asyncio

from tests.support.tui import NOW

TRACE: Final = (
    "/usr/local/bundle/gems/faraday-2.9.0/lib/faraday.rb:12:in 'call'",
    "app/services/payments/acquirer.rb:88:in 'post!'",
    "app/jobs/invoice/charge_job.rb:5:in 'perform'",
)
DEPLOYS: Final = ((NOW - 13_440, "v2.41.0"), (NOW - 3000, "9f2c1ab Retry less"))

Message = Callable[[int], str]


def packed(lines: tuple[str, ...]) -> str:
    """A backtrace as Sidekiq writes it since 6.0.1."""
    return base64.b64encode(zlib.compress(json.dumps(lines).encode())).decode()


def failed(
    number: int, klass: str, queue: str, error: str, message: str, first: float, last: float
) -> dict[str, object]:
    """A job that failed `first` and `last` seconds ago."""
    count = 0 if first == last else 3
    times = {"created_at": NOW - first - 10, "enqueued_at": NOW - last - 1, "failed_at": NOW - first}
    job = {"retry": 25, "queue": queue, "class": klass, "args": [number], "jid": f"{number:06x}{'5a' * 9}", **times}
    failure = {"error_class": error, "error_message": message, "retry_count": count}
    return {**job, **failure, **({"retried_at": NOW - last} if count else {})}


class Shop:
    """What lies in retry and dead."""

    def __init__(self) -> None:
        self.retry: dict[bytes, float] = {}
        self.dead: dict[bytes, float] = {}
        self._dice = random.Random(4)
        self._number = 0

    def add(
        self, count: int, klass: str, queue: str, error: str, message: Message, first: float, last: float, place: str
    ) -> None:
        """`count` jobs that failed between `first` and `last` seconds ago; `place` both: half of them are dead."""
        for index in range(count):
            self._number += 1
            began = self._dice.uniform(last, first) if index else first
            ended = self._dice.choice((began, self._dice.uniform(last, began))) if index else last
            job = failed(self._number, klass, queue, error, message(index), began, ended)
            if klass == "Invoice::ChargeJob":
                job["error_backtrace"] = packed(TRACE)
            raw = json.dumps(job).encode()
            if place == "retry" or (place == "both" and index % 2):
                self.retry[raw] = NOW + 12 + self._dice.random() ** 3 * 94_000
            else:
                self.dead[raw] = NOW - ended


def shop() -> Shop:
    """973 jobs of nine causes, as in the picture of the screen."""
    data = Shop()
    acquirer = "504 from acquirer after {}s"
    data.add(
        *(571, "Invoice::ChargeJob", "critical", "Payments::GatewayTimeout"),
        *(lambda index: acquirer.format(30 if index % 10 else 45), 13_200, 12, "retry"),
    )
    socket = "Net::ReadTimeout with #<TCPSocket:(closed)>"
    data.add(203, "Invoice::SendJob", "default", "Net::ReadTimeout", lambda _: socket, 82_800, 48, "retry")
    mailer = "Accounts::ReminderMailer"
    data.add(88, mailer, "mailers", "Net::OpenTimeout", lambda _: "execution expired", 82_800, 190, "retry")
    quoted = "Any value after quoted field isn't allowed in line {}."
    data.add(41, "ImportJob", "imports", "CSV::MalformedCSVError", quoted.format, 400_000, 3900, "both")
    data.add(
        31, "WebhookJob", "webhooks", "Faraday::SSLError", lambda _: "certificate verify failed", 9000, 21, "retry"
    )
    jpeg = "VipsJpeg: premature end of JPEG image"
    data.add(22, "ThumbnailJob", "thumbnails", "Vips::Error", lambda _: jpeg, 864_000, 82_800, "dead")
    deadlock = "PG::TRDeadlockDetected: ERROR: deadlock detected"
    data.add(11, "SyncJob", "low", "ActiveRecord::Deadlocked", lambda _: deadlock, 500, 40, "retry")
    title = "undefined method 'title' for nil"
    data.add(4, "Search::ReindexJob", "low", "NoMethodError", lambda _: title, 2400, 900, "dead")
    data.dead[b"\x80\x04\x95 not json"] = NOW - 1_700_000
    data.dead[b"\x1b]52;c;aGFja2Vk\x07"] = NOW - 1_650_000
    return data


async def fill_shop(raw: redis.asyncio.Redis) -> None:
    """Puts the shop's failed jobs and deploys where sqtui reads them."""
    data = shop()
    await raw.zadd("retry", dict(data.retry))
    await raw.zadd("dead", dict(data.dead))
    for at, label in DEPLOYS:
        minute = datetime.fromtimestamp(at, UTC)
        await raw.hset(f"{minute:%Y%m%d}-marks", f"{minute:%Y-%m-%dT%H:%M:00Z}", label)
