"""Fields change, and nothing else does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.payload import decode
from sidekiq_tui.sidekiq.payload_edit import spliced, with_fields, with_first_argument

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(st.text(max_size=4), _json, max_size=5)


@pytest.mark.parametrize(
    ("raw", "changes", "drop", "wanted"),
    [
        (b'{"a":1,"b":2}', {"b": 3}, (), b'{"a":1,"b":3}'),
        (b'{"a":1.50,"n":12345678901234567890,"e":1e400}', {"b": "x"}, (), None),
        (b' { "a" : 1 , "b" : [1, 2] } ', {"a": None}, (), b'{"a" : null,"b" : [1, 2]}'),
        (b"{}", {"a": 1}, (), b'{"a":1}'),
        (b'{"a":1,"a":2}', {"a": 3}, (), b'{"a":1,"a":3}'),
        (b'{"a":1,"b":2,"a":3}', {}, ("a",), b'{"b":2}'),
        (b'{"a":"\xff\\ud800\\/"}', {"b": 1}, (), b'{"a":"\xff\\ud800\\/","b":1}'),
        (b'{"a":1}', {"a": 2}, ("a",), b'{"a":2}'),
        (b'{"n":' + b"9" * 5000 + b"}", {"a": 1}, (), b'{"n":' + b"9" * 5000 + b',"a":1}'),
        (b'{"\\u0061":1}', {"a": 2}, (), b'{"\\u0061":2}'),
    ],
)
def test_examples(raw: bytes, changes: dict[str, object], drop: tuple[str, ...], wanted: bytes | None) -> None:
    wanted = wanted or raw[:-1] + b',"b":"x"}'
    assert with_fields(raw, changes, drop) == wanted


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"a":1', b'{"a" 1}', b'{"a":1}x', b"{1:2}", b'{"a":1,}', b"nul", b"[" * 100_000]
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the words are json's
        with_fields(raw, {"a": 1})


@given(_objects, _objects, st.booleans())
def test_as_if_decoded_and_encoded(old: dict[str, object], changes: dict[str, object], ascii: bool) -> None:
    raw = json.dumps(old, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    try:
        edited = with_fields(raw, changes)
    except ValueError:  # half of a surrogate pair
        return
    assert json.loads(edited.decode("utf-8", "surrogatepass")) == {**old, **changes}


@given(_objects, _objects, st.booleans())
def test_the_short_way_says_the_same(old: dict[str, object], changes: dict[str, object], ascii: bool) -> None:
    raw = json.dumps(old, ensure_ascii=ascii, separators=(",", ":")).encode("utf-8", "surrogatepass")
    item = decode(raw)
    if item is None or any("\ud800" <= one <= "\udfff" for name in changes for one in name):
        return
    try:
        wanted = json.loads(with_fields(raw, changes).decode("utf-8", "surrogatepass"))
    except ValueError:
        return
    assert json.loads(spliced(raw, item, changes).decode("utf-8", "surrogatepass")) == wanted


@pytest.mark.parametrize(
    ("raw", "changes", "wanted"),
    [
        (b'{"args":[{"a":1.0,"b":[2]},{"a":3}],"a":4}', {"a": 5}, b'{"args":[{"a":5,"b":[2]},{"a":3}],"a":4}'),
        (b'{"args":[1],"args": [ {"a":1} , 2 ]}', {"b": "x"}, b'{"args":[1],"args": [ {"a":1,"b":"x"} , 2 ]}'),
    ],
    ids=range(2),
)
def test_the_first_arguments_fields_change_alone(raw: bytes, changes: dict[str, object], wanted: bytes) -> None:
    assert with_first_argument(raw, changes) == wanted


@pytest.mark.parametrize("raw", [b"{}", b'{"args":{}}', b'{"args":[]}', b'{"args":[1]}', b'{"args":["{"]}'])
def test_without_an_object_as_first_argument_nothing_is_changed(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        with_first_argument(raw, {"a": 1})
