"""What is remembered from one run to the next: one small file that nothing depends on.

It holds names only (servers, views, columns, a theme) and the commands typed after `:`; never what a server said.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

MOST_COMMANDS: Final = 200
MOST_NAMES: Final = 100
"""Of servers and of lists."""
LONGEST_NAME: Final = 200
LONGEST_COMMAND: Final = 1000
MOST_BYTES: Final = 1 << 20
"""A longer file is not ours."""

ALL: Final = ""
"""Stands for all servers at once where a server's name would stand."""


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it; the defaults are what a first run knows."""

    last: str = ALL
    """The server that was in view."""
    recent: tuple[str, ...] = ()
    """Servers that were in view, the latest first."""
    views: Mapping[str, str] = field(default_factory=dict)
    """The view last in front of each server."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The columns chosen for each list."""
    theme: str = ""
    commands: tuple[str, ...] = ()
    """What was typed after `:`, the oldest first."""


def load_memory(path: Path) -> Memory:
    """What the file says, without what is broken or too long in it; nothing if there is none."""
    found = _document(path)
    return Memory(
        last=_name(found.get("last")) or ALL,
        recent=_names(found.get("recent")),
        views=_mapping(found.get("views"), _name),
        columns=_mapping(found.get("columns"), _names),
        theme=_name(found.get("theme")) or "",
        commands=_commands(found.get("commands")),
    )


def save_memory(path: Path, before: Memory, after: Memory, typed: Sequence[str] | None = ()) -> None:
    """Writes what changed since `before` into the file, beside what others wrote meanwhile.

    `typed` are this run's commands, the oldest first; None: the file shall keep none. Raises OSError, also for a file
    that holds something else.
    """
    from sidekiq_tui.servers.profile_edit import replace_file

    if not _ours(path):
        raise OSError(f"{path} is not a file of sqtui")
    now = load_memory(path)
    commands: tuple[str, ...] = now.commands if typed is not None else ()
    for text in typed or ():
        commands = with_command(commands, text)
    merged = {
        "last": _newer(now.last, before.last, after.last),
        "recent": _newer(now.recent, before.recent, after.recent),
        "views": _merged(now.views, before.views, after.views),
        "columns": _merged(now.columns, before.columns, after.columns),
        "theme": _newer(now.theme, before.theme, after.theme),
        "commands": commands,
    }
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)  # a file keeps its mode when it is replaced
    replace_file(path, json.dumps(merged, indent=1).encode("ascii") + b"\n")


def with_command(commands: Sequence[str], text: str) -> tuple[str, ...]:
    """The commands with one more at the end; one that was typed before moves there."""
    if not _fit(text, LONGEST_COMMAND):
        return tuple(commands)
    return (*(one for one in commands if one != text), text)[-MOST_COMMANDS:]


def _ours(path: Path) -> bool:
    """Whether the file may be written over: absent, empty, or an object as we write it, though perhaps broken."""
    try:
        raw = _bytes(path)
    except FileNotFoundError:
        return True
    return raw is not None and len(raw) <= MOST_BYTES and raw.lstrip()[:1] in (b"", b"{")


def _bytes(path: Path) -> bytes | None:
    """The beginning of the file; None for a pipe or a device, such as /dev/null. Raises OSError."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder says itself why it cannot be read
        return None
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _document(path: Path) -> Mapping[str, object]:
    try:
        raw = _bytes(path) or b""
        found = json.loads(raw) if len(raw) <= MOST_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _fit(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _name(value: object) -> str | None:
    return str(value) if _fit(value, LONGEST_NAME) else None


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(dict.fromkeys(one for one in value if _fit(one, LONGEST_NAME)))[:MOST_NAMES]


def _commands(value: object) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(one for one in found if _fit(one, LONGEST_COMMAND))[-MOST_COMMANDS:]


def _mapping(value: object, read: Callable[[object], T | None]) -> dict[str, T]:
    if not isinstance(value, dict):
        return {}
    pairs = ((key, read(one)) for key, one in value.items() if key == ALL or _name(key))
    return dict([(key, one) for key, one in pairs if one is not None][:MOST_NAMES])


def _newer(now: T, before: T, after: T) -> T:
    return now if after == before else after


def _merged(now: Mapping[str, T], before: Mapping[str, T], after: Mapping[str, T]) -> dict[str, T]:
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    kept = {key: value for key, value in now.items() if key not in changed}
    return dict([*changed.items(), *kept.items()][:MOST_NAMES])
