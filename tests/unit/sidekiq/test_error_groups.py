"""Causes, the matcher that finds them again, times of failure, and the history of a group."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.error_filter import group_matches, parse_group_filter
from sidekiq_tui.sidekiq.error_groups import (
    MINUTES,
    REST,
    UNDECODABLE,
    Cause,
    ErrorGroup,
    FailureHistory,
    GroupMatcher,
    cause_of,
    failure_times,
)
from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1_795_314_150.0
RETRY, DEAD = Place("retry"), Place("dead")


def failed(place: Place = RETRY, score: float = NOW + 30, klass: str = "Foo", **fields: object) -> JobRecord:
    """A job that failed."""
    item = {"class": klass, "args": [], "jid": "a" * 24, "error_class": "E", "error_message": "after 30s"}
    return JobRecord(json.dumps(item | fields).encode(), place, score)


def group(**changes: object) -> ErrorGroup:
    """A group of two jobs."""
    fields: dict[str, object] = {
        "cause": Cause("Invoice::ChargeJob", "Net::ReadTimeout", "after Ns"),
        "retries": 2,
        "dead": 0,
        "queues": (("critical", 2),),
        "messages": (("after 30s", 1), ("after 45s", 1)),
        "other_messages": 0,
        "first_at": NOW - 60,
        "last_at": NOW,
        "frame": None,
        "frame_jobs": 0,
        "frames_read": 0,
        "sample_jid": None,
        "history": FailureHistory(),
    }
    return ErrorGroup(**(fields | changes))  # type: ignore[arg-type]


def test_one_cause_is_one_group() -> None:
    assert cause_of(failed()) == cause_of(failed(error_message="after 45s", jid="b" * 24, args=[1]))
    assert cause_of(failed()) == Cause("Foo", "E", "after Ns")
    assert cause_of(failed()) != cause_of(failed(error_class="F"))
    assert cause_of(failed()) != cause_of(failed(klass="Bar"))


def test_the_class_is_the_one_shown_and_not_the_wrapper() -> None:
    wrapper = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"
    assert cause_of(failed(klass=wrapper, wrapped="ImportJob", args=[{}])).klass == "ImportJob"


def test_payloads_that_are_no_jobs_are_a_group_of_their_own() -> None:
    assert cause_of(JobRecord(b"\x80\x04", DEAD, 1.0)) == UNDECODABLE
    assert cause_of(JobRecord(b"[]", DEAD, 1.0)) == UNDECODABLE
    assert cause_of(JobRecord(b"{}", DEAD, 1.0)) == Cause(None, None, "")


def test_every_payload_has_a_cause_by_which_it_is_found_again() -> None:
    for raw in HOSTILE_PAYLOADS:
        job = JobRecord(raw, RETRY, NOW)
        matcher = GroupMatcher(cause_of(job))
        assert matcher.may_match(raw)
        assert matcher.matches(job, NOW)
        assert all(any(part in raw.lower() for part in some) for some in matcher.needles)
        assert isinstance(matcher.text, str)


def test_a_matcher_finds_its_group_alone_and_looks_at_bytes_first() -> None:
    matcher = GroupMatcher(cause_of(failed()))
    assert matcher.matches(failed(error_message="after 1s"), NOW)
    assert not matcher.matches(failed(error_message="before 1s"), NOW)
    other = failed(error_class="Timeout", error_message="x")
    assert not GroupMatcher(cause_of(other)).may_match(failed().raw)
    hidden = other.raw.replace(b"Timeout", b"\\u0054imeout")
    assert GroupMatcher(cause_of(other)).may_match(hidden)
    assert matcher.text == "Foo E after Ns"


def test_the_rest_is_what_has_no_group() -> None:
    matcher = GroupMatcher(REST, [cause_of(failed())])
    assert not matcher.matches(failed(), NOW)
    assert matcher.matches(failed(error_class="F"), NOW)
    assert matcher.may_match(b"anything")


@pytest.mark.parametrize(
    ("job", "times"),
    [
        (failed(failed_at=NOW - 9, retried_at=NOW - 3), (NOW - 9, NOW - 3)),
        (failed(failed_at=NOW - 9), (NOW - 9, NOW - 9)),
        (failed(retried_at=NOW - 3), (NOW - 3, NOW - 3)),
        (failed(failed_at=int((NOW - 9) * 1000)), (NOW - 9, NOW - 9)),
        (failed(), (None, None)),
        (failed(DEAD, NOW - 5), (NOW - 5, NOW - 5)),
        (failed(failed_at=NOW + 86400 * 365), (None, None)),
        (failed(failed_at=-5), (None, None)),
    ],
)
def test_times_of_failure(job: JobRecord, times: tuple[float | None, float | None]) -> None:
    assert failure_times(job, NOW) == times


@given(st.lists(st.floats(min_value=-90_000, max_value=100), max_size=60))
def test_a_history_counts_what_is_recent_whatever_the_order(offsets: list[float]) -> None:
    history = FailureHistory()
    for offset in offsets:
        history.add(NOW + offset, NOW)
    this_minute = NOW // 60
    expected = [0] * MINUTES
    for offset in offsets:
        ago = int(this_minute - min(NOW + offset, NOW) // 60)
        if ago < MINUTES:
            expected[MINUTES - 1 - ago] += 1
    assert history.minutes(NOW) == expected
    assert sum(history.day(NOW, 12)) == sum(history.day(NOW, 7)) == sum(history.day(NOW, 144))
    assert sum(history.day(NOW, 12)) >= sum(expected)


def test_a_history_moves_on() -> None:
    history = FailureHistory()
    history.add(NOW, NOW)
    assert history.minutes(NOW, 3) == [0, 0, 1]
    assert history.minutes(NOW + 60, 3) == [0, 1, 0]
    assert history.minutes(NOW + 86_400, 3) == [0, 0, 0]
    history.add(NOW + 86_400, NOW + 86_400)
    assert sum(history.minutes(NOW + 86_400)) == 1
    assert history.day(NOW, 0) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", True),
        ("invoice", True),
        ("TIMEOUT critical", True),
        ("45s", True),
        ("class:Charge error:Timeout queue:crit", True),
        ("class:=Charge", False),
        ("-class:Charge", False),
        ("-mailers", True),
        ("queue:=critical", True),
        ("error:=Net::ReadTimeout", True),
        ("refused", False),
    ],
)
def test_filters_of_groups(words: str, found: bool) -> None:
    assert group_matches(parse_group_filter(words), group()) is found


@pytest.mark.parametrize("words", ["jid:abc", "tag:vip", "age>2h", "retry>3", "at>=2026-11-21"])
def test_a_filter_of_groups_refuses_what_groups_do_not_have(words: str) -> None:
    with pytest.raises(FilterError, match="no such field"):
        parse_group_filter(words)


def test_a_message_is_shown_as_it_stands_where_all_agree() -> None:
    assert group(messages=(("after 30s", 2),)).shown_message == "after 30s"
    assert group().shown_message == "after Ns"
    assert group(messages=(("after 30s", 2),), other_messages=1).shown_message == "after Ns"
