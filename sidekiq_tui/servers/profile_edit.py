"""Changes the settings file: comments, order and quoting survive, and nothing is written that could not be read."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.servers.profile_store import SERVERS, parse_profiles, table_name, unknown_server

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

Value = str | int | float | bool | list[str]


def add_profile(path: Path, name: str, values: Mapping[str, Value]) -> None:
    """Appends `[servers.NAME]`. A key may be dotted once (`tls.verify`). Raises `UsageError`, `ConfigError`."""
    import tomlkit

    document = read_document(path)
    servers = _servers(document)
    if name in servers:
        raise UsageError(f"there is a server {name} already", hint=f"sqtui profile edit {name}")
    table = tomlkit.table()
    _set(table, values)
    if servers:
        table.trivia.indent = "\n"
    servers[name] = table
    write_document(path, document, table_name(name))


def change_profile(path: Path, name: str, values: Mapping[str, Value], removed: Collection[str] = ()) -> None:
    """Sets and removes keys of a server. Raises `UsageError` (no such server or key), `ConfigError`."""
    document = read_document(path)
    table = _existing(document, name)
    for key in removed:
        if key not in table:
            raise UsageError(f"{name} has no key {key}", hint=f"it has: {', '.join(table)}")
        del table[key]
    _set(table, values)
    write_document(path, document, table_name(name))


def remove_profile(path: Path, name: str) -> None:
    """Removes a server's table. Raises `UsageError` if there is none, `ConfigError`."""
    document = read_document(path)
    _existing(document, name)
    del _servers(document)[name]
    write_document(path, document)


def read_document(path: Path) -> TOMLDocument:
    """The settings file with its comments; an empty one if there is none. Raises `ConfigError`."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}") from None
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="mend it first; nothing was changed") from None


def _servers(document: TOMLDocument) -> Table:
    import tomlkit

    if SERVERS not in document:
        document[SERVERS] = tomlkit.table(is_super_table=True)
    servers = document[SERVERS]
    if not isinstance(servers, Mapping):
        raise ConfigError(f"{SERVERS} is no table in the settings file", hint="mend it first; nothing was changed")
    return servers  # type: ignore[return-value]  # a table or a proxy for scattered ones, which acts like it


def _existing(document: TOMLDocument, name: str) -> Table:
    servers = _servers(document)
    found = servers.get(name)
    if not isinstance(found, Mapping):
        raise unknown_server(name, list(servers))
    return found  # type: ignore[return-value]


def _set(table: Table, values: Mapping[str, Value]) -> None:
    import tomlkit

    for key, value in values.items():
        outer, _, inner = key.partition(".")
        if not inner:
            table[key] = value
            continue
        if not isinstance(table.get(outer), Mapping):
            table[outer] = tomlkit.inline_table()
        table[outer][inner] = value


def write_document(path: Path, document: TOMLDocument, table: str = "", key: str = "") -> None:
    """Checks the text as it would be read, then replaces the file in one step.

    `table` is the one that was changed (`key`: in that key alone). Raises `UsageError` if it would be wrong,
    `ConfigError` if nothing can be written.
    """
    text = document.as_string()
    checked = parse_profiles(text.encode("utf-8"), path)
    for problem in checked.problems:
        changed = bool(table) and problem.table == table and key in ("", problem.key)
        if changed or problem.message.startswith("not TOML"):
            named = f"{problem.key}: {problem.message}" if problem.key else problem.message
            raise UsageError(f"nothing was written: {named}", hint=problem.suggestion)
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def replace_file(path: Path, content: bytes) -> None:
    """Writes a new file beside the old one and renames it over it: at no time is there half a file.

    A link is followed to what it names (settings kept elsewhere stay there); the mode is kept, 0600 for a new file.
    Raises OSError, also for a device such as /dev/null, which a rename would replace.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    if not target.parent.exists():
        target.parent.mkdir(mode=0o700, parents=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
