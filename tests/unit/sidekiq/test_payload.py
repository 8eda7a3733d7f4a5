"""Payload bytes: decoding, and the display rules of protocol section 5."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq import json_codec, payload
from sidekiq_tui.sidekiq.payload import backtrace_lines, compact, decode, display_args, display_class
from tests.support.hostile import HOSTILE_PAYLOADS

OLD = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"
NEW = "Sidekiq::ActiveJob::Wrapper"


@pytest.fixture(params=["msgspec", "json"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without msgspec."""
    if request.param == "json":
        monkeypatch.setattr(json_codec, "_fast", None)
    else:
        assert json_codec._fast is not None
    return str(request.param)


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b'{"class":"A","args":[1,2.0,"x",null,true]}', {"class": "A", "args": [1, 2.0, "x", None, True]}),
        (b' {\n "a" : 1 }\n', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\\ud800"}', {"a": "\ud800"}),
        (b'{"a":"\xff\xfe"}', {"a": "\udcff\udcfe"}),
        (b'{"a":1e400}', {"a": math.inf}),
        (b'{"a":-Infinity}', {"a": -math.inf}),
        (b'{"a":1180591620717411303424}', {"a": 1 << 70}),
        (b'{"a":"tab\\there \\/"}', {"a": "tab\there /"}),
        (b'{"a":' + b"9" * 5000 + b"}", {"a": "9" * 5000}),
        (b"{}", {}),
    ],
)
def test_decode(reader: str, raw: bytes, fields: dict[str, Any]) -> None:
    assert decode(raw) == fields


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"{not json", b"[]", b"null", b"1", b'"a"', b'{"a":1} x', b"\xff", b"\xef\xbb\xbf{}", b"{'a':1}"]
)
def test_what_is_no_object_is_none(reader: str, raw: bytes) -> None:
    assert decode(raw) is None


