"""The only writer of stderr: one line an error, saying what to do next; nothing a terminal could obey."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidekiq_tui.errors import SqtuiError


def safe(text: str) -> str:
    """One line of text that no terminal can obey."""
    from sidekiq_tui.presentation.text import display_text

    return display_text(text, limit=2000)


def sentence(error: SqtuiError) -> str:
    """An error and what to do next, in one line of safe text."""
    return safe(_joined(error.message, error.hint))


def complain(error: BaseException, *, server: str | None = None, debug: bool = False) -> None:
    """Say an error in one line, of one server if `server` is given; after its trace if `debug`."""
    from sidekiq_tui.errors import SqtuiError

    if debug:
        _write_trace(error)
    text = sentence(error) if isinstance(error, SqtuiError) else _mistake(error)
    note(f"{safe(server)}: {text}" if server else text)


def warn(text: str, hint: str = "") -> None:
    """Say something that does not stop us."""
    note(safe(_joined(text, hint)))


def note(text: str) -> None:
    """One line of safe text for the person."""
    _write(f"sqtui: {text}\n")


def progress(text: str) -> None:
    """Replace the progress line; nothing where stderr is no terminal. An empty text removes it."""
    if sys.stderr.isatty():
        _write(f"\r\x1b[K{text}")


def _joined(text: str, hint: str) -> str:
    return f"{text.rstrip('.')}; {hint}" if hint else text


def _mistake(error: BaseException) -> str:
    """A mistake of ours: its kind and place, never its text, which may quote a secret or a job."""
    import traceback

    own = [frame for frame in traceback.extract_tb(error.__traceback__) if "sidekiq_tui" in frame.filename]
    where = f" in {own[-1].name}, line {own[-1].lineno}" if own else ""
    return f"unexpected {type(error).__name__}{where}; this is a mistake in sqtui; --debug shows the trace"


def _write_trace(error: BaseException) -> None:
    import traceback

    for block in traceback.format_exception(error):  # without locals: they may hold passwords
        for line in block.splitlines():
            _write(safe(line) + "\n")


def _write(text: str) -> None:
    try:
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it, and there is nobody else to tell
        return
