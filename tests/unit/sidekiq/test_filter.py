"""The filter language: reading, spelling, matching, and the look at raw bytes that saves decoding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.filter_terms import Comparison, FieldTerm, Word
from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1795313200.0
DAY = datetime(2026, 11, 21, tzinfo=UTC).timestamp()


def job(
    kind: PlaceKind = "retry", score: float | None = NOW + 100, klass: str = "Billing::ChargeJob", **fields: Any
) -> JobRecord:
    plain = {"class": klass, "jid": "00ff11", "args": [42, "Żółć"], "queue": "low"}
    return JobRecord(json.dumps(plain | fields, ensure_ascii=False).encode(), Place(kind), score)


def matches(text: str, record: JobRecord) -> bool:
    found = parse_filter(text)
    answer = found.matches(record, NOW)
    assert found.may_match(record.raw) or not answer, "the look at the bytes must never lose a match"
    return answer


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  ", []),
        ("foo", [Word("foo")]),
        ("foo bar", [Word("foo"), Word("bar")]),
        ('"foo bar"', [Word("foo bar")]),
        ("'foo bar'", [Word("foo bar")]),
        ("can't", [Word("can't")]),
        (r'"say \"hi\" \\ \n"', [Word(r'say "hi" \ \n')]),
        ("-foo !bar", [Word("foo", True), Word("bar", True)]),
        ('"-foo"', [Word("-foo")]),
        ("Invoice::ChargeJob", [Word("Invoice::ChargeJob")]),
        ("error::Foo", [Word("error::Foo")]),
        ("gid://app/User/1", [Word("gid://app/User/1")]),
        ("user:5 a=b a>b x->y", [Word("user:5"), Word("a=b"), Word("a>b"), Word("x->y")]),
        ("class:Foo", [FieldTerm("class", ("Foo",))]),
        ("Class:Foo", [FieldTerm("class", ("Foo",))]),
        ("class:=Foo,Bar", [FieldTerm("class", ("Foo", "Bar"), exact=True)]),
        ('class:"A,B",C', [FieldTerm("class", ("A,B", "C"))]),
        ("-queue:low !tag:x", [FieldTerm("queue", ("low",), negated=True), FieldTerm("tag", ("x",), negated=True)]),
        ('error:"not found" arg:1', [FieldTerm("error", ("not found",)), FieldTerm("arg", ("1",))]),
        ("class:Invoice::ChargeJob", [FieldTerm("class", ("Invoice::ChargeJob",))]),
        ("jid:a,,b", [FieldTerm("jid", ("a", "b"))]),
        ("age>2h", [Comparison("age", ">", "2h", 7200, 7200)]),
        ("-age<=1h30m", [Comparison("age", "<=", "1h30m", 5400, 5400, True)]),
        ("age<90 age>=1.5d", [Comparison("age", "<", "90", 90, 90), Comparison("age", ">=", "1.5d", 129600, 129600)]),
        ("at>=2026-11-21", [Comparison("at", ">=", "2026-11-21", DAY, DAY + 86400)]),
        ("at<2026-11-21T01:00", [Comparison("at", "<", "2026-11-21T01:00", DAY + 3600, DAY + 3660)]),
        ('at="2026-11-21 01:00:00"', [Comparison("at", "=", "2026-11-21 01:00:00", DAY + 3600, DAY + 3601)]),
        ("at>2026-11-21T01:00+01:00", [Comparison("at", ">", "2026-11-21T01:00+01:00", DAY, DAY + 60)]),
        ("at>2026-11-21T00:00:00.5Z", [Comparison("at", ">", "2026-11-21T00:00:00.5Z", DAY + 0.5, DAY + 0.5)]),
        ("at>1795313144.5", [Comparison("at", ">", "1795313144.5", 1795313144.5, 1795313144.5)]),
        ("retry>3 retry=0", [Comparison("retry", ">", "3", 3, 3), Comparison("retry", "=", "0", 0, 0)]),
        ("retry>=-1", [Comparison("retry", ">=", "-1", -1, -1)]),
    ],
)
def test_reading(text: str, terms: list[Any]) -> None:
    found = parse_filter(text)
    assert found.terms == tuple(terms)
    assert found.empty is (not terms)
    assert parse_filter(found.text) == found


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["class:Foo", "bar"], "class:Foo bar"),
        (["error:not found"], 'error:"not found"'),
        (["not found"], '"not found"'),
        (["class:Foo error:Bar"], "class:Foo error:Bar"),
        (["bar -class:Foo"], "bar -class:Foo"),
        (["-error:not found,timed out"], '-error:"not found","timed out"'),
        (['error:"a, b"'], 'error:"a, b"'),
        (["at=2026-11-21 01:00"], 'at="2026-11-21 01:00"'),
        (["", " "], ""),
        ([], ""),
    ],
)
def test_words_that_a_shell_has_split(words: Sequence[str], text: str) -> None:
    assert parse_filter(words).text == text


@pytest.mark.parametrize(
    ("text", "names", "hint"),
    [
        ("clas:Foo", "clas:Foo", "class:Foo"),
        ("klass:Foo", "klass:Foo", "class:Foo"),
        ("foo queues:low", "queues:low", "queue:low"),
        ("tags:=x", "tags:=x", "tag:=x"),
        ("errors:a", "errors:a", "error:a"),
        ("id:5", "id:5", "jid:5"),
        ("ages>2h", "ages>2h", "age>2h"),
        ("ages:2h", "ages:2h", "age>2h"),
        ("age:2h", "age:2h", "age>2h"),
        ("retry:3", "retry:3", "retry>3"),
        ("at:2026-11-21", "at:2026-11-21", "at>=2026-11-21"),
        ("class>Foo", "class>Foo", "class:Foo"),
        ("queue=low", "queue=low", "queue:low"),
        ("class:", "class:", "class:Foo"),
        ("class:=,", "class:=", "class:Foo"),
        ("age>soon", "age>soon", "2h"),
        ("age>-2h", "age>-2h", "2h"),
        ("age>", "age>", "2h"),
        ("age=2h", "age=2h", "age>2h"),
        ("at>yesterday", "at>yesterday", "2026-11-21"),
        ("at>2026-13-41", "at>2026-13-41", "2026-11-21"),
        ("retry>many", "retry>many", "retry>3"),
        ("retry>1.5", "retry>1.5", "retry>3"),
        ('"foo', '"foo', '"'),
        ("class:'foo", "'foo", "'"),
        ("-", "-", "-word"),
        ("foo ! bar", "!", "-word"),
        ('""', "quotes", "leave"),
    ],
)
def test_a_bad_term_is_named_with_the_right_spelling(text: str, names: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert names in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_the_hint_of_a_mistaken_field_says_how_to_look_for_the_text() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("page:3")
    assert '"page:3"' in caught.value.hint
    assert parse_filter('"page:3"').terms == (Word("page:3"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("charge", True),
        ("CHARGEJOB 00ff", True),
        ("charge nothing", False),
        ('\'"jid": "00ff11"\'', True),
        ("żółć", True),
        ("ŻÓŁĆ", True),
        ("-żółć", False),
        ("-nothing", True),
        ("class:charge", True),
        ("class:=charge", False),
        ("class:=BILLING::chargejob", True),
        ("class:=Other,Billing::ChargeJob", True),
        ("-class:Other,Charge", False),
        ("queue:lo", True),
        ("queue:=lo", False),
        ("jid:00FF11", True),
        ("jid:42", False),
        ("arg:42 arg:żół", True),
        ("arg:=42", True),
        ("arg:=4", False),
        ("arg:00ff11", False),
        ("error:x", False),
        ("-error:x", True),
        ("tag:x", False),
        ("server:prod", True),
        ("-server:prod", True),
    ],
)
def test_matching_text(text: str, expected: bool) -> None:
    assert matches(text, job()) is expected


def test_error_means_class_or_message() -> None:
    failed = job(error_class="Net::ReadTimeout", error_message="no answer from gateway")
    assert matches("error:timeout", failed)
    assert matches("error:GATEWAY", failed)
    assert matches("error:=net::readtimeout", failed)
    assert not matches("error:=gateway", failed)
    assert matches('error:"read timeout",answer', failed)


def test_class_means_what_is_shown_or_raw() -> None:
    arguments = ["UserMailer", "welcome", "deliver_now"]
    mail = job(
        klass="Sidekiq::ActiveJob::Wrapper",
        wrapped="ActionMailer::DeliveryJob",
        args=[{"arguments": arguments}],
    )
    assert matches("class:UserMailer#welcome", mail)
    assert matches("class:mailer#wel", mail)
    assert matches("class:=usermailer#welcome", mail)
    assert matches("class:Wrapper", mail)
    assert not matches("class:mailer#bye", mail)


def test_tags_match_one_by_one() -> None:
    tagged = job(tags=["eu-west", "billing", 5])
    assert matches("tag:west", tagged)
    assert matches("tag:=billing", tagged)
    assert not matches("tag:=bill", tagged)
    assert not matches("tag:5", tagged)


def test_arg_means_what_is_shown() -> None:
    assert matches("arg:encrypted", job(encrypt=True, args=["id", "c1pher"]))
    assert not matches("arg:c1pher", job(encrypt=True, args=["id", "c1pher"]))
    assert matches("c1pher", job(encrypt=True, args=["id", "c1pher"]))
    assert matches("arg:100000.0", JobRecord(b'{"args":[1e5]}', Place("dead"), 1.0))
    assert matches("arg:infinity", JobRecord(b'{"args":[1e400]}', Place("dead"), 1.0))
    assert matches("arg:=null", job(args=[None]))
    assert matches("""arg:'{"a":[1]}'""", job(args=[{"a": [1]}]))
    assert not matches("arg:x", job(args=None))
    assert matches("arg:text", job(args="some text"))


def test_escapes_hide_nothing() -> None:
    escaped = JobRecord(
        rb'{"class":"\u0043hargeJob","args":["\u017b\u00f3\u0142w a\/b \ud83d\ude00"]}', Place("dead"), 1.0
    )
    for text in ("chargejob", "class:Charge", "żółw", "a/b", "arg:a/b", "😀", r"\u017b", "class:=chargejob"):
        assert matches(text, escaped), text
    assert not matches("-żółw", escaped)
    assert not matches("żółć", escaped)


def test_odd_capitals_hide_nothing() -> None:
    assert matches("class:kelvin", job(klass="\u212aelvin"))
    assert matches("class:İSTANBUL stanbul", job(klass="İstanbul"))


def test_age_counts_from_the_lists_own_time() -> None:
    times: dict[str, Any] = {"created_at": NOW - 4000, "enqueued_at": NOW - 300, "failed_at": NOW - 8000}
    assert matches("age>4m age<=5m", job("queue", None, **times))
    assert matches("age>2h", job("retry", **times))
    assert matches("age>1h age<2h", job("schedule", **times))
    assert matches("age<10s", job("dead", NOW - 5, **times))


def test_what_is_unknown_compares_to_nothing() -> None:
    for text in ("age>0", "age<=0", "retry<9", "retry>=0", "retry=0"):
        assert not matches(text, job())
        assert matches(f"-{text}", job())
    assert not matches("at>0", job("queue", None))


@pytest.mark.parametrize(
    ("operator", "before", "start", "inside", "end"),
    [
        (">", False, False, False, True),
        (">=", False, True, True, True),
        ("<", True, False, False, False),
        ("<=", True, True, True, False),
        ("=", False, True, True, False),
    ],
)
def test_a_day_is_a_day(operator: str, before: bool, start: bool, inside: bool, end: bool) -> None:
    scores = {DAY - 0.001: before, DAY: start, DAY + 86399.999: inside, DAY + 86400: end}
    for score, expected in scores.items():
        assert matches(f"at{operator}2026-11-21", job("schedule", score)) is expected
        assert matches(f"-at{operator}2026-11-21", job("schedule", score)) is not expected


def test_a_number_is_compared_exactly() -> None:
    counted = job(retry_count=3)
    assert [op for op in (">", ">=", "<", "<=", "=") if matches(f"retry{op}3", counted)] == [">=", "<=", "="]
    assert matches("at=1795313300.0", job())
    assert not matches("at>1795313300 ", job())


def test_server_terms_choose_servers_not_jobs() -> None:
    found = parse_filter("server:prod,staging -server:=prod-2 charge")
    assert [name for name in ("prod", "prod-2", "PROD-1", "staging", "dev") if found.matches_server(name)] == [
        *("prod", "PROD-1", "staging")
    ]
    assert len(found.servers) == 2
    assert found.matches(job(), NOW)


def test_malformed_payloads_can_be_found_by_their_text() -> None:
    broken = JobRecord(b'{not json "\xff', Place("dead"), NOW)
    assert matches("NOT", broken)
    assert matches("arg:json", broken)
    assert not matches("class:not", broken)
    assert matches("-class:not", broken)


WORDS = st.text(min_size=1).filter(lambda text: bool(text.strip()))
TERMS = st.one_of(
    st.builds(Word, WORDS, st.booleans()),
    st.builds(
        FieldTerm,
        st.sampled_from(["class", "queue", "jid", "error", "tag", "arg", "server"]),
        st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple),
        st.booleans(),
        st.booleans(),
    ),
)


@example((FieldTerm("class", (":",), False, False),))
@example((FieldTerm("arg", ("//shop/User/1",), True, True),))
@given(st.lists(TERMS, max_size=4).map(tuple))
def test_canonical_text_reads_back(terms: tuple[Word | FieldTerm, ...]) -> None:
    found = Filter(terms)
    assert parse_filter(found.text) == found
    assert str(found) == found.text


@given(st.text())
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except FilterError:
        return
    assert parse_filter(found.text) == found


ALPHABET = st.sampled_from([*'abkKiI019"\\/#[]{}:,. \n', "ż", "Ż", "ß", "\u212a", "İ", "\x1b", "\ud800"])
TEXTS = st.text(ALPHABET, max_size=6)


@given(
    st.text(ALPHABET, min_size=1, max_size=3),
    st.sampled_from([None, "class", "error", "arg", "tag", "jid"]),
    st.fixed_dictionaries(
        {},
        optional={
            "class": TEXTS,
            "error_message": TEXTS,
            "jid": TEXTS,
            "tags": st.lists(TEXTS),
            "args": st.lists(TEXTS),
        },
    ),
    st.booleans(),
)
def test_the_look_at_the_bytes_never_loses_a_match(
    needle: str, field: Any, fields: dict[str, Any], ascii_only: bool
) -> None:
    raw = json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = Filter((Word(needle) if field is None else FieldTerm(field, (needle,)),))
    if found.matches(JobRecord(raw, Place("dead"), NOW), NOW):
        assert found.may_match(raw)


@pytest.mark.parametrize("term", ["queue:mailers", "queue:=mailers", "server:prod"])
def test_what_a_payload_does_not_say_is_not_looked_for_in_its_bytes(term: str) -> None:
    assert parse_filter(term).may_match(b'{"class": "Job", "args": []}')


def test_hostile_payloads_never_raise() -> None:
    everything = [
        *(parse_filter(f"{field}:=x") for field in ("class", "queue", "jid", "error", "tag", "arg")),
        *(parse_filter(text) for text in ("x", "-x", "ż", "age>1h", "at>0", "retry>0", "arg:1,inf")),
    ]
    for raw in HOSTILE_PAYLOADS:
        for kind in ("queue", "retry", "schedule", "dead", "work"):
            for found in everything:
                assert found.matches(JobRecord(raw, Place(kind), 1.0), NOW) in (True, False)
                assert found.may_match(raw) in (True, False)
