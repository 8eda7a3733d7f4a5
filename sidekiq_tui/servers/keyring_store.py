"""The system's keyring: only backends known to keep a secret, in a thread of its own, for a limited time.

Others are refused: keyrings.alt asks on the terminal or stores plain text, the null backend loses what it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers.background import call_in_daemon

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE: Final = "sqtui"
LIMIT: Final = 5.0
"""Seconds: an unlock dialog on a screen that nobody sees waits for ever."""
TRUSTED: Final = (
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)

T = TypeVar("T")


async def available() -> str:
    """The module of the keyring that would be used. Raises `SecretError` without one that can be trusted."""
    return await _limited(lambda: _module(trusted_backend()))


async def read(account: str) -> str | None:
    """The stored password of a server, None if there is none. Raises `SecretError` without a usable keyring."""
    return await _limited(lambda: trusted_backend().get_password(SERVICE, account))


async def write(account: str, password: str) -> str:
    """Stores a server's password and returns the keyring's name. Raises `SecretError`."""

    def store() -> str:
        backend = trusted_backend()
        backend.set_password(SERVICE, account, password)
        if backend.get_password(SERVICE, account) != password:
            raise SecretError("the keyring did not keep the password")
        return str(backend.name)

    return await _limited(store)


async def delete(account: str) -> bool:
    """Removes a server's password; False if there was none."""

    def remove() -> bool:
        backend = trusted_backend()
        if backend.get_password(SERVICE, account) is None:
            return False
        backend.delete_password(SERVICE, account)
        return True

    return await _limited(remove)


def trusted_backend() -> KeyringBackend:
    """The keyring to use. Blocks; raises `SecretError` where none can be trusted."""
    try:
        import keyring
        from keyring.backends.chainer import ChainerBackend

        chosen = keyring.get_keyring()
        candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    except Exception as error:  # the backend that a variable names may fail in any way while it is imported
        raise SecretError(f"the keyring cannot be used: {type(error).__name__}") from None
    for backend in candidates:
        if _module(backend).startswith(TRUSTED):
            return backend
    names = ", ".join(sorted(_module(backend) for backend in candidates)) or "none"
    if names == "keyring.backends.fail":
        raise SecretError("this machine has no keyring (no desktop session, or no Secret Service)")
    raise SecretError(f"no keyring here that sqtui trusts with a password (found: {names})")


def _module(backend: KeyringBackend) -> str:
    return type(backend).__module__


async def _limited(function: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(LIMIT):
            return await call_in_daemon(function)
    except TimeoutError:
        raise SecretError(
            f"the keyring gave no answer within {LIMIT:g}s", hint="is it locked, with its dialog on another screen?"
        ) from None
    except SecretError:
        raise
    except Exception as error:  # backends raise their own libraries' errors; their texts may hold names of secrets
        raise SecretError(f"the keyring failed: {type(error).__name__}") from None
