"""A job as a client writes it: options merged, checked, completed, and turned into bytes (protocol 14.1, 14.2)."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Final, Literal

from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.json_codec import MAX_NESTING

DEFAULT_OPTIONS: Final[Mapping[str, object]] = {"retry": True, "queue": "default"}
LONGEST_RETRY_FOR: Final = 1_000_000_000
"""Seconds; anything above is a time, not a duration (job_util.rb, 7.1.3)."""

StrictArgs = Literal["raise", "warn", "off"]
WrittenTime = Literal["milliseconds", "seconds"]
"""How times are written: integer milliseconds since 8.0, float seconds before."""

_SAFE: Final = frozenset((int, str, bool, type(None)))
_TRANSIENT: Final = ("pool", "client_class", "client")
_log: Final = logging.getLogger("sidekiq")
_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

Payload = dict[str, object]


def normalize(item: Mapping[str, object], *, now: float, form: WrittenTime) -> Payload:
    """The item as it is stored, without its `enqueued_at`: defaults first, then its own keys, then what was missing.

    `now` is Unix seconds. Raises InvalidJob as Ruby's client raises ArgumentError.
    """
    _validate(item)
    payload = {**DEFAULT_OPTIONS, **item}
    if payload["queue"] is None or payload["queue"] == "":
        raise InvalidJob("a job must have a queue")
    for key in _TRANSIENT:
        payload.pop(key, None)
    payload["jid"] = payload.get("jid") or new_jid()
    payload["queue"] = str(payload["queue"])
    retry_for = payload.get("retry_for")
    if isinstance(retry_for, int | float) and not isinstance(retry_for, bool):
        payload["retry_for"] = int(retry_for)
    payload["created_at"] = payload.get("created_at") or written_time(now, form)
    return payload


def new_jid() -> str:
    """24 hexadecimal digits."""
    return secrets.token_hex(12)


def written_time(at: float, form: WrittenTime) -> int | float:
    """A time in Unix seconds as a payload holds it; never integer seconds, which Sidekiq 8 takes for milliseconds."""
    return int(at * 1000) if form == "milliseconds" else float(at)


def check_args(payload: Mapping[str, object], strict: StrictArgs) -> None:
    """Whether the arguments come back from JSON as they are. Raises InvalidJob, or warns, or does not look."""
    if strict == "off":
        return
    unsafe = _unsafe(payload["args"], 0)
    if unsafe is None:
        return
    name = payload.get("wrapped") or payload["class"]
    words = f"arguments to {name} must be plain JSON values, but {unsafe} is not"
    if strict == "raise":
        raise InvalidJob(words, hint="pass strings, numbers, booleans, None, lists, and dicts with string keys")
    _log.warning(words)


def dumps(payload: Mapping[str, object]) -> bytes:
    """The payload as compact JSON in UTF-8. Raises InvalidJob for what Ruby could not read back."""
    return dumps_value(payload).encode("utf-8")


def dumps_value(value: object) -> str:
    """Any value as compact JSON. Raises InvalidJob for what Ruby could not read back."""
    try:
        text = _encode(value)
        text.encode("utf-8")
        return text
    except (TypeError, ValueError, RecursionError) as error:  # not JSON, NaN, circular, or half of a surrogate pair
        raise InvalidJob(f"the job cannot be written as JSON: {error}") from None


def _validate(item: Mapping[str, object]) -> None:
    if not isinstance(item, Mapping) or "class" not in item or "args" not in item:
        raise InvalidJob("a job must be a mapping with 'class' and 'args'")
    if not isinstance(item["args"], list | tuple):
        raise InvalidJob("a job's args must be a list")
    if not isinstance(item["class"], str):
        raise InvalidJob("a job's class must be the name of a class")
    if "at" in item and not is_number(item["at"]):
        raise InvalidJob("a job's 'at' must be a number of seconds")
    if item.get("tags") and not isinstance(item["tags"], list | tuple):
        raise InvalidJob("a job's tags must be a list")
    retry_for = item.get("retry_for")
    if retry_for and (not is_number(retry_for) or float(str(retry_for)) > LONGEST_RETRY_FOR):
        raise InvalidJob("retry_for must be a duration in seconds, not a time")


def is_number(value: object) -> bool:
    """A number that Ruby would call Numeric; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unsafe(value: object, depth: int) -> str | None:
    """What in a value JSON would not give back as it is; None if nothing."""
    kind = type(value)
    if kind in _SAFE:
        return None
    if kind is float:
        return None if isfinite(value) else repr(value)  # type: ignore[arg-type]
    inner: Iterable[object]
    if kind is list or (kind is tuple and depth == 0):
        inner = value  # type: ignore[assignment]
    elif kind is dict:
        for key in value:  # type: ignore[attr-defined]
            if type(key) is not str:
                return _named(key)
        inner = value.values()  # type: ignore[attr-defined]
    else:
        return _named(value)
    if depth >= MAX_NESTING:
        return "what nests deeper than 100"
    for one in inner:
        if type(one) not in _SAFE and (found := _unsafe(one, depth + 1)) is not None:
            return found
    return None


def _named(value: object) -> str:
    shown = repr(value)
    return f"{shown if len(shown) <= 60 else shown[:57] + '...'} ({type(value).__name__})"


def bulk_args(args: object) -> Sequence[Sequence[object]]:
    """The lists of arguments of a bulk push. Raises InvalidJob unless it is a list of lists."""
    if not isinstance(args, list | tuple) or not all(isinstance(one, list | tuple) for one in args):
        raise InvalidJob("bulk arguments must be a list of lists: [[1], [2]]")
    return args
