"""Writes what was read to a file that a person names; never over another one unasked."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST: Final = 80
_GZIP: Final = b"\x1f\x8b"


def file_name(*parts: str | None, suffix: str) -> str:
    """A plain name for a file from values that may be anything."""
    words = [_UNSAFE.sub("-", part).strip(".-") for part in parts if part]
    name = "-".join(word for word in words if word)[:_LONGEST].strip(".-")
    return f"{name or 'profile'}{suffix}"


def is_gzip(data: bytes) -> bool:
    """Whether the bytes are compressed as Sidekiq's profiler leaves them."""
    return data.startswith(_GZIP)


def target(typed: str, name: str) -> Path:
    """The file that a person meant: `~` is home, a folder means a file of that name in it."""
    path = Path(typed).expanduser()
    return path / name if typed.endswith(os.sep) or path.is_dir() else path


def save(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Writes a new file that only its owner may read; half a file is not left behind.

    Raises FileExistsError unless `overwrite`, and OSError for whatever else the system says.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part") if overwrite else path
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def why(error: OSError) -> str:
    """What the system said, in its words: `No space left on device`."""
    return error.strerror or type(error).__name__
