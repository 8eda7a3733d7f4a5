"""A profile: everything needed to reach one Sidekiq in one Redis database, except its secret's value in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sidekiq_tui.servers.keeping import Payloads
from sidekiq_tui.sidekiq.keys import SCRATCH, Keys

Access = Literal["read-only", "operate", "full"]
Origin = Literal["file", "url", "environment", "default", "demo"]
Verify = Literal["full", "ca", "none"]
Durability = Literal["ack", "fsync", "replica"]
"""When a change counts as made: once the server says so, has it on its disk, or has it on a replica, too."""

ACCESS_LEVELS: Final[tuple[Access, ...]] = get_args(Access)
VERIFY_LEVELS: Final[tuple[Verify, ...]] = get_args(Verify)
DURABILITIES: Final[tuple[Durability, ...]] = get_args(Durability)
PRODUCTION: Final = "production"
DEFAULT_PORT: Final = 6379
DEFAULT_POLL_INTERVAL: Final = 2.0
DEFAULT_URL: Final = "redis://localhost:6379/0"


class Secret:
    """A password in memory. It has no readable form: only `reveal()` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The password itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is never serialised")


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken. `full` checks chain and name, `ca` the chain only, `none` nothing (insecure)."""

    verify: Verify = "full"
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_hostname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One server. `host` and `port` count unless `socket` is set. Intervals are seconds."""

    name: str
    host: str = "localhost"
    port: int = DEFAULT_PORT
    socket: str | None = None
    database: int = 0
    username: str | None = None
    password: Secret | None = None
    tls: Tls | None = None
    namespace: str = ""
    label: str | None = None
    group: str | None = None
    favorite: bool = False
    access: Access = "full"
    guard: bool = False
    password_command: tuple[str, ...] | None = None
    password_file: str | None = None
    commands_refused: str = ""
    keyring: bool = False
    poll_interval: float = DEFAULT_POLL_INTERVAL
    max_latency: float | None = None
    dead_max_jobs: int | None = None
    redact: tuple[str, ...] = ()
    """What is replaced in jobs that come here from another server: `email`, or regular expressions."""
    durability: Durability = "ack"
    scratch_prefix: str = SCRATCH
    """How the keys begin that operations keep on this server, behind the namespace."""
    journal_payloads: Payloads | None = None
    """Where bytes for undo may lie; None: as the table `[journal]` says."""
    origin: Origin = "url"

    @property
    def keys(self) -> Keys:
        """The names of keys on this server."""
        return Keys(self.namespace, self.scratch_prefix)

    @property
    def address(self) -> str:
        """`host:port/db` or the socket's path: never a user or a password."""
        if self.socket is not None:
            return self.socket if self.database == 0 else f"{self.socket}?db={self.database}"
        return f"{self.endpoint}/{self.database}"

    @property
    def endpoint(self) -> str:
        """`host:port` (IPv6 in brackets) or the socket's path, for messages about the connection."""
        if self.socket is not None:
            return self.socket
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def insecure(self) -> bool:
        """TLS that checks nothing: shown as a mark wherever the server's name stands alone."""
        return self.tls is not None and self.tls.verify == "none"

    @property
    def production(self) -> bool:
        """Whether the label calls it production, in any case."""
        return self.label is not None and self.label.casefold() == PRODUCTION

    @staticmethod
    def from_url(url: str, name: str | None = None, origin: Origin = "url") -> Profile:
        """A profile from `redis[s]://`, `valkey[s]://` or `unix://`. Raises `UsageError` without the password."""
        from sidekiq_tui.servers.profile_url import parse_url

        return parse_url(url, name, origin)
