"""A crash as text that may be shown: no local variables, no secrets, no control characters."""

from __future__ import annotations

import re
import traceback
from typing import Final

from sidekiq_tui.presentation.text import display_text

_USERINFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]*(?:@|%40)", re.IGNORECASE)
_PASSWORD: Final = re.compile(
    r"(?P<word>password|passwd|secret|token|auth)(?P<sign>['\"]?\s*[=:]\s*)\S+", re.IGNORECASE
)
_LINE_LIMIT: Final = 300


def redacted(text: str) -> str:
    """`text` without the credentials of URLs and without values that are called a password."""
    text = _USERINFO.sub(r"\g<scheme>***@", text)
    return _PASSWORD.sub(r"\g<word>\g<sign>***", text)


def crash_report(error: BaseException) -> str:
    """What to print after a crash: what happened and where, safe for a terminal and for a public issue."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    shown = [display_text(redacted(line), _LINE_LIMIT) for line in lines]
    head = "sqtui stopped because of a fault of its own. It lost no job; sqtui resume lists operations without an end."
    return "\n".join([head, "", *shown])
