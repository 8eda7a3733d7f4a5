"""The keys of a `[servers.NAME]` table: their types, their rules, and what is said when they are broken."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.keeping import PAYLOADS, Payloads
from sidekiq_tui.servers.profile import (
    ACCESS_LEVELS,
    DEFAULT_POLL_INTERVAL,
    DEFAULT_PORT,
    DURABILITIES,
    PRODUCTION,
    VERIFY_LEVELS,
    Access,
    Durability,
    Profile,
    Tls,
    Verify,
)
from sidekiq_tui.servers.profile_url import parse_url
from sidekiq_tui.servers.secrets import ways
from sidekiq_tui.sidekiq.keys import SCRATCH

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
Words = Annotated[list[Text], msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class TlsTable(msgspec.Struct, forbid_unknown_fields=True):
    """`tls = { … }` or `[servers.NAME.tls]`."""

    verify: Verify = "full"
    ca_file: Text | None = None
    cert_file: Text | None = None
    key_file: Text | None = None
    server_hostname: Text | None = None


class JournalTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[servers.NAME.journal]`."""

    payloads: Payloads | None = None


class ServerTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[servers.NAME]`."""

    url: Text | None = None
    host: Text | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    socket: Text | None = None
    database: Annotated[int, msgspec.Meta(ge=0, le=999999)] | None = None
    username: Text | None = None
    tls: bool | TlsTable | None = None
    namespace: str | None = None
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    favorite: bool = False
    access: Access | None = None
    guard: bool | None = None
    password_command: Text | Words | None = None
    password_file: Text | None = None
    keyring: bool = False
    poll_interval: Seconds = DEFAULT_POLL_INTERVAL
    max_latency: Seconds | None = None
    dead_max_jobs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    redact: list[Text] = []
    durability: Durability = "ack"
    scratch_prefix: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    journal: JournalTable | None = None


KEYS: Final[Mapping[str, Any]] = {field.name: field.type for field in msgspec.structs.fields(ServerTable)}
"""Every key of a server's table and its type."""
TABLE_KEYS: Final[Mapping[str, Mapping[str, Any]]] = {
    name: {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name, kind in (("tls", TlsTable), ("journal", JournalTable))
}
"""Those that are tables, and their keys."""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "access": ACCESS_LEVELS,
    "verify": VERIFY_LEVELS,
    "durability": DURABILITIES,
    "payloads": PAYLOADS,
}
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*:?")
_SIDEKIQS: Final = ("queue", "stat")
"""What Sidekiq's own keys begin with, before a colon."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one key (a dotted path within the server's table; empty: with the table itself)."""

    key: str
    message: str
    suggestion: str = ""


def convert(name: str, table: Mapping[str, object], folder: Path) -> Profile | list[Complaint]:
    """The profile of a table, or everything that is wrong with it. Relative paths begin at `folder`."""
    complaints = list(_complaints(name, table, KEYS, ""))
    for key, known in TABLE_KEYS.items():
        inner = table.get(key)
        if isinstance(inner, Mapping):
            complaints = [complaint for complaint in complaints if complaint.key != key]
            complaints += _complaints(name, inner, known, f"{key}.")
    if complaints:
        return complaints
    settings = msgspec.convert(table, ServerTable)
    complaints = list(_contradictions(settings))
    if complaints:
        return complaints
    try:
        return _build(name, settings, folder)
    except UsageError as error:
        return [Complaint("url", error.message, error.hint)]
    except ValueError:  # shlex
        return [Complaint("password_command", "its quotes are not closed", 'write a list: ["pass", "show", "x"]')]


def nearest(word: str, known: Iterator[str] | Mapping[str, object]) -> str:
    """ "Did you mean …?" or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def _complaints(name: str, table: Mapping[str, object], keys: Mapping[str, Any], prefix: str) -> Iterator[Complaint]:
    for key, value in table.items():
        if key not in keys:
            yield Complaint(prefix + key, *_unknown(name, key, keys))
            continue
        try:
            msgspec.convert(value, keys[key])
        except msgspec.ValidationError as error:
            yield Complaint(prefix + key, *_wrong(str(error), key, value))


def _unknown(name: str, key: str, keys: Mapping[str, Any]) -> tuple[str, str]:
    if key in ("password", "pass", "passwd", "secret", "token"):
        return "a password does not belong in this file", f"use {ways(name)} {name}"
    return "there is no such key", nearest(key, keys) or f"known: {', '.join(keys)}"


def _wrong(message: str, key: str, value: object) -> tuple[str, str]:
    choices = _CHOICES.get(key)
    if choices is not None:
        text = f"must be one of {', '.join(choices)}"
        return text, nearest(value, dict.fromkeys(choices)) if isinstance(value, str) else ""
    plain = message.split(" - at ")[0].replace("`", "")
    return plain[:1].lower() + plain[1:], ""


