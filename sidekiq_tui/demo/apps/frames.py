"""Errors with the backtrace of a Ruby application: Python frames under the names of its files and methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType, TracebackType
from typing import Final, NoReturn

APP: Final = "/srv/app/releases/20261122/"
GEMS: Final = "/usr/local/bundle/gems/"

Frame = tuple[str, int, str]
"""File, line and method."""
Raise = Callable[[BaseException], NoReturn]

_OUTER: Final[tuple[Frame, ...]] = (
    (GEMS + "sidekiq-8.1.7/lib/sidekiq/processor.rb", 185, "block in Sidekiq::Processor#process"),
    (GEMS + "sidekiq-8.1.7/lib/sidekiq/processor.rb", 220, "Sidekiq::Processor#execute_job"),
    ("app/jobs/concerns/instrumented.rb", 17, "Instrumented#around_perform"),
)
TRACES: Final[dict[str, tuple[Frame, ...]]] = {
    "acquirer": (
        ("app/services/checkout/charge.rb", 31, "Checkout::Charge#call"),
        ("app/services/payments/acquirer.rb", 88, "Payments::Acquirer#post!"),
        ("app/services/http/client.rb", 41, "block in HTTP::Client#request"),
        (GEMS + "faraday-2.12.2/lib/faraday/connection.rb", 528, "Faraday::Connection#run_request"),
        (GEMS + "net-protocol-0.2.2/lib/net/protocol.rb", 229, "Net::BufferedIO#rbuf_fill"),
    ),
    "webhooks": (
        ("app/services/webhooks/delivery.rb", 54, "Webhooks::Delivery#deliver"),
        ("app/services/http/client.rb", 41, "block in HTTP::Client#request"),
        (GEMS + "faraday-2.12.2/lib/faraday/connection.rb", 528, "Faraday::Connection#run_request"),
        (GEMS + "net-protocol-0.2.2/lib/net/protocol.rb", 229, "Net::BufferedIO#rbuf_fill"),
    ),
    "mail": (
        (GEMS + "actionmailer-7.2.2/lib/action_mailer/message_delivery.rb", 109, "deliver_now"),
        (GEMS + "mail-2.8.1/lib/mail/network/delivery_methods/smtp.rb", 110, "Mail::SMTP#deliver!"),
        (GEMS + "net-smtp-0.5.0/lib/net/smtp.rb", 1076, "Net::SMTP#check_response"),
    ),
    "storage": (
        ("app/lib/object_store.rb", 22, "ObjectStore#put"),
        (GEMS + "aws-sdk-core-3.214.0/lib/seahorse/client/plugins/raise_response_errors.rb", 17, "call"),
    ),
    "database": (
        ("app/models/order.rb", 212, "Order#lock_for_update"),
        (GEMS + "activerecord-7.2.2/lib/active_record/connection_adapters/postgresql_adapter.rb", 891, "exec_query"),
    ),
    "code": (
        ("app/services/prices/calculator.rb", 17, "Prices::Calculator#total"),
        ("app/services/prices/rounding.rb", 9, "block in Prices::Rounding.apply"),
    ),
}
"""By the service that failed, outermost first."""


class Failure(Exception):
    """What a job of the demo raises; `sidekiq_class` is how payloads name it."""

    def __init__(self, sidekiq_class: str, message: str) -> None:
        super().__init__(message)
        self.sidekiq_class = sidekiq_class

    @property
    def __traceback__(self) -> TracebackType | None:  # type: ignore[override]
        """From the first of the application's frames on: those outside it are the demo's own."""
        trace = super().__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith((APP, GEMS)):
            trace = trace.tb_next
        return trace


def fail(service: str, sidekiq_class: str, message: str) -> NoReturn:
    """Raise an error as if the code of that service had."""
    _chain(service)(Failure(sidekiq_class, message))
    raise AssertionError("unreachable")


def _raise(error: BaseException) -> NoReturn:
    raise error


@cache
def _chain(service: str) -> Raise:
    raiser: Raise = _raise
    for number, frame in enumerate(reversed(_under((*_OUTER, *TRACES[service])))):
        raiser = _renamed(frame, None if number == 0 else raiser)
    return raiser


def _under(frames: Sequence[Frame]) -> list[Frame]:
    return [(file if file.startswith("/") else APP + file, line, method) for file, line, method in frames]


def _renamed(frame: Frame, inner: Raise | None) -> Raise:
    """A function that calls the inner one, or raises itself; its frame tells another file, line and name."""

    def call(error: BaseException) -> NoReturn:
        inner(error)  # type: ignore[misc]
        raise AssertionError("unreachable")

    made = call if inner is not None else _raise
    file, line, method = frame
    assert isinstance(made, FunctionType)
    code = made.__code__.replace(co_filename=file, co_name=method, co_firstlineno=line - 1)
    return FunctionType(code, made.__globals__, method, None, made.__closure__)
