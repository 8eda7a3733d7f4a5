"""The only writer of stdout. What it is given is already safe to show."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from sidekiq_tui.errors import SqtuiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def write(text: str) -> None:
    """Write text; what the locale cannot say becomes ``?``.

    Raises `BrokenPipeError` when nobody reads any more, `SqtuiError` when there is no room for it.
    """
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SqtuiError(f"The output cannot be written: {error.strerror}") from error


def write_lines(lines: Iterable[str]) -> None:
    """Write lines, each with its line end."""
    write("".join(f"{line}\n" for line in lines))


class Frame:
    """Lines on a terminal that are drawn again in the same place."""

    def __init__(self) -> None:
        self._drawn = 0
        self._size: tuple[int, int] | None = None

    def show(self, lines: Sequence[str]) -> None:
        """Replace what was shown before; what is more than the terminal is high stays off."""
        size = shutil.get_terminal_size()
        shown = list(lines[: max(1, size.lines - 1)])
        start = f"\r\x1b[{self._drawn}A" if self._drawn else ""
        if self._size not in (None, size):  # lines may have wrapped: their place is lost
            start = "\x1b[2J\x1b[H"
        self._drawn, self._size = len(shown), size
        write(start + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J")
