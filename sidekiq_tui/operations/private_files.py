"""Files that only their owner reads: the folder they lie in, and how they are opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


def private_folder(folder: Path) -> Path:
    """Makes the folder, if need be, and returns it. Raises `OSError`: not ours, a link, or open to others."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    if found.st_mode & 0o077:
        folder.chmod(FOLDER_MODE)
    return folder


def open_private(path: Path, flags: int) -> int:
    """A descriptor of the file, made with mode 0600 if `flags` say so. Raises `OSError`: a link, or somebody else's."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not a file of this user")
        if found.st_mode & 0o077:
            os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """Makes names in the folder last. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
