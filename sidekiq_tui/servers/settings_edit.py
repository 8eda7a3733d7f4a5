"""Saves filters under a name in the settings file, and removes them; whatever else stands there survives."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.servers.profile_edit import read_document, write_document
from sidekiq_tui.servers.settings import FILTERS, wrong_name

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def save_filter(path: Path, name: str, text: str) -> None:
    """Puts a filter under a name, in the place of one that had it. Raises `UsageError` (name), `ConfigError` (file)."""
    import tomlkit

    reason = wrong_name(name)
    if reason:
        raise UsageError(reason)
    document = read_document(path)
    if FILTERS not in document:
        document[FILTERS] = tomlkit.table()
    _filters(document)[name] = text
    write_document(path, document, FILTERS, name)


def remove_filter(path: Path, name: str) -> None:
    """Forgets a filter; one that is not there is forgotten already. Raises `ConfigError`."""
    document = read_document(path)
    if FILTERS in document and name in _filters(document):
        del _filters(document)[name]
        write_document(path, document)


def _filters(document: TOMLDocument) -> MutableMapping[str, str]:
    table = document[FILTERS]
    if not isinstance(table, Mapping):
        raise ConfigError(f"{FILTERS} is no table in the settings file", hint="mend it first; nothing was changed")
    return cast("MutableMapping[str, str]", table)
