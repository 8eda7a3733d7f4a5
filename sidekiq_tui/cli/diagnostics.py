"""The only writer of stderr: one line an error, saying what to do next; nothing a terminal could obey."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidekiq_tui.errors import SqtuiError


def sentence(error: SqtuiError) -> str:
    """An error and what to do next, in one line of safe text."""
    from sidekiq_tui.presentation.text import display_text

    text = error.message.rstrip(".")
    return display_text(f"{text}. {error.hint}" if error.hint else text, limit=2000)


def complain(error: SqtuiError, *, server: str | None = None, debug: bool = False) -> None:
    """Say an expected error, for one server if `server` is given; with its trace if `debug`."""
    from sidekiq_tui.presentation.text import display_text

    if debug:
        _write_trace(error)
    note(f"{display_text(server)}: {sentence(error)}" if server else sentence(error))


def complain_unexpected(error: BaseException, *, debug: bool = False) -> None:
    """Say a mistake of ours: its kind and place, never its text, which may quote a secret or a job."""
    if debug:
        _write_trace(error)
        return
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "sidekiq_tui" in frame.filename]
    where = f" in {own[-1].name}, line {own[-1].lineno}" if own else ""
    note(f"unexpected {type(error).__name__}{where}. This is a mistake in sqtui; --debug shows the trace")


def note(text: str) -> None:
    """One line of safe text for the person."""
    _write(f"sqtui: {text}\n")


def progress(text: str) -> None:
    """Replace the progress line; nothing where stderr is no terminal. An empty text removes it."""
    if sys.stderr.isatty():
        _write(f"\r\x1b[K{text}")


def _write_trace(error: BaseException) -> None:
    import traceback

    from sidekiq_tui.presentation.text import display_text

    for block in traceback.format_exception(error):  # without locals: they may hold passwords
        for line in block.splitlines():
            _write(display_text(line, limit=2000) + "\n")


def _write(text: str) -> None:
    try:
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it, and there is nobody else to tell
        return
