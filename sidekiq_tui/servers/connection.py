"""Where Redis clients are built: never retrying, limited in everything; those that read let nothing else through."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import Connection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from sidekiq_tui.errors import ConfigError
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.servers.profile import Profile, Secret, Tls
from sidekiq_tui.servers.read_only import ReadOnlyCommands
from sidekiq_tui.servers.secrets import PasswordSource, stored_secret
from sidekiq_tui.sidekiq.database import Database

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for name, connection and TLS together."""
READ_TIMEOUT: Final = 5.0
"""Seconds for each reply."""
MAX_CONNECTIONS: Final = 4
"""Per server: a poll, a page and a scan side by side, and one more."""
POOL_TIMEOUT: Final = 5.0
"""Seconds to wait for a free connection."""
_KEEPALIVE: Final = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
}


class Credentials(CredentialProvider):
    """The only holder of a server's password, asked by redis-py at each connect. Never printed."""

    def __init__(
        self,
        profile: Profile,
        password_source: PasswordSource | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._profile = profile
        self._source = password_source
        self._environ = environ
        self._secret: Secret | None = None
        self._prepared = False
        self._asked = False
        self._lock = asyncio.Lock()

    @property
    def known(self) -> bool:
        """Whether there is a password to send."""
        return bool(self._secret)

    async def prepare(self) -> None:
        """Finds the stored password, once; apart from connecting, so that it has its own time limit."""
        async with self._lock:
            if not self._prepared:
                self._secret = await stored_secret(self._profile, self._environ)
                self._prepared = True

    async def ask(self) -> bool:
        """Asks whoever runs sqtui, at most once; True if that gave a password to try."""
        async with self._lock:
            if self._secret or self._asked or self._source is None:
                return bool(self._secret) and self._asked
            self._asked = True
            answer = await self._source(self._profile)
            self._secret = Secret(answer) if answer else None
            return answer is not None and answer != ""

    def forget(self, *, ask_again: bool = False) -> None:
        """The server refused the password: look it up anew next time, it may have been changed."""
        self._secret = None
        self._prepared = False
        if ask_again:
            self._asked = False

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """What AUTH takes: nothing, a password, or a user and a password."""
        password = self._secret.reveal() if self._secret else ""
        if self._profile.username:
            return (self._profile.username, password)
        return (password,) if password else ()  # type: ignore[return-value]  # redis-py sends no AUTH for ()

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """The same; redis-py's own version logs a warning."""
        return self.get_credentials()

    def __repr__(self) -> str:
        return f"<Credentials of {self._profile.name}>"


class TcpConnection(Connection):
    """TCP or TLS. Names are looked up in a daemon thread, so a hanging resolver delays neither others nor the exit."""

    def __init__(
        self,
        *,
        tls_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        **options: Any,
    ) -> None:
        self._tls_context = tls_context
        self._server_hostname = server_hostname
        super().__init__(**options)

    async def _connect(self) -> None:
        async with asyncio.timeout(self.socket_connect_timeout):
            opened = await open_socket(self.host, int(self.port))
            try:
                self._reader, self._writer = await asyncio.open_connection(
                    sock=opened,
                    ssl=self._tls_context,
                    server_hostname=(self._server_hostname or self.host) if self._tls_context else None,
                )
            except BaseException:
                opened.close()
                raise
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.IPPROTO_TCP, option, value)


class UnixConnection(UnixDomainSocketConnection):
    """Unix socket. redis-py's own `_connect` authenticates here and once more afterwards; once is enough."""

    async def _connect(self) -> None:
        async with asyncio.timeout(self.socket_connect_timeout):
            self._reader, self._writer = await asyncio.open_unix_connection(path=self.path)


class ReadOnlyConnection(ReadOnlyCommands, TcpConnection):
    """TCP or TLS that lets only reads through."""

    def __init__(self, *, scripts: bool = False, **options: Any) -> None:
        self.scripts = scripts
        super().__init__(**options)


class ReadOnlyUnixConnection(ReadOnlyCommands, UnixConnection):
    """Unix socket that lets only reads through."""

    def __init__(self, *, scripts: bool = False, **options: Any) -> None:
        self.scripts = scripts
        super().__init__(**options)


async def open_socket(host: str, port: int) -> socket.socket:
    """A connected socket to the first address of `host` that answers. Raises `OSError` of the last one tried."""
    loop = asyncio.get_running_loop()
    found = await call_in_daemon(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    trouble: OSError = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in found:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setblocking(False)
            await loop.sock_connect(opened, address)
        except OSError as error:
            opened.close()
            trouble = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise trouble


def tls_context(tls: Tls) -> ssl.SSLContext:
    """How TLS checks the other side. Raises `ConfigError` naming the file that cannot be used."""
    ca_file = str(Path(tls.ca_file).expanduser()) if tls.ca_file else None
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"tls.ca_file {ca_file} cannot be used: {_words(error)}") from None
    if tls.verify != "full":
        context.check_hostname = False
    if tls.verify == "none":
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        cert, key = Path(tls.cert_file).expanduser(), Path(tls.key_file or tls.cert_file).expanduser()
        try:
            context.load_cert_chain(cert, key, password=_no_passphrase)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls.cert_file {cert} with {key} cannot be used: {_words(error)}") from None
    return context


def _no_passphrase() -> str:
    """OpenSSL would ask on the terminal, in the middle of the screen."""
    raise ssl.SSLError("the key has a passphrase, which sqtui does not ask for")


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error.args[0] if error.args else "not a certificate or key")
    return error.strerror or str(error)


def build_pool(profile: Profile, credentials: Credentials, timeout: float | None = None) -> BlockingConnectionPool:
    """The reading connections to one server; opens none yet. `timeout` (seconds) replaces both limits above.

    Raises `ConfigError` for unusable TLS files.
    """
    scripts = profile.access != "read-only"
    return pool_of(profile, credentials, timeout, ReadOnlyConnection, ReadOnlyUnixConnection, scripts=scripts)


def pool_of(
    profile: Profile,
    credentials: Credentials,
    timeout: float | None,
    tcp: type[TcpConnection],
    unix: type[UnixConnection],
    *,
    connections: int = MAX_CONNECTIONS,
    **more: Any,
) -> BlockingConnectionPool:
    """At most so many connections of one class; `more` goes to its constructor. Raises `ConfigError`."""
    options: dict[str, Any] = {
        "db": profile.database,
        "credential_provider": credentials,
        "protocol": 2,
        "legacy_responses": False,
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": timeout or READ_TIMEOUT,
        "socket_connect_timeout": timeout or CONNECT_TIMEOUT,
        "driver_info": None,
        "max_connections": connections,
        "timeout": POOL_TIMEOUT,
        **more,
    }
    if profile.socket is not None:
        return BlockingConnectionPool(connection_class=unix, path=profile.socket, **options)
    if profile.tls is not None:
        options["tls_context"] = tls_context(profile.tls)
        options["server_hostname"] = profile.tls.server_hostname
    return BlockingConnectionPool(connection_class=tcp, host=profile.host, port=profile.port, **options)


def connect(profile: Profile, credentials: Credentials, timeout: float | None = None) -> Database:
    """The data layer on a server; connects at the first command. `credentials` must be prepared."""
    return Database(
        Redis.from_pool(build_pool(profile, credentials, timeout)), profile.namespace, profile.scratch_prefix
    )


async def open_database(profile: Profile, password_source: PasswordSource | None = None) -> Database:
    """Finds the password and returns the data layer. Close it after use. Raises `SecretError`, `ConfigError`."""
    credentials = Credentials(profile, password_source)
    await credentials.prepare()
    return connect(profile, credentials)
