"""Where in the text of a TOML file a table or a key stands: the standard parser does not tell."""

from __future__ import annotations

import re
import tomllib
from typing import Final

_AT: Final = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)
_KEY: Final = re.compile(r"""^\s*(?P<key>(?:[A-Za-z0-9_\-.\s]|"(?:[^"\\]|\\.)*"|'[^']*')+?)\s*=""")


def line_in_message(message: str) -> tuple[str, int | None]:
    """What a parser's message says, and its line number."""
    found = _AT.match(message)
    return (found["what"], int(found["line"])) if found else (message, None)


class Lines:
    """Finds table headers and keys, line by line. Inside multi-line strings it may be wrong: only a line is lost."""

    def __init__(self, text: str) -> None:
        self._found: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip()
            if stripped.startswith("["):
                table = _path(stripped.split("#")[0] if '"' not in stripped and "'" not in stripped else stripped)
                self._remember(table, number)
            elif found := _KEY.match(line):
                self._remember(table + _path(f"{found['key']} = 0"), number)

    def find(self, path: tuple[str, ...]) -> int | None:
        """The line of a key, or of the nearest table around it that has one."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return None

    def _remember(self, path: tuple[str, ...], number: int) -> None:
        for length in range(1, len(path) + 1):
            self._found.setdefault(path[:length], number)


def _path(line: str) -> tuple[str, ...]:
    """The names in one header or dotted key, by asking the parser about this line alone."""
    try:
        inner: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(inner, dict) and len(inner) == 1:
        name, inner = next(iter(inner.items()))
        names.append(name)
        if isinstance(inner, list):
            break
    return tuple(names)
