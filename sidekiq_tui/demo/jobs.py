"""The kinds of jobs that the two imaginary applications of the demo run."""

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
    likely a run fails (0 to 1)."""

    name: str
    queue: str
    args: Callable[[Random], list[object]]
    share: float = 1.0
    mean: float = 0.2
    fails: float = 0.01
    errors: Errors = NETWORK
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


def _number(rng: Random) -> int:
    return rng.randrange(10_000, 900_000)


def _order(rng: Random) -> list[object]:
    price = f"{rng.randrange(500, 90_000) / 100:.2f}"
    return [_number(rng), {"amount": price, "currency": rng.choice(CURRENCIES), "gateway": "adyen"}]


def _record(model: str, **options: object) -> Callable[[Random], list[object]]:
    def args(rng: Random) -> list[object]:
        record: list[object] = [{"_aj_globalid": f"gid://{model}/{_number(rng)}"}]
        return [*record, {**options, "_aj_symbol_keys": list(options)}] if options else record

    return args


def _mail(mailer: str, method: str, model: str) -> Callable[[Random], list[object]]:
    def args(rng: Random) -> list[object]:
        record = {"_aj_globalid": f"gid://{model}/{_number(rng)}"}
        params = {"locale": rng.choice(("en", "nl", "pl", "ja")), "_aj_symbol_keys": ["locale"]}
        last = {"params": params, "args": [record], "_aj_ruby2_keywords": ["params", "args"]}
        return [mailer, method, "deliver_now", last]

    return args


def _webhook(rng: Random) -> list[object]:
    shop = rng.choice(FIRST_NAMES)
    return [f"https://hooks.example.com/{shop}/{_number(rng)}", {"event": "order." + rng.choice(("created", "paid"))}]


def _secret(rng: Random) -> list[object]:
    return [_number(rng), "BAhTTXlTZWNyZXQ" + f"{rng.getrandbits(256):064x}" + "=="]


SHOP: Final = (
    JobKind(
        name="Checkout::ChargeCardJob",
        queue="critical",
        args=_order,
        share=14,
        mean=0.35,
        fails=0.015,
        errors=PAYMENTS,
        backtrace=20,
        tags=("checkout", "eu"),
    ),
    JobKind(
        name="Checkout::RefundJob",
        queue="critical",
        args=_order,
        share=1,
        mean=0.5,
        fails=0.02,
        errors=PAYMENTS,
        retry=10,
        tags=("checkout",),
    ),
    JobKind(name="Fraud::ScoreOrderJob", queue="critical", args=_secret, share=6, mean=0.12, encrypt=True, retry=5),
    JobKind(
        name="OrderMailer",
        queue="mailers",
        args=_mail("OrderMailer", "confirmation", "shop/Order"),
        share=9,
        mean=0.4,
        form="mailer",
    ),
    JobKind(
        name="CartMailer",
        queue="mailers",
        args=_mail("CartMailer", "reminder", "shop/Cart"),
        share=5,
        mean=0.3,
        form="mailer",
    ),
    JobKind(
        name="Newsletter::DeliverBatchJob",
        queue="mailers",
        share=3,
        mean=1.1,
        batch=True,
        args=lambda rng: [f"2026-{rng.randrange(1, 13):02}-sale", [_number(rng) for _ in range(3)]],
    ),
    JobKind(
        name="WebhookDeliveryJob",
        queue="default",
        args=_webhook,
        share=10,
        mean=0.6,
        fails=0.05,
        retry=12,
        backtrace=30,
    ),
    JobKind(
        name="Inventory::SyncStockJob",
        queue="default",
        share=8,
        mean=0.15,
        errors=DATABASE,
        form="active_job",
        args=_record("shop/Warehouse", full=False),
    ),
    JobKind(
        name="PriceCalculationJob",
        queue="default",
        share=6,
        mean=0.08,
        errors=DATABASE,
        args=lambda rng: [rng.choice(PRODUCTS), rng.randrange(1, 40), None],
    ),
    JobKind(
        name="Search::ReindexProductJob",
        queue="low",
        share=12,
        mean=0.05,
        args=lambda rng: [{"product": rng.choice(PRODUCTS), "id": _number(rng)}],
    ),
    JobKind(
        name="Images::ThumbnailJob",
        queue="low",
        share=9,
        mean=0.9,
        errors=STORAGE,
        retry=1,
        args=lambda rng: [f"uploads/{rng.getrandbits(32):08x}.jpg", [rng.choice((160, 320)), 1280]],
    ),
    JobKind(
        name="Imports::SupplierCatalogImportJob",
        queue="imports",
        share=0.08,
        mean=240,
        iterable=True,
        retry=4,
        errors=DATABASE,
        args=lambda rng: [rng.choice(FIRST_NAMES), rng.randrange(1_000, 90_000)],
    ),
    JobKind(
        name="Reports::NightlySalesReportJob",
        queue="reports",
        share=0.04,
        mean=100,
        retry=False,
        tags=("report",),
        args=lambda rng: ["2026-11", rng.choice(CURRENCIES)],
    ),
)

ANALYTICS: Final = (
    JobKind(
        name="Events::IngestBatchJob", queue="ingest", share=30, mean=0.12, errors=DATABASE,
        args=lambda rng: [f"{rng.getrandbits(64):016x}", rng.choice(EVENTS), rng.randrange(50, 5_000)],
    ),
    JobKind(
        name="Events::DeduplicateJob", queue="ingest", share=12, mean=0.06,
        args=lambda rng: [rng.choice(EVENTS), {"window": 300}],
    ),
    JobKind(
        name="Sessions::StitchJob", queue="default", share=10, mean=0.4, errors=DATABASE, form="active_job",
        args=_record("analytics/Visitor", force=True),
    ),
    JobKind(
        name="Funnels::RecomputeJob", queue="default", share=2, mean=4, retry=6, tags=("funnel",),
        args=lambda rng: [rng.choice(("checkout", "signup")), {"segments": ["eu", "日本", "us"]}],
    ),
    JobKind(
        name="Alerts::EvaluateRuleJob", queue="default", share=8, mean=0.05, retry=0,
        args=lambda rng: [_number(rng), rng.random() * 100],
    ),
    JobKind(
        name="Warehouse::LoadPartitionJob", queue="warehouse", share=1, mean=12, fails=0.12, errors=STORAGE,
        backtrace=15, args=lambda rng: [rng.choice(TABLES), f"2026-11-{rng.randrange(1, 29):02}"],
    ),
    JobKind(
        name="Exports::S3UploadJob", queue="warehouse", share=1.5, mean=2.5, fails=0.06, errors=STORAGE, retry=8,
        args=lambda rng: [f"s3://analytics-exports/{rng.choice(TABLES)}/{rng.getrandbits(32):08x}.parquet"],
    ),
    JobKind(
        name="Models::TrainChurnJob", queue="models", share=0.05, mean=400, iterable=True, retry=2,
        args=lambda rng: ["churn-v3", {"learning_rate": 0.05, "depth": rng.randrange(3, 9)}],
    ),
    JobKind(
        name="Privacy::EraseUserJob", queue="default", share=0.6, mean=1.5, form="active_job", tags=("gdpr",),
        args=_record("analytics/User"), errors=DATABASE,
    ),
)  # fmt: skip
