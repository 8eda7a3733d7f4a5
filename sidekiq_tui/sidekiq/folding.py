"""Error messages without what differs from job to job, so that one cause is one group."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

CONSIDERED: Final = 1000
"""Characters of a message that are looked at."""
LONGEST: Final = 300
"""Characters of a folded message."""
NUMBER: Final = "N"
QUOTED: Final = "…"

_HEX: Final = "[0-9a-fA-F]"
# In this order: what is quoted, uuids, addresses, numbers with their separators, words with digits in them. An
# apostrophe within a word (can't) quotes nothing. Words and numbers begin in one place only, so that time is linear.
_VARIES: Final = re.compile(
    rf"""
      "(?P<double>[^"]+)"
    | (?<!\w)['`](?P<single>[^'`]+)'(?!\w)
    | “(?P<curly>[^“”]+)”
    | \b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b
    | \b0[xX]{_HEX}+
    | (?<![\w.,:])[-+]?(?P<number>[0-9]++(?:[.,:][0-9]++)*+)(?P<unit>[a-zA-Z%µ]{{0,3}})(?!\w)
    | (?<!\w)(?P<word>\w*[0-9]\w*)
    """,
    re.VERBOSE,
)
_MAY_VARY: Final = re.compile("""[0-9"'`“]""")
_NAME_AND_NUMBER: Final = re.compile(r"([^\W\d]+)[0-9]+")
_HEX_RUN: Final = re.compile(f"{_HEX}{{8,}}")


def fold(message: str) -> str:
    """`message` as its group shows it: one line, numbers and ids as `N`, quoted text as `…` within its quotes.

    Folding twice changes nothing. Never raises; the time is bounded, whatever the message: only its first
    `CONSIDERED` characters count, and at most `LONGEST` come out.
    """
    return _fold(message[:CONSIDERED])


@lru_cache(maxsize=4096)
def _fold(message: str) -> str:
    text = " ".join(message.split())
    before = ""
    while text != before and _MAY_VARY.search(text) is not None:
        # What a pass replaces may leave quotes that now make a pair: each pass leaves less to replace.
        before, text = text, _VARIES.sub(_placeholder, text)[:LONGEST].rstrip()
    return text[:LONGEST].rstrip()


def _placeholder(found: re.Match[str]) -> str:
    whole = found[0]
    if found.lastgroup in ("double", "single", "curly"):
        return f"{whole[0]}{QUOTED}{whole[-1]}"
    if found["number"] is not None:
        return NUMBER + found["unit"]
    word = found["word"]
    if word is None or _HEX_RUN.fullmatch(word):
        return NUMBER
    named = _NAME_AND_NUMBER.fullmatch(word)
    return f"{named[1]}{NUMBER}" if named else NUMBER
