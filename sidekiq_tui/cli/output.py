"""The only writer of stdout."""

from __future__ import annotations

import sys


def write(text: str) -> None:
    """Write text that is already safe; what the locale cannot say becomes ``?``. Raises `BrokenPipeError`."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
