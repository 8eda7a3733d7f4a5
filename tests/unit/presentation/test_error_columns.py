"""Groups of errors as rows: what stands in each cell, at every width, and as records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidekiq_tui.presentation.columns import Context
from sidekiq_tui.presentation.columns.base import layout, plain
from sidekiq_tui.presentation.columns.errors import ERRORS, ErrorRow, error_columns, group_count, job_count, where_text
from sidekiq_tui.presentation.error_records import group_record
from sidekiq_tui.presentation.flat import FIELDS
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.sidekiq.error_groups import REST, UNDECODABLE, Cause, ErrorGroup, FailureHistory
from tests.support.hostile import HOSTILE_TEXTS

NOW = 1_795_314_150.0
CONTEXT = Context(now=NOW)


def row(jobs: int = 10, new: bool | None = None, **changes: Any) -> ErrorRow:
    """A group of five jobs."""
    fields: dict[str, Any] = {
        "cause": Cause("Invoice::ChargeJob", "Net::ReadTimeout", "after Ns"),
        "retries": 5,
        "dead": 0,
        "queues": (("critical", 4), ("low", 1)),
        "messages": (("after 30s", 5),),
        "other_messages": 0,
        "first_at": NOW - 3600,
        "last_at": NOW - 12,
        "frame": None,
        "frame_jobs": 0,
        "frames_read": 0,
        "sample_jid": "abc",
        "history": FailureHistory(),
    }
    return ErrorRow(ErrorGroup(**(fields | changes)), jobs, new)


def cells(one: ErrorRow, context: Context = CONTEXT) -> dict[str, str]:
    """What the columns say, where there is room for all."""
    return {column.key: plain(column.cell(one, context, column.max)) for column in error_columns(context.time_mode)}


def test_what_stands_in_the_cells() -> None:
    assert cells(row()) == {
        **{"jobs": "5", "share": "━━───   50%", "class": "Invoice::ChargeJob"},
        **{"error": "Net::ReadTimeout  after 30s", "in": "retries", "queue": "critical +1"},
        **{"first": "1h00m", "last": "12s", "trend": "············"},
    }


@pytest.mark.parametrize(
    ("one", "error", "klass"),
    [
        (row(new=True), "new Net::ReadTimeout  after 30s", "Invoice::ChargeJob"),
        (row(messages=()), "Net::ReadTimeout  after Ns", "Invoice::ChargeJob"),
        (row(cause=Cause("A", "E", "E with x"), messages=()), "E with x", "A"),
        (row(cause=Cause("A", "E", ""), messages=()), "E", "A"),
        (row(cause=Cause(None, None, "oops"), messages=()), "no error class  oops", "–"),
        (row(cause=Cause(None, None, ""), messages=()), "no error in the payload", "–"),
        (row(cause=UNDECODABLE, messages=()), "✗ undecodable  payload is no job", "–"),
        (row(cause=REST, messages=()), "all other errors", "–"),
    ],
)
def test_causes_of_every_kind(one: ErrorRow, error: str, klass: str) -> None:
    assert (cells(one)["error"], cells(one)["class"]) == (error, klass)


def test_where_jobs_are() -> None:
    assert [where_text(row(retries=a, dead=b).group) for a, b in ((1, 0), (0, 1), (1, 1))] == [
        "retries",
        "dead",
        "both",
    ]
    assert cells(row(queues=()))["queue"] == "–"
    assert cells(row(queues=(("low", 5),)))["queue"] == "low"


def test_what_goes_on_is_marked() -> None:
    (last,) = (column for column in ERRORS if column.key == "last")
    assert [span.role for span in last.cell(row(), CONTEXT)] == ["warn"]
    assert [span.role for span in last.cell(row(last_at=NOW - 61), CONTEXT)] == ["text"]
    assert [span.role for span in last.cell(row(last_at=None), CONTEXT)] == ["muted"]


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (117, ["jobs", "share", "class", "error", "in", "queue", "first", "last", "trend"]),
        (77, ["jobs", "share", "class", "error", "last"]),
        (57, ["jobs", "class", "error"]),
    ],
)
def test_which_columns_stay(width: int, keys: list[str]) -> None:
    assert [column.key for column, _ in layout(ERRORS, width)] == keys


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_take_their_width_and_no_more(text: str) -> None:
    one = row(cause=Cause(text, text, text), queues=((text, 1),), messages=((text, 5),))
    for column, width in layout(ERRORS, 117):
        fitted = column.fitted(one, CONTEXT, width)
        assert sum(cell_width(span.text) for span in fitted) == width
        assert plain(fitted).isprintable()


def test_a_record_has_the_fields_of_the_contract() -> None:
    record = group_record(row(new=False))
    assert ["server", *record] == list(FIELDS["errors"])
    assert record["share"] == 0.5
    assert json.loads(json.dumps(record, ensure_ascii=True)) == record
    assert group_record(row(jobs=0, first_at=float("inf")))["first_at"] is None


def test_counts_in_words() -> None:
    assert [group_count(1), group_count(12), job_count(1), job_count(0)] == ["1 error", "12 errors", "1 job", "0 jobs"]
