"""Asks the person at the terminal for a password that nothing else knows."""

from __future__ import annotations

import asyncio
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.servers.background import call_in_daemon

if TYPE_CHECKING:
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.secrets import PasswordSource


def password_source(*, no_input: bool) -> PasswordSource | None:
    """A prompt, or None where nobody is there to answer it."""
    return None if no_input or not sys.stdin.isatty() or not sys.stderr.isatty() else _Prompt().ask


class _Prompt:
    """One question at a time, however many servers ask."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def ask(self, profile: Profile) -> str | None:
        import getpass

        question = f"Password of {diagnostics.safe(profile.name)} ({diagnostics.safe(profile.address)}): "
        async with self._turn:
            diagnostics.PROGRESS.clear()
            with _terminal_as_it_was():
                try:
                    return await call_in_daemon(lambda: getpass.getpass(question)) or None
                except EOFError:
                    return None


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Ctrl-C leaves the thread of the prompt behind, in the middle of its work: with the echo off."""
    settings = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)
