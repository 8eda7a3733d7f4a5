"""What the settings file says about operations: where copies for undo and the audit lie, who else gets its lines."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

Payloads = Literal["keep", "server-only", "none"]

JOURNAL: Final = "journal"
AUDIT: Final = "audit"
KEYRING: Final = "keyring"
_MEGABYTE: Final = 1 << 20
PAYLOADS: Final[tuple[Payloads, ...]] = get_args(Payloads)
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    JOURNAL: ("payloads", "max_size", "folder"),
    AUDIT: ("command", "syslog", "key", "max_size"),
}


@dataclass(frozen=True, slots=True)
class Keeping:
    """The tables `[journal]` and `[audit]`; sizes in bytes, None has its default."""

    payloads: Payloads = "keep"
    """Where bytes for undo may lie: here and on the servers; on the servers alone; nowhere."""
    journal_size: int | None = None
    folder: str | None = None
    """Instead of the user's state folder; a relative one counts from the settings file."""
    audit_command: tuple[str, ...] = ()
    """Gets each line of the audit on its standard input; no shell."""
    audit_syslog: bool = False
    audit_keyring: bool = False
    """Lines are signed with a key from the keyring."""
    audit_size: int | None = None


Complaint = tuple[str, str, str, str]
"""Table, key, what is wrong, what would be right."""


def read_keeping(document: Mapping[str, object]) -> tuple[Keeping, list[Complaint]]:
    """What a document says, and what is wrong in it; what is wrong has its default."""
    from sidekiq_tui.servers.profile_schema import nearest

    found: dict[str, Any] = {}
    wrong: list[Complaint] = []
    for name, known in _WORDS.items():
        table = document.get(name, {})
        if not isinstance(table, Mapping):
            wrong.append((name, "", f"must be a table: [{name}]", ""))
            continue
        for key, value in table.items():
            if key not in known:
                hint = nearest(key, dict.fromkeys(known)) or f"known: {', '.join(known)}"
                wrong.append((name, key, "there is no such key", hint))
                continue
            try:
                found |= _value(name, key, value)
            except ValueError as error:
                wrong.append((name, key, str(error), ""))
    return Keeping(**found), wrong


def _value(table: str, key: str, value: object) -> dict[str, Any]:
    """A key of a table as a field. Raises ValueError, which says what it must be."""
    match key:
        case "payloads":
            if value not in PAYLOADS:
                raise ValueError(f"must be one of {', '.join(PAYLOADS)}")
            return {"payloads": value}
        case "max_size":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError("must be a number of megabytes from 1 up")
            return {f"{table}_size": value * _MEGABYTE}
        case "folder":
            if not isinstance(value, str) or not value.strip():
                raise ValueError("must be a folder")
            return {"folder": value}
        case "command":
            return {"audit_command": _command(value)}
        case "syslog":
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
            return {"audit_syslog": value}
    if value != KEYRING:
        raise ValueError(f'must be "{KEYRING}": a key never stands in the file')
    return {"audit_keyring": True}


def _command(value: object) -> tuple[str, ...]:
    words = value
    if isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError:
            raise ValueError("its quotes are not closed") from None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words) or not words[0]:
        raise ValueError("must be a program and its arguments")
    return tuple(words)


def folder_of(keeping: Keeping, settings_file: Path) -> Path | None:
    """The folder that the file names, if it names one."""
    return None if keeping.folder is None else settings_file.parent / Path(keeping.folder).expanduser()
