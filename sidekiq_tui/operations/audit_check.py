"""Checks the audit: the chain of hashes, the numbers, the files, the signatures, and heads that were kept elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sidekiq_tui.operations.audit import NOTHING, AuditError, Head, audit_files, first_number, parse_line, signed
from sidekiq_tui.operations.audit_line import Verdict

_MOST_WORDS: Final = 100
"""So many findings are told; more of them tell nothing new."""


def verify(folder: Path, *, heads: Iterable[tuple[str, Head]] = (), key: bytes | None = None) -> Verdict:
    """What the chain shows. `heads`: where each is kept, and what it is. Blocks. Raises `AuditError` (not readable)."""
    check = _Check(key, heads)
    try:
        files = audit_files(folder)
        for path in files:
            check.file(path)
    except OSError as error:
        raise AuditError(f"The audit cannot be read: {error.strerror or error}", hint=f"see {folder}") from error
    return check.verdict(len(files))


class _Check:
    """Walks the lines of all files in order."""

    def __init__(self, key: bytes | None, heads: Iterable[tuple[str, Head]]) -> None:
        self._key = key
        self._heads: dict[int, list[tuple[str, str]]] = {}
        for source, head in heads:
            self._heads.setdefault(head.n, []).append((source, head.hash))
        self._n: int | None = None
        self._hash = NOTHING
        self._torn = False
        self._lines = 0
        self._broken: list[str] = []
        self._notes: list[str] = []
        self._open: dict[str, None] = {}

    def file(self, path: Path) -> None:
        """All lines of one file."""
        data = path.read_bytes()
        if not data:
            return
        lines = data.split(b"\n")
        if lines[-1]:
            self._notes.append(f"{path.name} does not end with a whole line; the next line will say so")
        else:
            lines.pop()
        for place, line in enumerate(lines):
            self._line(path.name, line, first=first_number(path) if place == 0 else None)

    def _line(self, name: str, line: bytes, *, first: int | None) -> None:
        self._lines += 1
        fields = parse_line(line)
        number = None if self._n is None else self._n + 1
        if fields is None:
            if self._torn:
                self._broken.append(f"{name}: two lines in a row cannot be read after line {self._n}")
            self._torn = True
            self._n = number if number is not None else first
            self._hash = hashlib.sha256(line).hexdigest()
            return
        n = fields["n"]
        assert isinstance(n, int)
        if first is not None and number != n and (number is None or n > number):
            self._gap(name, n, fields)
        elif number != n:
            self._broken.append(f"{name}: line {n} stands where line {number} should")
        elif fields.get("prev") != self._hash:
            self._broken.append(f"{name}: line {n} does not fit the line before it, which was edited or replaced")
        self._facts(n, fields, line)
        self._n, self._hash = n, hashlib.sha256(line).hexdigest()
        for source, known in self._heads.pop(n, ()):
            if known != self._hash:
                self._broken.append(f"{name}: line {n} is not the one that {source} has seen")

    def _gap(self, name: str, n: int, fields: dict[str, object]) -> None:
        """A file begins with another number than expected: what came before it is gone."""
        if self._n is None and n == 1:
            if fields.get("prev") != NOTHING:
                self._broken.append(f"{name}: the first line does not begin a chain")
            return
        first = 1 if self._n is None else self._n + 1
        follows = fields.get("follows")
        named = f", in {follows}" if isinstance(follows, str) and follows.isprintable() else ""
        self._notes.append(f"lines {first} to {n - 1} are missing{named}: their file was removed")
        for gone in [number for number in self._heads if number < n]:
            del self._heads[gone]

    def _facts(self, n: int, fields: dict[str, object], line: bytes) -> None:
        if fields.get("repaired"):
            self._notes.append(f"line {n} came after one that was not written to its end")
        elif self._torn:
            self._broken.append(f"the line before line {n} cannot be read, and line {n} does not say so")
        self._torn = False
        if fields.get("clock") == "back":
            self._notes.append(f"the clock had gone back at line {n}")
        if self._key is not None and not signed(line, self._key):
            self._broken.append(f"line {n} is not signed with this key")
        operation, step = fields.get("id"), fields.get("step")
        if isinstance(operation, str):
            if step == "intent":
                self._open[operation] = None
            elif step == "outcome":
                self._open.pop(operation, None)

    def verdict(self, files: int) -> Verdict:
        """What was found, with the heads that no line answered to."""
        for n, known in sorted(self._heads.items()):
            sources = " and ".join(dict.fromkeys(source for source, _ in known))
            self._broken.append(f"line {n}, which {sources} has seen, is missing at the end")
        return Verdict(
            self._lines,
            files,
            tuple(self._broken[:_MOST_WORDS]),
            tuple(self._notes[:_MOST_WORDS]),
            tuple(self._open),
        )
