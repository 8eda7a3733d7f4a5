"""Copies to the clipboard of the terminal one sits at, also over SSH: OSC 52, which nothing ever answers.

So what was sent is said, and "copied" only where the terminal is one that takes it unless told not to.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.json_view import json_safe
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.screens.base import ViewScreen

LIMIT: Final = 1_000_000
"""Characters of base64: tmux drops longer sequences (its input buffer holds 1 MiB)."""
CAREFUL: Final = 74_994
"""Characters of base64 that every terminal with OSC 52 takes (hterm's limit)."""
_SCREEN_CHUNK: Final = 500
"""GNU screen cuts a string at 768 bytes (4.x)."""
_SHORT_JID: Final = 8

# Terminals that take OSC 52 as they are installed; by TERM, which SSH hands on, or by what they set beside it.
_TAKERS: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio")
_TAKER_SIGNS: Final = ("KITTY_WINDOW_ID", "WT_SESSION", "ALACRITTY_WINDOW_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")


def copy_jids(screen: ViewScreen, jobs: Sequence[JobRecord]) -> None:
    """Puts the JIDs of jobs on the clipboard, one a line, and says so in the message line."""
    jids = [job.jid for job in jobs if job.jid]
    if not jids:
        screen.say("there is no JID to copy", "warn")
        return
    what = f"JID {_short(jids[0])}" if len(jids) == 1 else f"{len(jids):,} JIDs"
    without = len(jobs) - len(jids)
    _copy(screen, "\n".join(map(json_safe, jids)), what, f"; {without:,} without a JID left out" if without else "")


def copy_json(screen: ViewScreen, jobs: Sequence[JobRecord]) -> None:
    """Puts the payloads of jobs on the clipboard, of several one a line, and says so in the message line."""
    if not jobs:
        screen.say("there is no job to copy", "warn")
        return
    text = "\n".join(safe_json(job, one_line=len(jobs) > 1) for job in jobs)
    one = jobs[0].jid
    what = f"JSON of {_short(one) if one else 'the job'}" if len(jobs) == 1 else f"JSON of {len(jobs):,} jobs"
    _copy(screen, text, what)


def safe_json(job: JobRecord, *, one_line: bool = False) -> str:
    r"""The payload as it lies in Redis, in a form that can be pasted anywhere.

    Every unit that a terminal may obey is written as JSON's `\u001b`, which in JSON means the same; a byte that is no
    UTF-8 as `\udcXX`. Line breaks between values stay, or become blanks for `one_line`.
    """
    text = job.text
    if one_line and not job.malformed:
        text = text.replace("\r", " ").replace("\n", " ")  # inside a JSON text they stand for themselves nowhere
    return json_safe(text, keep="" if one_line else "\n\r\t")


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """What to write to the terminal so that `text` gets to its clipboard, through tmux and GNU screen if need be."""
    encoded = base64.b64encode(text.encode()).decode()
    plain = f"\x1b]52;c;{encoded}\x07"
    if environ.get("TMUX"):
        # Plain for `set-clipboard on`; wrapped for `allow-passthrough on`, with every ESC doubled.
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        pieces = [plain[start : start + _SCREEN_CHUNK] for start in range(0, len(plain), _SCREEN_CHUNK)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def caveat(environ: Mapping[str, str], size: int) -> str:
    """Why it cannot be known that the terminal took `size` characters of base64; empty when nothing speaks against."""
    term = environ.get("TERM", "")
    if environ.get("TMUX"):
        return "tmux needs set-clipboard on"
    if environ.get("STY"):
        return "screen hands it on, the terminal must allow OSC 52"
    if term.startswith(("tmux", "screen")):
        return "the tmux or screen around it must allow it"
    if size > CAREFUL:
        return f"{units.size(size)} is more than some terminals take"
    if term.startswith(_TAKERS) or any(environ.get(sign) for sign in _TAKER_SIGNS):
        return ""
    return "it must allow OSC 52"


def _copy(screen: ViewScreen, text: str, what: str, more: str = "") -> None:
    encoded = 4 * ((len(text.encode()) + 2) // 3)
    if encoded > LIMIT:
        size = units.size(len(text.encode()))
        screen.say(
            f"{what} is too large for a terminal's clipboard: {size} of at most {units.size(LIMIT * 3 // 4)}", "warn"
        )
        return
    driver = screen.app._driver
    if driver is not None:
        driver.write(sequence(text, os.environ))
    doubt = caveat(os.environ, encoded)
    screen.say(f"{what} sent to the terminal; {doubt}{more}" if doubt else f"copied {what}{more}")


def _short(jid: str) -> str:
    """Enough of a JID to know it again."""
    shown = display_text(jid, 40)
    return shown if len(shown) <= _SHORT_JID + 1 else f"{shown[:_SHORT_JID]}…"