def test_not_a_number_is_read(reader: str) -> None:
    fields = decode(b'{"a":NaN}')
    assert fields is not None
    assert isinstance(fields["a"], float)
    assert math.isnan(fields["a"])


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_as_deep_as_ruby_reads(reader: str, opening: bytes, closing: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"args":' + opening * (levels - 1) + b"1" * (opening != b"[") + closing * (levels - 1) + b"}"

    deepest = decode(nested(100))
    assert deepest is not None
    assert compact(deepest).encode() == nested(100)
    for levels in (101, 999, 2000, 100_000):
        assert decode(nested(levels)) is None


def test_many_brackets_are_no_nesting(reader: str) -> None:
    assert decode(b'{"args":[' + b",".join([b"[{}]"] * 5000) + b"]}") == {"args": [[{}]] * 5000}


@given(st.binary())
def test_decode_never_raises(raw: bytes) -> None:
    assert decode(raw) is None or isinstance(decode(raw), dict)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_decode_reads_what_json_writes(value: object) -> None:
    raw = json.dumps({"a": value}).encode()
    assert decode(raw) == {"a": value}


@pytest.mark.parametrize("raw", HOSTILE_PAYLOADS, ids=range(len(HOSTILE_PAYLOADS)))
def test_both_readers_agree(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = decode(raw)
    monkeypatch.setattr(json_codec, "_fast", None)
    assert repr(decode(raw)) == repr(fast)


@given(st.binary(), st.text())
def test_text_and_bytes(raw: bytes, text: str) -> None:
    assert payload.to_bytes(payload.to_text(raw)) == raw
    assert isinstance(payload.to_bytes(text), bytes)


def wrapped(arguments: object, **fields: object) -> dict[str, Any]:
    return {"class": NEW, "args": [{"job_class": "Inner", "arguments": arguments}], **fields}


@pytest.mark.parametrize(
    ("item", "klass", "args"),
    [
        ({"class": "Plain", "args": [1, {"_aj_x": 1}]}, "Plain", [1, {"_aj_x": 1}]),
        ({"class": "Plain", "args": [1], "display_class": "Shown"}, "Shown", [1]),
        ({"class": "Plain", "args": [1], "display_class": 5}, "Plain", [1]),
        ({"class": "Plain", "args": None}, "Plain", None),
        ({"class": "Plain", "args": {"a": 1}}, "Plain", {"a": 1}),
        ({"class": "Plain"}, "Plain", None),
        ({"class": 5, "args": []}, None, []),
        ({}, None, None),
        (wrapped([1], wrapped="Inner"), "Inner", [1]),
        (wrapped([1], wrapped="Inner", **{"class": OLD}), "Inner", [1]),
        (wrapped([1], wrapped="Inner", display_class="Shown"), "Shown", [1]),
        (wrapped([1]), "Inner", []),
        ({"class": OLD, "args": ["Ancient", 1]}, "Ancient", []),
        ({"class": OLD, "args": []}, OLD, []),
        ({"class": OLD, "args": None, "wrapped": "Inner"}, "Inner", []),
        ({"class": OLD, "args": [1], "wrapped": "Inner"}, "Inner", []),
        (wrapped({"no": "list"}, wrapped="Inner"), "Inner", []),
        (wrapped([1], wrapped=7), NEW, [1]),
        (wrapped([{"_aj_globalid": "gid://app/User/1"}], wrapped="I"), "I", ["gid://app/User/1"]),
        (wrapped([{"_aj_globalid": "g", "x": 1}], wrapped="I"), "I", [{"x": 1}]),
        (wrapped([{"_aj_serialized": "S", "value": "x"}], wrapped="I"), "I", [{"value": "x"}]),
        (wrapped([[{"a": {"_aj_symbol_keys": [], "b": 2}}]], wrapped="I"), "I", [[{"a": {"b": 2}}]]),
    ],
)
def test_class_and_args(item: dict[str, Any], klass: str | None, args: object) -> None:
    assert display_class(item) == klass
    assert display_args(item) == args


MAIL = ["UserMailer", "welcome", "deliver_now"]


@pytest.mark.parametrize(
    ("mailer", "arguments", "klass", "args"),
    [
        ("DeliveryJob", [*MAIL, 5, "x"], "UserMailer#welcome", [5, "x"]),
        ("DeliveryJob", MAIL[:2], "UserMailer#welcome", []),
        ("DeliveryJob", MAIL[:1], "UserMailer", []),
        ("DeliveryJob", [], "ActionMailer::DeliveryJob", []),
        ("DeliveryJob", [None, 5], "ActionMailer::DeliveryJob", []),
        ("MailDeliveryJob", [*MAIL, {"params": {"a": 1}, "args": [2]}], "UserMailer#welcome", [{"a": 1}, [2]]),
        ("MailDeliveryJob", [*MAIL, {"args": [2], "_aj_ruby2_keywords": ["args"]}], "UserMailer#welcome", [None, [2]]),
        ("MailDeliveryJob", [*MAIL, {"other": 1}], "UserMailer#welcome", [None, None]),
        ("MailDeliveryJob", MAIL, "UserMailer#welcome", []),
        ("MailDeliveryJob", [*MAIL, "text"], "UserMailer#welcome", []),
    ],
)
def test_mailers(mailer: str, arguments: list[Any], klass: str, args: object) -> None:
    item = wrapped(arguments, wrapped=f"ActionMailer::{mailer}")
    assert display_class(item) == klass
    assert display_args(item) == args


@pytest.mark.parametrize(
    ("encrypt", "args", "shown"),
    [
        (True, [1, "cipher"], [1, "[encrypted data]"]),
        (0, ["cipher"], ["[encrypted data]"]),
        ("", ["cipher"], ["[encrypted data]"]),
        (False, ["clear"], ["clear"]),
        (None, ["clear"], ["clear"]),
        (True, [], []),
        (True, "cipher", "cipher"),
    ],
)
def test_encrypted_arguments_are_masked_and_kept(encrypt: object, args: object, shown: object) -> None:
    item = {"class": "A", "args": args, "encrypt": encrypt}
    before = json.dumps(item)
    assert display_args(item) == shown
    assert json.dumps(item) == before


def test_delayed_extensions_show_their_raw_yaml() -> None:
    item = {"class": "Sidekiq::Extensions::DelayedClass", "args": ["---\n- !ruby/class 'X'\n- :go\n- []\n"]}
    assert display_class(item) == "Sidekiq::Extensions::DelayedClass"
    assert display_args(item) == item["args"]


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


LINES = ["app.rb:1:in `x'", "ż.rb:2"]
TEXT = json.dumps(LINES).encode()


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (LINES, LINES),
        (packed(TEXT), LINES),
        ("\n".join(packed(TEXT)[i : i + 60] for i in range(0, 999, 60)), LINES),
        (["a", 1, None, {"x": []}], ["a", "1", "null", '{"x":[]}']),
        (packed(b"[]"), []),
        ([], []),
    ],
)
def test_backtraces(value: object, lines: list[str]) -> None:
    assert backtrace_lines(value) == lines


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, {}, True, "", "app.rb:1", "ż", "A", "\ud800", "bm90IHpsaWI=", packed(b"text"), packed(b'{"a":1}')),
        packed(b"\x04\x08[\x06I:\x06ET"),
        packed(TEXT)[:-8],
        packed(b'["' + b"x" * 20_000_000 + b'"]'),
        packed(b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_backtraces_that_cannot_be_read(value: object) -> None:
    assert backtrace_lines(value) is None
