"""Payloads as Sidekiq writes them: bytes to text and values, and the rules of how they read (protocol section 5)."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Final

from sidekiq_tui.sidekiq import json_codec

# The class in `class` when ActiveJob pushed the job: up to 7.x, and from 8.0 (7.3.3+ accepts both).
WRAPPERS: Final = frozenset({"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", "Sidekiq::ActiveJob::Wrapper"})
ENCRYPTED_MARK: Final = "[encrypted data]"

_OLD_MAILER: Final = "ActionMailer::DeliveryJob"
_NEW_MAILER: Final = "ActionMailer::MailDeliveryJob"
MAILERS: Final = frozenset({_OLD_MAILER, _NEW_MAILER})
# Mailer class, method and delivery verb stand before the mailer's own arguments.
_MAILER_HEAD: Final = 3

_INFLATED_LIMIT: Final = 4 << 20
_MARSHAL: Final = b"\x04\x08"


def to_text(data: bytes) -> str:
    """Bytes of Redis as text; what is not UTF-8 becomes surrogate escapes, so that nothing is lost."""
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The way back from `to_text`. A lone surrogate that came out of JSON is encoded as it is."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def decode(raw: bytes) -> dict[str, object] | None:
    """The payload's fields; None when it is no JSON object that Sidekiq could read. Never raises.

    Of duplicate keys the last wins, as in Ruby. NaN, numbers beyond a double, lone surrogates and bytes that are not
    UTF-8 are read, though Ruby refuses some: the operator wants to see them.
    """
    try:
        value = json_codec.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def truthy(value: object) -> bool:
    """Ruby's truth: all but nil and false, so 0 and "" are true."""
    return value is not None and value is not False


def compact(value: object) -> str:
    """A decoded value as one line of compact JSON with its text unescaped, to search in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def is_wrapper(item: Mapping[str, object]) -> bool:
    """Whether ActiveJob wrapped the job."""
    klass = item.get("class")
    return isinstance(klass, str) and klass in WRAPPERS


def display_class(item: Mapping[str, object]) -> str | None:
    """The class to show: `display_class`, the wrapped job, `Mailer#method`, or `class` (api.rb@8.1.7)."""
    chosen = item.get("display_class")
    if isinstance(chosen, str):
        return chosen
    klass = item.get("class")
    if not isinstance(klass, str):
        return None
    if klass not in WRAPPERS:
        return klass
    job_class = _job_class(item)
    if job_class in MAILERS:
        head = _arguments(item)[:2]
        if head and all(isinstance(part, str) for part in head):
            return "#".join(str(part) for part in head)
    return klass if job_class is None else job_class


def display_args(item: Mapping[str, object]) -> object:
    """The arguments to show (api.rb@8.1.7): unwrapped for ActiveJob, the last one masked when it is encrypted.

    What stands in `args` instead of an array is returned as it is. The payload is never changed.
    """
    if is_wrapper(item):
        return _wrapped_args(item)
    args = item.get("args")
    if isinstance(args, list) and args and truthy(item.get("encrypt")):
        return [*args[:-1], ENCRYPTED_MARK]
    return args


def _job_class(item: Mapping[str, object]) -> str | None:
    """What is inside a wrapper: `wrapped`, else `args[0]`: a name in very old data, else ActiveJob's object."""
    wrapped = item.get("wrapped")
    if truthy(wrapped):
        return wrapped if isinstance(wrapped, str) else None
    first = _first_arg(item)
    if isinstance(first, dict):
        first = first.get("job_class")
    return first if isinstance(first, str) else None


def _first_arg(item: Mapping[str, object]) -> object:
    args = item.get("args")
    return args[0] if isinstance(args, list) and args else None


def _arguments(item: Mapping[str, object]) -> list[object]:
    first = _first_arg(item)
    arguments = first.get("arguments") if isinstance(first, dict) else None
    return arguments if isinstance(arguments, list) else []


def _wrapped_args(item: Mapping[str, object]) -> list[object]:
    if not truthy(item.get("wrapped")):
        return []
    arguments = [_unwrapped(argument) for argument in _arguments(item)]
    if item.get("wrapped") == _OLD_MAILER:
        return arguments[_MAILER_HEAD:]
    if item.get("wrapped") == _NEW_MAILER:
        options = arguments[_MAILER_HEAD] if len(arguments) > _MAILER_HEAD else None
        return [options.get("params"), options.get("args")] if isinstance(options, dict) else []
    return arguments


def _unwrapped(value: object) -> object:
    """ActiveJob's serialized form as plain data: a GlobalID as its text, no `_aj_` keys (7.1+)."""
    if isinstance(value, list):
        return [_unwrapped(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and "_aj_globalid" in value:
        return value["_aj_globalid"]
    return {key: _unwrapped(part) for key, part in value.items() if not key.startswith("_aj_")}


def backtrace_lines(value: object) -> list[str] | None:
    """The lines of `error_backtrace`; None when there are none, or when they cannot be read (never raises).

    An array up to 6.0.0; from 6.0.1 base64 (with line breaks until 7.2.0) of zlib of a JSON array. A Ruby Marshal dump
    (6.0.1) is never loaded; what inflates beyond 4 MiB is not inflated.
    """
    if isinstance(value, str):
        value = _inflated(value)
    if not isinstance(value, list):
        return None
    return [line if isinstance(line, str) else compact(line) for line in value]


def _inflated(text: str) -> object:
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(base64.b64decode(text), _INFLATED_LIMIT)
        if not inflater.eof or data.startswith(_MARSHAL):
            return None
        return json_codec.loads(data)
    except (ValueError, zlib.error):
        return None
