"""The shop: orders, payments, mails, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from sidekiq_tui.demo.apps.base import AppJob, OfKind, StepsJob, ThreadJob
from sidekiq_tui.demo.jobs import (
    CURRENCIES,
    DATABASE,
    FIRST_NAMES,
    PAYMENTS,
    PRODUCTS,
    STORAGE,
    JobKind,
    number,
    record,
)


def _order(rng: Random) -> list[object]:
    price = f"{rng.randrange(500, 90_000) / 100:.2f}"
    return [number(rng), {"amount": price, "currency": rng.choice(CURRENCIES), "gateway": "adyen"}]


def _mail(mailer: str, method: str, model: str) -> Callable[[Random], list[object]]:
    def args(rng: Random) -> list[object]:
        record = {"_aj_globalid": f"gid://{model}/{number(rng)}"}
        params = {"locale": rng.choice(("en", "nl", "pl", "ja")), "_aj_symbol_keys": ["locale"]}
        last = {"params": params, "args": [record], "_aj_ruby2_keywords": ["params", "args"]}
        return [mailer, method, "deliver_now", last]

    return args


def _webhook(rng: Random) -> list[object]:
    shop = rng.choice(FIRST_NAMES)
    return [f"https://hooks.example.com/{shop}/{number(rng)}", {"event": "order." + rng.choice(("created", "paid"))}]


def _secret(rng: Random) -> list[object]:
    return [number(rng), "BAhTTXlTZWNyZXQ" + f"{rng.getrandbits(256):064x}" + "=="]


class ChargeCardJob(
    AppJob,
    kind=JobKind(
        name="Checkout::ChargeCardJob",
        queue="critical",
        args=_order,
        share=14,
        mean=0.35,
        fails=0.015,
        errors=PAYMENTS,
        retry=8,
        backtrace=20,
        tags=("checkout", "eu"),
        service="acquirer",
    ),
):
    """Takes the money of an order."""

    @staticmethod
    def sidekiq_retry_in(count: int, error: BaseException, payload: Mapping[str, object]) -> object:
        """A card that was declined stays declined; a gateway that is in trouble is asked again soon."""
        declined = getattr(error, "sidekiq_class", "") == "Payments::CardDeclined"
        return "kill" if declined else 30 * (count + 1)


class RefundJob(
    AppJob,
    kind=JobKind(
        name="Checkout::RefundJob",
        queue="critical",
        args=_order,
        share=1,
        mean=0.5,
        fails=0.02,
        errors=PAYMENTS,
        retry=10,
        tags=("checkout",),
        service="acquirer",
    ),
):
    """Gives the money of an order back."""


class ScoreOrderJob(
    AppJob,
    kind=JobKind(
        name="Fraud::ScoreOrderJob", queue="critical", args=_secret, share=6, mean=0.12, encrypt=True, retry=5
    ),
):
    """Guesses whether an order is a fraud; its arguments are encrypted."""


class OrderMailer(
    AppJob,
    kind=JobKind(
        name="OrderMailer",
        queue="mailers",
        args=_mail("OrderMailer", "confirmation", "shop/Order"),
        share=9,
        mean=0.4,
        form="mailer",
        service="mail",
    ),
):
    """Confirms an order."""


class CartMailer(
    AppJob,
    kind=JobKind(
        name="CartMailer",
        queue="mailers",
        args=_mail("CartMailer", "reminder", "shop/Cart"),
        share=5,
        mean=0.3,
        form="mailer",
        service="mail",
    ),
):
    """Reminds of a cart."""


class DeliverBatchJob(
    AppJob,
    kind=JobKind(
        name="Newsletter::DeliverBatchJob",
        queue="mailers",
        share=3,
        mean=1.1,
        batch=True,
        args=lambda rng: [f"2026-{rng.randrange(1, 13):02}-sale", [number(rng) for _ in range(3)]],
        service="mail",
    ),
):
    """Sends a newsletter to some customers, as part of a batch."""


class WebhookDeliveryJob(
    AppJob,
    kind=JobKind(
        name="WebhookDeliveryJob",
        queue="default",
        args=_webhook,
        share=10,
        mean=0.6,
        fails=0.05,
        retry=12,
        backtrace=30,
        service="webhooks",
    ),
):
    """Tells a customer's server what has happened."""


class SyncStockJob(
    AppJob,
    kind=JobKind(
        name="Inventory::SyncStockJob",
        queue="default",
        share=8,
        mean=0.15,
        errors=DATABASE,
        form="active_job",
        args=record("shop/Warehouse", full=False),
    ),
):
    """Compares the stock of a warehouse."""


class PriceCalculationJob(
    AppJob,
    kind=JobKind(
        name="PriceCalculationJob",
        queue="default",
        share=6,
        mean=0.08,
        errors=DATABASE,
        args=lambda rng: [rng.choice(PRODUCTS), rng.randrange(1, 40), None],
    ),
):
    """Adds up a price; the deploy of one scenario breaks it."""


class ReindexProductJob(
    AppJob,
    kind=JobKind(
        name="Search::ReindexProductJob",
        queue="low",
        share=12,
        mean=0.05,
        args=lambda rng: [{"product": rng.choice(PRODUCTS), "id": number(rng)}],
        service="database",
    ),
):
    """Makes a product findable."""


class ThumbnailJob(
    ThreadJob,
    kind=JobKind(
        name="Images::ThumbnailJob",
        queue="low",
        share=9,
        mean=0.9,
        errors=STORAGE,
        retry=1,
        args=lambda rng: [f"uploads/{rng.getrandbits(32):08x}.jpg", [rng.choice((160, 320)), 1280]],
        service="storage",
    ),
):
    """Makes pictures smaller; a plain function, which runs in a thread."""


class SupplierCatalogImportJob(
    StepsJob,
    kind=JobKind(
        name="Imports::SupplierCatalogImportJob",
        queue="imports",
        share=0.08,
        mean=240,
        iterable=True,
        retry=4,
        errors=DATABASE,
        args=lambda rng: [rng.choice(FIRST_NAMES), rng.randrange(1_000, 90_000)],
    ),
):
    """Reads a supplier's catalogue, row by row."""


class NightlySalesReportJob(
    AppJob,
    kind=JobKind(
        name="Reports::NightlySalesReportJob",
        queue="reports",
        share=0.04,
        mean=100,
        retry=False,
        tags=("report",),
        args=lambda rng: ["2026-11", rng.choice(CURRENCIES)],
    ),
):
    """Adds up a month's sales."""


class ExpireCartsJob(
    AppJob,
    kind=JobKind(
        name="Carts::ExpireJob",
        queue="low",
        share=0.05,
        mean=1.5,
        every=60,
        errors=DATABASE,
        retry=3,
        args=lambda rng: [],
    ),
):
    """Empties old carts once a minute, as a cron job does."""


JOBS: Final[Mapping[str, type[OfKind]]] = {
    job.kind.name: job
    for job in (
        ChargeCardJob,
        RefundJob,
        ScoreOrderJob,
        OrderMailer,
        CartMailer,
        DeliverBatchJob,
        WebhookDeliveryJob,
        SyncStockJob,
        PriceCalculationJob,
        ReindexProductJob,
        ThumbnailJob,
        SupplierCatalogImportJob,
        NightlySalesReportJob,
        ExpireCartsJob,
    )
}
"""All of them, by the name that payloads say."""
KINDS: Final = tuple(job.kind for job in JOBS.values())
