"""redis-py's exceptions in words: what happened, and what to do next. Only `database` calls this.

No text here comes from job data, and none contains a secret: an address at most.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from redis import exceptions as redis_errors

from sidekiq_tui.sidekiq.errors import (
    AuthenticationFailed,
    Forbidden,
    ReplyError,
    ServerTimeout,
    ServerUnreachable,
    SidekiqError,
    WrongType,
)

_LONGEST: Final = 300
_CODE: Final = re.compile(r"[A-Z]{2,20}")

# First words of replies that come before any command is looked at: the whole server can't serve us now.
_NOT_SERVING: Final = {
    "LOADING": ("Redis is still loading its data", "wait until it has started"),
    "BUSY": ("Redis is busy running a script", "wait, or stop it with SCRIPT KILL"),
    "MASTERDOWN": ("This replica has lost its primary and refuses to serve old data", "look at the primary"),
    "CLUSTERDOWN": ("The Redis Cluster is down", "Sidekiq does not support Redis Cluster: use the Redis it runs on"),
    "MOVED": ("This is a node of a Redis Cluster", "Sidekiq does not support Redis Cluster: use the Redis it runs on"),
    "ASK": ("This is a node of a Redis Cluster", "Sidekiq does not support Redis Cluster: use the Redis it runs on"),
    "CROSSSLOT": ("This is a Redis Cluster", "Sidekiq does not support Redis Cluster: use the Redis it runs on"),
    "TRYAGAIN": ("This is a Redis Cluster", "Sidekiq does not support Redis Cluster: use the Redis it runs on"),
}
_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (redis_errors.NoPermissionError, "NOPERM"),
    (redis_errors.BusyLoadingError, "LOADING"),
    (redis_errors.MasterDownError, "MASTERDOWN"),
    (redis_errors.ClusterDownError, "CLUSTERDOWN"),
    (redis_errors.MovedError, "MOVED"),
    (redis_errors.AskError, "ASK"),
    (redis_errors.ClusterCrossSlotError, "CROSSSLOT"),
    (redis_errors.TryAgainError, "TRYAGAIN"),
    (redis_errors.ReadOnlyError, "READONLY"),
    (redis_errors.OutOfMemoryError, "OOM"),
)


def reply_failure(error: Exception, command: tuple[object, ...]) -> SidekiqError:
    """What an error reply to `command` means. Only the command's name is shown, never its arguments."""
    meaning = _reply_meaning(error, command)
    first = str(error).partition(" ")[0]
    meaning.code = _code(error) or (first if _CODE.fullmatch(first) else "")
    return meaning


def _reply_meaning(error: Exception, command: tuple[object, ...]) -> SidekiqError:
    name = _name(command)
    code, text = _code(error), _clip(str(error))
    if code == "NOPERM":
        what = "a key that it needs" if "key" in text and "command" not in text else "it"
        return Forbidden(
            f"This Redis user may not run {name}" + ("" if what == "it" else f" on {what}"),
            command=name,
            hint=f"ask for the right to {name} (ACL), or use another user",
        )
    if code == "WRONGTYPE" or text.startswith("WRONGTYPE"):
        return WrongType(
            f"{name} found a key of another type than Sidekiq uses",
            hint="is this Sidekiq's database and namespace?",
        )
    if code in _NOT_SERVING:
        return _not_serving(code)
    if text.startswith("DENIED"):
        return AuthenticationFailed(
            "Redis is in protected mode and refuses strangers", hint="set a password there, or connect through a tunnel"
        )
    if "unknown command" in text.lower():
        return ReplyError(f"This server does not know {name}", hint="managed services take some commands away")
    return ReplyError(f"{name}: {text}" if not code else f"{name}: {code} {text}")


def connection_failure(error: BaseException) -> SidekiqError:
    """What a failed conversation means: the most telling exception of the chain decides."""
    chain = tuple(_chain(error))
    for link in chain:
        if isinstance(link, SidekiqError):  # raised by what gives redis-py the password, or by the read-only list
            return link
    for link in chain:
        known = _tls(link) or _login(link) or _network(link)
        if known is not None:
            return known
    code = _code(error)
    if code in _NOT_SERVING:
        return _not_serving(code)
    if isinstance(error, redis_errors.ResponseError):
        return ReplyError(f"Redis refused to open the conversation: {_clip(str(error))}")
    if isinstance(error, redis_errors.InvalidResponse):
        return ServerUnreachable("What answers there does not speak Redis", hint="check the port")
    return ServerUnreachable(_clip(str(error)) or type(error).__name__)


