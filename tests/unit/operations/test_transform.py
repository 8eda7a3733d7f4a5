"""What becomes of a job's bytes on its way to another server."""

from __future__ import annotations

from typing import Any

import pytest

from sidekiq_tui.operations.transform import Transform, transform_from, transform_like
from sidekiq_tui.sidekiq.job import JobRecord
from tests.support.operating import MAIL, job


def made(transform: Transform, **fields: Any) -> JobRecord:
    return JobRecord(transform.payload(JobRecord(job(1, **fields), MAIL)), MAIL)


def test_times_that_are_dropped_stay_dropped_on_a_server_that_reads_seconds() -> None:
    found = made(
        Transform(drop=("failed_at",), form="seconds"),
        created_at=1_700_000_000_500,
        failed_at=1_700_000_002_000,
    )
    assert "failed_at" not in found.item
    assert found.item["created_at"] == 1_700_000_000.5


def test_times_that_are_edited_are_written_as_the_other_side_reads_them() -> None:
    fields = {"failed_at": 1_800_000_000.25, "retried_at": 1_800_000_001_500}
    found = made(Transform(fields=fields, form="seconds"), failed_at=1_700_000_000_500)
    assert found.item["failed_at"] == 1_800_000_000.25
    assert found.item["retried_at"] == 1_800_000_001.5


def test_a_queue_is_the_one_that_it_goes_to_whatever_is_edited() -> None:
    found = made(Transform(queue="mail", fields={"queue": "other", "retry_queue": "other"}))
    assert (found.item["queue"], found.item["retry_queue"]) == ("mail", "mail")


def test_a_record_says_all_but_what_may_be_personal() -> None:
    whole = Transform(queue="low", fields={"retry": 3}, drop=("note",), redact=("email",), form="seconds")
    assert transform_from(whole.text().encode()) == whole == transform_like(whole.text().encode())
    private = Transform(queue="low", fields={"args": [17], "retry": 3, "tags": ["x"]}, redact=("email",))
    text = private.text().encode()
    assert b"17" not in text
    assert transform_from(text) is None
    like = transform_like(text)
    assert like == Transform(queue="low", fields={"retry": 3, "args": [], "tags": []}, redact=("email",))


@pytest.mark.parametrize("text", [None, b"{", b"[]", b"{}"])
def test_a_record_that_says_nothing_changes_nothing(text: bytes | None) -> None:
    assert transform_like(text) == Transform()
