"""Marks of jobs, pages that are sorted, times that are grouped: what lists of jobs are made of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sidekiq_tui.presentation.columns.base import Context
from sidekiq_tui.presentation.columns.job_extras import JOB_COLUMN_WORDS, chosen_job_columns, every_job_column
from sidekiq_tui.presentation.columns.jobs import JOBS, ListKind
from sidekiq_tui.presentation.time_buckets import upcoming_buckets
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.tui.screens.job_marks import Marks
from sidekiq_tui.tui.widgets.rows import PagedRows
from sidekiq_tui.tui.widgets.sorting import SortedPages
from tests.support import jobs
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.tui import NOW

KINDS: tuple[ListKind, ...] = ("queue", "retry", "schedule", "dead", "search")


def record(raw: bytes, kind: str = "retry") -> JobRecord:
    """A job in a set."""
    return JobRecord(raw, Place(kind), NOW)  # type: ignore[arg-type]


def test_a_mark_is_of_place_and_bytes() -> None:
    marks = Marks()
    marks.toggle(record(b"a"))
    assert record(b"a") in marks
    assert record(b"a", "dead") not in marks
    assert record(b"b") not in marks
    marks.toggle(record(b"a"))
    assert not marks
    assert marks.anchor == record(b"a").identity


def test_marks_are_bounded_by_number_and_by_bytes() -> None:
    marks = Marks(most=3)
    assert not marks.add(record(bytes([number])) for number in range(9))
    assert len(marks) == 3
    heavy = Marks(most_bytes=10)
    assert heavy.add([record(b"12345")])
    assert heavy.add([record(b"67890")])
    assert not heavy.toggle(record(b"x"))
    heavy.remove([record(b"12345")])
    assert heavy.toggle(record(b"x"))


def test_the_rule_holds_for_every_job_and_holds_none() -> None:
    marks = Marks()
    marks.add([record(b"a")])
    marks.mark_whole()
    assert record(b"anything") in marks
    assert marks.jobs == ()
    assert marks
    marks.add([record(b"b")])
    assert record(b"anything") not in marks


def test_marks_of_what_is_gone_are_dropped() -> None:
    marks = Marks()
    marks.add([record(b"a"), record(b"b")])
    marks.keep({record(b"b").identity})
    assert [job.raw for job in marks.jobs] == [b"b"]


def test_each_page_is_sorted_by_itself() -> None:
    pages: PagedRows[int] = PagedRows(lambda row: row, page_size=3)
    pages.renew(3, [9, 7, 8], 9)
    rows = SortedPages(pages, sorted)
    assert [rows.get(index) for index in range(-1, 10)] == [None] * 4 + [7, 8, 9] + [None] * 4
    assert rows.index_of(8, 0) == 4
    assert rows.index_of(99, 0) is None
    assert rows.key(5) == 9
    assert rows.missing(0, 2) == (0, 3)
    pages.put(0, [2, 1, 3], 9)
    assert [rows.get(index) for index in range(3)] == [1, 2, 3]
    pages.put(0, [6, 5, 4], 9)
    assert rows.get(0) == 4


def test_groups_of_times_never_go_back() -> None:
    for hour, minute in ((0, 0), (12, 30), (23, 58)):
        now = datetime(2026, 11, 22, hour, minute, tzinfo=UTC).timestamp()
        buckets = upcoming_buckets(now, utc=True)
        ends = [end for _, end in buckets if end is not None]
        assert ends == sorted(ends)
        assert ends[0] == now
        assert buckets[-1] == ("later", None)
    late = dict(upcoming_buckets(datetime(2026, 11, 22, 23, 58, tzinfo=UTC).timestamp(), utc=True))
    assert late["later today"] == late["in an hour"], "nothing is left of today"
    assert late["tomorrow"] == datetime(2026, 11, 24, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("kind", KINDS)
def test_columns_keep_their_order_whatever_is_chosen(kind: ListKind) -> None:
    every = [column.key for column in every_job_column(kind)]
    assert len(set(every)) == len(every)
    assert set(every) <= JOB_COLUMN_WORDS.keys()
    assert [column.key for column in chosen_job_columns(kind, ["size", "class", "time", "no such"])] == [
        key for key in every if key in ("time", "class", "size")
    ]
    assert chosen_job_columns(kind, None)[1:] == JOBS[kind][1:]
    assert chosen_job_columns(kind, [])[1:] == JOBS[kind][1:]


@pytest.mark.parametrize("kind", KINDS)
def test_extra_columns_show_nothing_hostile(kind: ListKind) -> None:
    context = Context(now=NOW)
    for raw in HOSTILE_PAYLOADS:
        job = JobRecord(raw, Place("retry"), NOW)
        for column in every_job_column(kind):
            text = "".join(span.text for span in column.fitted(job, context, column.min))
            assert CONTROL_PATTERN.search(text) is None
            if column.sort is not None:
                column.sort(job, context)


def test_extra_columns_say_what_the_job_says() -> None:
    context = Context(now=NOW)
    job = JobRecord(jobs.ACTIVE_JOB, Place("retry"), NOW)
    shown = {
        column.key: "".join(span.text for span in column.cell(job, context)) for column in every_job_column("retry")
    }
    assert shown["class"] == "SyncContactJob"
    assert shown["wrapped"] == jobs.WRAPPER
    assert shown["jid"] == jobs.JID
    assert shown["created"] == "4h02m"
    assert shown["tags"] == shown["bid"] == shown["context"] == "–"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"cattr": {"user_id": 7}}, '{"user_id":7}'),
        ({"cattr": {"user_id": 7}, "locale": "pl"}, '{"cattr":{"user_id":7},"locale":"pl"}'),
    ],
)
def test_the_context_of_a_job_can_be_a_column(fields: dict[str, object], shown: str) -> None:
    job = JobRecord(jobs.payload(**fields), Place("queue", "mailers"), None)
    (column,) = (column for column in every_job_column("queue") if column.key == "context")
    assert "".join(span.text for span in column.cell(job, Context(now=NOW))) == shown
