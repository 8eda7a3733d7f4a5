"""What the settings file says besides servers: the looks, keys, filters with a name, and what operations keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from sidekiq_tui.servers.keeping import AUDIT, JOURNAL, Keeping, read_keeping

Times = Literal["relative", "local", "utc"]

UI: Final = "ui"
KEYS: Final = "keys"
FILTERS: Final = "filters"
SETTING_TABLES: Final = (UI, KEYS, FILTERS, JOURNAL, AUDIT)
_OWN_TABLES: Final = (UI, KEYS, FILTERS)

TIMES: Final[tuple[Times, ...]] = get_args(Times)
LONGEST_FILTER: Final = 4096
LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Settings:
    """The tables `[ui]`, `[keys]`, `[filters]`, `[journal]` and `[audit]`; what is absent has its default."""

    theme: str = ""
    """A theme's name; empty: chosen by the terminal."""
    ascii: bool = False
    mouse: bool = True
    times: Times = "relative"
    history: bool = True
    """Whether commands are remembered between runs."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys by the id of the action, as a person writes them; nobody has looked yet whether they exist."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """Filters as typed, by name."""
    keeping: Keeping = field(default_factory=Keeping)
    """What operations keep, and where."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one key of a table (empty: with the table itself)."""

    table: str
    key: str
    message: str
    suggestion: str = ""


UI_KEYS: Final[Mapping[str, type]] = {"theme": str, "ascii": bool, "mouse": bool, "times": str, "history": bool}
_WORDS: Final = {str: "a text", bool: "true or false"}


def read_settings(document: Mapping[str, object]) -> tuple[Settings, list[Wrong]]:
    """The settings of a document and everything that is wrong in its tables; what is wrong has its default."""
    wrong: list[Wrong] = []
    tables: dict[str, Mapping[str, object]] = {}
    for name in _OWN_TABLES:
        table = document.get(name, {})
        if isinstance(table, Mapping):
            tables[name] = table
        else:
            tables[name] = {}
            wrong.append(Wrong(name, "", f"must be a table: [{name}]"))
    looks: dict[str, Any] = {}
    for key, value in tables[UI].items():
        complaint = _wrong_look(key, value)
        if complaint is None:
            looks[key] = value
        else:
            wrong.append(complaint)
    keys: dict[str, tuple[str, ...]] = {}
    for key, value in tables[KEYS].items():
        pressed = _pressed(value)
        if pressed is None:
            wrong.append(Wrong(KEYS, key, "must be a key or a list of keys", 'e.g. "ctrl+r" or ["j", "down"]'))
        else:
            keys[key] = pressed
    wrong.extend(_wrong_filters(tables[FILTERS]))
    bad = {one.key for one in wrong if one.table == FILTERS}
    filters = {name: str(text).strip() for name, text in tables[FILTERS].items() if name not in bad}
    keeping, complaints = read_keeping(document)
    wrong.extend(Wrong(*complaint) for complaint in complaints)
    return Settings(**looks, keys=keys, filters=filters, keeping=keeping), wrong


def wrong_name(name: str) -> str:
    """Why a filter can't be called that, in words; empty if it can."""
    if not name or name != name.strip() or not name.isprintable() or " " in name:
        return "a filter's name is one printable word"
    return "" if len(name) <= LONGEST_NAME else f"a filter's name has at most {LONGEST_NAME} characters"


def _wrong_look(key: str, value: object) -> Wrong | None:
    from sidekiq_tui.servers.profile_schema import nearest

    kind = UI_KEYS.get(key)
    if kind is None:
        return Wrong(UI, key, "there is no such key", nearest(key, UI_KEYS) or f"known: {', '.join(UI_KEYS)}")
    if not isinstance(value, kind):
        return Wrong(UI, key, f"must be {_WORDS[kind]}")
    if key == "times" and value not in TIMES:
        hint = nearest(str(value), dict.fromkeys(TIMES))
        return Wrong(UI, key, f"must be one of {', '.join(TIMES)}", hint)
    return None


def _pressed(value: object) -> tuple[str, ...] | None:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key.strip() for key in keys):
        return None
    return tuple(dict.fromkeys(" ".join(key.split()) for key in keys))


def _wrong_filters(table: Mapping[str, object]) -> Iterator[Wrong]:
    for name, text in table.items():
        reason = wrong_name(name)
        if reason:
            yield Wrong(FILTERS, name, reason)
        elif not isinstance(text, str) or not text.strip():
            yield Wrong(FILTERS, name, "must be the words of a filter", 'e.g. "class:Invoice age>2h"')
        elif len(text) > LONGEST_FILTER or not text.isprintable():
            yield Wrong(FILTERS, name, f"must be printable and at most {LONGEST_FILTER:,} characters")
