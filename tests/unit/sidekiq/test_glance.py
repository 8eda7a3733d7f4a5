"""What is read at a glance is what all of the payload says, whatever bytes it is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.operations import payloads
from sidekiq_tui.operations.catalog import Enqueue, MoveToQueue, Retry
from sidekiq_tui.operations.payloads import PayloadContext
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.glance import glance, glanced_class
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload import decode, display_class

USUAL: dict[str, Any] = {
    "class": "Invoice",
    "args": [1, {"a": [None, 1.5]}],
    "retry": True,
    "queue": "default",
    "jid": "f" * 24,
    "created_at": 1795300000.25,
    "enqueued_at": 1795300000.5,
    "retry_count": 3,
}
NOW = 1_795_314_150.5
CONTEXTS = [PayloadContext(NOW, form) for form in ("seconds", "milliseconds", None)]
RETRY, QUEUE = Place("retry"), Place("queue", "default")

_names = st.sampled_from(
    [*USUAL, "wrapped", "retry_queue", "bid", "dead", "at", "tags", "retry_for", "lock", "display_class", "x", "queue_"]
)
_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 1 << 70),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.sampled_from(
        ["ActionMailer::MailDeliveryJob", "Sidekiq::ActiveJob::Wrapper", '"queue":"default"', '"jid"', "\\u"]
    ),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["queue", "enqueued_at", "retry_count"]), st.integers(), max_size=2),
)


@st.composite
def made(draw: st.DrawFn) -> bytes:
    """A usual job with a few fields changed, dropped or doubled, written in one of several ways, at times damaged."""
    item = dict(USUAL)
    for name in draw(st.lists(_names, max_size=3)):
        item[name] = draw(_values)
    for name in draw(st.lists(st.sampled_from(sorted(item)), max_size=1)):
        del item[name]
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (",", " : ")]))
    text = json.dumps(item, ensure_ascii=draw(st.booleans()), separators=separators)
    if draw(st.integers(0, 4)) == 0:  # the same name again
        twice = json.dumps({draw(_names): draw(_values)}, separators=separators)
        text = f"{text[:-1]},{twice[1:]}"
    raw = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = (
            raw[:at]
            + draw(st.binary(min_size=1, max_size=2) | st.sampled_from([b"\\u0071", b"\xff", b"\x01"]))
            + raw[at:]
        )
    return raw


@given(made())
def test_says_what_all_of_the_payload_says(raw: bytes) -> None:
    seen, item = glance(raw), decode(raw)
    if seen is None:
        return
    assert item is not None
    assert (seen.klass, seen.queue, seen.jid, seen.retry) == tuple(
        item[name] for name in ("class", "queue", "jid", "retry")
    )
    assert isinstance(item["args"], list)
    assert seen.created_at == item["created_at"]
    for name in ("enqueued_at", "retry_count", "wrapped", "retry_queue", "bid", "dead"):
        assert getattr(seen, name) == item.get(name)
        assert type(getattr(seen, name)) is type(item.get(name))
    known = glanced_class(seen)
    assert known is None or known == display_class(item)


@given(made(), st.sampled_from(CONTEXTS), st.sampled_from([RETRY, Place("schedule"), QUEUE]))
def test_new_payloads_are_those_that_are_made_with_all_of_it(raw: bytes, context: PayloadContext, place: Place) -> None:
    operation: Retry | Enqueue | MoveToQueue
    for operation in (
        Retry(jobs=Whole(place)),
        Enqueue(jobs=Whole(place)),
        MoveToQueue(jobs=Whole(place), queue="low"),
    ):
        job = JobRecord(raw, place, 1.0)
        if payloads.refusal(job, operation):
            continue
        if isinstance(operation, MoveToQueue):
            quick, slow = payloads._moved_quickly(job, operation, context), payloads._moved(job, operation, context)
        else:
            quick, slow = payloads._pushed_quickly(job, operation, context), payloads._pushed(job, operation, context)
        assert quick is None or quick == slow


@given(made(), st.sampled_from([RETRY, QUEUE]))
def test_refusals_are_those_of_all_of_the_payload(raw: bytes, place: Place) -> None:
    for operation in (Retry(jobs=Whole(place)), MoveToQueue(jobs=Whole(place), queue="low")):
        whole = JobRecord(raw, place, 1.0)
        whole._glance = None
        assert payloads.refusal(JobRecord(raw, place, 1.0), operation) == payloads.refusal(whole, operation)
        assert JobRecord(raw, place, 1.0).display_class == whole.display_class
        assert JobRecord(raw, place, 1.0).jid == whole.jid


@pytest.mark.parametrize("name", ["at", "tags", "retry_for", "lock", "encrypt", "client_class", "display_class"])
@pytest.mark.parametrize("value", [None, 0, 1, "x", [], 0.5, True])
def test_what_is_unusual_has_no_glance(name: str, value: object) -> None:
    assert glance(json.dumps(USUAL).encode()) is not None
    assert glance(json.dumps({**USUAL, name: value}).encode()) is None


def test_a_usual_job_is_changed_at_a_glance() -> None:
    raw = json.dumps(USUAL, separators=(",", ":")).encode()
    job = JobRecord(raw, RETRY, 1.0)
    quick = payloads._pushed_quickly(job, Retry(jobs=Whole(RETRY)), CONTEXTS[0])
    assert quick is not None
    assert json.loads(quick) == {**USUAL, "retry_count": 2, "enqueued_at": NOW}
