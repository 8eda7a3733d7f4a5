"""New bytes differ from the old ones in what the operation is for, and in nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.operations.catalog import (
    Copy,
    Delete,
    Edit,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Reschedule,
    Retry,
    ToFront,
)
from sidekiq_tui.operations.payloads import (
    FAILURE_FIELDS,
    PayloadContext,
    checked_fields,
    destination,
    new_payload,
    new_score,
    refusal,
)
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.job import JobRecord, Place

NONE = Rows(())
NOW = 1_795_400_000.25
CONTEXT = PayloadContext(NOW, "milliseconds")
RETRY, SCHEDULE, DEAD, QUEUE = Place("retry"), Place("schedule"), Place("dead"), Place("queue", "default")
FAILED: dict[str, Any] = {
    "retry": 25,
    "queue": "default",
    "class": "Invoice::ChargeJob",
    "args": [1, "ż", {"retry_count": 7, "queue": "x"}],
    "jid": "e5d1f0a9c2b34d6e8f7a0b1c",
    "created_at": 1_795_313_144_000,
    "enqueued_at": 1_795_313_144_001,
    "error_message": 'no "retry_count": 3',
    "error_class": "Timeout",
    "failed_at": 1_795_313_145_000,
    "retry_count": 3,
}
ACTIVE = {
    "retry": True,
    "queue": "default",
    "class": "Sidekiq::ActiveJob::Wrapper",
    "wrapped": "MailJob",
    "args": [{"job_class": "MailJob", "job_id": "a", "queue_name": "default", "arguments": [1, {"_aj_globalid": "g"}]}],
    "jid": "0123456789abcdef01234567",
    "created_at": 1_795_313_144_000,
}


def job(item: dict[str, Any] | bytes, place: Place = RETRY, score: float | None = 5.0) -> JobRecord:
    raw = item if isinstance(item, bytes) else json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()
    return JobRecord(raw, place, None if place.kind == "queue" else score)


def changed(old: JobRecord, operation: OfJobs, context: PayloadContext = CONTEXT) -> dict[str, Any]:
    """What is different after: new values, None for fields that are gone."""
    assert refusal(old, operation) == ""
    before, after = old.item, json.loads(new_payload(old, operation, context))
    kept = [name for name in before if name in after]
    assert [name for name in after if name in before] == kept
    differs = {name: value for name, value in after.items() if name not in before or before[name] != value}
    return differs | {name: None for name in before if name not in after}


MS = 1_795_400_000_250


@pytest.mark.parametrize("place", [RETRY, DEAD], ids=["retry", "dead"])
def test_retry_counts_one_less_and_keeps_the_errors(place: Place) -> None:
    assert changed(job(FAILED, place), Retry(jobs=NONE)) == {"retry_count": 2, "enqueued_at": MS}


def test_retry_of_the_first_failure_counts_minus_one() -> None:
    assert changed(job(FAILED | {"retry_count": 0}), Retry(jobs=NONE))["retry_count"] == -1


def test_a_scheduled_job_and_add_to_queue_keep_the_count() -> None:
    assert changed(job(FAILED, SCHEDULE), Retry(jobs=NONE)) == {"enqueued_at": MS}
    assert changed(job(FAILED), Enqueue(jobs=NONE)) == {"enqueued_at": MS}


def test_reset_forgets_every_failure() -> None:
    gone: dict[str, Any] = dict.fromkeys(name for name in FAILURE_FIELDS if name in FAILED)
    assert changed(job(FAILED), Retry(jobs=NONE, reset=True)) == {"enqueued_at": MS, **gone}


def test_what_every_push_completes() -> None:
    bare = {"class": "A", "args": [], "at": 5.0, "pool": "p", "retry_for": 3600.7, "client_class": "c"}
    made = changed(job(bare), Retry(jobs=NONE))
    assert len(made.pop("jid")) == 24
    assert made == {
        "retry": True,
        "queue": "default",
        "retry_for": 3600,
        "created_at": MS,
        "enqueued_at": MS,
        "at": None,
        "pool": None,
        "client_class": None,
    }


@pytest.mark.parametrize(
    ("context", "created", "written"),
    [
        (PayloadContext(NOW, "seconds"), 1_795_313_144_000, "1795400000.25"),
        (PayloadContext(NOW, "milliseconds"), 1795313144.5, "1795400000250"),
        (PayloadContext(NOW, None, "seconds"), 1_795_313_144_000, "1795400000250"),
        (PayloadContext(NOW, None, "milliseconds"), 1795313144.5, "1795400000.25"),
        (PayloadContext(NOW, None, "milliseconds"), "yesterday", "1795400000250"),
        (PayloadContext(NOW, None, "seconds"), 1_795_313_144, "1795400000.25"),
        (PayloadContext(1_795_400_000.0, "seconds"), 1.5, "1795400000.0"),
    ],
    ids=range(7),
)
def test_times_are_written_as_they_will_be_read(context: PayloadContext, created: object, written: str) -> None:
    made = new_payload(job(FAILED | {"created_at": created}), Retry(jobs=NONE), context)
    assert f'"enqueued_at":{written},'.encode() in made


@pytest.mark.parametrize(
    "raw",
    [
        b'{"class":"A","args":[1.0e+20,12345678901234567890123,"\\u017c\\/","\xff"],"jid":"a","retry":true,"queue":"q",'
        b'"created_at":1.0,"retry_count":1}',
        b'{ "class" : "A", "args" : [ ], "retry_count" : 1 ,"jid":"a","retry":true,"queue":"q","created_at":1.0}',
        b'{"retry\\u005fcount":1,"class":"A","args":[{"retry_count":1}],"jid":"a","retry":true,"queue":"q",'
        b'"created_at":1.0}',
        b'{"retry_count":9,"class":"A","args":[],"jid":"a","retry":true,"queue":"q","created_at":1.0,"retry_count":1}',
        b'{"class":"A","args":["x\\"retry_count"],"jid":"a","retry":true,"queue":"q","created_at":1.0,"retry_count":1}',
        b'{"class":"A","args":[{"x\\"retry_count":1}],"jid":"a","retry":true,"queue":"q","created_at":1,"retry_count":1}',
    ],
    ids=range(6),
)
def test_only_the_numbers_change_however_it_is_written(raw: bytes) -> None:
    old = job(raw)
    made = new_payload(old, Retry(jobs=NONE), CONTEXT)
    after = job(made)
    assert after.item == {**old.item, "retry_count": 0, "enqueued_at": MS}
    for part in (b"1.0e+20,12345678901234567890123", b"\\u017c\\/", b"\xff", b'[{"retry_count":1}]', b"retry_count"):
        assert part not in raw or part in made


@given(
    st.dictionaries(st.text(max_size=12), st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(("retry_count", "enqueued_at")), inner, max_size=3
        ),
        max_leaves=6,
    ), max_size=5),
    st.integers(-3, 10**19),
    st.booleans(),
    st.sampled_from(((",", ":"), (", ", ": "))),
)  # fmt: skip
def test_any_payload(more: dict[str, Any], count: int, ascii: bool, separators: tuple[str, str]) -> None:
    item = more | {"class": "A", "args": [more], "jid": "j", "queue": "q", "retry": 3, "created_at": 1.5}
    item = {name: value for name, value in item.items() if name not in ("at", "pool", "client", "client_class", "tags")}
    item |= {"retry_count": count}
    raw = json.dumps(item, ensure_ascii=ascii, separators=separators).encode()
    made = new_payload(job(raw), Retry(jobs=NONE), CONTEXT)
    assert json.loads(made) == item | {"retry_count": count - 1, "enqueued_at": MS}


def test_kill_front_reschedule_and_delete_keep_the_bytes() -> None:
    for operation in (Kill(jobs=NONE), ToFront(jobs=NONE), Reschedule(jobs=NONE, by=5.0), Delete(jobs=NONE)):
        old = job(b' {"class":"A" , "args":[1e3]}', QUEUE if isinstance(operation, ToFront) else RETRY)
        assert new_payload(old, operation, CONTEXT) == old.raw


def test_a_move_between_queues_is_a_push() -> None:
    operation = MoveToQueue(jobs=NONE, queue="low")
    assert changed(job(FAILED | {"at": 1}, QUEUE), operation) == {"queue": "low", "enqueued_at": MS, "at": None}
    assert changed(job(FAILED | {"retry_queue": "slow"}), operation) == {"queue": "low", "retry_queue": "low"}


def test_a_moved_active_job_knows_its_queue() -> None:
    made = changed(job(ACTIVE, QUEUE), MoveToQueue(jobs=NONE, queue="low"))
    assert made.pop("args") == [ACTIVE["args"][0] | {"queue_name": "low"}]  # type: ignore[index]
    assert made == {"queue": "low", "enqueued_at": MS}


def test_edit_changes_what_it_names() -> None:
    assert changed(job(FAILED), Edit(jobs=NONE, fields={"args": [2], "tags": ["x"]}, drop=("failed_at",))) == {
        "args": [2],
        "tags": ["x"],
        "failed_at": None,
    }


def test_edit_of_an_active_jobs_arguments_keeps_its_own_payload() -> None:
    made = changed(job(ACTIVE), Edit(jobs=NONE, fields={"args": ["new"]}))
    assert made == {"args": [ACTIVE["args"][0] | {"arguments": ["new"]}]}  # type: ignore[index]
    whole = [ACTIVE["args"][0] | {"locale": "pl"}]  # type: ignore[index]
    assert changed(job(ACTIVE), Edit(jobs=NONE, fields={"args": whole})) == {"args": whole}


def test_an_argument_that_only_looks_like_active_jobs_is_an_argument() -> None:
    plain = ACTIVE | {"class": "Mine", "wrapped": None}
    assert changed(job(plain), Edit(jobs=NONE, fields={"args": ["new"]})) == {"args": ["new"]}
    assert "args" not in changed(job(plain), MoveToQueue(jobs=NONE, queue="low"))


def test_a_copy_is_a_new_job() -> None:
    old = job(FAILED | {"bid": "b", "at": 1.0}, DEAD)
    made = changed(old, Copy(jobs=NONE, queue="low", fields={"args": [9]}))
    assert made.pop("jid") not in (None, FAILED["jid"])
    gone: dict[str, Any] = dict.fromkeys(name for name in FAILURE_FIELDS if name in FAILED)
    assert made == {"queue": "low", "args": [9], "created_at": MS, "enqueued_at": MS, "bid": None, "at": None, **gone}
    later = changed(old, Copy(jobs=NONE, at=NOW + 60))
    assert later["enqueued_at"] is None
    assert new_payload(old, Copy(jobs=NONE), CONTEXT) != new_payload(old, Copy(jobs=NONE), CONTEXT)


def test_a_copied_active_job_has_an_id_of_its_own() -> None:
    made = json.loads(new_payload(job(ACTIVE, DEAD), Copy(jobs=NONE, queue="low"), CONTEXT))
    assert made["args"][0]["job_id"] != "a"
    assert made["args"][0]["queue_name"] == "low"


BAD: tuple[tuple[bytes, str], ...] = (
    (b"", "malformed"),
    (b"[1]", "malformed"),
    (b'{"class":"A"', "malformed"),
    (b'{"args":[]}', "no class"),
    (b'{"class":7,"args":[]}', "no class"),
    (b'{"class":"A"}', "args"),
    (b'{"class":"A","args":{}}', "args"),
    (b'{"class":"A","args":[],"tags":"x"}', "tags"),
    (b'{"class":"A","args":[],"retry_for":1795313144}', "retry_for"),
    (b'{"class":"A","args":[],"retry_for":true}', "retry_for"),
    (b'{"class":"A","args":[],"queue":null}', "queue"),
    (b'{"class":"A","args":[],"queue":""}', "queue"),
    (b'{"class":"A","args":[],"queue":5}', "queue"),
    (b'{"class":"A","args":[],"retry_count":"3"}', "retry_count"),
    (b'{"class":"A","args":[],"retry_count":true}', "retry_count"),
)


@pytest.mark.parametrize(("raw", "words"), BAD, ids=range(len(BAD)))
def test_what_no_worker_could_run_is_never_pushed(raw: bytes, words: str) -> None:
    assert words in refusal(job(raw), Retry(jobs=NONE))
    assert refusal(job(raw), Delete(jobs=NONE)) == ""
    if words not in ("queue", "retry_count"):
        assert words in refusal(job(raw), Reschedule(jobs=NONE, by=1.0))
        assert words in refusal(job(raw, QUEUE), ToFront(jobs=NONE))
        assert words in refusal(job(raw, QUEUE), MoveToQueue(jobs=NONE, queue="low"))
    assert ("malformed" in refusal(job(raw), Kill(jobs=NONE))) == (words == "malformed")


@pytest.mark.parametrize(
    ("place", "operation", "words"),
    [
        (QUEUE, Retry(jobs=NONE), "already in a queue"),
        (DEAD, Kill(jobs=NONE), "already dead"),
        (DEAD, Reschedule(jobs=NONE, by=1.0), "no time"),
        (QUEUE, Reschedule(jobs=NONE, by=1.0), "no time"),
        (RETRY, ToFront(jobs=NONE), "in no queue"),
        (QUEUE, MoveToQueue(jobs=NONE, queue="default"), "already in"),
        (RETRY, MoveToQueue(jobs=NONE, queue="default"), "already for"),
        (QUEUE, Edit(jobs=NONE, fields={"queue": "low"}), "move it"),
        (RETRY, Edit(jobs=NONE, fields={"queue": "default"}), "already so"),
        (RETRY, Edit(jobs=NONE, fields={"args": {}}), "args"),
        (RETRY, Edit(jobs=NONE, drop=("class",)), "no class"),
        (RETRY, Edit(jobs=NONE, fields={"args": [float("nan")]}), "cannot be written"),
        (RETRY, Edit(jobs=NONE, fields={"queue": ""}), "no queue"),
        (Place("work"), Delete(jobs=NONE), "running"),
        (Place("work"), Retry(jobs=NONE), "running"),
    ],
    ids=range(15),
)
def test_what_makes_no_sense_is_left_alone(place: Place, operation: OfJobs, words: str) -> None:
    assert words in refusal(job(FAILED, place), operation)


def test_encrypted_arguments_are_not_edited() -> None:
    secret = job(FAILED | {"encrypt": True})
    assert "encrypted" in refusal(secret, Edit(jobs=NONE, fields={"args": []}))
    assert "encrypted" in refusal(secret, Edit(jobs=NONE, drop=("encrypt",)))
    assert "encrypted" in refusal(secret, Copy(jobs=NONE, fields={"args": []}))
    assert refusal(secret, Edit(jobs=NONE, fields={"tags": []})) == ""
    assert refusal(secret, Retry(jobs=NONE)) == ""


def test_where_a_job_goes() -> None:
    assert destination(job(FAILED | {"queue": "q"}), Retry(jobs=NONE)) == "q"
    assert destination(job({"class": "A"}), Retry(jobs=NONE)) == "default"
    assert destination(job(FAILED, Place("queue", "there")), Kill(jobs=NONE)) == "there"
    assert destination(job(FAILED), MoveToQueue(jobs=NONE, queue="low")) == "low"
    assert destination(job(FAILED), Copy(jobs=NONE)) == "default"
    assert destination(job(FAILED), Copy(jobs=NONE, queue="low")) == "low"


def test_new_times() -> None:
    old = job(FAILED, score=1000.0)
    assert new_score(old, Reschedule(jobs=NONE, by=-10.0), now=NOW) == 990.0
    assert new_score(old, Reschedule(jobs=NONE, at=5.0), now=NOW) == 5.0
    spread = replace(Reschedule(jobs=NONE), at=100.0, over=60.0)
    assert [new_score(old, spread, now=NOW, rank=rank, total=3) for rank in range(3)] == [100.0, 120.0, 140.0]
    assert new_score(old, Reschedule(jobs=NONE, over=60.0), now=NOW) == NOW


def test_values_that_no_payload_can_hold_are_refused() -> None:
    refused: tuple[dict[str, Any], ...] = ({"args": {}}, {"x": float("inf")}, {"x": object()}, {"x": "\ud800"})
    for fields in refused:
        with pytest.raises(InvalidJob):
            checked_fields(fields)
    checked_fields({"args": [1], "x": None})


EVERY: tuple[OfJobs, ...] = (
    Retry(jobs=NONE),
    Retry(jobs=NONE, reset=True),
    Enqueue(jobs=NONE),
    Kill(jobs=NONE),
    Delete(jobs=NONE),
    Reschedule(jobs=NONE, by=1.0),
    Edit(jobs=NONE, fields={"args": [7], "x": "y"}, drop=("tags",)),
    MoveToQueue(jobs=NONE, queue="low"),
    ToFront(jobs=NONE),
    Copy(jobs=NONE, queue="low"),
)
WRITTEN = {
    "retry_count", "enqueued_at", "created_at", "jid", "queue", "retry", "retry_for", "retry_queue", "at", "pool",
    "client", "client_class", "bid", "args", "x", "tags", *FAILURE_FIELDS,
}  # fmt: skip
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just({"job_class": "J"})
_odd = st.dictionaries(
    st.sampled_from([*FAILED, "at", "tags", "retry_for", "encrypt", "retry_queue", "pool", "bid", "wrapped", "other"]),
    _scalars | st.lists(_scalars | st.dictionaries(st.sampled_from(("job_class", "arguments", "queue")), _scalars)),
)


@given(_odd, st.binary(max_size=8), st.integers(0, 400), st.booleans(), st.sampled_from((RETRY, SCHEDULE, DEAD, QUEUE)))
def test_whatever_lies_there_is_refused_or_changed_only_where_it_was_meant(
    item: dict[str, Any], noise: bytes, at: int, damaged: bool, place: Place
) -> None:
    raw = json.dumps({**FAILED, **item}).encode("utf-8", "surrogatepass")
    old = job(raw[:at] + noise + raw[at:] if damaged else raw, place)
    for operation in EVERY:
        if refusal(old, operation):
            continue
        made = new_payload(old, operation, CONTEXT)
        if isinstance(operation, Kill | Delete | Reschedule | ToFront):
            assert made == old.raw
            continue
        after = job(made)
        assert not after.malformed
        assert isinstance(after.item["class"], str)
        assert isinstance(after.item["args"], list)
        for name in {*old.item, *after.item} - WRITTEN:
            assert repr(after.item[name]) == repr(old.item[name])
