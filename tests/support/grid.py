"""As much of a terminal as our output needs: where every character ends up, and in what look."""

from __future__ import annotations

import codecs
import re
from typing import Final

from rich.cells import cell_len

_PART: Final = re.compile(
    r"\x1b\[([?>=]?)([\d;]*)([@A-Za-z])"  # CSI
    r"|\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, APC
    r"|\x1b[^\[\]P_]"
    r"|([^\x1b])",
    re.DOTALL,
)
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[?>=]?[\d;]*|[\]P_][^\x07\x1b]*\x1b?)?$", re.DOTALL)
_PLAIN: Final = (frozenset[str](), "39", "49")

Look = tuple[frozenset[str], str, str]
"""Attributes, foreground, background."""


class Grid:
    """Cells by (line, column) from 0. Nothing wraps and nothing scrolls: our screens never do."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, Look | None]] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._y = self._x = 0
        self._look: Look = _PLAIN

    @property
    def text(self) -> str:
        """The lines without the blanks at their ends."""
        lines: dict[int, dict[int, str]] = {}
        for (y, x), (character, _) in self.cells.items():
            lines.setdefault(y, {})[x] = character
        return "\n".join(_line(lines.get(y, {})) for y in range(max(lines, default=-1) + 1))

    def feed(self, data: bytes) -> None:
        """Takes bytes as they come, cut anywhere."""
        text = self._rest + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished.group() if unfinished else ""
        self.write(text[: len(text) - len(self._rest)])

    def write(self, text: str) -> None:
        """Takes whole sequences."""
        for private, arguments, command, character in _PART.findall(text):
            if command:
                self._obey(private, arguments, command)
            elif character:
                self._put(character)

    def _obey(self, private: str, arguments: str, command: str) -> None:
        if private:
            if arguments == "1049":
                self.cells.clear()
        elif command == "H":
            places = [int(number or 1) - 1 for number in (arguments or "1;1").split(";")]
            self._y, self._x = places[0], places[1] if len(places) > 1 else 0
        elif command == "C":
            self._x += int(arguments or 1)
        elif command == "J" and arguments == "2":
            self.cells.clear()
        elif command == "m":
            self._wear(arguments)

    def _put(self, character: str) -> None:
        if character == "\n":
            self._y, self._x = self._y + 1, 0
            return
        if character == "\r":
            self._x = 0
            return
        width = cell_len(character)
        if not width:
            before, look = self.cells.get((self._y, self._x - 1), ("", None))
            self.cells[self._y, self._x - 1] = (before + character, look)
            return
        self.cells[self._y, self._x] = (character, self._look)
        if width == 2:
            self.cells[self._y, self._x + 1] = ("", None)
        self._x += width

    def _wear(self, arguments: str) -> None:
        attributes, foreground, background = self._look
        codes = arguments.split(";") if arguments else ["0"]
        while codes:
            code = codes.pop(0)
            if code == "0":
                attributes, foreground, background = _PLAIN
            elif code in ("38", "48"):
                length = 4 if codes[0] == "2" else 2
                color = ";".join(codes[:length])
                del codes[:length]
                foreground, background = (color, background) if code == "38" else (foreground, color)
            elif code[0] in "39" and len(code) == 2:
                foreground = code
            elif (code[0] == "4" and len(code) == 2) or len(code) == 3:
                background = code
            else:
                attributes |= {code}
        self._look = (attributes, foreground, background)


def _line(characters: dict[int, str]) -> str:
    return "".join(characters.get(x, " ") for x in range(max(characters, default=-1) + 1)).rstrip()
