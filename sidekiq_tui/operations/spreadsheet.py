"""Texts as cells of a CSV that a spreadsheet opens: they can neither become a formula nor break a line."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

# A spreadsheet takes a text that begins so for a formula; the full-width forms count in East Asian versions.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Tags and variation selectors: printable by category, and seen by nobody.
_SUPPLEMENT: Final = re.compile("[\U000e0000-\U000e0fff]")


def text_cell(text: str) -> str:
    """A text without its quotes: marked where it would be a formula, with unprintable characters as in JSON."""
    return ("'" if text.startswith(_FORMULA) else "") + _escaped(text)


def quoted(cell: str) -> str:
    """A cell in quotes."""
    return '"' + cell.replace('"', '""') + '"'


def _escaped(text: str) -> str:
    """`text` with its control, format and other unprintable characters as in JSON (`\\n`, `\\u001b`), else as it is."""
    if text.isprintable() and not _SUPPLEMENT.search(text):
        return text
    return "".join(
        json.dumps(char)[1:-1] if unicodedata.category(char) in _ESCAPED or _SUPPLEMENT.match(char) else char
        for char in text
    )
