"""Asks the person at the terminal for a password that nothing else knows."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics

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

        from sidekiq_tui.presentation.text import display_text

        question = f"Password of {display_text(profile.name)} ({display_text(profile.address)}): "
        async with self._turn:
            diagnostics.PROGRESS.clear()
            try:
                return await asyncio.to_thread(getpass.getpass, question) or None
            except EOFError:
                return None
