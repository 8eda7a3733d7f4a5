"""The only writer of stderr: one line an error, saying what to do next; nothing a terminal could obey."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATIENCE: Final = 0.2  # seconds
_LINE: Final = 79  # cells, more or less; a longer line would wrap and stay


def safe(text: str) -> str:
    """One line of text that no terminal can obey."""
    from sidekiq_tui.presentation.text import display_text

    return display_text(text, limit=2000)


def sentence(error: BaseException, place: str = "") -> str:
    """An error and what to do next, in one line of safe text; `place` is added where an unreachable server is meant."""
    from sidekiq_tui.errors import SqtuiError
    from sidekiq_tui.sidekiq.errors import ServerUnreachable

    if not isinstance(error, SqtuiError):
        return _mistake(error)
    where = f" ({place})" if isinstance(error, ServerUnreachable) and place and place not in error.message else ""
    return safe(_joined(f"{error.message.rstrip('.')}{where}", error.hint))


def complain(error: BaseException, *, debug: bool = False) -> None:
    """Say an error in one line; after its trace if `debug`."""
    if debug:
        _write_trace(error)
    note(sentence(error))


def complain_of(server: str, words: str, trace: BaseException | None = None) -> None:
    """Say in one line what is wrong with a server; `words` are safe already. After the trace, if there is one."""
    if trace is not None:
        _write_trace(trace)
    note(f"{safe(server)}: {words}")


def warn(text: str, hint: str = "") -> None:
    """Say something that does not stop us."""
    note(safe(_joined(text, hint)))


def note(text: str) -> None:
    """One line of safe text for the person."""
    _write(f"sqtui: {text}\n")


def say(lines: Iterable[str]) -> None:
    """Lines of safe text for a person who is about to answer."""
    _write("".join(f"{line}\n" for line in lines))


def prompt(text: str) -> None:
    """Safe text before what the person types."""
    _write(text)


class Progress:
    """One line on a terminal's stderr that replaces itself; nothing for what is quick, or where nobody looks."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE
        self._shown = False

    def show(self, text: str) -> None:
        """Say how far it is, a few times a second at most; an empty text clears the line."""
        if not text:
            self.clear()
            return
        now = time.monotonic()
        if self._terminal and now >= self._next:
            self._next, self._shown = now + _PATIENCE, True
            _write(f"\r\x1b[K{safe(text)[:_LINE]}")

    def clear(self) -> None:
        """Make room for what comes next."""
        if self._shown:
            self._shown = False
            _write("\r\x1b[K")


PROGRESS: Final = Progress()


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
