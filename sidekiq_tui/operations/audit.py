"""The audit: who did what, as JSON lines, each with the hash of the one before (operations-safety 13.2).

The chain shows edits. It does not show that the owner of the file rewrote it or cut its end: for that its head is also
kept elsewhere (journal, servers), and lines can be forwarded. Several sqtui write to it at once, one line a lock.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from sidekiq_tui.operations.errors import CannotBeKept
from sidekiq_tui.operations.forward import Forward
from sidekiq_tui.operations.private_files import open_private, private_folder, sync_folder

VERSION: Final = 1
NOTHING: Final = "0" * 64
"""What the first line of all has for the hash of the one before."""
JIDS_NAMED: Final = 100

_LOCK_WAIT: Final = 10.0  # seconds for the lock; who holds it writes one line
_CLOCK_SLACK: Final = 2.0  # seconds that a clock may go back without being worth a word
_BLOCK: Final = 1 << 16
_OF_THIS_WORLD: Final = 1e15  # seconds; a line that somebody edited may say anything
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class AuditError(CannotBeKept):
    """The audit cannot be written or read."""

    title = "Audit"


class Head(NamedTuple):
    """The end of the chain: the number of a line and the hash of its bytes, hexadecimal."""

    n: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Last:
    """What a new line comes after. `torn`: it has no line feed, as a crash or a full disk leaves it."""

    n: int
    hash: str
    time: float = 0.0
    torn: bool = False


class Audit:
    """The audit files of one folder. Blocks: call it in a thread."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        size: int = 16 << 20,
        key: bytes | None = None,
        forward: Forward | None = None,
    ) -> None:
        """`size`: bytes after which a new file is begun. `key`: signs every line (HMAC-SHA-256)."""
        self.folder = folder
        self._clock = clock
        self._size = size
        self._key = key
        self._forward = forward

    def write(self, fields: Mapping[str, object]) -> Head:
        """Adds a line and returns when it is on disk. Raises `AuditError`: then the line is not there."""
        try:
            private_folder(self.folder)
            with self._locked():
                head, line = self._append(fields)
        except OSError as error:
            raise AuditError(
                f"The audit line could not be written: {error.strerror or error}", hint=f"see {self.folder}"
            ) from error
        if self._forward is not None:
            self._forward.send(line)
        return head

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = open_private(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            end = time.monotonic() + _LOCK_WAIT
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise OSError(errno.EBUSY, "another sqtui holds the lock") from None
                    time.sleep(0.002)
            yield
        finally:
            os.close(lock)

    def _append(self, fields: Mapping[str, object]) -> tuple[Head, bytes]:
        files = audit_files(self.folder)
        path = files[-1] if files else self._file(1)
        last = next((_last_line(file) for file in reversed(files) if file.stat().st_size), _Last(0, NOTHING))
        if files and path.stat().st_size > self._size:
            begun = {"step": "begin", "follows": path.name}
            path = self._file(last.n + 1)
            last = self._add(path, replace(last, torn=False), begun, repaired=last.torn)[0]
        last, line = self._add(path, last, fields, repaired=last.torn)
        return Head(last.n, last.hash), line

    def _add(self, path: Path, last: _Last, fields: Mapping[str, object], *, repaired: bool) -> tuple[_Last, bytes]:
        now = self._clock()
        whole: dict[str, object] = {
            "v": VERSION,
            "n": last.n + 1,
            "time": now,
            "mono": round(time.monotonic(), 3),
            "boot": _boot_id(),
            **fields,
        }
        if now < last.time - _CLOCK_SLACK:
            whole["clock"] = "back"
        if repaired:
            whole["repaired"] = True
        whole["prev"] = last.hash
        line = json.dumps(whole, separators=(",", ":")).encode("ascii")
        if self._key is not None:
            line = sign(line, self._key)
        _store(path, (b"\n" if last.torn else b"") + line + b"\n")
        return _Last(last.n + 1, line_hash(line), now), line

    def _file(self, first: int) -> Path:
        return self.folder / f"audit-{first:010d}.jsonl"


def audit_files(folder: Path) -> list[Path]:
    """The files of the audit, the oldest first; none when there is no such folder."""
    return sorted(folder.glob("audit-*.jsonl"))


def first_number(path: Path) -> int:
    """The number of a file's first line, which is in its name; 0 when it is not."""
    number = path.stem.removeprefix("audit-")
    return int(number) if number.isascii() and number.isdigit() else 0


def line_hash(line: bytes) -> str:
    """What the next line says of this one (bytes without line feed)."""
    return hashlib.sha256(line).hexdigest()


def sign(line: bytes, key: bytes) -> bytes:
    """The line with its signature as the last field."""
    return b'%s,"mac":"%s"}' % (line[:-1], hmac.new(key, line, hashlib.sha256).hexdigest().encode())


def signed(line: bytes, key: bytes) -> bool:
    """Whether the line's signature is that of the key."""
    body, mark, _ = line.rpartition(b',"mac":"')
    return bool(mark) and hmac.compare_digest(sign(body + b"}", key), line)


def parse_line(line: bytes) -> dict[str, object] | None:
    """The fields of a line; None when it is not one."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and type(found.get("n")) is int else None


def _store(path: Path, data: bytes) -> None:
    """Adds the bytes, all or none of them, and waits for the disk."""
    new = not path.exists()
    descriptor = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        before = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
    if new:
        sync_folder(path.parent)


def _last_line(path: Path) -> _Last:
    """The end of a file. A last line that is no line (torn) takes a number of its own."""
    tail = _tail(path)
    torn = not tail.endswith(b"\n")
    lines = tail.split(b"\n")
    if not torn:
        lines.pop()
    last = lines[-1]
    found = parse_line(last)
    if found is not None:
        return _Last(_int(found["n"]), line_hash(last), _float(found.get("time")), torn)
    for skipped, line in enumerate(reversed(lines[:-1]), 1):
        found = parse_line(line)
        if found is not None:
            return _Last(_int(found["n"]) + skipped, line_hash(last), _float(found.get("time")), torn)
    return _Last(first_number(path) + len(lines) - 1, line_hash(last), torn=torn)


def _tail(path: Path) -> bytes:
    """The end of a file, from before its last readable line on if there is one."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        wanted = _BLOCK
        while True:
            start = max(0, size - wanted)
            tail = os.pread(descriptor, size - start, start)
            if start == 0:
                return tail
            lines = tail.split(b"\n")[1:]
            if any(parse_line(line) for line in lines):
                return b"\n".join(lines)
            wanted *= 4
    finally:
        os.close(descriptor)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeError):
        return ""


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < _OF_THIS_WORLD else 0.0
