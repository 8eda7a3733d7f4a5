"""Every way in which redis-py fails, in words: the class, what it says, what to do; and never a secret or job data."""

from __future__ import annotations

import socket
import ssl

import pytest
from redis import exceptions as theirs

from sidekiq_tui.sidekiq.errors import (
    AuthenticationFailed,
    CommandRefused,
    Forbidden,
    ReplyError,
    ServerTimeout,
    ServerUnreachable,
    SidekiqError,
    WrongType,
)
from sidekiq_tui.sidekiq.failures import connection_failure, reply_failure

COMMAND = (b"zrange", b"secret-key", 0, -1)


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


def certificate(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (theirs.NoPermissionError("this user has no permissions to run the 'zrange' command"), Forbidden, "ZRANGE"),
        (theirs.NoPermissionError("No permissions to access a key", status_code="NOPERM"), Forbidden, "a key"),
        (theirs.ResponseError("WRONGTYPE Operation against a key holding the wrong kind"), WrongType, "another type"),
        (theirs.MovedError("3999 127.0.0.1:6381", status_code="MOVED"), ServerUnreachable, "Cluster"),
        (theirs.ClusterCrossSlotError("Keys in request", status_code="CROSSSLOT"), ServerUnreachable, "Cluster"),
        (theirs.ClusterDownError("Hash slot not served"), ServerUnreachable, "Cluster"),
        (theirs.MasterDownError("Link with MASTER is down"), ServerUnreachable, "replica"),
        (theirs.ResponseError("BUSY Redis is busy running a script."), ServerUnreachable, "script"),
        (theirs.ResponseError("DENIED Redis is running in protected mode"), AuthenticationFailed, "protected"),
        (theirs.ResponseError("unknown command 'zrange', with args"), ReplyError, "does not know ZRANGE"),
        (theirs.ReadOnlyError("You can't write against a read only replica."), ReplyError, "READONLY"),
        (theirs.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), ReplyError, "OOM"),
        (theirs.ResponseError("value is not an integer\r\nor out of range"), ReplyError, "ZRANGE: value is not an int"),
        (theirs.ResponseError(""), ReplyError, "ZRANGE"),
    ],
)
def test_error_replies(reply: Exception, kind: type[SidekiqError], says: str) -> None:
    error = reply_failure(reply, COMMAND)
    assert type(error) is kind
    assert says in error.message
    assert "secret" not in error.message + error.hint
    assert "\n" not in error.message


def test_a_refusal_names_the_command_alone() -> None:
    error = reply_failure(theirs.NoPermissionError("no permissions"), ("hgetall", "secret"))
    assert isinstance(error, Forbidden)
    assert error.command == "HGETALL"
    assert "HGETALL" in error.hint


def test_a_long_reply_is_cut() -> None:
    assert len(reply_failure(theirs.ResponseError("x" * 10_000), COMMAND).message) < 400


@pytest.mark.parametrize(
    ("error", "kind", "says", "hint"),
    [
        (
            caused(theirs.ConnectionError("x"), ConnectionRefusedError(111, "refused")),
            ServerUnreachable,
            "refused",
            "running",
        ),
        (caused(theirs.ConnectionError("x"), ConnectionResetError(104, "x")), ServerUnreachable, "closed", "rediss"),
        (caused(theirs.ConnectionError("x"), BrokenPipeError(32, "x")), ServerUnreachable, "closed", "rediss"),
        (caused(theirs.ConnectionError("x"), socket.gaierror(-2, "not known")), ServerUnreachable, "not known", "DNS"),
        (caused(theirs.ConnectionError("x"), UnicodeError("label too long")), ServerUnreachable, "name", "host"),
        (caused(theirs.ConnectionError("x"), FileNotFoundError(2, "x")), ServerUnreachable, "socket", "path"),
        (caused(theirs.ConnectionError("x"), PermissionError(13, "x")), ServerUnreachable, "permission", "mode"),
        (caused(theirs.ConnectionError("x"), OSError(113, "No route")), ServerUnreachable, "No route", ""),
        (theirs.ConnectionError("Connection closed by server."), ServerUnreachable, "closed", "rediss"),
        (theirs.ConnectionError("max number of clients reached"), ServerUnreachable, "clients", "maxclients"),
        (theirs.ConnectionError("No connection available."), ServerTimeout, "in use", "again"),
        (theirs.MaxConnectionsError("Too many connections"), ServerUnreachable, "in use", "again"),
        (theirs.TimeoutError("Timeout connecting to server"), ServerTimeout, "No connection", "firewall"),
        (theirs.TimeoutError("Timeout reading from host:1"), ServerTimeout, "did not answer", "overloaded"),
        (TimeoutError(), ServerTimeout, "did not answer", ""),
        (theirs.BusyLoadingError("Redis is loading the dataset"), ServerUnreachable, "loading", "wait"),
        (theirs.AuthenticationError("invalid password", status_code="ERR"), AuthenticationFailed, "Wrong", "password"),
        (theirs.AuthenticationError("x", status_code="WRONGPASS"), AuthenticationFailed, "Wrong", "password"),
        (
            theirs.AuthenticationError("Authentication required.", status_code="NOAUTH"),
            AuthenticationFailed,
            "wants",
            "",
        ),
        (
            theirs.AuthenticationError("AUTH <password> called without any password configured for the default user."),
            *(AuthenticationFailed, "has no password", "remove"),
        ),
        (theirs.AuthenticationWrongNumberOfArgsError("wrong number"), AuthenticationFailed, "Wrong", ""),
        (theirs.InvalidResponse('Protocol error, got "H" as reply type byte'), ServerUnreachable, "speak Redis", ""),
        (
            caused(theirs.ConnectionError("x"), certificate(18, "self-signed certificate")),
            ServerUnreachable,
            "not trusted",
            "ca_file",
        ),
        (
            caused(theirs.ConnectionError("x"), certificate(62, "Hostname mismatch")),
            ServerUnreachable,
            "another name",
            "server_hostname",
        ),
        (
            caused(theirs.ConnectionError("x"), certificate(10, "certificate has expired")),
            ServerUnreachable,
            "expired",
            "",
        ),
        (
            caused(theirs.ConnectionError("x"), tls("WRONG_VERSION_NUMBER")),
            ServerUnreachable,
            "does not speak TLS",
            "redis://",
        ),
        (
            caused(theirs.ConnectionError("x"), tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")),
            ServerUnreachable,
            "certificate",
            "cert_file",
        ),
        (caused(theirs.ConnectionError("x"), tls("SOMETHING_ELSE")), ServerUnreachable, "something else", ""),
        (theirs.ResponseError("DB index is out of range"), ReplyError, "DB index", ""),
        (theirs.RedisClusterException("strange"), ServerUnreachable, "strange", ""),
        (theirs.ConnectionError(), ServerUnreachable, "ConnectionError", ""),
    ],
)
def test_failed_conversations(error: BaseException, kind: type[SidekiqError], says: str, hint: str) -> None:
    found = connection_failure(error)
    assert type(found) is kind
    assert says in found.message
    assert hint in found.hint
    assert found.exit_code == (1 if kind is ReplyError else 3)


def test_our_own_errors_come_through_redis_py() -> None:
    refused = CommandRefused("SET is not read-only")
    assert connection_failure(caused(theirs.ConnectionError("x"), refused)) is refused


def test_a_circle_of_causes_ends() -> None:
    first, second = theirs.ConnectionError("a"), theirs.ConnectionError("b")
    first.__cause__, second.__cause__ = second, first
    assert connection_failure(first).message in ("a", "b")
