"""Which servers there are: the settings file, `--url`, and the variables that Sidekiq itself reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.paths import CONFIG_VARIABLE, config_file
from sidekiq_tui.servers.groups import servers_in
from sidekiq_tui.servers.keeping import AUDIT
from sidekiq_tui.servers.profile import DEFAULT_URL, Profile
from sidekiq_tui.servers.profile_url import parse_url
from sidekiq_tui.servers.secrets import environment_variable, untrusted
from sidekiq_tui.servers.settings import SETTING_TABLES, Settings, Wrong, read_settings

if TYPE_CHECKING:
    from sidekiq_tui.servers.profile_lines import Lines

SERVERS: Final = "servers"
TABLES: Final = (SERVERS, *SETTING_TABLES)
"""The tables that a settings file may have."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong in the settings file. `line` counts from 1; None where it can't be told."""

    file: Path
    message: str
    line: int | None = None
    table: str = ""
    key: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}" + (f", line {self.line}" if self.line else "")
        name = " ".join(part for part in (f"[{self.table}]" if self.table else "", self.key) if part)
        return f"{place}: {name}: {self.message}" if name else f"{place}: {self.message}"

    @property
    def hides_servers(self) -> bool:
        """Whether a server may be missing because of it: not if it is about looks, keys or filters."""
        return self.table not in SETTING_TABLES

    def error(self) -> ConfigError:
        """The problem as what ends a command."""
        return ConfigError(str(self), hint=self.suggestion)


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """What the settings file says: the servers that are right, and what is wrong with the others."""

    path: Path
    profiles: tuple[Profile, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()
    notices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """All server names in the file, those with problems too."""
    settings: Settings = field(default_factory=Settings)

    def find(self, name: str) -> Profile:
        """The server of that name. Raises `UsageError` with the nearest spelling, `ConfigError` if it has problems."""
        for profile in self.profiles:
            if profile.name == name:
                return profile
        for problem in self.problems:
            if problem.table == table_name(name) or problem.table.startswith(f"{table_name(name)}."):
                raise problem.error()
        raise unknown_server(name, [profile.name for profile in self.profiles])


@dataclass(frozen=True, slots=True)
class Selection:
    """The servers of one run of sqtui: all of them for the screen, `chosen` for a one-shot view."""

    profiles: tuple[Profile, ...]
    chosen: tuple[Profile, ...]
    path: Path
    problems: tuple[ConfigProblem, ...] = ()
    notices: tuple[str, ...] = field(default=())
    """Lines for stderr."""
    settings: Settings = field(default_factory=Settings)

    def require(self) -> tuple[Profile, ...]:
        """`chosen`; raises `UsageError` when several servers exist and none was named."""
        if self.chosen:
            return self.chosen
        names = ", ".join(profile.name for profile in self.profiles)
        raise UsageError("which server? There are several", hint=f"--all, or --server with one of: {names}")


def table_name(name: str) -> str:
    """`servers.prod`, quoted where TOML wants it."""
    bare = name != "" and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return f"{SERVERS}.{name}" if bare else f"{SERVERS}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def load_profiles(config: Path | None = None, environ: Mapping[str, str] | None = None) -> ProfileSet:
    """Reads the settings file. What is wrong in it comes back as problems, server by server.

    Raises `ConfigError` when `config` (from `--config`) is missing, or a file is there and can't be read.
    """
    environ = os.environ if environ is None else environ
    path = config_file(environ) if config is None else config.expanduser()
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if config is not None:
            raise ConfigError(f"there is no file {path}", hint="sqtui profile add NAME --url … creates it") from None
        named = environ.get(CONFIG_VARIABLE, "")
        return ProfileSet(path, notices=(f"{CONFIG_VARIABLE} names {path}, which does not exist",) if named else ())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    return parse_profiles(raw, path)


def parse_profiles(raw: bytes, path: Path) -> ProfileSet:
    """The servers in the text of a settings file; `path` is where it lies."""
    import tomllib

    from sidekiq_tui.servers.profile_lines import Lines, line_in_message

    try:
        text = raw.decode("utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return ProfileSet(path, problems=(ConfigProblem(path, "not UTF-8 text", line),))
    except tomllib.TOMLDecodeError as error:
        message, line_number = line_in_message(str(error))
        return ProfileSet(path, problems=(ConfigProblem(path, f"not TOML: {message}", line_number),))
    except RecursionError:
        return ProfileSet(path, problems=(ConfigProblem(path, "nested too deeply"),))
    return _Reader(path, Lines(text)).read(document)


class _Reader:
    """Turns one document into profiles and problems."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self._path = path
        self._lines = lines
        self._problems: list[ConfigProblem] = []
        self._variables: dict[str, str] = {}
        self._refused = ""

    def read(self, document: Mapping[str, object]) -> ProfileSet:
        from sidekiq_tui.servers.profile_schema import nearest

        for key in document:
            if key not in TABLES:
                hint = nearest(key, dict.fromkeys(TABLES)) or f"known: {', '.join(f'[{name}]' for name in TABLES)}"
                self._complain((key,), "there is no such table", hint)
        servers = document.get(SERVERS, {})
        if not isinstance(servers, Mapping):
            self._complain((SERVERS,), "must be tables: [servers.NAME]")
            servers = {}
        self._refused = untrusted(self._path) if any(_has_command(table) for table in servers.values()) else ""
        profiles = [profile for name, table in servers.items() if (profile := self._server(name, table)) is not None]
        settings, wrong = self._trusted(*read_settings(document))
        for one in wrong:
            self._complain((one.table,), one.message, one.suggestion, (one.key,) if one.key else ())
        return ProfileSet(self._path, tuple(profiles), tuple(self._problems), names=tuple(servers), settings=settings)

    def _trusted(self, settings: Settings, wrong: list[Wrong]) -> tuple[Settings, list[Wrong]]:
        """Without the audit's command where others can write the file: it would run whatever they like."""
        if not settings.keeping.audit_command or not (reason := untrusted(self._path)):
            return settings, wrong
        keeping = replace(settings.keeping, audit_command=())
        return replace(settings, keeping=keeping), [*wrong, Wrong(AUDIT, "command", f"is not run: {reason}")]

    def _server(self, name: str, table: object) -> Profile | None:
        from sidekiq_tui.servers.profile_schema import convert

        if not isinstance(table, Mapping):
            self._complain((SERVERS, name), "must be a table: [servers.NAME]")
            return None
        if not name.strip() or not name.isprintable():
            self._complain((SERVERS, name), "a server's name needs printable characters")
            return None
        variable = environment_variable(name)
        other = self._variables.setdefault(variable, name)
        if other != name:
            self._complain((SERVERS, name), f"{other} takes its password from {variable} too", "rename one of them")
            return None
        found = convert(name, table, self._path.absolute().parent)
        if isinstance(found, Profile):
            return replace(found, commands_refused=self._refused if found.password_command else "")
        for complaint in found:
            keys = tuple(complaint.key.split(".")) if complaint.key.startswith("tls.") else (complaint.key,)
            self._complain((SERVERS, name), complaint.message, complaint.suggestion, keys if complaint.key else ())
        return None

    def _complain(self, table: tuple[str, ...], message: str, hint: str = "", keys: tuple[str, ...] = ()) -> None:
        shown = table[0] if len(table) == 1 else table_name(table[1])
        line = self._lines.find(table + keys)
        self._problems.append(ConfigProblem(self._path, message, line, shown, ".".join(keys), hint))


def _has_command(table: object) -> bool:
    return isinstance(table, Mapping) and "password_command" in table


def unknown_server(name: str, known: Sequence[str]) -> UsageError:
    """There is no server of that name: says what there is."""
    from sidekiq_tui.servers.profile_schema import nearest

    listed = f"configured: {', '.join(known)}" if known else "none is configured: sqtui profile add NAME --url …"
    return UsageError(f"there is no server {name}", hint=nearest(name, dict.fromkeys(known)) or listed)


def select_servers(
    *,
    config: Path | None = None,
    urls: Sequence[str] = (),
    servers: Sequence[str] = (),
    all_servers: bool = False,
    groups: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Selection:
    """The servers of this run, merged: `--url`, then the file, else what the environment says, else localhost.

    Those of `groups` are chosen besides those that are named. Raises `UsageError` (bad URL, unknown server or group),
    `ConfigError` (file unreadable, or nothing in it is usable).
    """
    environ = os.environ if environ is None else environ
    stored = load_profiles(config, environ)
    given = _distinct([parse_url(url) for url in urls], {profile.name for profile in stored.profiles})
    if not given and not stored.profiles:
        for problem in stored.problems:
            if problem.hides_servers:  # falling back to another server would hide what is wrong
                raise problem.error()
        if not servers and not groups:
            given = [environment_profile(environ)]
    merged = (*given, *stored.profiles)
    chosen: tuple[Profile, ...] = ()
    if servers or groups:
        named = [next((p for p in merged if p.name == name), None) or stored.find(name) for name in servers]
        named += [profile for group in groups for profile in servers_in(merged, group)]
        chosen = tuple(dict.fromkeys((*(given if urls else ()), *named)))
    elif all_servers:
        chosen = merged
    elif urls:
        chosen = tuple(given)
    elif len(merged) == 1:
        chosen = merged
    return Selection(merged, chosen, stored.path, stored.problems, stored.notices, stored.settings)


def environment_profile(environ: Mapping[str, str]) -> Profile:
    """The server that Sidekiq itself would take: `REDIS_PROVIDER` names a variable, else `REDIS_URL`, else localhost.

    As `determine_redis_provider` in redis_connection.rb@8.1.7, but a named variable that is missing is an error.
    """
    provider = environ.get("REDIS_PROVIDER", "")
    if ":" in provider:
        raise ConfigError("REDIS_PROVIDER holds an address", hint="it must be the *name* of the variable that does")
    url = (environ.get(provider, "") if provider else "") or environ.get("REDIS_URL", "")
    if provider and not url:
        raise ConfigError(f"REDIS_PROVIDER names {provider}, which is not set", hint="set it, or give --url")
    if not url:
        return parse_url(DEFAULT_URL, origin="default")
    try:
        return parse_url(url, origin="environment")
    except UsageError as error:
        source = provider if provider and environ.get(provider) else "REDIS_URL"
        raise ConfigError(f"{source}: {error.message}", hint=error.hint) from None


def _distinct(profiles: Iterable[Profile], taken: set[str]) -> list[Profile]:
    """Without repetitions; where two servers would have one name, the later one gets a number."""
    found: list[Profile] = []
    for profile in profiles:
        if profile in found:
            continue
        name, number = profile.name, 1
        while name in taken:
            number += 1
            name = f"{profile.name}#{number}"
        taken.add(name)
        found.append(replace(profile, name=name))
    return found
