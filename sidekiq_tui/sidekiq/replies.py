"""Reads values out of Redis replies and JSON of any shape; what does not fit is None, never an exception."""

from __future__ import annotations

import math
import re
from typing import Final

from sidekiq_tui.sidekiq import json_codec
from sidekiq_tui.sidekiq.errors import Forbidden, ReplyError, SidekiqError, WrongType
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.timestamps import parse_time

_WHOLE: Final = re.compile(r"\s*[+-]?[0-9]{1,18}\s*", re.ASCII)
_LIMIT: Final = 10**18


def whole(value: object) -> int | None:
    """An integer from a reply, a JSON number or a numeric text; None when it is none or not of this world."""
    if isinstance(value, bytes):
        value = to_text(value)
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -_LIMIT < value < _LIMIT else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and abs(value) < _LIMIT else None
    return None


def natural(value: object) -> int | None:
    """Like `whole`, but a negative number is None: no count of Sidekiq's can be below zero."""
    number = whole(value)
    return number if number is not None and number >= 0 else None


def counted(value: object) -> int:
    """A count that a command always answers with. Raises ReplyError: whoever answers otherwise is no Redis."""
    number = natural(value)
    if number is None:
        raise ReplyError("its answer makes no sense: is this a Redis server?")
    return number


def real(value: object) -> float | None:
    """A finite float from a reply, a JSON number or a numeric text."""
    if isinstance(value, bytes):
        value = to_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def moment(value: object) -> float | None:
    """Unix seconds from any time that Sidekiq or another writer has stored."""
    return parse_time(to_text(value) if isinstance(value, bytes) else value)


def text(value: object) -> str | None:
    """A text from a reply or JSON; None for anything else."""
    if isinstance(value, bytes):
        return to_text(value)
    return value if isinstance(value, str) else None


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list; anything else in it is left out."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(item for item in map(text, value) if item is not None)


def json_value(raw: bytes | None) -> object:
    """Any JSON value; None when it is none."""
    try:
        return None if raw is None else json_codec.loads(raw)
    except ValueError:
        return None


def fields(reply: object) -> dict[str, bytes]:
    """A hash, from HGETALL's flat list of fields and values; empty for another reply."""
    if not isinstance(reply, list):
        return {}
    pairs = zip(reply[::2], reply[1::2], strict=False)
    return {to_text(name): value for name, value in pairs if isinstance(name, bytes) and isinstance(value, bytes)}


def scanned(reply: object) -> tuple[int, list[bytes]] | None:
    """The next cursor and what was found, from SCAN or SSCAN; None for another reply."""
    if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[1], list):
        return None
    return natural(reply[0]) or 0, [item for item in reply[1] if isinstance(item, bytes)]


def payloads(reply: object) -> list[bytes]:
    """The entries of a list."""
    return [raw for raw in reply if isinstance(raw, bytes)] if isinstance(reply, list) else []


def scored(reply: object) -> list[tuple[bytes, float]]:
    """The entries and scores of a flat WITHSCORES reply."""
    if not isinstance(reply, list):
        return []
    pairs = zip(reply[::2], reply[1::2], strict=False)
    return [(raw, float(score)) for raw, score in pairs if isinstance(raw, bytes) and isinstance(score, bytes)]


def members(reply: object) -> tuple[str, ...] | None:
    """The names that one SSCAN found, in byte order, each once; None for another reply."""
    found = scanned(reply)
    return None if found is None else tuple(map(to_text, sorted(set(found[1]))))


def reason(error: SidekiqError) -> str:
    """Why something could not be read, in a few words for an operator."""
    if isinstance(error, Forbidden):
        return f"this user may not run {error.command} here (NOPERM)" if error.command else "forbidden (NOPERM)"
    if isinstance(error, WrongType):
        return "the key holds another type of data (WRONGTYPE)"
    return error.message
