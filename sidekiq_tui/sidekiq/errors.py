"""What can go wrong between us and a Sidekiq's Redis, in words for the person at the terminal."""

from __future__ import annotations

from typing import ClassVar


class SidekiqError(Exception):
    """The root of every error that sqtui raises on purpose: one line of what, and a hint of what to do next."""

    title: ClassVar[str] = "Error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = ""
        """The first word of the error reply that this stands for, as `OOM`; empty for what is no reply."""

    def __str__(self) -> str:
        return self.message


class ServerUnreachable(SidekiqError):
    """No conversation with the server: refused, reset, no such host, TLS trouble, or it is not ready to serve."""

    title = "Server unreachable"
    exit_code = 3


class ServerTimeout(ServerUnreachable):
    """The server was reached, or may be, but did not answer in time."""

    title = "No answer in time"


class AuthenticationFailed(ServerUnreachable):
    """A wrong or missing password or user name."""

    title = "Login refused"


class ReplyError(SidekiqError):
    """The server answered with an error that has no class of its own."""

    title = "Redis refused the command"


class Forbidden(ReplyError):
    """The server's access list does not let this user run `command` (NOPERM)."""

    title = "Not permitted"

    def __init__(self, message: str, *, command: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.command = command


class WrongType(ReplyError):
    """The key holds another type than Sidekiq would store there (WRONGTYPE)."""

    title = "Not Sidekiq's data"


class CommandRefused(SidekiqError):
    """Our own read-only list refused the command before it reached the wire."""

    title = "Refused by the guard"
    exit_code = 4


class FilterError(SidekiqError):
    """A term of the filter language that means nothing."""

    title = "Filter not understood"
    exit_code = 2


class InvalidJob(SidekiqError, ValueError):
    """A job that a client must not push: Sidekiq could not run it, or would lose it."""

    title = "Not a job"
    exit_code = 2
