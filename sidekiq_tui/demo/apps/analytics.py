"""The analytics pipeline: events, sessions, a warehouse, models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sidekiq_tui.demo.apps.base import AppJob, OfKind, StepsJob
from sidekiq_tui.demo.jobs import DATABASE, EVENTS, STORAGE, TABLES, JobKind, number, record


class IngestBatchJob(
    AppJob,
    kind=JobKind(
        name="Events::IngestBatchJob",
        queue="ingest",
        share=30,
        mean=0.12,
        errors=DATABASE,
        args=lambda rng: [f"{rng.getrandbits(64):016x}", rng.choice(EVENTS), rng.randrange(50, 5_000)],
    ),
):
    """Stores a batch of events."""


class DeduplicateJob(
    AppJob,
    kind=JobKind(
        name="Events::DeduplicateJob",
        queue="ingest",
        share=12,
        mean=0.06,
        args=lambda rng: [rng.choice(EVENTS), {"window": 300}],
    ),
):
    """Forgets events that came twice."""


class StitchJob(
    AppJob,
    kind=JobKind(
        name="Sessions::StitchJob",
        queue="default",
        share=10,
        mean=0.4,
        errors=DATABASE,
        form="active_job",
        args=record("analytics/Visitor", force=True),
    ),
):
    """Makes sessions of events."""


class RecomputeJob(
    AppJob,
    kind=JobKind(
        name="Funnels::RecomputeJob",
        queue="default",
        share=2,
        mean=4,
        retry=6,
        tags=("funnel",),
        args=lambda rng: [rng.choice(("checkout", "signup")), {"segments": ["eu", "日本", "us"]}],
    ),
):
    """Counts a funnel anew."""


class EvaluateRuleJob(
    AppJob,
    kind=JobKind(
        name="Alerts::EvaluateRuleJob",
        queue="default",
        share=8,
        mean=0.05,
        retry=0,
        args=lambda rng: [number(rng), rng.random() * 100],
    ),
):
    """Looks whether to raise an alert; never retried, so a failure is its death."""


class LoadPartitionJob(
    AppJob,
    kind=JobKind(
        name="Warehouse::LoadPartitionJob",
        queue="warehouse",
        share=1,
        mean=12,
        fails=0.12,
        errors=STORAGE,
        backtrace=15,
        args=lambda rng: [rng.choice(TABLES), f"2026-11-{rng.randrange(1, 29):02}"],
        service="storage",
    ),
):
    """Loads a day of a table."""


class S3UploadJob(
    AppJob,
    kind=JobKind(
        name="Exports::S3UploadJob",
        queue="warehouse",
        share=1.5,
        mean=2.5,
        fails=0.06,
        errors=STORAGE,
        retry=8,
        args=lambda rng: [f"s3://analytics-exports/{rng.choice(TABLES)}/{rng.getrandbits(32):08x}.parquet"],
        service="storage",
    ),
):
    """Puts an export where others find it."""


class TrainChurnJob(
    StepsJob,
    kind=JobKind(
        name="Models::TrainChurnJob",
        queue="models",
        share=0.05,
        mean=400,
        iterable=True,
        retry=2,
        args=lambda rng: ["churn-v3", {"learning_rate": 0.05, "depth": rng.randrange(3, 9)}],
    ),
):
    """Trains a model, epoch by epoch."""


class EraseUserJob(
    AppJob,
    kind=JobKind(
        name="Privacy::EraseUserJob",
        queue="default",
        share=0.6,
        mean=1.5,
        form="active_job",
        tags=("gdpr",),
        args=record("analytics/User"),
        errors=DATABASE,
    ),
):
    """Forgets a user."""


class VacuumJob(
    AppJob,
    kind=JobKind(
        name="Warehouse::VacuumJob",
        queue="warehouse",
        share=0.05,
        mean=6,
        every=90,
        errors=DATABASE,
        retry=2,
        args=lambda rng: [rng.choice(TABLES)],
    ),
):
    """Tidies a table now and then, as a cron job does."""


JOBS: Final[Mapping[str, type[OfKind]]] = {
    job.kind.name: job
    for job in (
        IngestBatchJob,
        DeduplicateJob,
        StitchJob,
        RecomputeJob,
        EvaluateRuleJob,
        LoadPartitionJob,
        S3UploadJob,
        TrainChurnJob,
        EraseUserJob,
        VacuumJob,
    )
}
"""All of them, by the name that payloads say."""
KINDS: Final = tuple(job.kind for job in JOBS.values())
