"""How payloads read: arguments in one line, JSON over several lines, raw bytes escaped.

Everything here works for any value a payload may hold, whatever its size and depth: nothing recurses with the data,
and the work is bounded by what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.text import cell_width, display_text
from sidekiq_tui.sidekiq import payload

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord

_LINE_LIMIT: Final = 10_000
_SERIALIZED: Final = "_aj_serialized"


def screen_args(job: JobRecord) -> object:
    """The arguments as people read them: as `display_args`, with what ActiveJob serialised shown by its value alone.

    For screens and tables; the JSON output follows Sidekiq's own rules (protocol 5.5).
    """
    if not job.is_active_job or _SERIALIZED.encode() not in job.raw:
        return job.display_args
    return shown_args(job.item)


def shown_args(item: Mapping[str, object]) -> object:
    """As `screen_args`, of the fields of a payload."""
    if payload.is_wrapper(item):
        item = {**item, "args": _with_plain_values(item.get("args"))}
    return payload.display_args(item)


def _with_plain_values(value: object) -> object:
    """A copy with the values that ActiveJob serialised; a decoded payload is never too deep to walk (json_codec)."""
    value = _plain_value(value)
    if isinstance(value, Mapping):
        return {key: _with_plain_values(item) for key, item in value.items()}
    return [_with_plain_values(item) for item in value] if isinstance(value, list) else value


def json_text(value: object, limit: int | None = 500) -> str:
    """One safe line of compact JSON, at most `limit` characters; the items of a list stand without its brackets.

    A value that ActiveJob serialised (`_aj_serialized`, protocol 5.5) shows as the value alone.
    """
    out: list[str] = []
    length = 0
    for piece in _pieces(value, limit):
        out.append(piece)
        length += len(piece)
        if limit is not None and length > limit:
            break
    return display_text("".join(out), limit)


def pretty_lines(value: object, max_lines: int = 10_000) -> list[str]:
    """JSON with one value a line, two blanks an indent; every line is safe by itself, so no value can break one."""
    lines: list[str] = []
    line = ""
    for depth, piece in _indented(value):
        if depth is None:
            line += piece
            continue
        lines.append(display_text(line, _LINE_LIMIT))
        if len(lines) >= max_lines:
            return [*lines, "…"]
        # The indent stops growing where no screen could show it.
        line = "  " * min(depth, 40) + piece
    lines.append(display_text(line, _LINE_LIMIT))
    return lines


def raw_lines(raw: bytes, width: int = 96, limit: int = 200_000) -> list[str]:
    r"""The exact bytes in lines of at most `width` cells: `\n`, `\x1b`, `\\` for what cannot stand for itself."""
    lines: list[str] = []
    line, used = "", 0
    for piece in _escaped(raw[:limit]):
        wide = cell_width(piece)
        if line and used + wide > width:
            lines.append(line)
            line, used = "", 0
        line += piece
        used += wide
    if line:
        lines.append(line)
    if len(raw) > limit:
        lines.append(f"… {len(raw) - limit:,} bytes more")
    return lines


def _escaped(raw: bytes) -> Iterator[str]:
    """ASCII as it is, letters of other scripts too; every other byte by its number."""
    for char in raw.decode("utf-8", "surrogateescape"):
        if char in _SHORT:
            yield _SHORT[char]
        elif " " <= char <= "~" or (char.isalpha() and display_text(char) == char):
            yield char
        else:
            yield from (f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


_SHORT: Final[Mapping[str, str]] = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def scalar_json(value: object, limit: int | None = None) -> str:
    """JSON of a value that is no list and no mapping; never raises. Text is cut at `limit` characters."""
    if isinstance(value, str):
        return json.dumps(value if limit is None else value[: limit + 1], ensure_ascii=False)
    if value is None or isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, int):
        return int_text(value)
    return json.dumps(str(value), ensure_ascii=False)


def int_text(value: int) -> str:
    """Decimal digits, or hexadecimal ones where Python refuses to write that many decimals."""
    try:
        return str(value)
    except ValueError:
        return hex(value)


def _plain_value(value: object) -> object:
    """The value inside ActiveJob's `{"_aj_serialized": class, "value": ...}`, else `value` itself."""
    while isinstance(value, Mapping) and _SERIALIZED in value and "value" in value:
        value = value["value"]
    return value


def _children(value: object, limit: int | None) -> Iterator[tuple[str, object]] | None:
    """The items of a container, each with what stands before it; None for anything else."""
    if isinstance(value, Mapping):
        return ((scalar_json(str(key), limit) + ":", item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return (("", item) for item in value)
    return None


def _pieces(value: object, limit: int | None) -> Iterator[str]:
    """Compact JSON in pieces; the outermost list has no brackets and `, ` between its items."""
    value = _plain_value(value)
    bare = isinstance(value, list | tuple)
    items = _children(value, limit)
    if items is None:
        yield scalar_json(value, limit)
        return
    # Open containers: their items to come, whether none came yet, what closes them, what separates.
    close, comma = ("", ", ") if bare else ("}", ",")
    if not bare:
        yield "{"
    stack: list[tuple[Iterator[tuple[str, object]], str, str]] = [(items, close, comma)]
    first = True
    while stack:
        items, close, comma = stack[-1]
        step = next(items, None)
        if step is None:
            stack.pop()
            first = False
            yield close
            continue
        before, item = step
        yield before if first else comma + before
        item = _plain_value(item)
        inner = _children(item, limit)
        first = inner is not None
        if inner is None:
            yield scalar_json(item, limit)
            continue
        opening, closing = ("{", "}") if isinstance(item, Mapping) else ("[", "]")
        yield opening
        stack.append((inner, closing, ","))


def _indented(value: object) -> Iterator[tuple[int | None, str]]:
    """JSON in pieces; a depth starts a new line with that indent, None goes on in the line."""
    items = _children(value, _LINE_LIMIT)
    if items is None:
        yield None, scalar_json(value, _LINE_LIMIT)
        return
    stack = [(items, "}" if isinstance(value, Mapping) else "]")]
    yield None, "{" if isinstance(value, Mapping) else "["
    first = True
    while stack:
        items, close = stack[-1]
        step = next(items, None)
        if step is None:
            stack.pop()
            yield (None if first else len(stack)), close
            first = False
            continue
        before, item = step
        if not first:
            yield None, ","
        yield len(stack), before + (" " if before else "")
        inner = _children(item, _LINE_LIMIT)
        first = inner is not None
        if inner is None:
            yield None, scalar_json(item, _LINE_LIMIT)
            continue
        yield None, "{" if isinstance(item, Mapping) else "["
        stack.append((inner, "}" if isinstance(item, Mapping) else "]"))