def _contradictions(settings: ServerTable) -> Iterator[Complaint]:
    if settings.url is not None:
        for key in ("host", "port", "socket", "database", "username"):
            if getattr(settings, key) is not None:
                yield Complaint(key, "the url says this already: give one of the two")
    elif settings.host is None and settings.socket is None:
        yield Complaint("", "there is no url, no host and no socket", 'e.g. url = "redis://localhost:6379/0"')
    elif settings.socket is not None:
        for key in ("host", "port", "tls"):
            if getattr(settings, key) is not None:
                yield Complaint(key, "does not go with a socket")
    if settings.password_command is not None and settings.password_file is not None:
        yield Complaint("password_file", "password_command is given too: give one of the two")
    if isinstance(settings.tls, TlsTable) and settings.tls.key_file and not settings.tls.cert_file:
        yield Complaint("tls.key_file", "needs tls.cert_file too")
    prefix = settings.scratch_prefix
    if prefix is not None and not _PREFIX.fullmatch(prefix):
        yield Complaint("scratch_prefix", "must be words of letters, digits and _ . - with colons between", '"ops:"')
    elif prefix is not None and prefix.split(":")[0] in _SIDEKIQS:
        yield Complaint("scratch_prefix", "Sidekiq's own keys begin so", 'e.g. "sqtui:"')


def _build(name: str, settings: ServerTable, folder: Path) -> Profile:
    place = _place(name, settings)
    label = settings.label
    production = label is not None and label.casefold() == PRODUCTION
    command = settings.password_command
    if isinstance(command, str):
        import shlex

        command = shlex.split(command) or [""]
    return replace(
        place,
        tls=_tls(settings, place, folder),
        namespace=place.namespace if settings.namespace is None else settings.namespace,
        label=label,
        group=settings.group,
        favorite=settings.favorite,
        access=settings.access or ("operate" if production else "full"),
        guard=production if settings.guard is None else settings.guard,
        password_command=None if command is None else tuple(command),
        password_file=_path(settings.password_file, folder),
        keyring=settings.keyring,
        poll_interval=settings.poll_interval,
        max_latency=settings.max_latency,
        dead_max_jobs=settings.dead_max_jobs,
        redact=tuple(settings.redact),
        durability=settings.durability,
        scratch_prefix=SCRATCH if settings.scratch_prefix is None else f"{settings.scratch_prefix.rstrip(':')}:",
        journal_payloads=None if settings.journal is None else settings.journal.payloads,
    )


def _place(name: str, settings: ServerTable) -> Profile:
    if settings.url is None:
        return Profile(
            name=name,
            host=settings.host or "localhost",
            port=settings.port or DEFAULT_PORT,
            socket=str(Path(settings.socket).expanduser()) if settings.socket else None,
            database=settings.database or 0,
            username=settings.username,
            origin="file",
        )
    place = parse_url(settings.url, name, "file")
    if place.password is not None:
        raise UsageError(
            "the url holds a password, which does not belong in this file", hint=f"use {ways(name)} {name}"
        )
    return place


def _tls(settings: ServerTable, place: Profile, folder: Path) -> Tls | None:
    said = settings.tls
    if settings.url is not None and place.tls is None and said:
        raise UsageError("tls is set, but the url begins with redis://", hint="write rediss:// for TLS")
    if settings.url is not None and place.tls is not None and said is False:
        raise UsageError("tls is off, but the url begins with rediss://", hint="write redis:// for no TLS")
    found = place.tls
    if isinstance(said, TlsTable):
        found = Tls(said.verify, said.ca_file, said.cert_file, said.key_file, said.server_hostname)
    elif said and found is None:
        found = Tls()
    if found is None:
        return None
    return replace(
        found,
        ca_file=_path(found.ca_file, folder),
        cert_file=_path(found.cert_file, folder),
        key_file=_path(found.key_file, folder),
    )


def _path(text: str | None, folder: Path) -> str | None:
    return None if text is None else str(folder / Path(text).expanduser())
