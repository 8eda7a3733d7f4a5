"""What describes a kind of job of the demo: its arguments, its errors, how often it comes and how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Errors = tuple[tuple[str, str], ...]

FIRST_NAMES: Final = ("ana", "joão", "zoë", "mikołaj", "yuki", "李雷", "fatima", "søren", "chloé", "omar")
PRODUCTS: Final = ("espresso-machine", "trail-shoes-42", "Ağaç masa", "日本茶セット", "phone-case", "garden-hose-20m")
CURRENCIES: Final = ("EUR", "PLN", "USD", "GBP", "JPY")
EVENTS: Final = ("page_view", "add_to_cart", "checkout", "search", "signup")
TABLES: Final = ("events", "sessions", "orders_daily", "funnels", "attribution")

NETWORK: Final[Errors] = (
    ("Net::ReadTimeout", 'Net::ReadTimeout with #<TCPSocket:(closed)> (host="{host}")'),
    ("Net::OpenTimeout", "execution expired ({host}:443)"),
    (
        "OpenSSL::SSL::SSLError",
        "SSL_connect returned=1 errno=0 peeraddr={host}:443 state=error: certificate has expired",
    ),
)
DATABASE: Final[Errors] = (
    ("ActiveRecord::Deadlocked", "PG::TRDeadlockDetected: ERROR:  deadlock detected on relation {table}"),
    ("ActiveRecord::RecordNotFound", "Couldn't find Order with 'id'={number}"),
    ("PG::ConnectionBad", "PQconsumeInput() server closed the connection unexpectedly"),
)
PAYMENTS: Final[Errors] = (
    ("Payments::GatewayTimeout", "504 from acquirer after 30s (request {hex}, mid {number})"),
    ("Payments::CardDeclined", "insufficient_funds for order {number}"),
)
STORAGE: Final[Errors] = (
    ("Aws::S3::Errors::SlowDown", "Please reduce your request rate."),
    ("Google::Cloud::DeadlineExceededError", "4:Deadline Exceeded loading {table}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One job class. `share` weighs it among its application's jobs, `mean` is its run time in seconds, `fails` how
    likely a run fails (0 to 1), `service` what it calls; it may be pushed `every` so many seconds besides."""

    name: str
    queue: str
    args: Callable[[Random], list[object]]
    share: float = 1.0
    mean: float = 0.2
    fails: float = 0.01
    errors: Errors = NETWORK
    service: str = "database"
    every: float = 0.0
    form: Literal["plain", "active_job", "mailer"] = "plain"
    retry: bool | int = True
    backtrace: int = 0
    tags: tuple[str, ...] = ()
    batch: bool = False
    encrypt: bool = False
    iterable: bool = False

    @property
    def metric(self) -> str:
        """The class name under which Sidekiq's own metrics count it."""
        return "ActionMailer::MailDeliveryJob" if self.form == "mailer" else self.name


def number(rng: Random) -> int:
    """An id."""
    return rng.randrange(10_000, 900_000)


def record(model: str, **options: object) -> Callable[[Random], list[object]]:
    """Arguments of an ActiveJob: a record, and options by name."""

    def args(rng: Random) -> list[object]:
        found: list[object] = [{"_aj_globalid": f"gid://{model}/{number(rng)}"}]
        return [*found, {**options, "_aj_symbol_keys": list(options)}] if options else found

    return args


def options_of(kind: JobKind) -> dict[str, object]:
    """The options that a payload of this kind carries."""
    options: dict[str, object] = {"retry": kind.retry, "queue": kind.queue}
    if kind.backtrace:
        options["backtrace"] = kind.backtrace
    if kind.tags:
        options["tags"] = list(kind.tags)
    if kind.encrypt:
        options["encrypt"] = True
    return options