def _tls(error: BaseException) -> SidekiqError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (18, 19, 20, 21):  # self-signed, or an issuer that nobody here knows
            return ServerUnreachable(
                f"The server's certificate is not trusted: {error.verify_message}",
                hint='give its CA with ca_file, or accept it with verify = "none"',
            )
        if "ostname" in error.verify_message or "IP address" in error.verify_message:
            return ServerUnreachable(
                f"The server's certificate is for another name: {_clip(error.verify_message)}",
                hint='give the name in it as server_hostname, or verify = "ca"',
            )
        return ServerUnreachable(f"The server's certificate is refused: {_clip(error.verify_message)}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        if "wrong version number" in reason or "record layer failure" in reason:
            return ServerUnreachable("The server does not speak TLS on this port", hint="use redis:// or another port")
        if "certificate required" in reason or "handshake failure" in reason:
            return ServerUnreachable(
                f"The server broke off TLS: {reason}", hint="it may want a client certificate: cert_file and key_file"
            )
        return ServerUnreachable(f"TLS failed: {reason or _clip(str(error))}")
    return None


def _login(error: BaseException) -> SidekiqError | None:
    if not isinstance(error, redis_errors.AuthenticationError | redis_errors.AuthenticationWrongNumberOfArgsError):
        return None
    text = str(error)
    if "without any password configured" in text or "no password is set" in text:
        return AuthenticationFailed("The server has no password, but one was given", hint="remove it from the profile")
    if error.status_code == "NOAUTH" or "Authentication required" in text:
        return AuthenticationFailed("The server wants a password", hint="see: sqtui profile set-password NAME")
    return AuthenticationFailed("Wrong user name or password", hint="see: sqtui profile set-password NAME")


def _network(error: BaseException) -> SidekiqError | None:
    text = str(error)
    match error:
        case ConnectionRefusedError():
            return ServerUnreachable("Connection refused", hint="is Redis running, and on this port?")
        case ConnectionResetError() | BrokenPipeError():
            return ServerUnreachable("The server closed the connection", hint="if its port wants TLS, use rediss://")
        case socket.gaierror():
            return ServerUnreachable(f"No such host: {error.strerror or text}", hint="check its name and your DNS")
        case UnicodeError():
            return ServerUnreachable("The host's name is not a valid name", hint="check the profile's host")
        case FileNotFoundError():
            return ServerUnreachable("No such socket", hint="is Redis running, and does it listen on this path?")
        case PermissionError():
            return ServerUnreachable("No permission to open the socket", hint="check its owner and mode")
        case redis_errors.TimeoutError() | TimeoutError():
            if "connecting" in text:
                return ServerTimeout("No connection in time", hint="check host, port, firewall and TLS")
            return ServerTimeout("The server did not answer in time", hint="it is overloaded, frozen, or far away")
        case redis_errors.MaxConnectionsError():
            return ServerUnreachable("All connections of this profile are in use", hint="try again")
        case redis_errors.ConnectionError() if "No connection available" in text:
            return ServerTimeout("All connections of this profile are in use", hint="try again")
        case redis_errors.ConnectionError() if "max number of clients" in text:
            return ServerUnreachable("The server accepts no more clients", hint="raise maxclients, or close some")
        case redis_errors.ConnectionError() if "onnection closed by server" in text or "closed by remote" in text:
            return ServerUnreachable("The server closed the connection", hint="if its port wants TLS, use rediss://")
        case OSError() if error.strerror:
            return ServerUnreachable(error.strerror)
    return None


def _not_serving(code: str) -> ServerUnreachable:
    message, hint = _NOT_SERVING[code]
    error = ServerUnreachable(message, hint=hint)
    error.code = code
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception's causes, the innermost first: it knows best."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return reversed(links)


def _code(error: BaseException) -> str:
    """The first word of an error reply, which redis-py hides in the class for those it knows."""
    status = getattr(error, "status_code", None)
    if status:
        return str(status)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    first = str(error).partition(" ")[0]
    return first if first in _NOT_SERVING or first == "WRONGTYPE" else ""


def _name(command: tuple[object, ...]) -> str:
    name = command[0] if command else ""
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).upper()


def _clip(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
