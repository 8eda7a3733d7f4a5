"""Changes fields of a payload's bytes and leaves every other byte as it was.

Decoding and encoding again would alter what it does not understand: how numbers are written, escapes, doubled keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from math import isfinite
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.client_payload import dumps_value
from sidekiq_tui.sidekiq.payload import decode, to_bytes, to_text

_BLANKS: Final = " \t\r\n"
_simple: Final = re.compile(rb':(?:-?[0-9][0-9.eE+-]*|"[^"\\]*")(?=[,}])').match
"""A number, or a text without escapes, and nothing blank around."""
_decoder: Final = json.JSONDecoder(parse_int=str, parse_float=str)
"""Only where values end matters; Python refuses integers of thousands of digits."""


def spliced(raw: bytes, item: Mapping[str, object], changes: Mapping[str, object], drop: Collection[str] = ()) -> bytes:
    """As `with_fields`, many times faster for the usual payload. `item` is what `raw` decodes to.

    A number or text is replaced where its name stands, if that is in one place only; a new field is put at the end.
    Names that may be written with escapes are looked up again in the result. All else is left to `with_fields`.
    """
    if item.keys().isdisjoint(drop):
        made = _replaced(raw, item, changes)
        if made is not None and (b"\\" not in raw or b"\\u" not in raw or decode(made) == {**item, **changes}):
            return made
    return with_fields(raw, changes, drop)


def replaced(raw: bytes, changes: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """As `spliced`, for fields that are all there: names in quotes, and what shall stand behind each, with its colon.

    None when a field is not told from its name at once, or holds no simple value: `spliced` knows then.
    """
    if b"\\" in raw and b"\\u" in raw:
        return None
    for quoted, written in changes:
        parts = raw.split(quoted, 2)
        simple = _simple(parts[1]) if len(parts) == 2 else None
        if simple is None:
            return None
        raw = parts[0] + quoted + written + parts[1][simple.end() :]
    return raw


def _replaced(raw: bytes, item: Mapping[str, object], changes: Mapping[str, object]) -> bytes | None:
    """The payload with simple values replaced where they seem to be; None when it is not that simple.

    Without escapes of letters, a field that is there stands there as its name in quotes: once means it is no other's.
    """
    for name, value in changes.items():
        quoted = _quoted(name)
        if name not in item:
            if not raw.endswith(b"}") or not item:
                return None
            raw = raw[:-1] + b"," + quoted + b":" + _written(value) + b"}"
            continue
        parts = raw.split(quoted, 2)
        simple = _simple(parts[1]) if len(parts) == 2 else None
        if simple is None:
            return None
        raw = parts[0] + quoted + b":" + _written(value) + parts[1][simple.end() :]
    return raw


@cache
def _quoted(name: str) -> bytes:
    return dumps_value(name).encode()


def _written(value: object) -> bytes:
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(value).encode()  # as JSON has it
    return dumps_value(value).encode()


def with_first_argument(raw: bytes, changes: Mapping[str, object]) -> bytes:
    """The payload with some fields set in the object that is its first argument (ActiveJob's own payload).

    Raises ValueError if there is no such object, InvalidJob if a value cannot be written.
    """
    text = to_text(raw)
    pairs, _ = _pairs(text)
    args = next((pair for pair in reversed(pairs) if pair.name == "args"), None)
    if args is None or text[args.value : args.value + 1] != "[":
        raise ValueError("no arguments")
    start = _skip(text, args.value + 1)
    if text[start : start + 1] != "{":
        raise ValueError("the first argument is no object")
    _, end = _value(text, start)
    inner = to_text(with_fields(to_bytes(text[start:end]), changes))
    return to_bytes(text[:start] + inner + text[end:])


def members(text: str) -> list[tuple[str, int, int]]:
    """Name, start and end of the value of each member of a JSON object, as it is written. Raises ValueError."""
    return [(pair.name, pair.value, pair.end) for pair in _pairs(text)[0]]


class _Pair(NamedTuple):
    """A member of the object: its name, and where member and value lie in the text."""

    name: str
    start: int
    value: int
    end: int


def with_fields(raw: bytes, changes: Mapping[str, object], drop: Collection[str] = ()) -> bytes:
    """The payload with some fields set and some dropped; new ones come last, in the order given.

    A field that is there twice is set in its last place, which is the one that counts, and dropped in both. Raises
    ValueError if `raw` is no JSON object, InvalidJob if a value cannot be written.
    """
    text = to_text(raw)
    pairs, close = _pairs(text)
    last = {pair.name: pair for pair in pairs}
    members = [
        text[pair.start : pair.value] + dumps_value(changes[pair.name])
        if pair.name in changes and last[pair.name] is pair
        else text[pair.start : pair.end]
        for pair in pairs
        if pair.name not in drop
    ]
    members += [
        f"{dumps_value(name)}:{dumps_value(value)}"
        for name, value in changes.items()
        if name not in last or name in drop
    ]
    return to_bytes("{" + ",".join(members) + "}" + text[close + 1 :].strip(_BLANKS))


def _pairs(text: str) -> tuple[list[_Pair], int]:
    """The members of the object, and where it ends."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not a JSON object")
    pairs: list[_Pair] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        name, after = _value(text, at)
        colon = _skip(text, after)
        if text[at] != '"' or not isinstance(name, str) or text[colon : colon + 1] != ":":
            raise ValueError("not a JSON object")
        value = _skip(text, colon + 1)
        _, end = _value(text, value)
        pairs.append(_Pair(name, at, value, end))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] == "}":
                raise ValueError("a comma and nothing after it")
        elif text[at : at + 1] != "}":
            raise ValueError("not a JSON object")
    if _skip(text, at + 1) != len(text):
        raise ValueError("something follows the JSON object")
    return pairs, at


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        value, end = _decoder.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value, end


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in _BLANKS and at < len(text):
        at += 1
    return at
