from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation.values import json_text, pretty_lines, raw_lines, screen_args
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
WRAPPER = "Sidekiq::ActiveJob::Wrapper"


def nested(depth: int, kind: str = "list") -> object:
    value: object = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([42, {"currency": "EUR"}], '42, {"currency":"EUR"}'),
        (["INV-1009", True], '"INV-1009", true'),
        (["2026-10", ["pdf", "xml"]], '"2026-10", ["pdf","xml"]'),
        ([], ""),
        ([[], {}], "[], {}"),
        ([[[1], [2, [3]]], {"a": {"b": []}}], '[[1],[2,[3]]], {"a":{"b":[]}}'),
        ({"a": 1, "b": [1, 2]}, '{"a":1,"b":[1,2]}'),
        (None, "null"),
        ("text", '"text"'),
        ([1.5, float("nan"), float("-inf"), -0.0], "1.5, NaN, -Infinity, -0.0"),
        (["\x1b[2J\n"], '"\\u001b[2J\\n"'),
        (["\u202ex\x9b"], '"\ufffdx\ufffd"'),
        (["\udcff"], '"\\xff"'),
        (["漢字"], '"漢字"'),
        ([{"_aj_serialized": "ActiveJob::Serializers::SymbolSerializer", "value": "x"}], '"x"'),
        ([{"_aj_serialized": "A", "value": {"_aj_serialized": "B", "value": 5}}], "5"),
        ([{"_aj_serialized": "odd"}], '{"_aj_serialized":"odd"}'),
    ],
)
def test_json_text(value: object, shown: str) -> None:
    assert json_text(value) == shown


@given(JSON)
def test_json_text_of_anything_is_its_json(value: object) -> None:
    shown = json_text({"v": value}, None)
    # Blanks of other widths are shown as plain ones.
    if shown.isascii() and "_aj_" not in shown and json.dumps(value, ensure_ascii=False).isascii():
        assert json.loads(shown) == {"v": value}


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_depth_does_not_matter(kind: str) -> None:
    deep = nested(100_000, kind)
    assert len(json_text(deep, 50)) == 50
    assert len(json_text(deep, None)) > 100_000
    assert len(pretty_lines(deep, max_lines=20)) == 21
    while isinstance(deep, list | dict):  # taken apart here: the interpreter frees it recursively
        deep = deep[0] if isinstance(deep, list) else deep["a"]


def test_big_values_are_read_only_as_far_as_they_are_shown() -> None:
    seen = []

    class Items(list[object]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for item in super().__iter__():
                seen.append(item)
                yield item

    assert len(json_text(Items(range(100_000)), 100)) == 100
    assert len(seen) < 60
    assert json_text(["x" * 1_000_000], 10) == '"xxxxxxxx…'


def test_integers_that_python_does_not_write() -> None:
    assert json_text([10**5000], 20).startswith("0x")
    assert json_text([10**400], None) == "1" + "0" * 400


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_hostile_texts(text: str) -> None:
    for shown in [
        json_text([text, {text: text}]),
        *pretty_lines({text: [text]}),
        *raw_lines(text.encode("utf-8", "replace")),
    ]:
        assert not CONTROL_PATTERN.search(shown)
        assert "\n" not in shown


def test_pretty_lines() -> None:
    assert pretty_lines([1, {"a": "x\ny", "b": []}, []]) == [
        "[",
        "  1,",
        "  {",
        '    "a": "x\\ny",',
        '    "b": []',
        "  },",
        "  []",
        "]",
    ]
    assert pretty_lines("only\u2028text") == ['"only\ufffdtext"']
    assert pretty_lines({}) == ["{}"]
    assert pretty_lines(list(range(9)), max_lines=3) == ["[", "  0,", "  1,", "…"]


@given(JSON)
def test_pretty_lines_of_anything_are_its_json(value: object) -> None:
    text = "\n".join(pretty_lines(value))
    if text.isascii():
        assert json.loads(text) == value


def test_raw_lines_show_every_byte() -> None:
    assert raw_lines(b'{"a":"\x1b\\n\n\t\r\xff\xc2\x9b"}') == ['{"a":"\\x1b\\\\n\\n\\t\\r\\xff\\xc2\\x9b"}']
    assert raw_lines("é漢".encode()) == ["é漢"]
    assert raw_lines("\u202e❤".encode()) == ["\\xe2\\x80\\xae\\xe2\\x9d\\xa4"]
    assert raw_lines(b"") == []
    assert raw_lines(b"abcdef", 4) == ["abcd", "ef"]
    assert raw_lines("漢字か".encode(), 4) == ["漢字", "か"]
    assert raw_lines("漢字".encode(), 1) == ["漢", "字"], "a line holds one character at least"
    assert raw_lines(b"x" * 30, 10, limit=20) == ["x" * 10, "x" * 10, "… 10 bytes more"]


@given(st.binary(max_size=80))
def test_raw_lines_lose_nothing(raw: bytes) -> None:
    shown = "".join(raw_lines(raw, 10))
    back = shown.encode().decode("unicode_escape") if shown.isascii() else None
    if back is not None:
        assert back.encode("latin-1") == raw


def test_what_activejob_serialised_shows_by_its_value() -> None:
    arguments = [
        {"_aj_serialized": "ActiveJob::Serializers::TimeSerializer", "value": "2026-11-21"},
        {"_aj_globalid": "gid://a/User/1"},
    ]
    payload = {"class": WRAPPER, "wrapped": "ReportJob", "args": [{"job_class": "ReportJob", "arguments": arguments}]}
    job = JobRecord(json.dumps(payload).encode(), Place("retry"), 1.0)
    assert json_text(screen_args(job)) == '"2026-11-21", "gid://a/User/1"'
    assert job.display_args == [{"value": "2026-11-21"}, "gid://a/User/1"], "Sidekiq's own rule stays as it is"


def test_arguments_of_every_hostile_payload() -> None:
    for raw in HOSTILE_PAYLOADS:
        shown = json_text(screen_args(JobRecord(raw, Place("queue", "q"))))
        assert len(shown) <= 500
        assert not CONTROL_PATTERN.search(shown), raw[:80]
