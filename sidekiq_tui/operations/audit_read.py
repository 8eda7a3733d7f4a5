"""Reads the audit: its lines, and operations with how they came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, cast, get_args

from sidekiq_tui.operations.audit import AuditError, audit_files, parse_line
from sidekiq_tui.operations.audit_line import AuditedOperation, AuditLine, Step

_LIMIT: Final = 1e15
"""What no count and no time reaches; NaN is not below it either."""


def read_lines(folder: Path, *, newest_first: bool = False) -> Iterator[AuditLine]:
    """Every readable line; one file at a time in memory. Blocks. Raises `AuditError` (not readable)."""
    try:
        files = audit_files(folder)
        for path in reversed(files) if newest_first else files:
            lines = path.read_bytes().split(b"\n")
            for line in reversed(lines) if newest_first else lines:
                fields = parse_line(line)
                if fields is not None and fields.get("step") in get_args(Step):
                    yield audit_line(fields)
    except OSError as error:
        raise AuditError(f"The audit cannot be read: {error.strerror or error}", hint=f"see {folder}") from error


def audited_operations(folder: Path, *, server: str | None, limit: int) -> tuple[AuditedOperation, ...]:
    """The last operations (of one server), the newest first. Blocks. Raises `AuditError`."""
    outcomes: dict[str, AuditLine] = {}
    found: list[AuditedOperation] = []
    for line in read_lines(folder, newest_first=True):
        if line.step == "outcome":
            outcomes.setdefault(line.id, line)
        elif line.step == "intent" and (server is None or line.server == server):
            found.append(AuditedOperation(line, outcomes.pop(line.id, None)))
            if len(found) >= limit:
                break
    return tuple(found)


def audit_line(fields: Mapping[str, object]) -> AuditLine:
    """The line of these fields; what is missing or of another type reads as empty."""
    undo = fields.get("undo")
    return AuditLine(
        n=int(_number(fields, "n")),
        time=_number(fields, "time"),
        step=cast(Literal["intent", "outcome", "begin"], fields.get("step")),
        id=_text(fields, "id"),
        who=_text(fields, "who"),
        server=_text(fields, "server"),
        kind=_text(fields, "kind"),
        what=_text(fields, "what"),
        count=int(_number(fields, "count")),
        ending=_text(fields, "ending"),
        undo_id=undo if isinstance(undo, str) else None,
        fields=fields,
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and abs(value) < _LIMIT else 0  # type: ignore[arg-type,return-value]  # a number
