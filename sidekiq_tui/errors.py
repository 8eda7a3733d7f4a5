"""The upper half of the exception tree: what the command line, the settings and the secrets add to `sidekiq.errors`."""

from __future__ import annotations

from typing import ClassVar

from sidekiq_tui.sidekiq.errors import SidekiqError

SqtuiError = SidekiqError


class UsageError(SidekiqError):
    """The command line asks for something that does not exist or does not fit together."""

    title: ClassVar[str] = "Usage"
    exit_code: ClassVar[int] = 2


class ConfigError(SidekiqError):
    """The configuration cannot be read, is wrong, or cannot be written."""

    title: ClassVar[str] = "Configuration"
    exit_code: ClassVar[int] = 1


class SecretError(SidekiqError):
    """A password was asked for and could not be had. The message never holds a secret."""

    title: ClassVar[str] = "No password"
    exit_code: ClassVar[int] = 3
