"""Changes top-level fields of a payload's bytes and leaves every other byte as it was.

Decoding and encoding again would alter what it does not understand: how numbers are written, escapes, doubled keys.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.client_payload import dumps_value
from sidekiq_tui.sidekiq.payload import to_bytes, to_text

_BLANKS: Final = " \t\r\n"
_decoder: Final = json.JSONDecoder(parse_int=str, parse_float=str)
"""Only where values end matters; Python refuses integers of thousands of digits."""


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
