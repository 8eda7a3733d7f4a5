"""A job record: what its bytes say, and that no bytes make it raise."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.hostile import HOSTILE_PAYLOADS

QUEUE = Place("queue", "low")
NOW = 1795313200.0
PROPERTIES = tuple(name for name in dir(JobRecord) if isinstance(getattr(JobRecord, name), property))
FIELDS = st.sampled_from(
    [
        *("class", "wrapped", "display_class", "args", "arguments", "jid", "queue", "tags"),
        *("created_at", "enqueued_at", "failed_at", "retried_at", "retry_count", "retry"),
        *("error_class", "error_message", "error_backtrace", "bid", "encrypt", "job_class", "_aj_globalid"),
    ]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | FIELDS, inner, max_size=3),
    max_leaves=8,
)


def job(place: Place = QUEUE, score: float | None = None, **fields: object) -> JobRecord:
    return JobRecord(json.dumps(fields).encode(), place, score)


def read_everything(record: JobRecord) -> None:
    """Asks for all there is, and checks that it has the type that it promises."""
    for name in PROPERTIES:
        getattr(record, name)
    for text in (record.jid, record.klass, record.display_class, record.queue, record.bid, record.error_message):
        assert text is None or isinstance(text, str)
    for number in (record.latency(NOW), record.own_time(), record.created_at, record.failed_at, record.retried_at):
        assert number is None or math.isfinite(number)
    assert all(isinstance(tag, str) for tag in record.tags)
    assert all(isinstance(line, str) for line in record.error_backtrace or ())
    assert record.raw.decode("utf-8", "surrogateescape") == record.text


def test_what_a_failed_job_says() -> None:
    record = job(
        Place("retry"),
        1795313300.25,
        **{"class": "A", "args": [1], "jid": "00ff", "queue": "low", "tags": ["x", 5, "y"], "bid": "b"},
        created_at=1795313100.5,
        enqueued_at=1795313101500,
        failed_at="1795313102.5",
        retried_at=1795313103.5,
        retry_count=3,
        retry=5,
        error_class="E",
        error_message="m",
        error_backtrace=["l"],
    )
    assert (record.jid, record.klass, record.display_class, record.args) == ("00ff", "A", "A", [1])
    assert (record.queue, record.tags, record.bid) == ("low", ["x", "y"], "b")
    assert (record.created_at, record.enqueued_at) == (1795313100.5, 1795313101.5)
    assert (record.failed_at, record.retried_at, record.at) == (1795313102.5, 1795313103.5, 1795313300.25)
    assert (record.retry_count, record.retry_limit) == (3, 5)
    assert (record.error_class, record.error_message, record.error_backtrace) == ("E", "m", ["l"])
    assert record.latency(NOW) == 98.5
    assert not any((record.malformed, record.encrypted, record.is_active_job, record.backtrace_undecodable))


def test_a_malformed_payload_is_shown_as_its_text() -> None:
    record = JobRecord(b"{not json\xff", QUEUE)
    assert record.malformed
    assert record.item == {}
    assert record.args == record.display_args == ["{not json\udcff"]
    assert (record.jid, record.klass, record.display_class, record.queue) == (None, None, None, "low")
    assert (record.created_at, record.latency(NOW), record.own_time()) == (None, None, None)


def test_wrong_types_alone_do_not_make_it_malformed() -> None:
    fields: dict[str, Any] = {"class": 1, "jid": [], "queue": {}, "tags": "x", "args": "y", "retry_count": 1.5}
    record = job(**fields)
    assert not record.malformed
    assert (record.klass, record.jid, record.tags, record.args, record.retry_count) == (None, None, [], "y", None)
    assert not job().malformed


def test_the_queue_it_lies_in_wins() -> None:
    assert job(QUEUE, queue="other").queue == "low"
    assert job(Place("dead"), queue="other").queue == "other"


@pytest.mark.parametrize(
    ("retry", "limit"), [(True, 25), (False, 0), (0, 0), (7, 7), ("5", 25), (1.5, 25), ({}, 25), (None, None)]
)
def test_retry_limit(retry: object, limit: int | None) -> None:
    assert job(retry=retry).retry_limit == limit


def test_latency_counts_from_enqueued_at_else_created_at() -> None:
    assert job(enqueued_at=NOW - 5, created_at=NOW - 9).latency(NOW) == 5
    assert job(created_at=NOW - 9).latency(NOW) == 9
    assert job(enqueued_at="never", created_at=NOW - 9).latency(NOW) == 9
    assert job(enqueued_at=NOW + 5).latency(NOW) == -5  # clocks disagree: the caller shows it
    assert job().latency(NOW) is None


def test_each_list_has_its_own_time() -> None:
    times: dict[str, Any] = {"created_at": 1.5, "enqueued_at": 2.5, "failed_at": 3.5, "retried_at": 4.5}
    assert job(QUEUE, None, **times).own_time() == 2.5
    assert job(Place("work"), None, **times).own_time() == 2.5
    assert job(Place("retry"), 9.5, **times).own_time() == 3.5
    assert job(Place("schedule"), 9.5, **times).own_time() == 1.5
    assert job(Place("dead"), 9.5, **times).own_time() == 9.5
    assert job(QUEUE, created_at=1.5).own_time() == 1.5
    assert job(Place("retry"), 9.5, created_at=1.5).own_time() is None


def test_a_backtrace_that_cannot_be_read_is_told_from_none() -> None:
    assert not job().backtrace_undecodable
    assert not job(error_backtrace=None).backtrace_undecodable
    assert job(error_backtrace="BAg=").backtrace_undecodable
    assert job(error_backtrace="BAg=").error_backtrace is None


def test_identity_is_place_and_bytes() -> None:
    assert JobRecord(b"{}", QUEUE).identity == JobRecord(b"{}", QUEUE).identity
    assert JobRecord(b"{}", QUEUE).identity != JobRecord(b"{ }", QUEUE).identity
    assert JobRecord(b"{}", QUEUE).identity != JobRecord(b"{}", Place("dead")).identity


def test_its_repr_shows_no_job_data() -> None:
    assert "secret" not in repr(job(jid="secret", args=["secret"]))


@pytest.mark.parametrize("place", [QUEUE, Place("retry"), Place("schedule"), Place("dead"), Place("work")])
def test_hostile_payloads_never_raise(place: Place) -> None:
    for raw in HOSTILE_PAYLOADS:
        read_everything(JobRecord(raw, place, 1.5))


@given(st.binary())
def test_any_bytes_never_raise(raw: bytes) -> None:
    read_everything(JobRecord(raw, QUEUE))


@given(st.dictionaries(FIELDS, JSON_VALUES), st.booleans())
def test_any_object_never_raises(fields: dict[str, Any], wrapper: bool) -> None:
    if wrapper:
        fields["class"] = "Sidekiq::ActiveJob::Wrapper"
    read_everything(job(**fields))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"class": "ChargeJob"}, "ChargeJob"),
        ({"class": "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", "wrapped": "ChargeJob"}, "ChargeJob"),
        ({"class": "ChargeJob", "wrapped": None}, "ChargeJob"),
        ({"class": 5, "wrapped": 6}, None),
    ],
)
def test_the_class_that_metrics_are_kept_under(fields: dict[str, object], name: str | None) -> None:
    assert JobRecord(json.dumps(fields).encode(), Place("work")).metrics_class == name
