"""New jobs from a form and from a file: as Ruby's client would push them, and a bad file pushes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidekiq_tui.operations.new_jobs import new_jobs, read_import
from sidekiq_tui.operations.payloads import PayloadContext
from sidekiq_tui.sidekiq.errors import InvalidJob

NOW = 1_750_000_000.5
CONTEXT = PayloadContext(now=NOW, form="milliseconds")
JID = "a" * 24


def line(**fields: Any) -> bytes:
    return json.dumps({"class": "Mail", "args": [1], **fields}).encode()


def whole(**fields: Any) -> dict[str, Any]:
    return {"retry": True, "queue": "mails", "class": "Mail", "args": [1], "jid": JID, "created_at": 5, **fields}


@pytest.mark.parametrize(("form", "time"), [("milliseconds", 1_750_000_000_500), ("seconds", NOW)])
def test_a_new_job_is_what_a_client_pushes(form: Any, time: float) -> None:
    made = new_jobs("Mail", [[1, {"a": None}], []], now=NOW, form=form, queue="mails", options={"retry": 3})
    (raw, queue, at), second = made.payloads
    item = json.loads(raw)
    assert (queue, at) == ("mails", None)
    assert len(item.pop("jid")) == 24
    assert item == {
        "retry": 3,
        "queue": "mails",
        "class": "Mail",
        "args": [1, {"a": None}],
        "created_at": time,
        "enqueued_at": time,
    }
    assert json.loads(second[0])["args"] == []
    assert json.loads(second[0])["jid"] != json.loads(raw)["jid"]


def test_a_job_for_later_has_no_time_of_enqueueing_and_one_for_the_past_runs_now() -> None:
    later = new_jobs("Mail", [[]], now=NOW, form="seconds", at=NOW + 60).payloads[0]
    assert later[2] == NOW + 60
    assert not {"at", "enqueued_at"} & json.loads(later[0]).keys()
    past = new_jobs("Mail", [[]], now=NOW, form="seconds", at=NOW - 1).payloads[0]
    assert past[2] is None
    assert json.loads(past[0])["enqueued_at"] == NOW


@pytest.mark.parametrize(
    ("klass", "args", "options"),
    [
        ("", [[]], {}),
        ("Mail", [[float("nan")]], {}),
        ("Mail", [[object()]], {}),
        ("Mail", ["text"], {}),
        ("Mail", [[]], {"tags": "x"}),
        ("Mail", [[]], {"retry_for": 2_000_000_000}),
        ("Mail", [[], []], {"jid": JID}),
    ],
)
def test_what_is_no_job_is_refused(klass: str, args: Any, options: dict[str, object]) -> None:
    with pytest.raises(InvalidJob):
        new_jobs(klass, args, now=NOW, form="seconds", options=options)


def test_an_import_keeps_every_byte_but_what_a_push_writes() -> None:
    odd = b'{"retry":true,"queue":"mails","class":"Mail","args":[1.0,1e400,"\\u00e9"],"jid":"%s","created_at":5,' % (
        JID.encode()
    )
    odd += b'"x":{"b":1,"b":2},"enqueued_at":7}'
    made = read_import([odd + b"\n", b"\n"], context=CONTEXT)
    assert made.imported
    assert made.payloads == ((odd.replace(b"7}", b"1750000000500}"), "mails", None),)


def test_an_import_takes_records_of_an_export_by_their_exact_bytes() -> None:
    raw = json.dumps(whole(enqueued_at=7), separators=(",", ":")).encode().replace(b'"Mail"', b'"M\xff"')
    record = {"place": "dead", "at": NOW + 99, "class": "ignored", "raw": raw.decode("utf-8", "surrogateescape")}
    (made, queue, at) = read_import([json.dumps(record).encode()], context=CONTEXT).payloads[0]
    assert made == raw.replace(b":7}", b":1750000000500}")
    assert (queue, at) == ("mails", None)
    record["place"] = "schedule"
    (made, _, at) = read_import([json.dumps(record).encode()], context=CONTEXT).payloads[0]
    assert at == NOW + 99
    assert b"enqueued_at" not in made


def test_an_import_fills_in_what_is_missing_and_can_change_queue_and_jids() -> None:
    (raw, queue, _) = read_import([line()], context=CONTEXT).payloads[0]
    item = json.loads(raw)
    assert queue == item["queue"] == "default"
    assert item["retry"] is True
    assert item["created_at"] == item["enqueued_at"] == 1_750_000_000_500
    (raw, queue, _) = read_import([json.dumps(whole()).encode()], context=CONTEXT, queue="low", new_jids=True).payloads[
        0
    ]
    assert queue == json.loads(raw)["queue"] == "low"
    assert json.loads(raw)["jid"] != JID


def test_a_payload_with_a_time_is_scheduled() -> None:
    (raw, _, at) = read_import([line(at=NOW + 5)], context=CONTEXT).payloads[0]
    assert at == NOW + 5
    assert not {"at", "enqueued_at"} & json.loads(raw).keys()


@pytest.mark.parametrize(
    "bad", [b"[]", b"{", b'"x"', b'{"class":"A"}', line(args={}), line(queue=""), line(tags="x"), b"\xff\xfe"]
)
def test_one_bad_line_and_nothing_is_imported(bad: bytes) -> None:
    with pytest.raises(InvalidJob, match="line 2: "):
        read_import([line(), bad, line()], context=CONTEXT)


def test_no_more_than_some_bad_lines_are_named() -> None:
    with pytest.raises(InvalidJob, match=r"line 5: .*, and more"):
        read_import([b"{}"] * 50, context=CONTEXT)
    with pytest.raises(InvalidJob, match="no job"):
        read_import([], context=CONTEXT)


@pytest.mark.parametrize("at", ["1e999", "9" * 400, "NaN", "1e12"])
@pytest.mark.parametrize("record", [True, False])
def test_a_number_that_is_no_time_is_refused(at: str, record: bool) -> None:
    job = '{"class":"Mail","args":[],"queue":"mails"%s}' % ("" if record else f',"at":{at}')
    text = f'{{"raw":{json.dumps(job)},"at":{at}}}' if record else job
    with pytest.raises(InvalidJob, match="no time"):
        read_import([text.encode()], context=CONTEXT)
