"""Reads JSON that some client once wrote: fast when it is strict JSON, tolerant when it is not.

msgspec reads strict JSON several times faster than the standard library, which is asked again about what msgspec
refuses: bytes that are not UTF-8, lone surrogates, NaN, numbers beyond a double. Without msgspec all works, slower.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

_fast: Callable[[bytes], object] | None
try:
    import msgspec
except ImportError:  # an optional speed-up
    _fast = None
    _refusals: tuple[type[Exception], ...] = ()
else:
    _fast = msgspec.json.Decoder().decode
    _refusals = (msgspec.MsgspecError, ValueError, RecursionError)

# Ruby's JSON refuses what nests deeper (max_nesting), so no Sidekiq can read it; and the limits of Python's own readers
# and writers differ between its versions.
MAX_NESTING: Final = 100


def loads(raw: bytes) -> object:
    """The decoded value. Raises ValueError for what is no JSON, or nests deeper than MAX_NESTING.

    Bytes that are not UTF-8 become surrogate escapes; an integer of thousands of digits, refused by Python, its text.
    """
    value = _decode(raw)
    # Counting brackets is cheap and bounds the depth from above; only what has many is walked.
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTING and _deeper_than(value, MAX_NESTING):
        raise ValueError(f"nested deeper than {MAX_NESTING}")
    return value


def _decode(raw: bytes) -> object:
    if _fast is not None:
        try:
            return _fast(raw)
        except _refusals:
            pass
    try:
        return json.loads(raw.decode("utf-8", "surrogateescape"), parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # sys.get_int_max_str_digits(): such a number could not be printed either
        return digits


def _deeper_than(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
