"""Jobs of every kind that a job's screen has to show, at the time that stands in tests."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Final

from tests.support.tui import NOW

JID: Final = "e5d1f0a92b7c4410af3391d2"
WRAPPER: Final = "Sidekiq::ActiveJob::Wrapper"
GEMS: Final = "/usr/local/bundle/ruby/3.4.0/gems"
TRACE: Final = (
    "app/services/payments/acquirer.rb:88:in 'post!'",
    "app/services/payments/charge.rb:41:in 'call'",
    f"{GEMS}/faraday-2.9.0/lib/faraday/connection.rb:279:in 'post'",
    f"{GEMS}/net-http-0.6.0/lib/net/http.rb:1532:in 'block in connect'",
    "app/jobs/invoice/charge_job.rb:17:in 'perform'",
    *(f"{GEMS}/sidekiq-8.1.7/lib/sidekiq/processor.rb:{line}:in 'execute_job'" for line in range(180, 190)),
    "lib/middleware/tenant.rb:12:in 'call'",
    f"{GEMS}/activesupport-8.0.1/lib/active_support/reloader.rb:77:in 'wrap'",
)


def at(ago: float) -> int:
    """A time so many seconds before now, as Sidekiq 8 writes it."""
    return int((NOW - ago) * 1000)


def packed(lines: tuple[str, ...]) -> str:
    """A backtrace as Sidekiq stores it."""
    return base64.b64encode(zlib.compress(json.dumps(lines).encode())).decode()


def payload(**fields: Any) -> bytes:
    """A job that a client pushed four hours ago, with other or more fields."""
    plain = {"retry": 25, "queue": "critical", "class": "Invoice::ChargeJob", "args": [43], "jid": JID}
    times = {"created_at": at(14_520), "enqueued_at": at(13_260)}
    return json.dumps(plain | times | fields, separators=(",", ":"), ensure_ascii=False).encode()


FAILED: Final = {
    "failed_at": at(13_200),
    "retried_at": at(312),
    "retry_count": 6,
    "error_class": "Payments::GatewayTimeout",
    "error_message": "504 from acquirer after 30s (request 9f2c-11, mid 4411)",
    "error_backtrace": packed(TRACE),
}

FAILING: Final = payload(
    args=[
        43,
        {
            "currency": "PLN",
            "amount": 129900,
            "retry_on": ["timeout", "503"],
            "customer": {f"field{number}": number for number in range(14)},
        },
    ],
    backtrace=30,
    tags=["eu", "vip"],
    **FAILED,
)
BATCHED: Final = payload(
    **FAILED,
    bid="bX8abcDEF-41c",
    unique_for=3600,
    unique_until="success",
    cattr={"user_id": 5, "tenant": "żółć"},
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    custom_field={"x": 1},
)
ACTIVE_JOB: Final = payload(
    **{"class": WRAPPER, "wrapped": "SyncContactJob"},
    args=[
        {
            "job_class": "SyncContactJob",
            "job_id": "0b0bd3a4-0a43-4a4e-8a0e-7d2f4b6c1a11",
            "queue_name": "critical",
            "arguments": [{"_aj_globalid": "gid://shop/Contact/7"}, {"force": True, "_aj_symbol_keys": ["force"]}],
            "executions": 2,
            "locale": "en",
        }
    ],
)
MAILER: Final = payload(
    **{"class": WRAPPER, "wrapped": "ActionMailer::MailDeliveryJob", "queue": "mailers"},
    args=[
        {
            "job_class": "ActionMailer::MailDeliveryJob",
            "arguments": [
                "OrderMailer",
                "confirmation",
                "deliver_now",
                {"params": {"tenant": "eu"}, "args": [{"_aj_globalid": "gid://shop/Order/1009"}]},
            ],
        }
    ],
)
ITERABLE: Final = payload(**{"class": "BackfillJob"}, args=[], retry=True)
MALFORMED: Final = b"\x80\x04\x95 no job\x1b]52;c;aGFja2Vk\x07 {\n"
